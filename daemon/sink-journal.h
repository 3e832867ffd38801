/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Sink: the journal. A finding is one entry with the MESSAGE_ID of its class and its facts as fields; outside systemd the same words go
 * to stderr.
 */
#include "report/report.h"

/* MESSAGE_ID of the entry with the verdict; those of findings are in their table. */
#define VERDICT_MESSAGE_ID "7d3fb25a46c8471e9f0b6d5ce2a81947"

/* True when our stderr is the journal's (JOURNAL_STREAM): then entries with fields can be sent beside it. */
bool journal_connected(void);
/* A finding, once per row. */
void journal_finding(const Finding *f, const Report *r);
/* The verdict, with its own MESSAGE_ID. */
void journal_verdict(const Report *r);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * DiskList: block devices and what the interlocks say of them, for people.
 */
#include <stdio.h>

#include "target/consent.h"

/* Some lines: name, size, serial, links and what is on it. */
void disk_list_identity(const Candidate *c, FILE *f);
/* Some more: each refusal, or what would make it be taken. */
void disk_list_consent(const Candidate *c, FILE *f);

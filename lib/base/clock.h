/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Clock: the two clocks of the house, both in nanoseconds. Decisions (the judge, the plan) never read them: time is handed in.
 */
#include <stdint.h>

uint64_t clock_mono_ns(void); /* CLOCK_MONOTONIC: the clock of observations, heartbeats and (trace_clock=mono) trace events */
uint64_t clock_real_ns(void); /* CLOCK_REALTIME: only for what people read */

/* Sleeps through signals until `ns` have passed. */
void clock_sleep_ns(uint64_t ns);

/* ISO 8601 UTC with milliseconds, "2026-01-31T12:00:00.123Z". */
#define CLOCK_ISO_MAX 32
char *clock_iso(uint64_t real_ns, char buf[static CLOCK_ISO_MAX]);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Busy: a process that does one thing to the filesystem over and over, beside what a fault does to it.
 */
#include <stdatomic.h>

#include "base/child.h"
#include "fault/fault.h"

/* Shared with the process. */
typedef struct BusyCount {
        atomic_ullong done; /* how often it has come back well */
        atomic_int result;  /* the kernel's negative errno with which it ended; 0: it goes on */
} BusyCount;

typedef struct Busy {
        Child child;
        BusyCount *count;
        const FaultScene *scene;
        int (*once)(const FaultScene *s);
} Busy;

#define BUSY_NULL ((Busy){ .child = CHILD_NULL })

/* Until it fails. 0 or a negative errno: there is no process. */
int busy_start(Busy *b, const FaultScene *s, int (*once)(const FaultScene *s));
uint64_t busy_done(const Busy *b);
/* Waits at most so long for it to end by itself. False: it goes on, or is in the kernel. Blocks. */
bool busy_ended(Busy *b, uint64_t wait_ns);
/* What it ended with, after busy_ended(). */
int busy_result(const Busy *b);
/* Kills it, whatever it does, and forgets it; nothing when there is none. Blocks for as long as it is in the kernel, at most 10 s. */
void busy_stop(Busy *b);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Keeper: a tiny process that outlives a killed supervisor for a moment, to remove the one thing the kernel does not undo by itself: the
 * tracefs instance. It sleeps on a pipe whose other end only the supervisor (and its workers, which die with it) hold.
 */
#include <sys/types.h>

typedef struct Keeper {
        pid_t pid; /* 0: none */
        int pipe;
} Keeper;

#define KEEPER_NULL ((Keeper){ .pipe = -1 })

/* Forks before the workers. Returns a negative errno; the run can go on without it (the next start sweeps). */
int keeper_start(Keeper *k, const char *trace_instance);
/* Ends it and waits for it; it removes the instance if it is still there. Blocks some milliseconds. */
void keeper_stop(Keeper *k);

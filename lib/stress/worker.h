/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Worker: a process that runs one stressor. This is what a stressor gets to work with: the target, the kernel seam, its random numbers,
 * its slot on the board, and a socket for observations. It says what it saw, never what it means.
 *
 * Around every call to the kernel under test stand worker_begin() and worker_end(): they count the result, keep the heartbeat, send an
 * observation for what is not plain success, and back off when failures follow each other (a stressor that does not stop on EROFS spins:
 * hundreds of thousands of failures per second).
 */
#include <stdbool.h>

#include "base/rng.h"
#include "observe/board.h"
#include "observe/observation.h"
#include "target/target.h"

typedef struct Stressor Stressor;

typedef struct Worker {
        const Stressor *stressor;
        unsigned instance; /* 0…n-1 of this stressor */
        unsigned index;    /* slot on the board */
        const Config *config;
        const Target *target;
        const BtrfsOps *ops;
        Board *board;
        Slot *slot;
        Rng rng;
        int root_fd;  /* root directory of the target; owned by the worker loop */
        int socket;   /* SEQPACKET, non-blocking; -1: observations are only counted */
        unsigned failures_in_a_row;
        Operation op;      /* in flight */
        uint64_t begin_ns;
        void *state;  /* the stressor's own, state_size bytes, zeroed */
} Worker;

/* Marks `op` in flight. Not nested. */
void worker_begin(Worker *w, Operation op);
/* Result of the operation begun: counted, heartbeat, observation when it is not 0 (flags OURS, NEAR_FULL, OVERLAP filled in from the
 * board). `detail` may be NULL; its devid, physical, logical, length, count and text are taken over. Returns `result` unchanged.
 * Sleeps after failures: 0, 1 ms, 2 ms, … 1 s, interrupted by a change of phase; a result that is EINPROGRESS/ECANCELED/positive counts
 * as failure too. Success resets. */
int worker_end(Worker *w, int result, const Observation *detail);
/* Sends an observation that is not a result (note, counters, miscompare). time_ns is filled in. Never blocks. */
void worker_observe(Worker *w, Observation *o);
void worker_note(Worker *w, const char *format, ...) _printf_(2, 3);
/* Sleeps, interrupted by a change of phase. */
void worker_rest(Worker *w, uint64_t ns);
/* True when the step should end soon: long steps look at it between operations. */
bool worker_should_yield(const Worker *w);

/* The life of a worker process: prepare, step while PHASE_RUN, wait while PHASE_PAUSE, at PHASE_STOP verify and cleanup. Returns the exit
 * status of the process: 0, or EXIT_ERROR when prepare or step failed for a reason of ours (sent as OBS_NOTE first). */
int worker_run(Worker *w);

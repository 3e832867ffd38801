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
        int root_fd;  /* root directory of the target, or a negative errno: why not; worker_run() closes it */
        int socket;   /* SEQPACKET, non-blocking; -1: observations are only counted */
        unsigned failures_in_a_row; /* since the last step without one */
        bool step_failed;           /* an operation of this step has failed */
        uint32_t failed_ops;        /* bit per Operation: its last result was not 0 */
        Operation op;      /* in flight */
        bool excluded;     /* what excludes it was in flight when it began */
        uint64_t begin_ns;
        void *state;  /* the stressor's own, state_size bytes, zeroed; worker_run() allocates and frees it */
} Worker;

/* Marks `op` in flight. Not nested. */
void worker_begin(Worker *w, Operation op);
/* Result of the operation begun: counted, heartbeat, observation when it is not 0 (flags OURS, NEAR_FULL, OVERLAP filled in from the
 * board). `detail` may be NULL; its devid, physical, logical, length, count and text are taken over. Returns `result` unchanged.
 * Sleeps after failures: 0, 1 ms, 2 ms, … 1 s, interrupted by a change of phase; a result that is EINPROGRESS/ECANCELED/positive counts
 * as failure too. The first success of an operation after a failure of it is sent too, so that the judge sees the failure end.
 * A whole step without a failure resets: after an abort sync still succeeds, and must not hide the open that never does. */
int worker_end(Worker *w, int result, const Observation *detail);
/* Sends an observation that is not a result (note, counters, miscompare). time_ns and worker are filled in. Never blocks: what the socket
 * does not take is counted as lost on the slot. */
void worker_observe(Worker *w, Observation *o);
void worker_note(Worker *w, const char *format, ...) _printf_(2, 3);
/* Sleeps, interrupted by a change of phase. */
void worker_rest(Worker *w, uint64_t ns);
/* True when the step should end soon, because of the phase or because the worker is benched: long steps look at it between operations. */
bool worker_should_yield(const Worker *w);
/* The knob as it is set now: it may be another at the next step. */
uint64_t worker_knob(const Worker *w, Knob k);

/* One step; for worker_run() and tests. Returns what the stressor's step returns. */
int worker_step(Worker *w);
/* The life of a worker process: prepare, step while PHASE_RUN, wait while PHASE_PAUSE, at PHASE_STOP verify and cleanup. While it is
 * benched (Slot.benched) it begins no step, and sees pause and stop all the same. Ignores the
 * signals of a terminal (they reach the whole process group; the supervisor decides, and when it dies the worker dies with it). Returns
 * the exit status of the process: 0, or EXIT_ERROR when there is no root_fd or the stressor failed for a reason of ours (sent as OBS_NOTE
 * first). */
int worker_run(Worker *w);

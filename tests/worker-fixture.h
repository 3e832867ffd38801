/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * WorkerFixture: a worker of one stressor in this process, on a directory and the scripted kernel, with the supervisor's end of its socket.
 * Included after <cmocka.h>.
 */
#include "fake-btrfs.h"
#include "stress/stressor.h"

typedef struct WorkerFixture {
        Config config;
        Target target;
        Worker worker;
        char directory[64];
        int peer; /* non-blocking: the supervisor's end */
} WorkerFixture;

/* One at a time; a directory left behind by a test that failed is removed at the next begin, or at exit. `s` may be NULL. The target has so
 * many devices, devid 11, 12, …, of 1 GiB. The configuration is zero but for the deadline (120 s). */
void fixture_begin(WorkerFixture *f, const Stressor *s, unsigned n_devices);
/* Allocates the state and calls prepare; returns its result. */
int fixture_prepare(WorkerFixture *f);
/* Calls cleanup, if there is a state, and removes the directory: fails when something was left in it. */
void fixture_end(WorkerFixture *f);

void fixture_steps(WorkerFixture *f, unsigned n);
/* Fails when there is an observation other than a success after a failure, and says which. */
void fixture_told_nothing(WorkerFixture *f);
/* The next observation; false when there is none. */
bool fixture_receive(WorkerFixture *f, Observation *ret);
uint64_t fixture_tally(const WorkerFixture *f, Operation op, unsigned index);

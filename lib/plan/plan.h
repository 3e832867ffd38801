/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Plan: what will be done, made from the configuration alone: pure, touches nothing. `--plan` prints it, the run follows it.
 */
#include "config/config.h"
#include "observe/board.h"
#include "stress/stressor.h"

typedef struct PlanWorker {
        const Stressor *stressor;
        unsigned instance;
        char name[BOARD_NAME_MAX]; /* "scrub/2" */
} PlanWorker;

typedef struct Plan {
        uint64_t seed; /* never 0 */
        unsigned n_devices, n_workers;
        PlanWorker workers[BOARD_SLOTS];
} Plan;

/* fallback_seed is used when the configuration gives none. -EINVAL: more workers than slots, or none (EXIT_USAGE). */
int plan_make(Plan *p, const Config *c, uint64_t fallback_seed, Error *e);
/* Device by device, worker by worker, for people. */
void plan_print(const Plan *p, const Config *c, FILE *f);

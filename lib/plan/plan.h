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
        unsigned instance;         /* 0…n-1 of this stressor */
        char name[BOARD_NAME_MAX]; /* stressor and instance + 1: "scrub/2" works on the second device */
} PlanWorker;

typedef struct Plan {
        uint64_t seed; /* never 0 */
        unsigned n_devices, n_workers;
        PlanWorker workers[BOARD_SLOTS];
} Plan;

/* fallback_seed (not 0) is used when the configuration gives none. -EINVAL: more workers than slots, or none, or PairTime= without pairs
 * (EXIT_USAGE). */
int plan_make(Plan *p, const Config *c, uint64_t fallback_seed, Error *e);
/* Workers of one stressor. */
unsigned plan_count(const Plan *p, const Stressor *s);
/* Device by device, worker by worker, for people. */
void plan_print(const Plan *p, const Config *c, FILE *f);

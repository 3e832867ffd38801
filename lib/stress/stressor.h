/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Stressor: a worker that loops one operation; the plug-in contract. To add one: write lib/stress/st-NAME.c with a const Stressor at
 * its bottom and tests/test-st-NAME.c; add one line each to stressor.h (extern), registry.c, lib/lib.am and tests/tests.am.
 */
#include "stress/worker.h"

struct Stressor {
        const char *name; /* "churn": the slot, the config section in lower case, the report */
        const char *help; /* one line for the report's header and the man page */
        size_t state_size;
        /* How many worker processes this configuration asks for; 0: off. Pure. */
        unsigned (*instances)(const Config *c, unsigned n_devices);
        /* Longest time an operation may stay in the kernel, in ns, before it is reported as stuck. Pure. */
        uint64_t (*deadline_ns)(const Config *c);
        /* Each returns 0 or a negative errno *of ours* (out of memory, a bug): the worker then ends. What the kernel under test answers is
         * reported with worker_end() and is never a reason to return an error. prepare, verify and cleanup may be NULL. */
        int (*prepare)(Worker *w);
        int (*step)(Worker *w);   /* one cycle; short, so that pause and stop are seen */
        int (*verify)(Worker *w); /* once, at the end */
        void (*cleanup)(Worker *w);
};

extern const Stressor stressor_balance;
extern const Stressor stressor_cancel;
extern const Stressor stressor_churn;
extern const Stressor stressor_remount;
extern const Stressor stressor_replace;
extern const Stressor stressor_scrub;
extern const Stressor stressor_snapshot;
extern const Stressor stressor_sync;
extern const Stressor stressor_trim;
extern const Stressor stressor_verify;

/* Sorted by name. */
extern const Stressor *const stressors[];
extern const size_t n_stressors;

const Stressor *stressor_find(const char *name);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Run: one stress run from the making of the target to the verdict: a machine that is stepped. The caller owns time, signals and what
 * people see; the run owns target, workers, sources and the judge. run_step() never blocks on the kernel under test.
 *
 *   making → preflight → stress ⇄ pausing → confirming | cooling | striking
 *                          │  ├→ evicting → retiring → making        (target lost, or a new configuration)
 *                          ├→ cutting → evicting → retiring → preflight  (the power of the target goes, and comes back)
 *                          │  └→ holding ─┐                          (OnFinding=hold, from the pauses too)
 *                          └→ stopping ←──┘ → final → unmounting → examining → done
 *
 * Life: run_new() → run_step() ten times a second until run_done() → run_report() → run_free().
 */
#include "report/evidence.h"
#include "report/report.h"
#include "run/crew.h"
#include "run/job.h"
#include "run/keeper.h"

#define RUN_STEP_NS (100 * NSEC_PER_MSEC)
#define RUN_NOTES_MAX 32

typedef enum RunState {
        RUN_MAKING,
        RUN_PREFLIGHT,  /* a control scrub before any stress */
        RUN_STRESS,
        RUN_PAUSING,    /* workers finish their step */
        RUN_CONFIRMING, /* the control scrub that decides a suspect */
        RUN_COOLING,    /* the workers pause until the disks are cooler */
        RUN_STRIKING,   /* the workers pause while a fault strikes, and for what must come of it */
        RUN_CUTTING,    /* the power of the target goes, under the stress */
        RUN_HOLDING,    /* everything stands still at a finding, for a debugger */
        RUN_EVICTING,   /* workers end because the target must be made again, or has lost its power */
        RUN_RETIRING,   /* unmount and check the old target; after a power cut mount it again */
        RUN_STOPPING,   /* workers end because the run ends */
        RUN_FINAL,      /* a last control scrub of the quiesced target */
        RUN_UNMOUNTING,
        RUN_EXAMINING,  /* the health of the disks after it all; a target on loop files passes it by */
        RUN_DONE,
        _RUN_STATE_MAX,
} RunState;

const char *run_state_name(RunState s);

/* What the run tells its owner; each may be NULL. The strings are only valid during the call. */
typedef struct RunListener {
        void *userdata;
        void (*note)(void *userdata, const char *sentence);                           /* said once */
        void (*finding)(void *userdata, const Finding *f, const Report *r); /* first of its row; evidence is saved */
        void (*state)(void *userdata, RunState s, const Report *r);
} RunListener;

typedef struct Run Run;

/* Locks the instance, enters the private mount namespace, checks the environment, opens the sources and starts to make the target.
 * `config` is copied. On failure nothing is left. */
int run_new(Run **ret, const Config *config, const char *version, const RunListener *listener, Error *e);
void run_free(Run *r);
void run_freep(Run **r);

void run_step(Run *r, uint64_t now_ns);
/* Ends the run in an orderly way, at most 10 s: scrub, balance and replace cancelled, unmounted, verdict. A run without a duration is complete
 * when it is stopped; one with a duration was cut short. */
void run_stop(Run *r);
/* Takes over a configuration that has passed config_check(): the target is made again with it, counters go on. EXIT_USAGE: it cannot be, or the run
 * is held. */
int run_reconfigure(Run *r, const Config *config, Error *e);

RunState run_state(const Run *r);
static inline bool run_done(const Run *r) { return run_state(r) == RUN_DONE; }
/* Totals as of the last step; the verdict once done. */
const Report *run_report(const Run *r);

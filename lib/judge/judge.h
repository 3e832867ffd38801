/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Judge: what observations mean. Pure: no clock, no file, no kernel call; time is in the observations and in judge_tick(). The same
 * observations give the same findings, so a field report is a test (tests/replay).
 *
 *   - Every operation's errno goes through errno-policy.c, every kernel-log line through kmsg-rules.c, and every finding against the kernel
 *     through the known issues (known-issue.h).
 *   - One root cause per incident: a failed operation waits SETTLE before it is judged, because the kernel-log line of its cause may be
 *     read later; while the target is lost (abort, forced read-only) later failures are consequences of it.
 *   - A suspect seen before the target was lost cannot be confirmed any more: it stays a finding.
 *   - A suspect (scrub -EINVAL) is decided by a control scrub on the quiesced target: JUDGE_CONFIRM asks for one, OBS_CONTROL answers.
 *     After confirm_max confirmed ones of a class later ones are only counted.
 */
#include "judge/known-issue.h"

#define JUDGE_SETTLE_NS (300 * NSEC_PER_MSEC)
#define JUDGE_AROUND_NS (2 * NSEC_PER_SEC)     /* "around": device errors explain scrub counters, a splat explains a death */
#define JUDGE_NEAR_FULL_NS (10 * NSEC_PER_SEC) /* how long OBS_NEAR_FULL is remembered */
#define JUDGE_LINGER_NS (30 * NSEC_PER_SEC)    /* a state that should pass (EINPROGRESS) may last this long */

#define JUDGE_ROWS 64
#define JUDGE_DEVICES 32

typedef struct JudgePolicy {
        unsigned confirm_max;
        const KnownIssues *known; /* of the caller, for as long as the judge and its findings; NULL: none */
        char devices[JUDGE_DEVICES][64]; /* names of the target's devices, and of those that replaced them, as the kernel log has them ("loop3"); empty string ends */
} JudgePolicy;

/* What the judge asks of the run. */
typedef enum JudgeAsk {
        JUDGE_CONFIRM = 1 << 0, /* pause, sync, control scrub, then feed OBS_CONTROL */
        JUDGE_REMAKE = 1 << 1,  /* the target is lost: save evidence, unmount, make it again, then judge_remade() */
} JudgeAsk;

typedef struct Judge Judge;

int judge_new(Judge **ret, const JudgePolicy *policy);
void judge_free(Judge *j);
void judge_freep(Judge **j);

/* Names of the target's devices, for attributing kernel-log lines; after each make. */
void judge_set_devices(Judge *j, const char (*devices)[64], unsigned n);

void judge_feed(Judge *j, const Observation *o);
/* Decides what has settled. Call some times a second, with the time. Returns what is asked for now (a mask; asked once). */
unsigned judge_tick(Judge *j, uint64_t now_ns);
/* The target has been made again: later failures are news. */
void judge_remade(Judge *j, uint64_t now_ns);
/* An oops that has to do with btrfs has killed a task, since the target was made: what the dead one held is held for ever. */
bool judge_oopsed(const Judge *j);
/* Decides what has not settled yet, for nothing happens any more that could explain it. Suspects go on waiting. */
void judge_decide(Judge *j);
/* Nothing more will come: decide what is pending (suspects without an answer stay findings, said to be unconfirmed). */
void judge_close(Judge *j, uint64_t now_ns);

size_t judge_n_findings(const Judge *j);
Finding *judge_finding(Judge *j, size_t i); /* the run fills in `evidence` */
uint64_t judge_incidents(const Judge *j);   /* targets lost */
uint64_t judge_overflow(const Judge *j);    /* findings for which there was no row any more (JUDGE_ROWS) */

/* A finding of an earlier start of the same run, in the row after the last; `why` is copied. Before anything is fed. Without a row left it is
 * dropped: it cannot have had one. */
void judge_restore(Judge *j, const Finding *f, const char *why);

typedef struct RunFacts {
        uint64_t collisions;
        bool trace;       /* collisions could be counted; otherwise removals stand in */
        uint64_t removals;
        uint64_t min_collisions; /* fewer is INCONCLUSIVE */
        bool completed;   /* the asked-for duration, or stopped by the user of a run without one */
        bool failed;      /* ours or the environment's failure ended it */
} RunFacts;

/* PASS, FAIL, INCONCLUSIVE or ERROR, and the sentence why. */
ExitCode judge_verdict(const Judge *j, const RunFacts *facts, char *why, size_t size);

/* Rule of three: with n clean collisions the true rate is below 3/n at 95 %. 1.0 for n < 3. */
double judge_bound_95(uint64_t n);

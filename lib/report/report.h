/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Report: what a run has to say, gathered by the run, printed by the sinks. Plain data, nothing owned.
 */
#include <sys/types.h>

#include "fault/fault.h"
#include "judge/judge.h"
#include "observe/board.h"
#include "observe/collision.h"
#include "observe/smart.h"
#include "plan/pairs.h"
#include "plan/tuner.h"
#include "target/target.h"

#define RUN_ID_MAX 37

/* The numbers of a run at one moment; they only grow, over re-made targets too. */
typedef struct Totals {
        uint64_t time_ns;     /* CLOCK_MONOTONIC of the sample */
        uint64_t stress_ns;   /* time under stress: what duration_asked_ns is measured against */
        uint64_t hits, collisions, removals, scrubs, balances, syncs, bytes_written, steps;
        uint64_t findings;    /* that fail the run */
        uint64_t known, remakes, lost_observations, lost_trace_events;
} Totals;

/* The totals that have a rate: one table for closing block, progress line and JSON (totals.c). */
typedef enum Total {
        TOTAL_HITS,
        TOTAL_COLLISIONS,
        TOTAL_REMOVALS,
        TOTAL_SCRUBS,
        TOTAL_BALANCES,
        TOTAL_SYNCS,
        TOTAL_BYTES_WRITTEN,
        _TOTAL_MAX,
} Total;

typedef struct TotalInfo {
        const char *name;  /* JSON: "bytes_written" */
        const char *label; /* for people: "written" */
        size_t offset;     /* in Totals */
        bool bytes;
} TotalInfo;

extern const TotalInfo totals_info[_TOTAL_MAX];

uint64_t totals_get(const Totals *t, Total which);
/* Per second, from `from` to `to` which lie `ns` apart; 0 for ns == 0. */
double totals_rate(const Totals *from, const Totals *to, uint64_t ns, Total which);

/* Adds what an earlier part of the run has counted; not time_ns, and neither stress_ns nor remakes, which go on from it. */
void totals_add(Totals *t, const Totals *earlier);

/* What has become of the strikes of one fault. Each is met, void or a finding. */
typedef struct FaultTally {
        uint64_t struck, blocks; /* bits flipped, one in each; of a power cut: files that fsync(2) had promised */
        uint64_t met;            /* what had to come came */
        uint64_t void_;          /* nothing can be said: what was struck had moved meanwhile, could not be struck this time, or an operation failed */
        bool not_here;           /* it does not apply to this target */
        bool applied;            /* it did, since the configuration was read */
} FaultTally;

typedef struct Soak Soak; /* soak.h */

/* A run that was held at a finding, for a debugger. */
typedef struct Held {
        const Finding *at; /* the judge's; NULL: it was not */
        uint64_t ns;       /* how long; not time under stress */
        pid_t pid;         /* of the supervisor, in whose mount namespace the target is */
        unsigned workers;  /* that were stopped */
} Held;

/* config, plan, target, board and judge may each be NULL (the run ended before there was one): what they would say is left out. */
typedef struct Report {
        const char *version;
        char kernel[128];      /* release and machine */
        char taint[64];        /* letters, "" (not tainted) or "unknown"; see kernel-info.h */
        char run_id[RUN_ID_MAX];
        uint64_t started_real_ns, started_mono_ns; /* the same moment on both clocks */
        uint64_t stress_mono_ns; /* when the stress began, CLOCK_MONOTONIC; 0: it has not */
        uint64_t duration_asked_ns; /* 0: until stopped */
        const Config *config;
        const Plan *plan;
        const Target *target;
        const Board *board;
        Judge *judge;
        const Aim *aim;        /* NULL: collisions are not counted */
        const Tuner *tuner;    /* NULL: nothing is tuned */
        bool hits;             /* hits counted, see hit-probe.h */
        uint64_t coolings, cooling_ns; /* pauses because a disk was too hot, and how long they lasted in all */
        Held held;
        const DiskHealth *health; /* of each disk of the target; NULL: it has none */
        FaultTally faults[FAULTS_MAX]; /* as in faults[] */
        bool checked;          /* btrfs check has looked at the unmounted target, and found no error */
        uint64_t bytes_verified; /* of data that stays, all of which read right when the stress had ended; 0: none did, or it was not read */
        const Pairs *pairs;    /* NULL: all stressors run all the time */
        bool trace;            /* collisions counted from trace events */
        const Soak *soak;      /* NULL: the run is none; else totals and findings are of all its starts, all other numbers of this one */
        Totals totals;
        ExitCode verdict;
        char why[512];         /* the verdict's sentence */
        char error[4096];      /* what ended the run, if something did */
        const char *const *notes; /* said-once lines */
        size_t n_notes;
} Report;

/* False for what this run had no means to count. */
bool report_counts(const Report *r, Total which);
/* CLOCK_MONOTONIC as CLOCK_REALTIME, by the moment the run started. */
uint64_t report_real_ns(const Report *r, uint64_t mono_ns);
/* Of a run that is held: "at the finding … for a debugger: …", and how to let go. */
#define REPORT_HELD_MAX 256
char *report_describe_held(const Held *h, char buf[static REPORT_HELD_MAX]);
/* What n clean collisions buy (judge_bound_95). False when there is nothing to say: findings, no collision counted, or the run failed. */
bool report_bound_95(const Report *r, double *ret);

/* A result of an operation as its name: "ok", "EINVAL", "+8" (an ioctl that returned 8). Static storage or `buf`. */
const char *result_name(int result, char buf[static 16]);
/* Index of Slot.tally as a name: as above, or "other". Static storage or `buf`. */
const char *tally_name(unsigned index, char buf[static 16]);
/* What the results counted at `index` mean. The tally has no flags, so the judge's findings decide: held against someone, else let pass by
 * a row of the policy, else folded into another finding (CONSEQUENCE). */
typedef struct TallyMeaning {
        Grade grade;
        const char *why; /* never NULL */
        uint64_t held;   /* so many of them are in findings */
} TallyMeaning;

TallyMeaning tally_meaning(const Report *r, Operation op, unsigned index);

/* Text for people, at most 80 columns wide where words allow it; `color`: SGR sequences allowed. */
void report_header(const Report *r, FILE *f);
void report_closing(const Report *r, FILE *f, bool color);
/* One JSON object on one line and a newline; schema in doc/report-schema.md. -ENOMEM, or the errno of a failed write. */
int report_json(const Report *r, FILE *f);

/* The same of one finding, for its evidence: which run, with which seed, and after how much stress it was found; what a replay needs. */
int report_finding_json(const Report *r, const Finding *finding, FILE *f);

/* Live progress: redraws in place on a terminal, otherwise a plain line every 10 s.
 * Life: progress_init() → the caller sets width, color and utf8 (width again after SIGWINCH)
 * → progress_update() … → progress_clear(). */
typedef struct Progress {
        FILE *file;
        unsigned width;         /* columns; 0: not a terminal */
        bool color;             /* SGR sequences allowed */
        bool utf8;              /* the locale's character set is UTF-8: block characters for the bar */
        Totals last;            /* for the rates */
        double rates[_TOTAL_MAX]; /* per second, smoothed */
        bool warm;              /* `rates` holds something */
        uint64_t next_plain_ns;
        bool drawn;             /* something is on the terminal that must be erased before other text */
} Progress;

void progress_init(Progress *p, FILE *f);
/* Call about 5 times a second; rates are over the last second or so (smoothed); on a plain line over the time since the line before. */
void progress_update(Progress *p, const Report *r);
/* Erases the line so that other text can be printed. */
void progress_clear(Progress *p);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Replay: a finding is tried to be met again, some times in a row, each with the seed, plan and configuration of the original: k of n.
 *
 * A try is a run in a process of its own, a child, which writes what it has seen into memory that it shares with the replay: what it has seen stays
 * when it dies. How a try is run is the caller's business.
 */
#include "report/original.h"

#define REPLAY_TIMES 10
#define REPLAY_TIMES_MAX 1000

/* Plain data, zeroed before the try; written by its process. */
typedef struct Try {
        bool same;               /* the finding came again */
        bool ended;              /* it has a verdict */
        bool stopped;            /* the replay was asked to end meanwhile */
        ExitCode verdict;
        FindingClass other;      /* the first other one against kernel or hardware, if `others` */
        bool others;
        uint64_t found_ns;       /* time under stress when it came again */
        uint64_t stress_ns;
        char run_id[RUN_ID_MAX];
        char evidence[PATH_MAX]; /* of the same, or else of the other one; "": none */
        char why[512];           /* of the verdict */
} Try;

typedef enum TryEnd {
        TRY_SAME,   /* the finding came again */
        TRY_OTHER,  /* another one ended it */
        TRY_NONE,   /* PASS */
        TRY_WEAK,   /* no finding, but too little pressure */
        TRY_CUT,    /* stopped before it could say anything: does not count */
        TRY_FAILED, /* neither about the finding nor about the kernel: does not count, and ends the replay */
        _TRY_END_MAX,
} TryEnd;

/* In the process of the try, as its run goes on. Each finding when it is told first; */
void try_finding(Try *t, const Original *o, const Finding *f, const Report *r);
/* the end; */
void try_ended(Try *t, const Report *r);
/* or it could not be run. */
void try_failed(Try *t, const Error *e);
TryEnd try_end(const Try *t);

typedef struct Replay {
        const Original *original;
        const char *version;  /* of this program */
        char kernel[128];     /* this one */
        unsigned times;       /* asked for */
        Try *tries;           /* owned; shared with children */
        unsigned n;           /* so many of them count, the first ones */
        const Try *failed;    /* of `tries`; NULL: none */
} Replay;

/* EXIT_ERROR: there is no memory. Life: replay_init() → replay_run() → … → replay_done(). */
int replay_init(Replay *p, const Original *o, const char *version, unsigned times, Error *e);
void replay_done(Replay *p);

/* The try itself, to its end; true: the replay was asked to end. And what is told of each try that counts, or has failed. */
typedef struct ReplayCaller {
        void *userdata;
        bool (*try)(void *userdata, Try *t);
        void (*tell)(void *userdata, const Replay *p, const Try *t);
} ReplayCaller;

/* One try after the other, until all are over, one has failed, or the end is asked for. */
void replay_run(Replay *p, const ReplayCaller *caller);

/* The configuration of the original with its seed; OnFinding=stop, no soak, and a duration of replay_try_ns(). Not its consent: that was to what its
 * disks held then, who knows what they hold now. What is set over it comes next, then replay_config_check(), which is config_check() and what a
 * replay cannot do. EXIT_USAGE, EXIT_REFUSED. `warn` may be NULL. */
int replay_config(const Original *o, Config *c, const ConfigWarn *warn, Error *e);
int replay_config_check(Config *c, Error *e);
/* How long each try is stressed at most: three times as long as it took the original, at least 10 s, but not longer than the original was to be. */
uint64_t replay_try_ns(const Original *o);

/* How many of those that count met it again. */
unsigned replay_k(const Replay *p);
/* Time under stress to the finding in those k; false when there are none. */
typedef struct ReplayTimes {
        uint64_t min_ns, median_ns, max_ns;
} ReplayTimes;

bool replay_times(const Replay *p, ReplayTimes *ret);
/* FAIL: it came again, or another finding; else what the failed try says; INCONCLUSIVE: not all were run, or one with too little pressure; PASS. */
ExitCode replay_verdict(const Replay *p);

/* The verdict's sentence. */
#define REPLAY_WHY_MAX (PATH_MAX + 1024)
char *replay_describe(const Replay *p, char why[static REPLAY_WHY_MAX]);

/* All of these for people, wrapped: what is tried, a try, and the verdict. */
void replay_print_header(const Replay *p, const Config *c, FILE *f);
void replay_print_try(const Replay *p, const Try *t, FILE *f);
void replay_print_closing(const Replay *p, FILE *f);
/* One object on a line; schema in doc/report-schema.md. -ENOMEM, or the errno of a failed write. */
int replay_json(const Replay *p, FILE *f);

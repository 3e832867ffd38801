/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Report: what a run has to say, gathered by the run, printed by the sinks. Plain data, nothing owned.
 */
#include "judge/judge.h"
#include "observe/board.h"
#include "plan/plan.h"
#include "target/target.h"

#define RUN_ID_MAX 37

/* The numbers of a run at one moment; they only grow, over re-made targets too. */
typedef struct Totals {
        uint64_t time_ns;     /* CLOCK_MONOTONIC of the sample */
        uint64_t stress_ns;   /* time under stress */
        uint64_t collisions, removals, scrubs, balances, syncs, bytes_written, steps;
        uint64_t findings;    /* that fail the run */
        uint64_t known, remakes, lost_observations, lost_trace_events;
} Totals;

typedef struct Report {
        const char *version;
        char kernel[128];      /* release and machine */
        char taint[64];        /* letters or "" */
        char run_id[RUN_ID_MAX];
        uint64_t started_real_ns, duration_asked_ns;
        const Config *config;
        const Plan *plan;
        const Target *target;
        const Board *board;
        Judge *judge;
        bool trace;            /* collisions counted from trace events */
        Totals totals;
        ExitCode verdict;
        char why[512];         /* the verdict's sentence */
        char error[1024];      /* what ended the run, if something did */
        const char *const *notes; /* said-once lines */
        size_t n_notes;
} Report;

/* Text for people; `width` of the terminal, 0: not a terminal; `color`: SGR sequences allowed. */
void report_header(const Report *r, FILE *f);
void report_closing(const Report *r, FILE *f, bool color);
/* One JSON object and a newline; schema in doc/report-schema.md. */
int report_json(const Report *r, FILE *f);

/* Live progress: redraws in place on a terminal, otherwise a plain line every 10 s. */
typedef struct Progress {
        FILE *file;
        unsigned width;         /* columns; 0: not a terminal */
        bool color;
        Totals last;            /* for the rates */
        uint64_t next_plain_ns;
        bool drawn;             /* something is on the terminal that must be erased before other text */
} Progress;

void progress_init(Progress *p, FILE *f);
/* Call about 5 times a second; rates are over the last second or so (smoothed). */
void progress_update(Progress *p, const Report *r);
/* Erases the line so that other text can be printed. */
void progress_clear(Progress *p);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Soak: one qualification run, however many starts it lives through. This is what the ledger knows of one, and how a start is judged by the one
 * before it. Pure: no clock, no file.
 */
#include "report/report.h"

#define SOAK_BOOT_ID_MAX 64
#define SOAK_KERNEL_MAX 128

typedef enum SoakState {
        SOAK_RUNNING,   /* under way, or waiting for its next start */
        SOAK_DONE,      /* the time asked for is over, or OnFinding=stop or hold has ended it */
        SOAK_ABANDONED, /* one with another configuration took its place */
        _SOAK_STATE_MAX,
} SoakState;

const char *soak_state_name(SoakState s);

/* How the start before this one has ended. */
typedef enum Recovered {
        RECOVERED_FIRST,  /* there is none before it */
        RECOVERED_CLEAN,  /* in an orderly way */
        RECOVERED_CRASH,  /* not, and the machine is still up: the program was killed */
        RECOVERED_REBOOT, /* not, and the machine has booted since: a reboot, a panic, a loss of power */
        _RECOVERED_MAX,
} Recovered;

const char *recovered_name(Recovered r);
/* "a crash"; NULL for the first: after what it came. */
const char *recovered_after(Recovered r);

typedef struct SoakStart {
        unsigned number;    /* from 1 */
        Recovered recovered;
        bool ended;         /* in an orderly way; false too while it is under way */
        uint64_t began_ns;  /* CLOCK_REALTIME */
        uint64_t stress_ns; /* time under stress before it */
        char boot_id[SOAK_BOOT_ID_MAX];
        char kernel[SOAK_KERNEL_MAX];
} SoakStart;

/* Life: zeroed or filled in by the ledger → soak_done(). */
struct Soak {
        char run_id[RUN_ID_MAX];
        char abandoned[RUN_ID_MAX]; /* the soak that this one has taken the place of; "": none */
        SoakState state;
        uint64_t seed, asked_ns;
        uint64_t started_ns;        /* CLOCK_REALTIME, of its first start */
        Totals totals;              /* of all starts, as of the last sample */
        uint64_t findings;          /* rows that fail it */
        char verdict[16], why[512]; /* of the last start that had one; "": none */
        SoakStart *starts;          /* owned */
        size_t n_starts;
        Histogram *latency;         /* owned: _OP_MAX of them, of all starts as of the last sample; NULL: none is known */
};

void soak_done(Soak *s);
/* -ENOMEM. */
int soak_add_start(Soak *s, const SoakStart *start);
/* How long operations took in a start that was: adds up. -ENOMEM. */
int soak_add_latency(Soak *s, Operation op, const Histogram *h);
/* In all that were. */
void soak_latency(const Soak *s, Operation op, Histogram *add_to);
/* Of the start that follows `before`, in the boot `boot_id`; NULL: none was before. */
Recovered soak_recovered(const SoakStart *before, const char *boot_id);
/* Whether a start with this configuration carries on with a soak that has that one. */
bool soak_continues(SoakState state, const char *its_configuration, const char *configuration);
/* Time under stress that is left. */
uint64_t soak_left_ns(uint64_t asked_ns, uint64_t stress_ns);
/* "3 starts, 1 after a crash, 1 after a reboot" */
char *soak_describe_starts(const Soak *s, char *buf, size_t size);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Ledger: the durable record of soaks, an SQLite file for each instance: <LedgerDirectory>/<Instance>.ledger. It holds each soak with its
 * configuration and seed, its starts, the identity of its devices, samples of the totals, how long operations took, findings, incidents and what the
 * tuner chose.
 *
 *   - Every call is one transaction, on the disk when it returns (WAL, synchronous=FULL): what was written survives kill -9 and a loss of power.
 *   - So every call blocks for an fsync(2) of the ledger's filesystem. A supervisor must never wait for the filesystem under test: the ledger lies
 *     on another one (config_check()), as the evidence does. Another program that writes to it is waited for, two seconds at most.
 *   - A file that is damaged, another program's or a newer version's is refused and left as it is. An older version's is brought up to this one by
 *     who writes, in one transaction; a reader takes it as it is.
 *   - Who writes has the instance's lock (base/instance.h); readers may come at any time.
 *
 * Life: ledger_open() → ledger_begin() → ledger_restore(), ledger_sample() every LEDGER_SAMPLE_NS, ledger_finding() and the others as it happens →
 * ledger_end() → ledger_free(). A start without a ledger_end() has crashed, or its machine has.
 *
 * Every function that takes an Error gives EXIT_ERROR and a sentence that names the file and the remedy.
 */
#include "report/soak.h"

#define LEDGER_SAMPLE_NS (10 * NSEC_PER_SEC)
/* The schema, PRAGMA user_version. Raise it when ledger-schema.c makes other tables, columns of the samples included, and add the step that makes
 * them out of the version before. */
#define LEDGER_VERSION 2

typedef struct Ledger Ledger;

typedef enum LedgerMode {
        LEDGER_WRITE, /* made when there is none, with its directory */
        LEDGER_READ,  /* must be there */
} LedgerMode;

int ledger_open(Ledger **ret, const char *directory, const char *instance, LedgerMode mode, Error *e);
void ledger_free(Ledger *l);
void ledger_freep(Ledger **l);

/* What a start knows of itself. */
typedef struct LedgerStart {
        const char *run_id;        /* of the soak, when it begins anew; … */
        uint64_t seed;             /* … likewise */
        uint64_t asked_ns;         /* time under stress */
        const char *instance, *version, *kernel, *boot_id;
        const char *configuration; /* as config_print_values() has it */
        uint64_t real_ns, mono_ns; /* now, on both clocks: findings have the one, the ledger the other */
} LedgerStart;

/* Carries on with the soak that is under way, or begins another: there is none, or it has another configuration and is abandoned. *ret is the soak
 * with this start as its last; the caller owns it. A positive return is: carried on. */
int ledger_begin(Ledger *l, const LedgerStart *s, Soak *ret, Error *e);
/* The findings of the soak, for the verdict; with times on the CLOCK_MONOTONIC of this start, which for those of an earlier boot wrap around.
 * -EINVAL: one is of a class, grade or operation that this version does not know. */
int ledger_restore(Ledger *l, Judge *j, Error *e);

/* The totals, and with them what has changed of the findings and of the times that operations took; old samples are thinned. */
int ledger_sample(Ledger *l, uint64_t real_ns, const Report *r, Error *e); /* its totals, judge and board */
/* The finding in row `i` of the judge, as soon as it is there and when its evidence is. */
int ledger_finding(Ledger *l, Judge *j, size_t i, Error *e);
/* CLOCK_REALTIME of the newest that an earlier start of the soak has left, a sample or a finding: what happened until then is known. */
int ledger_newest(Ledger *l, uint64_t *ret, Error *e);
/* The devices of this start; those of a target that is made again stand in for the ones before. */
int ledger_devices(Ledger *l, const Target *t, Error *e);
/* The target was lost. */
typedef struct LedgerIncident {
        uint64_t real_ns, stress_ns;
        size_t finding;   /* number of the newest, from 1; 0: there is none */
        int check_status; /* of btrfs check, see JobDesk */
} LedgerIncident;

int ledger_incident(Ledger *l, const LedgerIncident *i, Error *e);
/* What the tuner has settled on. */
int ledger_choice(Ledger *l, const Tuner *t, const Config *c, Error *e);
/* The orderly end of this start with a last sample; `done`: of the soak as well. verdict and why are in the report. */
int ledger_end(Ledger *l, uint64_t real_ns, const Report *r, bool done, Error *e);

/* All soaks, the oldest first; *s is only valid during the call. Stops at a negative return of func and forwards it. */
int ledger_each(Ledger *l, int (*func)(void *userdata, const Soak *s), void *userdata, Error *e);
/* Where it is. */
const char *ledger_path(const Ledger *l);

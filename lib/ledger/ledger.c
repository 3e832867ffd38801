/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ledger/ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "ledger/ledger-internal.h"

#define BUSY_MS 2000

static int open_file(Ledger *l, LedgerMode mode, Error *e) {
        int flags = mode == LEDGER_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY, r;

        r = sqlite3_open_v2(l->path, &l->db, flags, NULL);
        if (r == SQLITE_OK)
                r = sqlite3_busy_timeout(l->db, BUSY_MS);
        if (r == SQLITE_OK)
                r = sql_run(l, "PRAGMA synchronous=FULL", "");
        return r == SQLITE_OK ? 0 : sql_error(l, r, "opened", e);
}

int ledger_open(Ledger **ret, const char *directory, const char *instance, LedgerMode mode, Error *e) {
        _cleanup_(ledger_freep) Ledger *l = calloc(1, sizeof(*l));
        int r;

        if (!l)
                return error_set(e, EXIT_ERROR, ENOMEM, "Not enough memory for the ledger.");
        if (snprintf(l->path, sizeof(l->path), "%s/%s.ledger", directory, instance) >= (int)sizeof(l->path))
                return error_set(e, EXIT_ERROR, ENAMETOOLONG, "The path of the ledger is too long; name a shorter one with Soak.LedgerDirectory=.");
        if (mode == LEDGER_WRITE && (r = fs_mkdir_p(directory)) < 0)
                return error_set(e, EXIT_ERROR, -r, "The ledger's directory %s cannot be made: %s; name another one with Soak.LedgerDirectory=.",
                                 directory, strerror(-r));
        if (mode == LEDGER_READ && access(l->path, F_OK) < 0)
                return error_set(e, EXIT_ERROR, errno, "There is no ledger %s: %s; a run with Duration= in [Soak] begins one.", l->path,
                                 strerror(errno));
        r = open_file(l, mode, e);
        if (r < 0 || (r = schema_check(l, mode, e)) < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

void ledger_free(Ledger *l) {
        if (!l)
                return;
        sqlite3_finalize(l->insert_sample);
        sqlite3_close(l->db);
        free(l);
}

void ledger_freep(Ledger **l) {
        ledger_free(*l);
}

static int insert_soak(Ledger *l, const LedgerStart *s) {
        char seed[32];
        int r;

        snprintf(seed, sizeof(seed), "%" PRIu64, s->seed);
        r = sql_run(l, "INSERT INTO soak (run_id, instance, seed, version, kernel, configuration, asked_ns, started_ns, state)"
                       " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", "ssssssiis", s->run_id, s->instance, seed, s->version, s->kernel, s->configuration,
                    s->asked_ns, s->real_ns, soak_state_name(SOAK_RUNNING));
        l->soak = sqlite3_last_insert_rowid(l->db);
        return r;
}

static int set_state(const Ledger *l, int64_t id, SoakState state) {
        return sql_run(l, "UPDATE soak SET state = ? WHERE id = ?", "si", soak_state_name(state), (uint64_t)id);
}

static int insert_start(Ledger *l, const LedgerStart *s, Soak *soak) {
        const SoakStart *before = soak->n_starts > 0 ? &soak->starts[soak->n_starts - 1] : NULL;
        SoakStart start = { .number = before ? before->number + 1 : 1, .recovered = soak_recovered(before, s->boot_id), .began_ns = s->real_ns,
                            .stress_ns = soak->totals.stress_ns };

        snprintf(start.boot_id, sizeof(start.boot_id), "%s", s->boot_id);
        snprintf(start.kernel, sizeof(start.kernel), "%s", s->kernel);
        if (soak_add_start(soak, &start) < 0)
                return SQLITE_NOMEM;
        l->start = start.number;
        return sql_run(l, "INSERT INTO start VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)", "iissiiss", (uint64_t)l->soak, (uint64_t)start.number,
                       recovered_name(start.recovered), s->boot_id, s->real_ns, soak->totals.stress_ns, s->version, s->kernel);
}

static int last_sample(Ledger *l) {
        _cleanup_statement_ Statement *s = NULL;
        int r = sql_prepare(l, &s, "SELECT coalesce(max(number), 0) FROM sample WHERE soak = ?", "i", (uint64_t)l->soak);

        if (r == SQLITE_OK)
                r = sqlite3_step(s);
        if (r != SQLITE_ROW)
                return r;
        l->sample = sqlite3_column_int64(s, 0);
        return SQLITE_OK;
}

typedef struct Beginning {
        const LedgerStart *start;
        Soak *soak;
        bool carried_on;
} Beginning;

/* The one that is under way, if it has this configuration; else another. */
static int choose_soak(Ledger *l, Beginning *b) {
        _cleanup_statement_ Statement *s = NULL;
        int r = sql_prepare(l, &s, "SELECT id, configuration, run_id FROM soak WHERE state = ? ORDER BY id DESC LIMIT 1", "s",
                            soak_state_name(SOAK_RUNNING));

        if (r == SQLITE_OK)
                r = sqlite3_step(s);
        if (r != SQLITE_ROW && r != SQLITE_DONE)
                return r;
        if (r == SQLITE_ROW && soak_continues(SOAK_RUNNING, (const char *)sqlite3_column_text(s, 1), b->start->configuration)) {
                l->soak = sqlite3_column_int64(s, 0);
                b->carried_on = true;
                return SQLITE_OK;
        }
        if (r == SQLITE_ROW) {
                sql_text(s, 2, b->soak->abandoned, sizeof(b->soak->abandoned));
                r = set_state(l, sqlite3_column_int64(s, 0), SOAK_ABANDONED);
        }
        return r == SQLITE_OK || r == SQLITE_DONE ? insert_soak(l, b->start) : r;
}

static int begin(Ledger *l, void *arg) {
        Beginning *b = arg;
        int r = choose_soak(l, b);

        if (r == SQLITE_OK)
                r = read_soak(l, l->soak, b->soak);
        if (r == SQLITE_OK)
                r = insert_start(l, b->start, b->soak);
        if (r == SQLITE_OK)
                r = last_sample(l);
        l->sampled_ns = b->soak->totals.stress_ns;
        return r == SQLITE_OK ? record_sample(l, b->start->real_ns, &b->soak->totals) : r;
}

int ledger_begin(Ledger *l, const LedgerStart *s, Soak *ret, Error *e) {
        Beginning b = { .start = s, .soak = ret };
        int r = record_prepare(l);

        *ret = (Soak){ 0 };
        l->real_minus_mono_ns = s->real_ns - s->mono_ns;
        if (r == SQLITE_OK)
                r = sql_together(l, begin, &b);
        if (r != SQLITE_OK) {
                soak_done(ret);
                return sql_error(l, r, "written", e);
        }
        l->sample++;
        return b.carried_on;
}

typedef struct Ending {
        uint64_t real_ns;
        const Report *report;
        bool done;
} Ending;

static int end(Ledger *l, void *arg) {
        const Ending *x = arg;
        int r = record_moment(l, x->real_ns, x->report);

        if (r == SQLITE_OK)
                r = sql_run(l, "UPDATE start SET ended_ns = ? WHERE soak = ? AND number = ?", "iii", x->real_ns, (uint64_t)l->soak,
                            (uint64_t)l->start);
        if (r == SQLITE_OK)
                r = sql_run(l, "UPDATE soak SET verdict = ?, why = ? WHERE id = ?", "ssi", exit_code_name(x->report->verdict), x->report->why,
                            (uint64_t)l->soak);
        return r == SQLITE_OK && x->done ? set_state(l, l->soak, SOAK_DONE) : r;
}

int ledger_end(Ledger *l, uint64_t real_ns, const Report *report, bool done, Error *e) {
        int r = sql_together(l, end, &(Ending){ .real_ns = real_ns, .report = report, .done = done });

        return r == SQLITE_OK ? 0 : sql_error(l, r, "written", e);
}

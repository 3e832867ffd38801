/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger-internal.h"

/* The number of a name in a table of names; `n`: there is none. */
static int lookup(const char *name, const char *(*name_of)(int i), int n) {
        int i = 0;

        while (i < n && strcmp(name_of(i), name) != 0)
                i++;
        return i;
}

static const char *state_name(int i) { return soak_state_name((SoakState)i); }
static const char *recovery_name(int i) { return recovered_name((Recovered)i); }
static const char *class_name(int i) { return finding_classes[i].name; }
static const char *grade_of(int i) { return grade_name((Grade)i); }

static int column_lookup(Statement *s, int column, const char *(*name_of)(int i), int n) {
        char name[64];

        sql_text(s, column, name, sizeof(name));
        return lookup(name, name_of, n);
}

static int read_totals(const Ledger *l, int64_t id, Totals *t) {
        _cleanup_statement_ Statement *s = NULL;
        char sql[512] = "SELECT ";
        int r;

        for (unsigned i = 0; i < schema_n_totals(); i++) {
                size_t n = strlen(sql);
                snprintf(sql + n, sizeof(sql) - n, "%s%s", i > 0 ? ", " : "", schema_totals_name(i));
        }
        strcat(sql, " FROM sample WHERE soak = ? ORDER BY number DESC LIMIT 1");
        r = sql_prepare(l, &s, sql, "i", (uint64_t)id);
        if (r != SQLITE_OK)
                return r;
        r = sqlite3_step(s);
        for (unsigned i = 0; r == SQLITE_ROW && i < schema_n_totals(); i++)
                *schema_totals_field(t, i) = sql_u64(s, (int)i);
        return r == SQLITE_ROW || r == SQLITE_DONE ? SQLITE_OK : r;
}

static int read_starts(const Ledger *l, int64_t id, Soak *ret) {
        _cleanup_statement_ Statement *s = NULL;
        int r = sql_prepare(l, &s, "SELECT number, recovered, ended_ns IS NOT NULL, began_ns, stress_ns, boot_id, kernel FROM start WHERE soak = ?"
                                   " ORDER BY number", "i", (uint64_t)id);

        if (r != SQLITE_OK)
                return r;
        while ((r = sqlite3_step(s)) == SQLITE_ROW) {
                SoakStart start = { .number = (unsigned)sql_u64(s, 0), .ended = sql_u64(s, 2) != 0, .began_ns = sql_u64(s, 3),
                                    .stress_ns = sql_u64(s, 4) };
                int recovered = column_lookup(s, 1, recovery_name, _RECOVERED_MAX);
                if (recovered == _RECOVERED_MAX)
                        return SQLITE_CORRUPT;
                start.recovered = (Recovered)recovered;
                sql_text(s, 5, start.boot_id, sizeof(start.boot_id));
                sql_text(s, 6, start.kernel, sizeof(start.kernel));
                if (soak_add_start(ret, &start) < 0)
                        return SQLITE_NOMEM;
        }
        return r == SQLITE_DONE ? SQLITE_OK : r;
}

/* Damage that SQLite does not see. */
static int damaged(Ledger *l, unsigned start, const char *operation) {
        snprintf(l->damage, sizeof(l->damage), "what start %u has kept of how long %.40s took is not what this program writes", start, operation);
        return SQLITE_CORRUPT;
}

static int read_latency(Ledger *l, int64_t id, Soak *ret) {
        _cleanup_statement_ Statement *s = NULL;
        int r;

        if (l->version < 2)
                return SQLITE_OK;
        r = sql_prepare(l, &s, "SELECT operation, histogram, start FROM latency WHERE soak = ?", "i", (uint64_t)id);
        if (r != SQLITE_OK)
                return r;
        while ((r = sqlite3_step(s)) == SQLITE_ROW) {
                const char *text = (const char *)sqlite3_column_text(s, 1);
                char operation[64];
                Histogram h;
                int op;
                sql_text(s, 0, operation, sizeof(operation));
                op = operation_from_name(operation);
                if (op < 0 || !text || strlen(text) != (size_t)sqlite3_column_bytes(s, 1) || histogram_parse(text, &h) < 0)
                        return damaged(l, (unsigned)sql_u64(s, 2), operation);
                if (soak_add_latency(ret, (Operation)op, &h) < 0)
                        return SQLITE_NOMEM;
        }
        return r == SQLITE_DONE ? SQLITE_OK : r;
}

static int read_head(const Ledger *l, int64_t id, Soak *ret) {
        _cleanup_statement_ Statement *s = NULL;
        char seed[32];
        int state, r;

        r = sql_prepare(l, &s, "SELECT run_id, state, seed, asked_ns, started_ns, verdict, why, (SELECT count(*) FROM finding WHERE soak = ?1 AND"
                               " grade IN (?2, ?3)) FROM soak WHERE id = ?1", "iss", (uint64_t)id, grade_name(GRADE_FINDING), grade_name(GRADE_HW));
        if (r != SQLITE_OK)
                return r;
        r = sqlite3_step(s);
        if (r != SQLITE_ROW)
                return r == SQLITE_DONE ? SQLITE_NOTFOUND : r;
        state = column_lookup(s, 1, state_name, _SOAK_STATE_MAX);
        if (state == _SOAK_STATE_MAX)
                return SQLITE_CORRUPT;
        ret->state = (SoakState)state;
        sql_text(s, 0, ret->run_id, sizeof(ret->run_id));
        sql_text(s, 2, seed, sizeof(seed));
        ret->seed = strtoull(seed, NULL, 10);
        ret->asked_ns = sql_u64(s, 3);
        ret->started_ns = sql_u64(s, 4);
        sql_text(s, 5, ret->verdict, sizeof(ret->verdict));
        sql_text(s, 6, ret->why, sizeof(ret->why));
        ret->findings = sql_u64(s, 7);
        return SQLITE_OK;
}

int read_soak(Ledger *l, int64_t id, Soak *ret) {
        int r = read_head(l, id, ret);

        if (r == SQLITE_OK)
                r = read_totals(l, id, &ret->totals);
        if (r == SQLITE_OK)
                r = read_latency(l, id, ret);
        return r == SQLITE_OK ? read_starts(l, id, ret) : r;
}

int ledger_each(Ledger *l, int (*func)(void *userdata, const Soak *s), void *userdata, Error *e) {
        _cleanup_statement_ Statement *s = NULL;
        int r = sql_prepare(l, &s, "SELECT id FROM soak ORDER BY id", ""), k = 0;

        while (r == SQLITE_OK && k >= 0 && (r = sqlite3_step(s)) == SQLITE_ROW) {
                _cleanup_(soak_done) Soak soak = { 0 };
                r = read_soak(l, sqlite3_column_int64(s, 0), &soak);
                if (r == SQLITE_OK)
                        k = func(userdata, &soak);
        }
        if (k < 0)
                return k;
        return r == SQLITE_DONE ? 0 : sql_error(l, r, "read", e);
}

/* False: of a name that this version does not know. */
static bool read_finding(const Ledger *l, Statement *s, Finding *f) {
        char operation[64], line[OBS_LINE_MAX];
        int class = column_lookup(s, 0, class_name, _CLASS_MAX), grade = column_lookup(s, 1, grade_of, _GRADE_MAX), op;

        sql_text(s, 2, operation, sizeof(operation));
        op = operation_from_name(operation);
        if (class == _CLASS_MAX || grade == _GRADE_MAX || op < 0)
                return false;
        *f = (Finding){ .class = (FindingClass)class, .grade = (Grade)grade, .op = (Operation)op, .result = (int32_t)sql_u64(s, 3),
                        .devid = sql_u64(s, 4), .physical = sql_u64(s, 5), .logical = sql_u64(s, 6),
                        .first_ns = sql_u64(s, 7) - l->real_minus_mono_ns, .last_ns = sql_u64(s, 8) - l->real_minus_mono_ns,
                        .count = sql_u64(s, 9), .confirmed = sql_u64(s, 10), .consequences = sql_u64(s, 11) };
        sql_text(s, 12, f->text, sizeof(f->text));
        sql_text(s, 13, f->reference, sizeof(f->reference));
        sql_text(s, 14, f->evidence, sizeof(f->evidence));
        sql_text(s, 15, line, sizeof(line));
        return observation_parse(line, &f->first, NULL) == 0;
}

int ledger_restore(Ledger *l, Judge *j, Error *e) {
        _cleanup_statement_ Statement *s = NULL;
        int r = sql_prepare(l, &s, "SELECT class, grade, operation, result, devid, physical, logical, first_ns, last_ns, count, confirmed,"
                                   " consequences, text, reference, evidence, observation, why FROM finding WHERE soak = ? ORDER BY number",
                            "i", (uint64_t)l->soak);

        while (r == SQLITE_OK || r == SQLITE_ROW) {
                Finding f;
                r = sqlite3_step(s);
                if (r != SQLITE_ROW)
                        break;
                if (!read_finding(l, s, &f))
                        return error_set(e, EXIT_ERROR, EINVAL, "The ledger %s holds a finding that this scrubstress does not know; use the one that "
                                         "wrote it, or move the ledger away to begin anew.", l->path);
                judge_restore(j, &f, (const char *)sqlite3_column_text(s, 16));
        }
        return r == SQLITE_DONE ? 0 : sql_error(l, r, "read", e);
}

int ledger_newest(Ledger *l, uint64_t *ret, Error *e) {
        _cleanup_statement_ Statement *s = NULL;
        int r = sql_prepare(l, &s, "SELECT max((SELECT coalesce(max(time_ns), 0) FROM sample WHERE soak = ?1 AND start < ?2),"
                                   " (SELECT coalesce(max(last_ns), 0) FROM finding WHERE soak = ?1))",
                            "ii", (uint64_t)l->soak, (uint64_t)l->start);

        if (r == SQLITE_OK)
                r = sqlite3_step(s);
        if (r != SQLITE_ROW)
                return sql_error(l, r, "read", e);
        *ret = sql_u64(s, 0);
        return 0;
}

const char *ledger_path(const Ledger *l) {
        return l->path;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "ledger/ledger-internal.h"

#define APPLICATION_ID 0x53635374 /* "ScSt", in the header of the file */

/* Times are ns on CLOCK_REALTIME unless they are of stress; enumerations are their names, so that a person and another version can read them. */
static const char tables[] =
        "CREATE TABLE soak (id INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE, instance TEXT NOT NULL, seed TEXT NOT NULL,"
        " version TEXT NOT NULL, kernel TEXT NOT NULL, configuration TEXT NOT NULL, asked_ns INTEGER NOT NULL, started_ns INTEGER NOT NULL,"
        " state TEXT NOT NULL, verdict TEXT NOT NULL DEFAULT '', why TEXT NOT NULL DEFAULT '');"
        /* ended_ns: of an orderly end; NULL: it crashed, or it is the one under way. */
        "CREATE TABLE start (soak INTEGER NOT NULL, number INTEGER NOT NULL, recovered TEXT NOT NULL, boot_id TEXT NOT NULL,"
        " began_ns INTEGER NOT NULL, stress_ns INTEGER NOT NULL, version TEXT NOT NULL, kernel TEXT NOT NULL, ended_ns INTEGER,"
        " PRIMARY KEY (soak, number)) WITHOUT ROWID;"
        "CREATE TABLE finding (soak INTEGER NOT NULL, number INTEGER NOT NULL, start INTEGER NOT NULL, class TEXT NOT NULL, grade TEXT NOT NULL,"
        " operation TEXT NOT NULL, result INTEGER NOT NULL, devid INTEGER NOT NULL, physical INTEGER NOT NULL, logical INTEGER NOT NULL,"
        " first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, count INTEGER NOT NULL, confirmed INTEGER NOT NULL,"
        " consequences INTEGER NOT NULL, why TEXT NOT NULL, text TEXT NOT NULL, reference TEXT NOT NULL, evidence TEXT NOT NULL,"
        " observation TEXT NOT NULL, PRIMARY KEY (soak, number)) WITHOUT ROWID;"
        "CREATE TABLE incident (soak INTEGER NOT NULL, number INTEGER NOT NULL, start INTEGER NOT NULL, time_ns INTEGER NOT NULL,"
        " stress_ns INTEGER NOT NULL, finding INTEGER NOT NULL, check_status INTEGER NOT NULL, PRIMARY KEY (soak, number)) WITHOUT ROWID;"
        "CREATE TABLE device (soak INTEGER NOT NULL, start INTEGER NOT NULL, devid INTEGER NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL,"
        " name TEXT NOT NULL, serial TEXT NOT NULL, wwid TEXT NOT NULL, model TEXT NOT NULL, PRIMARY KEY (soak, start, devid)) WITHOUT ROWID;"
        "CREATE TABLE choice (soak INTEGER NOT NULL, start INTEGER NOT NULL, knob TEXT NOT NULL, asked TEXT NOT NULL, chosen TEXT NOT NULL,"
        " PRIMARY KEY (soak, start, knob)) WITHOUT ROWID;";

/* What makes a version out of the one before; the first is made by tables and make_samples(). */
static const char *const upgrades[LEDGER_VERSION + 1] = {
        /* As histogram_print() has it: of this start, as of its last sample. */
        [2] = "CREATE TABLE latency (soak INTEGER NOT NULL, start INTEGER NOT NULL, operation TEXT NOT NULL, histogram TEXT NOT NULL,"
              " PRIMARY KEY (soak, start, operation)) WITHOUT ROWID",
};

/* Of the Totals, what has no rate. */
static const struct {
        const char *name;
        size_t offset;
} plain[] = {
        { "stress_ns", offsetof(Totals, stress_ns) },
        { "steps", offsetof(Totals, steps) },
        { "findings", offsetof(Totals, findings) },
        { "known", offsetof(Totals, known) },
        { "remakes", offsetof(Totals, remakes) },
        { "lost_observations", offsetof(Totals, lost_observations) },
        { "lost_trace_events", offsetof(Totals, lost_trace_events) },
};

unsigned schema_n_totals(void) {
        return ELEMENTSOF(plain) + _TOTAL_MAX;
}

const char *schema_totals_name(unsigned i) {
        return i < ELEMENTSOF(plain) ? plain[i].name : totals_info[i - ELEMENTSOF(plain)].name;
}

uint64_t *schema_totals_field(Totals *t, unsigned i) {
        size_t offset = i < ELEMENTSOF(plain) ? plain[i].offset : totals_info[i - ELEMENTSOF(plain)].offset;

        return (uint64_t *)((char *)t + offset);
}

static int make_samples(const Ledger *l) {
        char sql[1024] = "CREATE TABLE sample (soak INTEGER NOT NULL, number INTEGER NOT NULL, start INTEGER NOT NULL, level INTEGER NOT NULL,"
                         " time_ns INTEGER NOT NULL";
        int r;

        for (unsigned i = 0; i < schema_n_totals(); i++) {
                size_t n = strlen(sql);
                snprintf(sql + n, sizeof(sql) - n, ", %s INTEGER NOT NULL", schema_totals_name(i));
        }
        strcat(sql, ", PRIMARY KEY (soak, number)) WITHOUT ROWID");
        r = sql_run(l, sql, "");
        return r == SQLITE_OK ? sql_run(l, "CREATE INDEX sample_age ON sample (soak, level, stress_ns)", "") : r;
}

static int set_pragma(const Ledger *l, const char *name, unsigned value) {
        char sql[80];

        snprintf(sql, sizeof(sql), "PRAGMA %s=%u", name, value);
        return sql_run(l, sql, "");
}

static int upgrade(Ledger *l, void *arg _unused_) {
        int r = SQLITE_OK;

        while (r == SQLITE_OK && l->version < LEDGER_VERSION)
                r = sql_run(l, upgrades[++l->version], "");
        return r == SQLITE_OK ? set_pragma(l, "user_version", l->version) : r;
}

static int make(Ledger *l, void *arg) {
        int r = set_pragma(l, "application_id", APPLICATION_ID);

        if (r == SQLITE_OK)
                r = sqlite3_exec(l->db, tables, NULL, NULL, NULL);
        if (r == SQLITE_OK)
                r = make_samples(l);
        l->version = 1;
        return r == SQLITE_OK ? upgrade(l, arg) : r;
}

static int ask(const Ledger *l, const char *sql, uint64_t *ret) {
        _cleanup_statement_ Statement *s = NULL;
        int r = sql_prepare(l, &s, sql, "");

        if (r != SQLITE_OK)
                return r;
        r = sqlite3_step(s);
        if (r != SQLITE_ROW)
                return r;
        *ret = sql_u64(s, 0);
        return SQLITE_OK;
}

/* Reads the whole file, some MB at most. */
static int check_pages(const Ledger *l, Error *e) {
        _cleanup_statement_ Statement *s = NULL;
        char text[128] = "";
        int r = sql_prepare(l, &s, "PRAGMA quick_check(1)", "");

        if (r == SQLITE_OK)
                r = sqlite3_step(s);
        if (r == SQLITE_ROW)
                sql_text(s, 0, text, sizeof(text));
        if (r != SQLITE_ROW || strcmp(text, "ok") != 0)
                return sql_error(l, r == SQLITE_ROW ? SQLITE_CORRUPT : r, "used", e);
        return 0;
}

int schema_check(Ledger *l, LedgerMode mode, Error *e) {
        uint64_t id = 0, version = 0, n = 0;
        int r = ask(l, "PRAGMA application_id", &id);

        if (r == SQLITE_OK)
                r = ask(l, "PRAGMA user_version", &version);
        if (r == SQLITE_OK)
                r = ask(l, "SELECT count(*) FROM sqlite_master", &n);
        /* Empty: new, or its maker was killed before the tables were there. Where WAL is not possible (a network filesystem has no shared memory)
         * SQLite keeps the journal it has, which is as safe. */
        if (r == SQLITE_OK && n == 0 && id == 0 && version == 0 && mode == LEDGER_WRITE) {
                r = sql_run(l, "PRAGMA journal_mode=WAL", "");
                if (r == SQLITE_OK)
                        r = sql_together(l, make, NULL);
                return r == SQLITE_OK ? 0 : sql_error(l, r, "made", e);
        }
        if (r != SQLITE_OK)
                return sql_error(l, r, "read", e);
        if (id != APPLICATION_ID)
                return error_set(e, EXIT_ERROR, EINVAL, "%s is a database, but no ledger of scrubstress; it is left as it is: move it away, or name "
                                 "another directory with Soak.LedgerDirectory=.", l->path);
        if (version < 1 || version > LEDGER_VERSION)
                return error_set(e, EXIT_ERROR, EINVAL, "The ledger %s is of version %u, and this scrubstress knows version %d; it is left as it is: "
                                 "use the scrubstress that wrote it, or move it away to begin anew.", l->path, (unsigned)version, LEDGER_VERSION);
        l->version = (unsigned)version;
        r = check_pages(l, e);
        if (r < 0 || mode == LEDGER_READ || l->version == LEDGER_VERSION)
                return r;
        r = sql_together(l, upgrade, NULL);
        return r == SQLITE_OK ? 0 : sql_error(l, r, "brought up to this version", e);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * LedgerCase: a ledger in a directory of its own, and the starts of a soak in it, for the tests of the ledger.
 */
#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#include "ledger/ledger-internal.h"
#include "made-up-report.h"

#define MINUTE (60 * NSEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)

#define ID_1 "11111111-1111-4111-8111-111111111111"
#define ID_2 "22222222-2222-4222-8222-222222222222"
#define CONFIGURATION "[Run]\nInstance=default\n"

/* A start, with what it would hand in. */
typedef struct Case {
        char directory[64], path[128];
        LedgerStart start;
        MadeUp m;
        Ledger *ledger;
        Soak soak;
} Case;

static inline int set_up(void **state) {
        Case *c = calloc(1, sizeof(*c));

        assert_non_null(c);
        assert_true(made_up_new(&c->m));
        strcpy(c->directory, "/dev/shm/test-ledger-XXXXXX");
        if (!mkdtemp(c->directory)) {
                strcpy(c->directory, "/tmp/test-ledger-XXXXXX");
                assert_non_null(mkdtemp(c->directory));
        }
        snprintf(c->path, sizeof(c->path), "%s/default.ledger", c->directory);
        c->start = (LedgerStart){ .run_id = ID_1, .seed = 18446744073709551615ULL, .asked_ns = 72 * HOUR, .instance = "default",
                                  .version = "0.1.0", .kernel = "6.18.44 x86_64", .boot_id = "boot 1", .configuration = CONFIGURATION,
                                  .real_ns = MADE_UP_REAL, .mono_ns = MADE_UP_MONO };
        *state = c;
        return 0;
}

static inline void remove_file(const char *path, const char *suffix) {
        char name[192];

        snprintf(name, sizeof(name), "%s%s", path, suffix);
        unlink(name);
}

static inline int tear_down(void **state) {
        Case *c = *state;

        ledger_free(c->ledger);
        soak_done(&c->soak);
        made_up_free(&c->m);
        remove_file(c->path, "");
        remove_file(c->path, "-wal");
        remove_file(c->path, "-shm");
        assert_int_equal(rmdir(c->directory), 0);
        free(c);
        return 0;
}

static inline void open_ledger(Case *c) {
        Error e = ERROR_NULL;

        if (ledger_open(&c->ledger, c->directory, "default", LEDGER_WRITE, &e) < 0)
                fail_msg("%s", e.sentence);
}

/* Another start; returns what ledger_begin() does. */
static inline int start(Case *c) {
        Error e = ERROR_NULL;
        int r;

        ledger_freep(&c->ledger);
        c->ledger = NULL;
        soak_done(&c->soak);
        open_ledger(c);
        r = ledger_begin(c->ledger, &c->start, &c->soak, &e);
        if (r < 0)
                fail_msg("%s", e.sentence);
        return r;
}

/* A new judge, as a new start has one. */
static inline void restore(Case *c) {
        Error e = ERROR_NULL;

        judge_freep(&c->m.judge);
        assert_int_equal(judge_new(&c->m.judge, &(JudgePolicy){ .confirm_max = 3 }), 0);
        c->m.report.judge = c->m.judge;
        if (ledger_restore(c->ledger, c->m.judge, &e) < 0)
                fail_msg("%s", e.sentence);
}

static inline void sample(Case *c, uint64_t stress_ns) {
        Error e = ERROR_NULL;

        c->m.report.totals.stress_ns = stress_ns;
        c->m.report.totals.collisions = stress_ns / NSEC_PER_SEC;
        if (ledger_sample(c->ledger, c->start.real_ns + stress_ns, &c->m.report, &e) < 0)
                fail_msg("%s", e.sentence);
}

static inline void end_start(Case *c, bool done) {
        Error e = ERROR_NULL;

        if (ledger_end(c->ledger, c->start.real_ns + HOUR, &c->m.report, done, &e) < 0)
                fail_msg("%s", e.sentence);
}

/* The one value that a query gives, as text. */
static inline char *answer(const Case *c, const char *sql, char buf[static 1024]) {
        sqlite3 *db;
        sqlite3_stmt *s;

        assert_int_equal(sqlite3_open(c->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        snprintf(buf, 1024, "%s", (const char *)sqlite3_column_text(s, 0));
        sqlite3_finalize(s);
        sqlite3_close(db);
        return buf;
}

#define assert_answer(c, sql, wanted) do { char _buf[1024]; assert_string_equal(answer(c, sql, _buf), wanted); } while (0)

static inline uint64_t size_of(const char *path, const char *suffix) {
        char name[192];
        struct stat st;

        snprintf(name, sizeof(name), "%s%s", path, suffix);
        return stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

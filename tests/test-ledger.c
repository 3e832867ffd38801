/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a ledger, start after start, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>

#include "ledger-fixture.h"

/* What changes here is another schema: raise LEDGER_VERSION. */
static void test_schema(void **state) {
        Case *c = *state;

        assert_int_equal(start(c), 0);
        assert_answer(c, "PRAGMA user_version", "2");
        assert_answer(c, "PRAGMA journal_mode", "wal");
        assert_answer(c, "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name)",
                      "choice device finding incident latency sample soak start");
        assert_answer(c, "SELECT group_concat(name, ' ') FROM pragma_table_info('sample')",
                      "soak number start level time_ns stress_ns steps findings known remakes lost_observations lost_trace_events hits collisions "
                      "removals scrubs balances syncs bytes_written");
        assert_answer(c, "SELECT sum(length(sql)) FROM sqlite_master WHERE type = 'table'", "2591");
}

static void test_first(void **state) {
        Case *c = *state;

        assert_int_equal(start(c), 0);
        assert_string_equal(c->soak.run_id, ID_1);
        assert_int_equal(c->soak.n_starts, 1);
        assert_int_equal(c->soak.starts[0].number, 1);
        assert_int_equal(c->soak.starts[0].recovered, RECOVERED_FIRST);
        assert_string_equal(c->soak.abandoned, "");
        assert_int_equal(c->soak.totals.stress_ns, 0);
        assert_true(c->soak.seed == c->start.seed);
        assert_int_equal(c->soak.asked_ns, 72 * HOUR);
        assert_answer(c, "SELECT configuration FROM soak", CONFIGURATION);
        assert_answer(c, "SELECT count(*) FROM sample", "1");
}

/* The id and the seed that a later start brings are not taken. */
static void test_carries_on(void **state) {
        static const struct {
                const char *boot_id;
                bool ended;
                Recovered recovered;
        } starts[] = {
                { "boot 1", false, RECOVERED_CRASH },
                { "boot 2", false, RECOVERED_REBOOT },
                { "boot 2", true, RECOVERED_CLEAN },
                { "boot 3", true, RECOVERED_CLEAN },
        };
        Case *c = *state;

        start(c);
        c->start.run_id = ID_2;
        c->start.seed = 1;
        for (size_t i = 0; i < ELEMENTSOF(starts); i++) {
                uint64_t stress_ns = (i + 1) * HOUR;
                sample(c, stress_ns);
                if (starts[i].ended)
                        end_start(c, false);
                c->start.boot_id = starts[i].boot_id;
                assert_int_equal(start(c), 1);
                assert_string_equal(c->soak.run_id, ID_1);
                assert_true(c->soak.seed == 18446744073709551615ULL);
                assert_int_equal(c->soak.n_starts, i + 2);
                assert_int_equal(c->soak.starts[i + 1].recovered, starts[i].recovered);
                assert_int_equal(c->soak.starts[i + 1].stress_ns, stress_ns);
                assert_int_equal(c->soak.starts[i].ended, starts[i].ended);
                assert_int_equal(c->soak.totals.stress_ns, stress_ns);
                assert_int_equal(c->soak.totals.collisions, stress_ns / NSEC_PER_SEC);
                assert_int_equal(c->soak.totals.steps, 140000);
                assert_true(c->soak.totals.bytes_written == 19802 * MiB);
        }
        assert_answer(c, "SELECT group_concat(recovered) FROM start", "first,crash,reboot,clean,clean");
}

static void test_another_configuration(void **state) {
        Case *c = *state;

        start(c);
        sample(c, HOUR);
        c->start.run_id = ID_2;
        c->start.configuration = CONFIGURATION "Seed=5\n";
        assert_int_equal(start(c), 0);
        assert_string_equal(c->soak.run_id, ID_2);
        assert_string_equal(c->soak.abandoned, ID_1);
        assert_int_equal(c->soak.totals.stress_ns, 0);
        assert_int_equal(c->soak.n_starts, 1);
        assert_answer(c, "SELECT group_concat(state) FROM soak", "abandoned,running");
        /* One that was given up does not come back. */
        c->start.run_id = "33333333-3333-4333-8333-333333333333";
        c->start.configuration = CONFIGURATION;
        assert_int_equal(start(c), 0);
        assert_string_equal(c->soak.abandoned, ID_2);
}

static void test_done(void **state) {
        Case *c = *state;

        start(c);
        end_start(c, true);
        c->start.run_id = ID_2;
        assert_int_equal(start(c), 0);
        assert_string_equal(c->soak.run_id, ID_2);
        assert_string_equal(c->soak.abandoned, "");
        assert_answer(c, "SELECT state || ' ' || verdict || ' ' || why FROM soak", "done PASS 18734 collisions in 60 s under stress, no finding");
}

/* What is not taken. */

static void assert_refused(Case *c, LedgerMode mode, const char *part) {
        Error e = ERROR_NULL;

        if (ledger_open(&c->ledger, c->directory, "default", mode, &e) >= 0)
                fail_msg("it was opened; expected: %s", part);
        assert_int_equal(e.exit, EXIT_ERROR);
        assert_non_null(strstr(e.sentence, c->directory));
        if (!strstr(e.sentence, part))
                fail_msg("\"%s\"; expected: %s", e.sentence, part);
}

static void run_sql(const Case *c, const char *sql) {
        sqlite3 *db;

        assert_int_equal(sqlite3_open(c->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_newer(void **state) {
        Case *c = *state;

        start(c);
        ledger_freep(&c->ledger);
        c->ledger = NULL;
        run_sql(c, "PRAGMA user_version = 3");
        assert_refused(c, LEDGER_WRITE, "is of version 3, and this scrubstress knows version 2; it is left as it is: use the scrubstress that wrote");
        assert_refused(c, LEDGER_READ, "is of version 3");
        assert_answer(c, "SELECT count(*) FROM start", "1");
}

static int take_stress(void *userdata, const Soak *s) {
        *(uint64_t *)userdata = s->totals.stress_ns;
        assert_null(s->latency);
        return 0;
}

/* One of the first version is read as it is, and brought up to this one by who writes to it; its soak carries on. */
static void test_older(void **state) {
        char new[1024], old[1024];
        uint64_t stress_ns = 0;
        Case *c = *state;

        start(c);
        answer(c, "SELECT sum(length(sql)) FROM sqlite_master", new);
        sample(c, HOUR);
        ledger_freep(&c->ledger);
        c->ledger = NULL;
        run_sql(c, "DROP TABLE latency; PRAGMA user_version = 1");
        answer(c, "SELECT sum(length(sql)) FROM sqlite_master", old);
        assert_int_equal(ledger_open(&c->ledger, c->directory, "default", LEDGER_READ, NULL), 0);
        assert_int_equal(ledger_each(c->ledger, take_stress, &stress_ns, NULL), 0);
        assert_true(stress_ns == HOUR);
        assert_answer(c, "PRAGMA user_version", "1");
        assert_answer(c, "SELECT sum(length(sql)) FROM sqlite_master", old);
        assert_int_equal(start(c), 1);
        assert_answer(c, "PRAGMA user_version", "2");
        assert_answer(c, "SELECT sum(length(sql)) FROM sqlite_master", new);
        assert_int_equal(c->soak.totals.stress_ns, HOUR);
        sample(c, 2 * HOUR);
        assert_int_equal(start(c), 1);
}

/* A full disk: it stays of its version, and another try is as good. */
static void test_older_on_a_full_disk(void **state) {
        Case *c = *state;
        Error e = ERROR_NULL;

        start(c);
        assert_int_equal(sql_run(c->ledger, "DROP TABLE latency", ""), SQLITE_OK);
        assert_int_equal(sql_run(c->ledger, "PRAGMA user_version = 1", ""), SQLITE_OK);
        assert_int_equal(sql_run(c->ledger, "VACUUM", ""), SQLITE_OK);
        assert_int_equal(sql_run(c->ledger, "PRAGMA max_page_count = 1", ""), SQLITE_OK); /* as many as there are */
        assert_int_equal(schema_check(c->ledger, LEDGER_WRITE, &e), -ENOSPC);
        assert_non_null(strstr(e.sentence, "cannot be brought up to this version: database or disk is full; make room there"));
        assert_answer(c, "PRAGMA user_version", "1");
        assert_int_equal(start(c), 1);
        assert_answer(c, "PRAGMA user_version", "2");
}

static void test_foreign(void **state) {
        Case *c = *state;

        run_sql(c, "CREATE TABLE holiday (day)");
        assert_refused(c, LEDGER_WRITE, "is a database, but no ledger of scrubstress");
        assert_answer(c, "SELECT group_concat(name) FROM sqlite_master", "holiday");
}

static void write_file(const char *path, off_t offset, const char *text) {
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, text, strlen(text), offset), strlen(text));
        assert_int_equal(close(fd), 0);
}

static void test_no_database(void **state) {
        Case *c = *state;
        struct stat st;

        write_file(c->path, 0, "This is a letter to somebody, and longer than the header of a database, which has one hundred bytes, it seems.");
        assert_refused(c, LEDGER_WRITE, "file is not a database; move that file away");
        assert_int_equal(stat(c->path, &st), 0);
        assert_int_equal(st.st_size, 110);
}

static void test_damaged(void **state) {
        char garbage[3001];
        Case *c = *state;

        start(c);
        end_start(c, false);
        ledger_freep(&c->ledger); /* the log goes into the file */
        c->ledger = NULL;
        memset(garbage, 'x', sizeof(garbage) - 1);
        garbage[sizeof(garbage) - 1] = 0;
        write_file(c->path, 3 * 4096, garbage);
        assert_refused(c, LEDGER_WRITE, "malformed; move it and what has -wal and -shm behind its name away to begin anew");
        assert_refused(c, LEDGER_READ, "malformed");
}

static void test_no_ledger(void **state) {
        Case *c = *state;

        assert_refused(c, LEDGER_READ, "a run with Duration= in [Soak] begins one");
        assert_int_equal(access(c->path, F_OK), -1);
        write_file(c->path, 0, ""); /* its maker was killed: nothing to read, and nothing in the way */
        assert_refused(c, LEDGER_READ, "no ledger of scrubstress");
        assert_int_equal(start(c), 0);
}

static void test_no_directory(void **state) {
        Case *c = *state;
        Error e = ERROR_NULL;
        char below[160];

        write_file(c->path, 0, "");
        snprintf(below, sizeof(below), "%s/below", c->path);
        assert_int_equal(ledger_open(&c->ledger, below, "default", LEDGER_WRITE, &e), -ENOTDIR);
        assert_non_null(strstr(e.sentence, "cannot be made: Not a directory; name another one with Soak.LedgerDirectory="));
        memset(below, 'x', sizeof(below));
        below[sizeof(below) - 1] = 0;
        assert_int_equal(ledger_open(&c->ledger, c->directory, below, LEDGER_READ, &e), -ENOENT);
}

/* Another program reads meanwhile. */

static int collect(void *userdata, const Soak *s) {
        char *list = userdata, starts[160], line[256];

        snprintf(line, sizeof(line), "%.1s %s %llu %s (%s)\n", s->run_id, soak_state_name(s->state),
                 (unsigned long long)(s->totals.stress_ns / MINUTE), soak_describe_starts(s, starts, sizeof(starts)), s->verdict);
        strcat(list, line);
        return s->run_id[0] == '2' ? -ECANCELED : 0;
}

static void test_each(void **state) {
        _cleanup_(ledger_freep) Ledger *reader = NULL;
        Case *c = *state;
        char list[1024] = "";

        start(c);
        sample(c, MINUTE);
        start(c);
        sample(c, 2 * MINUTE);
        end_start(c, true);
        c->start.run_id = ID_2;
        start(c);
        assert_int_equal(ledger_open(&reader, c->directory, "default", LEDGER_READ, NULL), 0);
        sample(c, 3 * MINUTE);
        assert_int_equal(ledger_each(reader, collect, list, NULL), -ECANCELED);
        assert_string_equal(list, "1 done 2 2 starts, 1 after a crash (PASS)\n2 running 3 1 start ()\n");
        assert_string_equal(ledger_path(reader), c->path);
        assert_int_equal(sql_run(reader, "DELETE FROM sample", ""), SQLITE_READONLY);
}

/* The ledger is a file of its own when its writer is gone. */
static void test_closed(void **state) {
        Case *c = *state;

        start(c);
        sample(c, MINUTE);
        assert_true(size_of(c->path, "-wal") > 0);
        end_start(c, false);
        ledger_freep(&c->ledger);
        c->ledger = NULL;
        assert_int_equal(size_of(c->path, "-wal"), 0);
        assert_int_equal(size_of(c->path, "-shm"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_schema),
                TEST(test_first),
                TEST(test_carries_on),
                TEST(test_another_configuration),
                TEST(test_done),
                TEST(test_newer),
                TEST(test_older),
                TEST(test_older_on_a_full_disk),
                TEST(test_foreign),
                TEST(test_no_database),
                TEST(test_damaged),
                TEST(test_no_ledger),
                TEST(test_no_directory),
                TEST(test_each),
                TEST(test_closed),
        };

        return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}

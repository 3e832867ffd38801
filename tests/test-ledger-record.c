/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes into a ledger, what comes back, and how large it gets. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger-fixture.h"
#include "ledger/thinning.h"

/* Findings. */

static void feed(Judge *j, Operation op, int result, uint64_t time_ns) {
        Observation o = { .kind = OBS_RESULT, .op = op, .result = result, .devid = 2, .physical = UINT64_C(9007199254740993), .worker = 4,
                          .time_ns = time_ns, .begin_ns = time_ns - 1000, .text = "made \"up\"\nline" };

        judge_feed(j, &o);
        judge_tick(j, time_ns + NSEC_PER_SEC);
}

static void assert_same_finding(const Finding *a, const Finding *b) {
        char texts[2][1024], lines[2][OBS_LINE_MAX];

        finding_sentence(a, texts[0], sizeof(texts[0]));
        finding_sentence(b, texts[1], sizeof(texts[1]));
        assert_string_equal(texts[0], texts[1]);
        assert_string_equal(a->why, b->why);
        assert_string_equal(a->text, b->text);
        assert_string_equal(a->reference, b->reference);
        assert_string_equal(a->evidence, b->evidence);
        assert_int_equal(a->class, b->class);
        assert_int_equal(a->grade, b->grade);
        assert_int_equal(a->op, b->op);
        assert_int_equal(a->result, b->result);
        assert_true(a->devid == b->devid && a->physical == b->physical && a->logical == b->logical);
        assert_true(a->count == b->count && a->confirmed == b->confirmed && a->consequences == b->consequences);
        assert_true(observation_print(&a->first, lines[0], OBS_LINE_MAX) > 0);
        assert_true(observation_print(&b->first, lines[1], OBS_LINE_MAX) > 0);
        assert_string_equal(lines[0], lines[1]);
}

static void test_findings(void **state) {
        Case *c = *state;
        Judge *before = c->m.judge;
        const uint64_t seen_ns = MADE_UP_MONO + 5 * NSEC_PER_SEC;
        RunFacts facts = { .collisions = 1000, .trace = true, .completed = true };
        char why[512];
        size_t n;

        start(c);
        feed(before, OP_UNLINK, -EUCLEAN, seen_ns);
        feed(before, OP_WRITE, -EIO, seen_ns + 20 * NSEC_PER_SEC);
        n = judge_n_findings(before);
        assert_true(n >= 1);
        strcpy(judge_finding(before, 0)->evidence, "/srv/it's here");
        for (size_t i = 0; i < n; i++)
                assert_int_equal(ledger_finding(c->ledger, before, i, NULL), 0);
        judge_finding(before, 0)->confirmed = 7;
        judge_finding(before, 0)->consequences = 9;
        sample(c, HOUR); /* its counts */

        /* The machine has booted: its other clock began anew, an hour later by the wall. */
        c->m.judge = NULL;
        c->start.boot_id = "boot 2";
        c->start.mono_ns = 3 * NSEC_PER_SEC;
        c->start.real_ns = MADE_UP_REAL + HOUR;
        assert_int_equal(start(c), 1);
        restore(c);
        assert_int_equal(judge_n_findings(c->m.judge), n);
        c->m.report.started_mono_ns = c->start.mono_ns;
        c->m.report.started_real_ns = c->start.real_ns;
        for (size_t i = 0; i < n; i++) {
                const Finding *was = judge_finding(before, i), *is = judge_finding(c->m.judge, i);
                assert_same_finding(was, is);
                assert_true(report_real_ns(&c->m.report, is->first_ns) == MADE_UP_REAL + was->first_ns - MADE_UP_MONO);
                assert_true(report_real_ns(&c->m.report, is->last_ns) == MADE_UP_REAL + was->last_ns - MADE_UP_MONO);
        }
        /* They count: for the verdict, and when they are met again. */
        assert_int_equal(judge_verdict(c->m.judge, &facts, why, sizeof(why)), EXIT_FAIL);
        feed(c->m.judge, OP_UNLINK, -EUCLEAN, 10 * NSEC_PER_SEC);
        assert_int_equal(judge_n_findings(c->m.judge), n);
        assert_int_equal(judge_finding(c->m.judge, 0)->count, judge_finding(before, 0)->count + 1);
        assert_int_equal(judge_finding(c->m.judge, 0)->last_ns, 10 * NSEC_PER_SEC);
        sample(c, 2 * HOUR);
        assert_answer(c, "SELECT count || ' ' || confirmed || ' ' || number || ' ' || start || ' ' || class FROM finding", "2 7 1 1 kernel/errno");
        judge_free(before);
}

/* A row that this version has no name for is no reason to forget a FAIL. */
static void test_unknown_finding(void **state) {
        Case *c = *state;
        Error e = ERROR_NULL;

        start(c);
        feed(c->m.judge, OP_UNLINK, -EUCLEAN, MADE_UP_MONO);
        assert_int_equal(ledger_finding(c->ledger, c->m.judge, 0, NULL), 0);
        assert_int_equal(sql_run(c->ledger, "UPDATE finding SET class = 'kernel/of-tomorrow'", ""), SQLITE_OK);
        assert_int_equal(ledger_restore(c->ledger, c->m.judge, &e), -EINVAL);
        assert_non_null(strstr(e.sentence, "holds a finding that this scrubstress does not know; use the one that wrote it"));
}

/* How long operations took. */

static void take(Case *c, Histogram *all, Operation op, uint64_t ns) {
        slot_count(&c->m.board->slots[0], op, 0);
        slot_time(&c->m.board->slots[0], op, ns);
        histogram_add(all, ns);
}

/* A board that is new, as at each start. */
static void start_anew(Case *c) {
        board_freep(&c->m.board);
        c->m.board = board_new();
        assert_non_null(c->m.board);
        c->m.report.board = c->m.board;
        start(c);
}

static void assert_same(const Histogram *a, const Histogram *b) {
        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
                assert_int_equal(a->counts[i], b->counts[i]);
        assert_int_equal(a->max, b->max);
}

static void assert_latency(const Case *c, Operation op, const Histogram *wanted) {
        Histogram h = { 0 };

        soak_latency(&c->soak, op, &h);
        assert_same(&h, wanted);
}

static int look_at_latency(void *userdata, const Soak *s) {
        soak_latency(s, OP_SCRUB, userdata);
        return 0;
}

/* Two starts and what they have in common: their histograms add up, those of a start stand in for what it had before. */
static void test_latency(void **state) {
        Histogram scrubs = { 0 }, syncs = { 0 }, none = { 0 }, read = { 0 };
        Case *c = *state;

        start_anew(c);
        assert_null(c->soak.latency);
        for (uint64_t i = 1; i <= 1000; i++)
                take(c, &scrubs, OP_SCRUB, i * i * NSEC_PER_USEC);
        sample(c, MINUTE);
        take(c, &scrubs, OP_SCRUB, NSEC_PER_SEC);
        take(c, &syncs, OP_SYNC, 5);
        sample(c, 2 * MINUTE);
        sample(c, 3 * MINUTE);
        assert_answer(c, "SELECT group_concat(start || operation, ' ') FROM latency", "1scrub 1sync");
        start_anew(c); /* the one before was killed */
        assert_latency(c, OP_SCRUB, &scrubs);
        assert_latency(c, OP_SYNC, &syncs);
        assert_latency(c, OP_BALANCE, &none);
        for (uint64_t i = 1; i <= 500; i++)
                take(c, &scrubs, OP_SCRUB, i * NSEC_PER_MSEC);
        end_start(c, false); /* without a sample before it */
        assert_answer(c, "SELECT group_concat(start || operation, ' ') FROM latency", "1scrub 1sync 2scrub");
        assert_int_equal(ledger_each(c->ledger, look_at_latency, &read, NULL), 0);
        assert_same(&read, &scrubs);
        start_anew(c);
        assert_latency(c, OP_SCRUB, &scrubs);
        assert_latency(c, OP_SYNC, &syncs);
        /* Another soak has nothing of it. */
        c->start.run_id = ID_2;
        c->start.configuration = CONFIGURATION "Seed=5\n";
        start_anew(c);
        assert_null(c->soak.latency);
}

static void assert_not_read(Case *c, const char *part) {
        Error e = ERROR_NULL, reading = ERROR_NULL;
        Soak soak;

        ledger_freep(&c->ledger);
        c->ledger = NULL;
        open_ledger(c);
        assert_int_equal(ledger_begin(c->ledger, &c->start, &soak, &e), -EUCLEAN);
        assert_null(soak.starts);
        assert_int_equal(e.exit, EXIT_ERROR);
        if (!strstr(e.sentence, part) || !strstr(e.sentence, "cannot be read: ") || !strstr(e.sentence, "to begin anew"))
                fail_msg("\"%s\"; expected: %s", e.sentence, part);
        assert_int_equal(ledger_each(c->ledger, look_at_latency, &(Histogram){ 0 }, &reading), -EUCLEAN);
        assert_string_equal(reading.sentence, e.sentence);
}

static void test_damaged_latency(void **state) {
        static const char *const damage[] = {
                "UPDATE latency SET histogram = '3/44 7 1:1'", "UPDATE latency SET histogram = ''", "UPDATE latency SET histogram = x'0000'",
                "UPDATE latency SET histogram = histogram || char(0) || '1'", "UPDATE latency SET histogram = '4/44 0'",
        };
        Histogram h = { 0 };
        Case *c = *state;

        for (size_t i = 0; i < ELEMENTSOF(damage); i++) {
                start_anew(c);
                take(c, &h, OP_SCRUB, NSEC_PER_MSEC);
                sample(c, (i + 1) * MINUTE);
                assert_int_equal(sql_run(c->ledger, damage[i], ""), SQLITE_OK);
                assert_not_read(c, "what start 1 has kept of how long scrub took is not what this program writes");
                assert_answer(c, "SELECT count(*) FROM start", "1"); /* it is left as it is */
                assert_int_equal(sql_run(c->ledger, "DELETE FROM latency", ""), SQLITE_OK);
                assert_int_equal(sql_run(c->ledger, "DELETE FROM soak", ""), SQLITE_OK);
                assert_int_equal(sql_run(c->ledger, "DELETE FROM start", ""), SQLITE_OK);
                assert_int_equal(sql_run(c->ledger, "DELETE FROM sample", ""), SQLITE_OK);
        }
        start_anew(c);
        take(c, &h, OP_SCRUB, NSEC_PER_MSEC);
        sample(c, MINUTE);
        assert_int_equal(sql_run(c->ledger, "UPDATE latency SET operation = 'of-tomorrow'", ""), SQLITE_OK);
        assert_not_read(c, "how long of-tomorrow took");
}

/* Devices, incidents, choices. */

static void test_devices(void **state) {
        Case *c = *state;
        Target *t = &c->m.target;

        start(c);
        t->n_disks = 1;
        strcpy(t->disks[0].identity.name, "loop2");
        strcpy(t->disks[0].identity.serial, "S4");
        assert_int_equal(ledger_devices(c->ledger, t, NULL), 0);
        assert_answer(c, "SELECT group_concat(devid || path || serial || size, ' ') FROM device",
                      "1/dev/loop01073741824 2/dev/loop11073741824 3/dev/loop2S41073741824 4/dev/loop31073741824");
        t->n_devices = 1; /* made again */
        strcpy(t->devices[0].path, "/dev/loop9");
        assert_int_equal(ledger_devices(c->ledger, t, NULL), 0);
        assert_answer(c, "SELECT group_concat(start || path, ' ') FROM device", "1/dev/loop9");
}

static void test_incidents(void **state) {
        Case *c = *state;

        start(c);
        assert_int_equal(ledger_incident(c->ledger, &(LedgerIncident){ 100, 5, 1, 0 }, NULL), 0);
        assert_int_equal(ledger_incident(c->ledger, &(LedgerIncident){ 200, 6, 2, -110 }, NULL), 0);
        assert_answer(c, "SELECT group_concat(number || ' ' || time_ns || ' ' || stress_ns || ' ' || finding || ' ' || check_status) FROM incident",
                      "1 100 5 1 0,2 200 6 2 -110");
}

static void test_choices(void **state) {
        Case *c = *state;
        Tuner tuner;

        start(c);
        assert_int_equal(config_set(&c->m.config, "Churn.FileSize=16MiB", NULL), 0);
        tuner_init(&tuner, &c->m.config);
        assert_true(tuner.n_settings[KNOB_FILE_SIZE] > 1);
        assert_int_equal(ledger_choice(c->ledger, &tuner, &c->m.config, NULL), 0);
        assert_answer(c, "SELECT asked || ' ' || chosen FROM choice WHERE knob = 'Churn.FileSize'", "16MiB 16MiB");
        tuner.chosen[KNOB_FILE_SIZE] = 1;
        tuner.settled = true;
        assert_int_equal(ledger_choice(c->ledger, &tuner, &c->m.config, NULL), 0);
        assert_answer(c, "SELECT chosen != asked FROM choice WHERE knob = 'Churn.FileSize'", "1");
        assert_answer(c, "SELECT count(*) = 7 FROM choice", "1");
}

/* A full disk costs what happens meanwhile, and nothing that was. */
static void test_full(void **state) {
        Case *c = *state;
        Error e = ERROR_NULL;
        char pages[64];
        int r = 0;

        start(c);
        sample(c, MINUTE);
        assert_int_equal(sql_run(c->ledger, "PRAGMA max_page_count = 1", ""), SQLITE_OK); /* as many as there are */
        for (unsigned i = 2; i < 1000 && r == 0; i++) {
                c->m.report.totals.stress_ns = i * MINUTE;
                r = ledger_sample(c->ledger, MADE_UP_REAL, &c->m.report, &e);
        }
        assert_int_equal(r, -ENOSPC);
        assert_non_null(strstr(e.sentence, "cannot be written: database or disk is full; make room there"));
        snprintf(pages, sizeof(pages), "PRAGMA max_page_count = %d", 100000);
        assert_int_equal(sql_run(c->ledger, pages, ""), SQLITE_OK);
        sample(c, 1000 * MINUTE);
        assert_answer(c, "SELECT max(stress_ns) FROM sample", "60000000000000");
        assert_answer(c, "PRAGMA integrity_check", "ok");
        assert_answer(c, "SELECT max(number) = count(*) FROM sample", "1");
}

/* Thinning. */

static void test_levels(void **state _unused_) {
        assert_int_equal(thinning_level(10 * NSEC_PER_SEC, 20 * NSEC_PER_SEC), 0);
        assert_int_equal(thinning_level(20 * NSEC_PER_SEC, 20 * NSEC_PER_SEC), 0);
        assert_int_equal(thinning_level(50 * NSEC_PER_SEC, MINUTE), 1);
        assert_int_equal(thinning_level(MINUTE, MINUTE + 10 * NSEC_PER_SEC), 0);
        assert_int_equal(thinning_level(9 * MINUTE, 10 * MINUTE + 1), 2);
        assert_int_equal(thinning_level(59 * MINUTE, HOUR), 3);
        assert_int_equal(thinning_level(0, 5 * HOUR), 3);
        assert_true(thinning_keep_ns(0) == HOUR && thinning_keep_ns(1) == DAY && thinning_keep_ns(2) == WEEK);
        assert_true(thinning_keep_ns(3) == THINNING_FOREVER);
}

/* Four weeks of samples, a transaction for some hours of them, so that it takes seconds. All 64 rows of findings are there and grow. */
static void test_four_weeks(void **state) {
        Case *c = *state;
        uint64_t size = 0;

        start(c);
        for (unsigned i = 0; i < JUDGE_ROWS; i++)
                judge_restore(c->m.judge, &(Finding){ .class = CLASS_ERRNO, .grade = GRADE_KNOWN, .op = OP_WRITE, .result = -(int)i - 1, .count = 1 },
                              "made up");
        for (uint64_t t = 10 * NSEC_PER_SEC; t <= 4 * WEEK; t += 10 * NSEC_PER_SEC) {
                uint64_t n = t / (10 * NSEC_PER_SEC);
                if (n % 1000 == 1) {
                        judge_finding(c->m.judge, n / 1000 % JUDGE_ROWS)->count++;
                        assert_int_equal(sql_run(c->ledger, "BEGIN", ""), SQLITE_OK);
                }
                c->m.report.totals.bytes_written = n * GiB;
                if (n % 1000 == 1)
                        sample(c, t);
                else {
                        c->m.report.totals.stress_ns = t;
                        assert_int_equal(record_sample(c->ledger, c->start.real_ns + t, &c->m.report.totals), SQLITE_OK);
                        c->ledger->sample++;
                        c->ledger->sampled_ns = t;
                }
                if (n % 1000 == 0)
                        assert_int_equal(sql_run(c->ledger, "COMMIT", ""), SQLITE_OK);
                if (n % 1000 == 0)
                        size = MAX_OF(size, size_of(c->path, "") + size_of(c->path, "-wal") + size_of(c->path, "-shm"));
        }
        sql_run(c->ledger, "COMMIT", "");
        print_message("# four weeks: at most %llu KiB\n", (unsigned long long)(size / KiB));
        assert_true(size > 0 && size < 50 * MiB);
        /* What is there is what was meant: an hour of all, a day of minutes, a week of ten minutes, three of hours. */
        assert_answer(c, "SELECT count(*) BETWEEN 3105 AND 3130 FROM sample", "1");
        assert_answer(c, "SELECT count(*) BETWEEN 360 AND 366 FROM sample WHERE stress_ns > 2419200000000000 - 3600000000000", "1");
        assert_answer(c, "SELECT max(stress_ns) - 2419200000000000 FROM sample", "0");
        assert_answer(c, "SELECT count(*) FROM sample WHERE stress_ns BETWEEN 1 AND 86400000000000", "24");
        assert_answer(c, "PRAGMA integrity_check", "ok");
        /* Where samples are few they are the same distance apart: none is missing. */
        assert_answer(c, "SELECT max(d) / 1000000000 FROM (SELECT stress_ns - lag(stress_ns) OVER (ORDER BY number) AS d FROM sample)", "3600");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_findings),
                TEST(test_unknown_finding),
                TEST(test_latency),
                TEST(test_damaged_latency),
                TEST(test_devices),
                TEST(test_incidents),
                TEST(test_choices),
                TEST(test_full),
                cmocka_unit_test(test_levels),
                TEST(test_four_weeks),
        };

        return cmocka_run_group_tests_name("ledger-record", tests, NULL, NULL);
}

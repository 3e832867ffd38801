/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run does with its ledger, start after start; without a target, which these parts do not look at. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "soak-fixture.h"

static void test_no_soak(void **state) {
        Case *c = *state;
        char path[128];
        Run *r;

        set(c, "Soak.Duration", "0");
        r = start(c);
        assert_null(r->ledger);
        assert_null(r->report.soak);
        assert_string_equal(r->report.run_id, "run-1");
        find(r, OP_UNLINK);
        stress(r, 30);
        r->stop = true;
        run_conclude(r);
        assert_int_equal(r->report.verdict, EXIT_FAIL);
        snprintf(path, sizeof(path), "%s/default.ledger", c->directory);
        assert_int_equal(access(path, F_OK), -1);
}

static void test_carries_on(void **state) {
        Case *c = *state;
        Run *r = start(c);

        assert_string_equal(c->notes, "");
        assert_int_equal(r->report.soak->starts[0].recovered, RECOVERED_FIRST);
        made_up_calls(r->board, OP_SCRUB, 0, 5);
        r->report.totals.scrubs = 5; /* as run_watch() has it */
        r->report.totals.remakes = 2;
        stress(r, 29);
        r = start(c);
        assert_noted(c, "The soak run-1 carries on with start 2, after a crash: 20s of 60m00s under stress are done.");
        assert_string_equal(r->report.run_id, "run-1");
        assert_int_equal(r->plan.seed, 1001);
        assert_true(r->report.soak == &r->soak);
        assert_int_equal(r->report.totals.stress_ns, 20 * NSEC_PER_SEC);
        assert_false(run_control_due(r));
        made_up_calls(r->board, OP_SCRUB, 0, 3);
        stress(r, 10);
        r->stop = true;
        run_conclude(r);
        assert_int_equal(r->report.totals.scrubs, 8);
        assert_int_equal(r->report.totals.remakes, 2);
        assert_int_equal(r->report.totals.stress_ns, 30 * NSEC_PER_SEC);
        assert_int_equal(r->report.verdict, EXIT_INCONCLUSIVE);
        assert_string_equal(r->report.why, "the soak pauses after 30s of 60m00s under stress: 59m30s are left, and the next start carries on");
        assert_true(r->report.soak->starts[1].ended);
        r = start(c);
        assert_noted(c, "start 3, after an orderly end");
        assert_int_equal(r->report.totals.scrubs, 8);
}

/* What earlier starts have written is spent. */
static void test_write_budget(void **state) {
        Case *c = *state;
        Run *r;

        set(c, "Churn.WriteBudget", "1MiB");
        r = start(c);
        run_watch(r);
        assert_true(board_may_write(r->board));
        r->board->slots[0].bytes_written = 768 * KiB;
        run_watch(r);
        assert_true(board_may_write(r->board));
        stress(r, 10);
        r = start(c);
        r->board->slots[0].bytes_written = 255 * KiB;
        run_watch(r);
        assert_true(board_may_write(r->board));
        r->board->slots[0].bytes_written = 256 * KiB;
        run_watch(r);
        assert_false(board_may_write(r->board));
}

/* By the clock of the run: ten seconds, whatever the stress does. */
static void test_samples(void **state) {
        Case *c = *state;
        Run *r = start(c);

        r->now_ns += 9 * NSEC_PER_SEC + 900 * NSEC_PER_MSEC;
        run_soak(r);
        assert_int_equal(r->ledger->sample, 1);
        r->now_ns += 100 * NSEC_PER_MSEC;
        run_soak(r);
        run_soak(r);
        assert_int_equal(r->ledger->sample, 2);
}

/* What is kept of a start that was killed is as of its last sample. */
static void test_latency(void **state) {
        Histogram h = { 0 };
        Case *c = *state;
        Run *r = start(c);

        for (unsigned i = 1; i <= 100; i++) {
                slot_count(&r->board->slots[0], OP_SCRUB, 0);
                slot_time(&r->board->slots[0], OP_SCRUB, i * NSEC_PER_MSEC);
                if (i == 50)
                        stress(r, 10);
        }
        r = start(c);
        soak_latency(&r->soak, OP_SCRUB, &h);
        assert_int_equal(histogram_count(&h), 50);
        assert_int_equal(histogram_max(&h), 50 * NSEC_PER_MSEC);
        slot_count(&r->board->slots[0], OP_SCRUB, 0);
        slot_time(&r->board->slots[0], OP_SCRUB, NSEC_PER_SEC);
        r->stop = true;
        run_conclude(r);
        h = (Histogram){ 0 };
        r = start(c);
        soak_latency(&r->soak, OP_SCRUB, &h);
        assert_int_equal(histogram_count(&h), 51);
        assert_int_equal(histogram_max(&h), NSEC_PER_SEC);
}

/* However long: there is nothing more to count, and samples are thinned by the time under stress. */
static void test_samples_while_held(void **state) {
        Case *c = *state;
        Run *r = start(c);

        r->now_ns += NSEC_PER_SEC;
        r->state = RUN_HOLDING;
        r->entered_ns = r->now_ns;
        for (unsigned i = 0; i < 100; i++) {
                run_soak(r);
                r->now_ns += NSEC_PER_SEC;
        }
        assert_int_equal(r->ledger->sample, 2);
}

/* Those of an earlier start are known. */
static void test_findings_before(void **state) {
        Case *c = *state;
        Run *r = start(c);

        assert_int_equal(r->findings_before, 0);
        find(r, OP_UNLINK);
        r = start(c);
        assert_int_equal(r->findings_before, 1);
        r->config.run.on_finding = ON_FINDING_HOLD;
        r->state = RUN_STRESS;
        assert_false(run_hold_due(r));
        find(r, OP_TRUNCATE);
        assert_true(run_hold_due(r));
}

static void test_control_interval(void **state) {
        Case *c = *state;
        Run *r;

        set(c, "Run.ControlInterval", "1m");
        r = start(c);
        stress(r, 600);
        assert_true(run_control_due(r));
        r = start(c);
        assert_int_equal(r->report.totals.stress_ns, 600 * NSEC_PER_SEC);
        assert_false(run_control_due(r)); /* not ten at once */
        stress(r, 60);
        assert_true(run_control_due(r));
}

static void test_findings(void **state) {
        Case *c = *state;
        Run *r = start(c);
        char first[256];
        struct stat st;

        find(r, OP_UNLINK); /* no sample after it */
        assert_int_equal(c->findings, 1);
        snprintf(first, sizeof(first), "%s/run-1/01-kernel-errno-unlink", c->directory);
        assert_string_equal(judge_finding(r->judge, 0)->evidence, first);
        r = start(c);
        assert_int_equal(judge_n_findings(r->judge), 1);
        assert_string_equal(judge_finding(r->judge, 0)->evidence, first);
        assert_int_equal(stat(first, &st), 0);
        run_tell_findings(r);
        assert_int_equal(c->findings, 0); /* told once */
        find(r, OP_UNLINK);
        assert_int_equal(c->findings, 0);
        assert_int_equal(judge_finding(r->judge, 0)->count, 2);
        find(r, OP_TRUNCATE);
        assert_int_equal(c->findings, 1);
        snprintf(first, sizeof(first), "%s/run-1/02-kernel-errno-truncate", c->directory);
        assert_string_equal(judge_finding(r->judge, 1)->evidence, first);
        r = start(c);
        r->stop = true;
        run_conclude(r);
        assert_int_equal(r->report.verdict, EXIT_FAIL);
        assert_int_equal(r->report.totals.findings, 2);
        assert_noted(c, "The soak is not at its end: 60m00s of 60m00s are left, and the next start carries on.");
}

static void test_done(void **state) {
        Case *c = *state;
        Run *r;

        set(c, "Run.MinCollisions", "0");
        r = start(c);
        stress(r, 3600);
        r->completed = true;
        run_conclude(r);
        assert_int_equal(r->report.verdict, EXIT_PASS);
        assert_null(strstr(r->report.why, "left"));
        assert_int_equal(r->report.n_notes, 0);
        r = start(c);
        assert_string_equal(r->report.run_id, "run-2");
        assert_int_equal(r->report.totals.stress_ns, 0);
        assert_string_equal(c->notes, "");
}

static void test_another_configuration(void **state) {
        Case *c = *state;
        Error e = ERROR_NULL;
        Run *r = start(c);
        Config other = c->config;

        assert_int_equal(run_reconfigure(r, &other, &e), -EINVAL);
        assert_non_null(strstr(e.sentence, "A soak has one configuration from its begin to its end; restart instead"));
        set(c, "Churn.FileSize", "64KiB"); /* the default, from elsewhere */
        r = start(c);
        assert_string_equal(r->report.run_id, "run-1");
        set(c, "Churn.FileSize", "2MiB");
        r = start(c);
        assert_string_equal(r->report.run_id, "run-3");
        assert_noted(c, "The soak run-1 was not at its end, but its configuration was another: it is abandoned, and a new one begins.");
        assert_int_equal(r->plan.seed, 1003);
}

static void test_another_kernel(void **state) {
        Case *c = *state;
        Error e = ERROR_NULL;

        start(c);
        run_free(c->run);
        c->notes[0] = 0;
        c->run = make_run(c);
        strcpy(c->run->report.kernel, "6.19.0 x86_64");
        assert_true(run_soak_begin(c->run, &e) >= 0);
        assert_noted(c, "The kernel of this start is 6.19.0 x86_64, that of the one before was 6.18.44 x86_64: the verdict is on both.");
}

/* The run goes on, and says what that costs; once. */
static void test_ledger_fails(void **state) {
        Case *c = *state;
        Run *r = start(c);
        unsigned n = 0;

        assert_int_equal(sql_run(r->ledger, "PRAGMA query_only = 1", ""), SQLITE_OK);
        find(r, OP_UNLINK);
        stress(r, 60);
        r->stop = true;
        run_conclude(r);
        assert_int_equal(r->report.verdict, EXIT_FAIL);
        assert_false(r->report.soak->starts[0].ended);
        for (const char *p = c->notes; (p = strstr(p, "cannot be written")); p++)
                n++;
        assert_int_equal(n, 1);
        assert_noted(c, "What the soak does meanwhile may be lost.");
}

static void test_no_ledger_no_run(void **state) {
        Case *c = *state;
        Error e = ERROR_NULL;

        set(c, "Soak.LedgerDirectory", "/proc/self/none");
        c->run = make_run(c);
        assert_true(run_soak_begin(c->run, &e) < 0);
        assert_int_equal(e.exit, EXIT_ERROR);
        assert_null(c->run->report.soak);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_no_soak, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_carries_on, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_write_budget, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_samples, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_latency, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_samples_while_held, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_findings_before, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_control_interval, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_findings, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_done, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_another_configuration, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_another_kernel, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_ledger_fails, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_no_ledger_no_run, set_up, tear_down),
        };

        return cmocka_run_group_tests_name("run-soak", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes in a run of a power cut that the filesystem did not live through. The jobs of the cut need device mapper: their answer is made up. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "base/fs.h"
#include "judge/judge-internal.h"
#include "run-fixture.h"

#define CHECK_SAYS "ERROR: root 5 inode 257 errors 100\n"

static int setup(void **state) {
        int r = run_place_setup(state);

        ((RunPlace *)*state)->run->config.run.max_remakes = 0; /* there is nothing of which to make a target */
        return r;
}

/* The job that looks at what a cut has left, with this answer, until the run is elsewhere. */
static void power_up(RunPlace *p, StrikeEnd end, bool mounted) {
        Run *r = p->run;
        JobDesk *d = r->desk;
        Error e = ERROR_NULL;

        r->job.config = &r->config;
        assert_int_equal(job_start(&r->job, JOB_CANCEL, clock_mono_ns(), NSEC_PER_SEC, &e), 0);
        r->job.fault = 0;
        d->strike = (Strike){ .end = end, .n_blocks = 9, .text = "the power of all devices" };
        d->target.mounted = mounted;
        snprintf(d->output, sizeof(d->output), "%s", CHECK_SAYS);
        d->check_status = 1;
        r->powering_up = true;
        r->state = RUN_RETIRING;
        do {
                clock_sleep_ns(NSEC_PER_MSEC);
                run_step(r, clock_mono_ns());
        } while (run_state(r) == RUN_RETIRING);
}

static void expect_kept(const Finding *f, const char *name, bool there) {
        char text[64];
        int n = fs_read(f->evidence, name, text, sizeof(text));

        assert_true(f->evidence[0]);
        if (there)
                assert_string_equal(n > 0 ? text : "", strtok((char[]){ CHECK_SAYS }, "\n"));
        else
                assert_int_equal(n, -ENOENT);
}

/* Also when another has been found in the meantime, or before. */
static void what_is_left_speaks_in_the_evidence_of_the_cut(void **state) {
        RunPlace *p = *state;
        Judge *j = p->run->judge;
        const uint64_t now_ns = clock_mono_ns();

        /* Of an earlier boot: on this one's clock it is before 0. */
        run_observe(p->run, &(Observation){ .time_ns = now_ns - 100 * 86400 * NSEC_PER_SEC, .kind = OBS_MISCOMPARE, .op = OP_READ });
        judge_tick(j, now_ns);
        run_tell_findings(p->run);
        power_up(p, STRIKE_BROKEN, false);
        assert_int_equal(judge_n_findings(j), 2);
        assert_int_equal(judge_finding(j, 1)->class, CLASS_POWER_CUT);
        assert_int_equal(p->run->report.faults[0].struck, 1);
        assert_int_equal(p->run->report.faults[0].met, 0);
        expect_kept(judge_finding(j, 0), "/btrfs-check.txt", false);
        expect_kept(judge_finding(j, 1), "/btrfs-check.txt", true);
        assert_int_not_equal(run_state(p->run), RUN_MAKING);
}

/* One that has been found before is met again: it is not the newest, but the last. */
static void the_last_one_met_is_meant_and_not_the_newest(void **state) {
        RunPlace *p = *state;
        Judge *j = p->run->judge;

        power_up(p, STRIKE_WRONG, false);
        assert_int_equal(judge_finding(j, 0)->class, CLASS_MISCOMPARE);
        run_observe(p->run, &(Observation){ .time_ns = clock_mono_ns(), .kind = OBS_RESULT, .op = OP_READ, .result = -EIO, .devid = 1 });
        judge_decide(j);
        run_tell_findings(p->run);
        assert_int_equal(judge_n_findings(j), 2);
        power_up(p, STRIKE_WRONG, false);
        assert_int_equal(judge_n_findings(j), 2);
        assert_int_equal(judge_finding(j, 0)->count, 2);
        expect_kept(judge_finding(j, 0), "/btrfs-check-2.txt", true);
        expect_kept(judge_finding(j, 1), "/btrfs-check.txt", false);
}

static void one_that_lived_goes_on_as_it_is(void **state) {
        RunPlace *p = *state;

        power_up(p, STRIKE_MET, true);
        assert_int_equal(run_state(p->run), RUN_PREFLIGHT);
        assert_int_equal(judge_n_findings(p->run->judge), 0);
        assert_int_equal(p->run->report.faults[0].met, 1);
        assert_int_equal(p->run->report.totals.remakes, 0);
        p->run->desk->target.mounted = false;
}

static size_t index_of(const Fault *f) {
        size_t i = 0;

        while (faults[i] != f)
                i++;
        return i;
}

static void one_that_has_struck_is_not_left_out_for_good(void **state) {
        Run *r = ((RunPlace *)*state)->run;
        FaultTally *t = &r->report.faults[0];

        r->job.fault = 0;
        r->desk->strike = (Strike){ .end = STRIKE_NOT_HERE };
        run_fault_struck(r);
        assert_true(t->not_here);
        assert_int_equal(t->struck, 0);
        r->desk->strike.end = STRIKE_MET;
        run_fault_struck(r);
        r->desk->strike.end = STRIKE_NOT_HERE;
        run_fault_struck(r);
        assert_false(t->not_here);
        assert_int_equal(t->struck, 2);
        assert_int_equal(t->met, 1);
        assert_int_equal(t->void_, 1);
        /* Another configuration, another target. */
        run_fault_begin(r);
        r->job.fault = 0;
        run_fault_struck(r);
        assert_true(t->not_here);
}

/* A replace that came to its end instead of being cancelled: the log names its device from now on, and the filesystem by the one before. */
static void devices_are_known_by_their_old_and_new_names(void **state) {
        Run *r = ((RunPlace *)*state)->run;
        Target *t = &r->desk->target;

        r->job.fault = 0;
        r->desk->strike = (Strike){ .end = STRIKE_VOID };
        judge_set_devices(r->judge, (const char[][64]){ "loop3" }, 1);
        t->n_devices = 1;
        strcpy(t->devices[0].path, "/dev/loop9");
        run_fault_struck(r);
        assert_string_equal(r->judge->policy.devices[1], ""); /* nobody replaces */
        r->config.replace.enabled = true;
        run_fault_struck(r);
        run_fault_struck(r);
        assert_string_equal(r->judge->policy.devices[0], "loop3");
        assert_string_equal(r->judge->policy.devices[1], "loop9");
        assert_string_equal(r->judge->policy.devices[2], "");
}

/* What breaks no block explains no error counter and no line of the log. */
static void only_what_breaks_blocks_explains_errors(void **state) {
        Run *r = ((RunPlace *)*state)->run;

        r->state = RUN_STRIKING;
        r->job.fault = index_of(&fault_data);
        assert_true(run_fault_explains(r));
        r->job.fault = index_of(&fault_freeze);
        assert_false(run_fault_explains(r));
        r->struck_ns = r->now_ns = clock_mono_ns(); /* by the one before it, of which a line may still come */
        assert_true(run_fault_explains(r));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, run_place_teardown)
int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(what_is_left_speaks_in_the_evidence_of_the_cut),
                TEST(the_last_one_met_is_meant_and_not_the_newest),
                TEST(one_that_lived_goes_on_as_it_is),
                TEST(one_that_has_struck_is_not_left_out_for_good),
                TEST(devices_are_known_by_their_old_and_new_names),
                TEST(only_what_breaks_blocks_explains_errors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

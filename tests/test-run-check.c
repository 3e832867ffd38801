/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When btrfs check may look at a target, who waits for it, and what becomes of what it says. */
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

static void it_looks_where_damage_would_not_be_ours(void **state) {
        Run *r = ((RunPlace *)*state)->run;

        assert_true(run_may_check(r));
        r->desk->dark = true;
        assert_false(run_may_check(r));
        r->desk->dark = false;
        r->desk->striking = true;
        assert_false(run_may_check(r));
        r->desk->striking = false;
        r->replaced = true;
        assert_false(run_may_check(r));
        r->replaced = false;
        r->config.replace.enabled = true;
        assert_false(run_may_check(r));
        r->config.replace.enabled = false;
        r->config.run.check = false;
        assert_false(run_may_check(r));
}

static void who_stops_does_not_wait(void **state) {
        Run *r = ((RunPlace *)*state)->run;

        r->now_ns = 100;
        r->job.deadline_ns = 200;
        r->job.kind = JOB_FINISH;
        r->desk->target.mounted = false;
        assert_false(run_check_can_be_left(r));
        r->urgent = true;
        assert_true(run_check_can_be_left(r));
        r->desk->target.mounted = true; /* for the unmount he does */
        assert_false(run_check_can_be_left(r));
        r->desk->target.mounted = false;
        r->job.kind = JOB_UNMOUNT;
        assert_false(run_check_can_be_left(r));
        r->urgent = false;
        r->job.kind = JOB_FINISH;
        r->now_ns = 200; /* nobody waits for ever */
        assert_true(run_check_can_be_left(r));
        r->job.kind = JOB_NONE;
}

static void what_it_found_is_a_finding(void **state) {
        RunPlace *p = *state;
        Run *r = p->run;
        char text[64];

        r->sound = true;
        r->now_ns = clock_mono_ns();
        r->desk->check_status = 1;
        strcpy(r->desk->output, "Checking filesystem on /dev/loop0\nERROR: root 5\n");
        r->desk->check = (Observation){ .time_ns = r->now_ns, .kind = OBS_CHECK, .result = 1, .count = 1, .text = "ERROR: root 5" };
        run_finished(r);
        assert_false(r->report.checked);
        assert_int_equal(judge_n_findings(r->judge), 1);
        assert_int_equal(judge_finding(r->judge, 0)->class, CLASS_DAMAGED);
        assert_true(fs_read(judge_finding(r->judge, 0)->evidence, "/btrfs-check.txt", text, sizeof(text)) > 0);
        assert_string_equal(text, "Checking filesystem on /dev/loop0\nERROR: root 5");
}

static void what_it_could_not_find_out_is_a_note(void **state) {
        Run *r = ((RunPlace *)*state)->run;

        r->sound = true;
        r->desk->check_status = -ENOENT;
        strcpy(r->desk->note, "btrfs check could not look");
        run_finished(r);
        assert_false(r->report.checked);
        assert_int_equal(judge_n_findings(r->judge), 0);
        assert_string_equal(r->notes[0], "btrfs check could not look");
        r->desk->note[0] = 0;
        r->desk->check_status = 0;
        run_finished(r);
        assert_true(r->report.checked);
        r->sound = false; /* another target was checked before this one */
        run_finished(r);
        assert_false(r->report.checked);
        assert_null(r->note_list[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(it_looks_where_damage_would_not_be_ours, run_place_setup, run_place_teardown),
                cmocka_unit_test_setup_teardown(who_stops_does_not_wait, run_place_setup, run_place_teardown),
                cmocka_unit_test_setup_teardown(what_it_found_is_a_finding, run_place_setup, run_place_teardown),
                cmocka_unit_test_setup_teardown(what_it_could_not_find_out_is_a_note, run_place_setup, run_place_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

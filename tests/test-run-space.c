/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Space that the kernel keeps, from what sysfs says to the finding: the machine with a worker that only rests. The clock is ahead of the real one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "run-fixture.h"
#include "space-fixture.h"

static const Stressor idle = { .name = "idle", .step = idle_step, .deadline_ns = idle_deadline };

typedef struct Place {
        SysFolder *sys;
        Run *run;
        uint64_t ahead_ns;
        unsigned findings;
} Place;

static void on_finding(void *userdata, const Finding *f, const Report *r _unused_) {
        Place *p = userdata;

        assert_int_equal(f->class, CLASS_SPACE_LEAK);
        assert_non_null(strstr(f->text, "bytes_readonly of metadata"));
        p->findings++;
}

static int setup(void **state) {
        Place *p = calloc(1, sizeof(*p));
        void *sys = NULL;

        assert_int_equal(sys_folder_setup(&sys), 0);
        p->sys = sys;
        p->run = calloc(1, sizeof(*p->run));
        make_run(p->run, &idle, p->sys->root);
        p->run->listener = (RunListener){ .userdata = p, .finding = on_finding };
        p->run->config.run.control_interval_ns = 60 * NSEC_PER_SEC;
        p->run->config.health.temperature_limit = 0;
        p->run->job.sys_root = p->sys->root;
        strcpy(p->run->config.run.evidence_directory, p->sys->root);
        strcpy(p->run->report.run_id, "run-1");
        strcpy(p->run->desk->target.fsid_text, SYS_FSID);
        fake_kernel_begin();
        begin_stress(p->run);
        *state = p;
        return 0;
}

static int teardown(void **state) {
        Place *p = *state;
        void *sys = p->sys;

        run_free(p->run);
        fake_btrfs_end();
        free(p);
        return sys_folder_teardown(&sys);
}

static void step(Place *p, uint64_t ns) {
        p->ahead_ns += ns;
        run_step(p->run, clock_mono_ns() + p->ahead_ns);
}

static void step_into(Place *p, RunState s) {
        for (unsigned i = 0; i < 5000 && run_state(p->run) != s; i++) {
                step(p, 0);
                clock_sleep_ns(2 * NSEC_PER_MSEC);
        }
        assert_string_equal(run_state_name(run_state(p->run)), run_state_name(s));
}

/* A minute of stress, the control scrub, and what it has seen has settled. */
static void pause_once(Place *p) {
        step(p, 60 * NSEC_PER_SEC);
        step_into(p, RUN_CONFIRMING);
        step_into(p, RUN_STRESS);
        step(p, NSEC_PER_SEC);
}

static void what_is_kept_is_one_finding(void **state) {
        Place *p = *state;

        pause_once(p);
        pause_once(p);
        assert_int_equal(p->findings, 0);
        sys_folder_set(p->sys, SPACE_METADATA, SPACE_READONLY, GiB);
        pause_once(p);
        pause_once(p);
        assert_int_equal(p->findings, 1);
        assert_int_equal(judge_finding(p->run->judge, 0)->count, 2);
        assert_int_equal(run_failing_findings(p->run), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_is_kept_is_one_finding, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run whose disk gets too hot: the machine with a worker that only rests, from the stress on, below a folder that stands for the machine. The
 * clock is a little ahead of the real one after each wait.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "run-fixture.h"
#include "smart-documents.h"

#define LOOK (31 * NSEC_PER_SEC) /* after which the temperature is looked at again */

static const Stressor idle = { .name = "idle", .step = idle_step, .deadline_ns = idle_deadline };

typedef struct Place {
        char root[48];
        Run *run;
        uint64_t ahead_ns;
} Place;

static void set_temperature(const Place *p, unsigned degrees) {
        char path[128], text[16];
        FILE *f;

        snprintf(path, sizeof(path), "%s/sys/block/nvme0n1/device/hwmon0", p->root);
        assert_int_equal(fs_mkdir_p(path), 0);
        strcat(path, "/temp1_input");
        f = fopen(path, "we");
        snprintf(text, sizeof(text), "%u000\n", degrees);
        assert_non_null(f);
        fputs(text, f);
        fclose(f);
}

static int setup(void **state) {
        Place *p = calloc(1, sizeof(*p));

        strcpy(p->root, "/tmp/scrubstress-test-run-XXXXXX");
        assert_non_null(mkdtemp(p->root));
        p->run = calloc(1, sizeof(*p->run));
        make_run(p->run, &idle, p->root);
        set_temperature(p, 40);
        fake_kernel_begin();
        begin_stress(p->run);
        *state = p;
        return 0;
}

static int teardown(void **state) {
        Place *p = *state;

        end_run(p->run, p->root);
        free(p);
        return 0;
}

/* Steps until nobody is being asked any more, and that has had its effect. */
static void look(Place *p) {
        p->ahead_ns += LOOK;
        do {
                run_step(p->run, clock_mono_ns() + p->ahead_ns);
                clock_sleep_ns(2 * NSEC_PER_MSEC);
        } while (health_watch_busy(p->run->health));
        run_step(p->run, clock_mono_ns() + p->ahead_ns);
}

static void step_into(Place *p, RunState s) {
        for (unsigned i = 0; i < 5000 && run_state(p->run) != s; i++) {
                run_step(p->run, clock_mono_ns() + p->ahead_ns);
                clock_sleep_ns(2 * NSEC_PER_MSEC);
        }
        assert_string_equal(run_state_name(run_state(p->run)), run_state_name(s));
}

static void heat(Place *p) {
        set_temperature(p, 70);
        look(p);
        step_into(p, RUN_COOLING);
}

static void a_hot_disk_pauses_the_stress_until_it_is_cooler(void **state) {
        Place *p = *state;
        Run *r = p->run;
        uint64_t stressed;

        set_temperature(p, 69);
        look(p);
        assert_int_equal(run_state(r), RUN_STRESS);
        assert_true(r->report.totals.stress_ns >= LOOK);
        assert_int_equal(r->report.n_notes, 0); /* smartctl is not asked for what the kernel knows */
        heat(p);
        assert_int_equal(board_phase(r->board), PHASE_PAUSE);
        assert_true(crew_all_paused(&r->crew));
        assert_int_equal(r->report.coolings, 1);
        assert_int_equal(r->report.n_notes, 1);
        assert_string_equal(r->report.notes[0], "/dev/nvme0n1 has 70 degrees C, the limit is 70 (TemperatureLimit=): the stress pauses until it is "
                            "5 below it.");
        stressed = r->report.totals.stress_ns;
        set_temperature(p, 66);
        look(p);
        assert_int_equal(run_state(r), RUN_COOLING);
        assert_true(r->report.cooling_ns >= LOOK);
        set_temperature(p, 65);
        look(p);
        assert_int_equal(run_state(r), RUN_STRESS);
        assert_int_equal(board_phase(r->board), PHASE_RUN);
        assert_true(r->report.totals.stress_ns - stressed < NSEC_PER_SEC);
        look(p);
        assert_int_equal(run_state(r), RUN_STRESS);
        assert_true(r->report.totals.stress_ns - stressed >= LOOK);
        assert_int_equal(r->report.coolings, 1);
        assert_int_equal(r->report.n_notes, 1);
}

static void without_a_limit_nothing_pauses(void **state) {
        Place *p = *state;

        p->run->config.health.temperature_limit = 0;
        set_temperature(p, 120);
        look(p);
        assert_int_equal(health_watch_disks(p->run->health)->now.known, 0); /* and nobody looks */
        health_watch_ask(p->run->health, HEALTH_LOOK_WARMTH, p->run->now_ns + LOOK);
        look(p);
        assert_int_equal(health_watch_disks(p->run->health)->now.values[HEALTH_TEMPERATURE], 120);
        assert_int_equal(run_state(p->run), RUN_STRESS);
}

static void notes_of_pauses_come_to_an_end(void **state) {
        Place *p = *state;

        for (unsigned i = 0; i < 7; i++) {
                set_temperature(p, 71 + i);
                look(p);
                step_into(p, RUN_COOLING);
                set_temperature(p, 50);
                look(p);
                assert_int_equal(run_state(p->run), RUN_STRESS);
        }
        assert_int_equal(p->run->report.coolings, 7);
        assert_int_equal(p->run->report.n_notes, 5);
        assert_non_null(strstr(p->run->report.notes[4], "has 75 degrees C"));
        assert_non_null(strstr(p->run->report.notes[4], "Later pauses are only counted"));
}

static void a_disk_that_stays_hot_ends_the_run(void **state) {
        Place *p = *state;

        heat(p);
        p->ahead_ns += 3601 * NSEC_PER_SEC;
        step_into(p, RUN_STOPPING);
        assert_non_null(strstr(p->run->report.notes[p->run->report.n_notes - 1], "have not cooled down within 60 min"));
        assert_false(p->run->completed);
}

static void a_stop_ends_the_pause(void **state) {
        Place *p = *state;

        heat(p);
        run_stop(p->run);
        run_step(p->run, clock_mono_ns() + p->ahead_ns);
        assert_int_equal(run_state(p->run), RUN_STOPPING);
}

static void a_suspect_is_decided_in_the_pause(void **state) {
        Place *p = *state;

        heat(p);
        p->run->asked |= JUDGE_CONFIRM;
        step_into(p, RUN_CONFIRMING);
        step_into(p, RUN_STRESS);
        assert_true(fake_btrfs_count(FAKE_SCRUB) > 0);
        step_into(p, RUN_COOLING); /* for it is still hot */
}

static void a_lost_target_is_made_again_all_the_same(void **state) {
        Place *p = *state;

        heat(p);
        p->run->asked |= JUDGE_REMAKE;
        run_step(p->run, clock_mono_ns() + p->ahead_ns);
        assert_int_equal(run_state(p->run), RUN_EVICTING);
}

/* The control scrub of ControlInterval= is not put off by pauses for heat. */
static void a_pause_for_heat_is_no_control_scrub(void **state) {
        Place *p = *state;

        p->run->config.run.control_interval_ns = 2 * LOOK - NSEC_PER_SEC;
        heat(p);
        set_temperature(p, 40);
        look(p);
        assert_int_equal(run_state(p->run), RUN_STRESS);
        assert_int_equal(fake_btrfs_count(FAKE_SCRUB), 0);
        look(p);
        step_into(p, RUN_STRESS);
        assert_int_equal(fake_btrfs_count(FAKE_SCRUB), 1);
}

static void growth_ends_up_with_the_judge(void **state) {
        Place *p = *state;
        const Finding *f;

        run_observe(p->run, &(Observation){ .time_ns = p->run->now_ns, .kind = OBS_HEALTH, .devid = 1, .count = 8, .text = "grew" });
        judge_close(p->run->judge, p->run->now_ns);
        assert_int_equal(judge_n_findings(p->run->judge), 1);
        f = judge_finding(p->run->judge, 0);
        assert_string_equal(finding_classes[f->class].name, "hardware/health");
        assert_int_equal(f->grade, GRADE_HW);
}

/* Prints the file of the disk's name. */
static void put_smartctl(const Place *p) {
        char path[128], text[256];
        FILE *f;

        snprintf(path, sizeof(path), "%s/bin", p->root);
        assert_int_equal(fs_mkdir_p(path), 0);
        strcat(path, "/smartctl");
        f = fopen(path, "we");
        assert_non_null(f);
        fprintf(f, "#!/bin/sh\ncat %s/\"${3#/dev/}\"\n", p->root);
        fclose(f);
        assert_int_equal(chmod(path, 0755), 0);
        snprintf(text, sizeof(text), "%s/bin:/usr/bin:/bin", p->root);
        setenv("PATH", text, 1);
}

static void put_document(const Place *p, const char *document) {
        char path[128];
        FILE *f;

        snprintf(path, sizeof(path), "%s/nvme0n1", p->root);
        f = fopen(path, "we");
        assert_non_null(f);
        fputs(document, f);
        fclose(f);
}

/* A look at all of it, some time after the one before. */
static void ask_all(Place *p) {
        look(p);
        health_watch_ask(p->run->health, HEALTH_LOOK_ALL, p->run->now_ns);
        do {
                run_step(p->run, clock_mono_ns() + p->ahead_ns);
                clock_sleep_ns(2 * NSEC_PER_MSEC);
        } while (health_watch_busy(p->run->health));
}

/* To be compared without the newline at its end. */
static void expect_evidence(const Finding *f, const char *name, const char *document) {
        char text[8192];
        int n = fs_read(f->evidence, name, text, sizeof(text));

        assert_int_equal(n, strlen(document) - 1);
        assert_memory_equal(text, document, (size_t)n);
}

static void the_evidence_has_what_smartctl_said_before_and_after(void **state) {
        _cleanup_free_ char *path = strdup(getenv("PATH"));
        Place *p = *state;
        const Finding *f;

        put_smartctl(p);
        snprintf(p->run->config.run.evidence_directory, sizeof(p->run->config.run.evidence_directory), "%s/evidence", p->root);
        put_document(p, SMART_NVME(47, 0, 3, 1000));
        ask_all(p);
        put_document(p, SMART_NVME(48, 0, 3, 1000));
        ask_all(p);
        put_document(p, SMART_NVME(49, 0, 5, 1000));
        ask_all(p);
        look(p); /* it has settled */
        assert_int_equal(judge_n_findings(p->run->judge), 1);
        f = judge_finding(p->run->judge, 0);
        assert_string_equal(finding_classes[f->class].name, "hardware/health");
        assert_non_null(strstr(f->evidence, "/01-hardware-health"));
        expect_evidence(f, "/smart-before-nvme0n1.json", SMART_NVME(47, 0, 3, 1000));
        expect_evidence(f, "/smart-after-nvme0n1.json", SMART_NVME(49, 0, 5, 1000));
        assert_int_equal(p->run->report.n_notes, 0);
        setenv("PATH", path, 1);
}

/* Another class has none, and neither has a finding beyond MaxFindings=. */
static void other_findings_have_no_such_evidence(void **state) {
        _cleanup_free_ char *path = strdup(getenv("PATH"));
        Place *p = *state;
        char text[64];

        put_smartctl(p);
        snprintf(p->run->config.run.evidence_directory, sizeof(p->run->config.run.evidence_directory), "%s/evidence", p->root);
        p->run->config.run.max_findings = 1;
        put_document(p, SMART_NVME(47, 0, 3, 1000));
        ask_all(p);
        run_observe(p->run, &(Observation){ .time_ns = p->run->now_ns, .kind = OBS_RESULT, .op = OP_READ, .result = -EIO, .devid = 1 });
        look(p);
        put_document(p, SMART_NVME(47, 0, 4, 1000));
        ask_all(p);
        look(p);
        assert_int_equal(judge_n_findings(p->run->judge), 2);
        assert_true(judge_finding(p->run->judge, 0)->evidence[0]);
        assert_int_equal(fs_read(judge_finding(p->run->judge, 0)->evidence, "/smart-before-nvme0n1.json", text, sizeof(text)), -ENOENT);
        assert_int_equal(judge_finding(p->run->judge, 1)->class, CLASS_HEALTH);
        assert_string_equal(judge_finding(p->run->judge, 1)->evidence, "");
        assert_int_equal(p->run->report.n_notes, 0);
        setenv("PATH", path, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_hot_disk_pauses_the_stress_until_it_is_cooler),
                TEST(without_a_limit_nothing_pauses),
                TEST(notes_of_pauses_come_to_an_end),
                TEST(a_disk_that_stays_hot_ends_the_run),
                TEST(a_stop_ends_the_pause),
                TEST(a_suspect_is_decided_in_the_pause),
                TEST(a_lost_target_is_made_again_all_the_same),
                TEST(a_pause_for_heat_is_no_control_scrub),
                TEST(growth_ends_up_with_the_judge),
                TEST(the_evidence_has_what_smartctl_said_before_and_after),
                TEST(other_findings_have_no_such_evidence),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

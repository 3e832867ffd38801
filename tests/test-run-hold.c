/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run that is held at its first finding for a debugger: the machine with a worker that only rests. The clock is ahead of the real one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>

#include "base/fs.h"
#include "made-up-report.h"
#include "run-fixture.h"
#include "stress/budget.h"

#define STATES_MAX 32

static const Stressor idle = { .name = "idle", .step = idle_step, .deadline_ns = idle_deadline };

typedef struct Place {
        char root[48];
        Run *run;
        uint64_t ahead_ns;
        RunState states[STATES_MAX]; /* that were entered */
        unsigned n_states, findings;
        bool frozen_when_told;
} Place;

static void on_state(void *userdata, RunState s, const Report *r _unused_) {
        Place *p = userdata;

        assert_true(p->n_states < STATES_MAX);
        p->states[p->n_states++] = s;
}

static void on_finding(void *userdata, const Finding *f, const Report *r _unused_) {
        Place *p = userdata;

        assert_string_not_equal(f->evidence, ""); /* is saved before it is told */
        p->frozen_when_told = p->run->crew.frozen;
        p->findings++;
}

static int setup(void **state) {
        Place *p = calloc(1, sizeof(*p));

        strcpy(p->root, "/tmp/scrubstress-test-hold-XXXXXX");
        assert_non_null(mkdtemp(p->root));
        p->run = calloc(1, sizeof(*p->run));
        make_run(p->run, &idle, p->root);
        p->run->listener = (RunListener){ .userdata = p, .state = on_state, .finding = on_finding };
        p->run->config.run.on_finding = ON_FINDING_HOLD;
        p->run->config.health.temperature_limit = 0;
        strcpy(p->run->config.run.evidence_directory, p->root);
        strcpy(p->run->report.run_id, "run-1");
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

static void find(Place *p, Operation op) {
        uint64_t now_ns = clock_mono_ns() + p->ahead_ns;

        run_observe(p->run, &(Observation){ .kind = OBS_RESULT, .op = op, .result = -EUCLEAN, .time_ns = now_ns, .begin_ns = now_ns });
}

static void hold(Place *p) {
        find(p, OP_UNLINK);
        step(p, NSEC_PER_SEC); /* it has settled */
        assert_string_equal(run_state_name(run_state(p->run)), "held at a finding");
}

/* As ps(1) has it. */
static char process_state(pid_t pid) {
        char path[64], text[512];

        snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        assert_true(fs_read(NULL, path, text, sizeof(text)) > 0);
        assert_non_null(strrchr(text, ')'));
        return strrchr(text, ')')[2];
}

static void assert_stopped(pid_t pid) {
        for (unsigned i = 0; i < 1000 && process_state(pid) != 'T'; i++)
                clock_sleep_ns(2 * NSEC_PER_MSEC);
        assert_int_equal(process_state(pid), 'T');
}

static void everything_stands_still(void **state) {
        Place *p = *state;
        Run *r = p->run;
        uint64_t stress_ns, steps;

        step(p, NSEC_PER_SEC);
        hold(p);
        assert_stopped(r->crew.members[0].child.pid);
        assert_int_equal(r->report.held.at->op, OP_UNLINK);
        assert_int_equal(r->report.held.pid, getpid());
        assert_int_equal(r->report.held.workers, 1);
        assert_int_equal(p->findings, 1);
        assert_true(p->frozen_when_told); /* writing evidence takes its time */
        stress_ns = r->report.totals.stress_ns;
        assert_true(stress_ns >= NSEC_PER_SEC);
        steps = atomic_load(&r->board->slots[0].steps);
        r->config.run.duration_ns = stress_ns + NSEC_PER_SEC; /* would be over by then */
        step(p, 3600 * NSEC_PER_SEC);
        clock_sleep_ns(20 * NSEC_PER_MSEC);
        step(p, 3600 * NSEC_PER_SEC);
        assert_int_equal(run_state(r), RUN_HOLDING);
        assert_int_equal(r->report.totals.stress_ns, stress_ns);
        assert_int_equal(atomic_load(&r->board->slots[0].steps), steps);
        assert_true(r->report.held.ns >= 7200 * NSEC_PER_SEC);
        assert_true(r->report.totals.time_ns > r->entered_ns); /* it is being watched */
        assert_int_equal(judge_n_findings(r->judge), 1);
}

/* In real time: the worker ends by itself, and need not be killed. */
static void a_stop_lets_it_go_and_ends_it(void **state) {
        uint64_t begin_ns = clock_mono_ns();
        Place *p = *state;
        Run *r = p->run;

        hold(p);
        assert_stopped(r->crew.members[0].child.pid);
        run_stop(r);
        step(p, 0);
        assert_int_equal(run_state(r), RUN_STOPPING);
        step_into(p, RUN_UNMOUNTING);
        assert_false(r->killed);
        step_into(p, RUN_DONE);
        assert_true(clock_mono_ns() - begin_ns < 10 * NSEC_PER_SEC);
        assert_int_equal(r->report.verdict, EXIT_FAIL);
        assert_true(r->completed);
        assert_int_equal(judge_n_findings(r->judge), 1); /* that of the kernel, none of what we did */
        assert_non_null(r->report.held.at);
}

/* systemd does that to the processes of a service that it stops. */
static void who_is_continued_by_others_pauses(void **state) {
        Place *p = *state;
        Run *r = p->run;
        uint64_t steps;

        hold(p);
        assert_stopped(r->crew.members[0].child.pid);
        assert_int_equal(child_kill(&r->crew.members[0].child, SIGCONT), 0);
        for (unsigned i = 0; i < 1000 && !crew_all_paused(&r->crew); i++)
                clock_sleep_ns(2 * NSEC_PER_MSEC);
        assert_true(crew_all_paused(&r->crew));
        steps = atomic_load(&r->board->slots[0].steps);
        clock_sleep_ns(20 * NSEC_PER_MSEC);
        assert_int_equal(atomic_load(&r->board->slots[0].steps), steps);
        step(p, NSEC_PER_SEC);
        assert_int_equal(run_state(r), RUN_HOLDING);
}

static void only_when_asked_for(void **state) {
        Place *p = *state;

        p->run->config.run.on_finding = ON_FINDING_CONTINUE;
        find(p, OP_UNLINK);
        step(p, NSEC_PER_SEC);
        assert_int_equal(run_state(p->run), RUN_STRESS);
        assert_int_equal(p->findings, 1);
        p->run->config.run.on_finding = ON_FINDING_STOP;
        step(p, NSEC_PER_SEC);
        assert_int_equal(run_state(p->run), RUN_STOPPING);
        assert_null(p->run->report.held.at);
}

/* What does not fail a run does not hold it. */
static void a_note_holds_nothing(void **state) {
        Place *p = *state;

        run_observe(p->run, &(Observation){ .kind = OBS_DIED, .result = 256, .worker = 1, .time_ns = clock_mono_ns(), .text = "made up" });
        step(p, NSEC_PER_SEC);
        assert_int_equal(judge_n_findings(p->run->judge), 1);
        assert_int_equal(run_state(p->run), RUN_STRESS);
}

static void a_lost_target_is_kept(void **state) {
        Place *p = *state;

        p->run->asked |= JUDGE_REMAKE;
        hold(p);
        step(p, NSEC_PER_SEC);
        assert_int_equal(run_state(p->run), RUN_HOLDING);
}

static void oops(Place *p) {
        static const char *const lines[] = { "kernel BUG at fs/btrfs/volumes.c:1949!", "---[ end trace 0000000000000000 ]---" };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                Observation o = { .kind = OBS_KMSG, .time_ns = clock_mono_ns() + p->ahead_ns };
                strcpy(o.text, lines[i]);
                run_observe(p->run, &o);
        }
}

static void a_dead_task_is_held_and_not_given_up(void **state) {
        Place *p = *state;

        oops(p);
        step(p, NSEC_PER_SEC);
        assert_true(judge_oopsed(p->run->judge));
        assert_int_equal(run_state(p->run), RUN_HOLDING);
        step(p, NSEC_PER_SEC);
        assert_int_equal(run_state(p->run), RUN_HOLDING);
        run_stop(p->run);
        step_into(p, RUN_DONE);
        assert_true(p->run->stuck); /* the end does not wait for what the dead one held */
        assert_int_equal(p->run->report.verdict, EXIT_FAIL);
}

/* In the pause for it; the stress does not go on in between. */
static void what_a_control_scrub_confirms(void **state) {
        static const RunState wanted[] = { RUN_PAUSING, RUN_CONFIRMING, RUN_HOLDING };
        Place *p = *state;
        uint64_t now_ns = clock_mono_ns();

        run_observe(p->run, &(Observation){ .kind = OBS_RESULT, .op = OP_SCRUB, .result = -EINVAL, .devid = 1, .time_ns = now_ns,
                                            .begin_ns = now_ns });
        step(p, NSEC_PER_SEC);
        step_into(p, RUN_HOLDING);
        assert_int_equal(p->n_states, ELEMENTSOF(wanted));
        assert_memory_equal(p->states, wanted, sizeof(wanted));
        assert_int_equal(board_phase(p->run->board), PHASE_PAUSE);
        assert_int_equal(p->run->report.held.at->class, CLASS_SCRUB_RACE);
        assert_int_equal(p->run->report.held.at->confirmed, 1);
        assert_int_equal(p->findings, 1);
        assert_true(p->frozen_when_told);
        /* That of ControlInterval=, of whole devices, is not put off by it. */
        assert_true(p->run->report.totals.stress_ns > 0);
        assert_int_equal(p->run->control_ns, 0);
}

static void the_control_scrub_is_stopped_too(void **state) {
        static const FakeRule slow[] = {
                { .call = FAKE_SYNC, .optional = true }, { .call = FAKE_SCRUB, .optional = true, .delay_ns = 3600 * NSEC_PER_SEC },
                { .call = FAKE_SCRUB_CANCEL, .optional = true, .result = -ENOTCONN },
                { .call = FAKE_BALANCE_CANCEL, .optional = true, .result = -ENOTCONN },
        };
        Place *p = *state;
        pid_t job;

        fake_btrfs_begin(slow, ELEMENTSOF(slow));
        p->run->asked |= JUDGE_CONFIRM;
        step_into(p, RUN_CONFIRMING);
        job = p->run->job.child.pid;
        hold(p);
        assert_stopped(job);
        step(p, 2 * 3600 * NSEC_PER_SEC); /* its deadline */
        assert_int_equal(run_state(p->run), RUN_HOLDING);
        assert_int_equal(p->run->report.n_notes, 0);
        run_stop(p->run);
        step(p, 0);
        assert_int_equal(run_state(p->run), RUN_STOPPING);
        assert_int_equal(p->run->job.kind, JOB_CANCEL);
}

static void a_hot_disk_is_no_way_out(void **state) {
        Place *p = *state;

        p->run->state = RUN_COOLING;
        hold(p);
}

/* The start that found it is gone, and what there was to see with it: as OnFinding=stop. */
static void findings_of_earlier_starts(void **state) {
        Place *p = *state;

        p->run->findings_before = 1;
        find(p, OP_UNLINK);
        step(p, NSEC_PER_SEC);
        assert_int_equal(run_state(p->run), RUN_STOPPING);
        assert_true(p->run->completed);
        assert_null(p->run->report.held.at);
}

static void another_after_those_of_earlier_starts(void **state) {
        Place *p = *state;

        p->run->findings_before = 1;
        find(p, OP_UNLINK);
        find(p, OP_TRUNCATE);
        step(p, NSEC_PER_SEC);
        assert_int_equal(run_state(p->run), RUN_HOLDING);
        assert_int_equal(p->run->report.held.at->op, OP_TRUNCATE);
}

static void no_other_configuration_meanwhile(void **state) {
        Place *p = *state;
        Error e = ERROR_NULL;
        Config other = p->run->config;

        hold(p);
        assert_int_equal(run_reconfigure(p->run, &other, &e), -EBUSY);
        assert_int_equal(e.exit, EXIT_USAGE);
        assert_non_null(strstr(e.sentence, "The run is held at a finding"));
        assert_false(p->run->reconfigured);
}

static void what_is_said(void **state _unused_) {
        const Finding f = { .class = CLASS_SCRUB_RACE };
        Held h = { .at = &f, .ns = 754 * NSEC_PER_SEC, .pid = 4711, .workers = 9 };
        char where[REPORT_HELD_MAX];
        size_t longest = 0;

        assert_string_equal(report_describe_held(&h, where),
                            "at the finding regression/scrub-race for a debugger: 9 workers are stopped, and the target stays mounted in the mount "
                            "namespace of process 4711 (nsenter -t 4711 -m); SIGTERM (systemctl stop) or SIGINT to it ends the run");
        h.workers = 1;
        assert_non_null(strstr(report_describe_held(&h, where), ": 1 worker is stopped, "));
        h.workers = 64;
        h.pid = 4194304; /* the largest */
        for (FindingClass c = 0; c < _CLASS_MAX; c++) {
                Finding any = { .class = c };
                h.at = &any;
                longest = MAX_OF(longest, strlen(report_describe_held(&h, where)));
        }
        assert_true(longest < REPORT_HELD_MAX - 1);
}

static void reports_say_so(void **state _unused_) {
        _cleanup_free_ char *without = NULL, *with = NULL, *json = NULL;
        const Finding found = { .class = CLASS_SCRUB_RACE };
        MadeUp m;

        assert_true(made_up_new(&m));
        without = PRINTED(f, report_closing(&m.report, f, false));
        assert_null(strstr(without, "\nheld"));
        json = PRINTED(f, report_json(&m.report, f));
        assert_non_null(strstr(json, ",\"held_at\":null,\"held_s\":null,"));
        free(json);
        m.report.held = (Held){ .at = &found, .ns = 754500 * NSEC_PER_MSEC };
        with = PRINTED(f, report_closing(&m.report, f, false));
        assert_non_null(strstr(with, "\nheld        12m34s at the finding regression/scrub-race, for a debugger; that is\n"
                               "            not in the time under stress.\n"));
        json = PRINTED(f, report_json(&m.report, f));
        assert_non_null(strstr(json, ",\"held_at\":\"regression/scrub-race\",\"held_s\":754.500,"));
        made_up_free(&m);
}

static void einval(Run *r, Operation op, uint64_t devid, uint64_t physical) {
        run_observe(r, &(Observation){ .kind = OBS_RESULT, .op = op, .result = -EINVAL, .devid = devid, .physical = physical, .time_ns = clock_mono_ns() });
}

/* Of each device the last place; one that says none takes the whole target. */
static void where_scrubs_have_failed_is_kept(void **state) {
        static const struct { Operation op; uint64_t devid; } nowhere[] = { { OP_REPLACE, 1 }, { OP_SCRUB, 0 } };
        Place *p = *state;
        Run *r = p->run;

        einval(r, OP_SCRUB, 1, MiB);
        einval(r, OP_SCRUB, 2, 2 * MiB);
        einval(r, OP_SCRUB, 1, 3 * MiB);
        einval(r, OP_BALANCE, 4, 0);
        assert_int_equal(r->suspects.n, 2);
        assert_int_equal(r->suspects.places[0].physical, 3 * MiB);
        assert_int_equal(r->suspects.places[1].devid, 2);
        assert_false(r->suspects.anywhere);
        for (unsigned i = 0; i < ELEMENTSOF(nowhere); i++) {
                r->suspects.anywhere = false;
                einval(r, nowhere[i].op, nowhere[i].devid, 0);
                assert_true(r->suspects.anywhere);
                assert_int_equal(r->suspects.n, 2);
        }
}

/* What the control scrub counts is told beside the answer that it gives. */
static void an_answer_hides_no_counters(void **state) {
        Place *p = *state;
        Run *r = p->run;

        r->suspects.n = 1;
        r->desk->control = (Observation){ .kind = OBS_CONTROL, .op = OP_CONTROL_SCRUB, .count = 3, .devid = 1, .time_ns = clock_mono_ns() };
        run_answer_suspects(r);
        judge_decide(r->judge);
        assert_int_equal(judge_n_findings(r->judge), 1);
        assert_int_equal(judge_finding(r->judge, 0)->class, CLASS_SCRUB_COUNTERS);
        assert_int_equal(r->suspects.n, 0);
}

/* Nor is one over a disk full of data killed after an hour. */
static void a_scrub_of_much_data_has_the_time_for_it(void **state) {
        Place *p = *state;
        Run *r = p->run;

        strcpy(r->config.target.data_profile, "dup");
        r->config.target.populate = 10 * TiB;
        r->asked |= JUDGE_CONFIRM;
        step_into(p, RUN_CONFIRMING);
        assert_true(r->job.deadline_ns - r->now_ns >= 3600 * NSEC_PER_SEC + 3 * budget_walk_ns(20 * TiB));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(everything_stands_still),
                TEST(a_stop_lets_it_go_and_ends_it),
                TEST(who_is_continued_by_others_pauses),
                TEST(only_when_asked_for),
                TEST(a_note_holds_nothing),
                TEST(a_lost_target_is_kept),
                TEST(a_dead_task_is_held_and_not_given_up),
                TEST(what_a_control_scrub_confirms),
                TEST(the_control_scrub_is_stopped_too),
                TEST(where_scrubs_have_failed_is_kept),
                TEST(an_answer_hides_no_counters),
                TEST(a_scrub_of_much_data_has_the_time_for_it),
                TEST(a_hot_disk_is_no_way_out),
                TEST(findings_of_earlier_starts),
                TEST(another_after_those_of_earlier_starts),
                TEST(no_other_configuration_meanwhile),
                cmocka_unit_test(what_is_said),
                cmocka_unit_test(reports_say_so),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

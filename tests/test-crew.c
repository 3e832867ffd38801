/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "fake-btrfs.h"
#include "run/crew.h"

#define DEADLINE_NS (50 * NSEC_PER_MSEC)

static uint64_t short_deadline(const Config *c _unused_) {
        return DEADLINE_NS;
}

static int step_sync(Worker *w) {
        worker_begin(w, OP_SYNC);
        worker_end(w, w->ops->sync(w->root_fd), NULL);
        worker_rest(w, NSEC_PER_MSEC);
        return 0;
}

static int step_fails(Worker *w _unused_) {
        return -ENOMEM;
}

static int step_hangs(Worker *w) {
        worker_begin(w, OP_BALANCE);
        while (pause() < 0)
                ;
        return 0;
}

static const Stressor good = { .name = "good", .deadline_ns = short_deadline, .step = step_sync };
static const Stressor failing = { .name = "failing", .deadline_ns = short_deadline, .step = step_fails };
static const Stressor hanging = { .name = "hanging", .deadline_ns = short_deadline, .step = step_hangs };

typedef struct Fixture {
        Config config;
        Plan plan;
        Target target;
        Crew crew;
        Observation seen[64];
        unsigned n_seen;
} Fixture;

static int open_tmp(const Target *t _unused_, Error *e _unused_) {
        return open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_nothing(const Target *t _unused_, Error *e _unused_) {
        return -ENODEV;
}

static void see(void *userdata, const Observation *o) {
        Fixture *f = userdata;

        assert_true(f->n_seen < ELEMENTSOF(f->seen));
        f->seen[f->n_seen++] = *o;
}

static const Observation *seen(const Fixture *f, ObservationKind kind) {
        for (unsigned i = 0; i < f->n_seen; i++)
                if (f->seen[i].kind == kind)
                        return &f->seen[i];
        return NULL;
}

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(*f));

        f->crew = CREW_NULL;
        f->crew.board = board_new();
        f->crew.plan = &f->plan;
        f->crew.config = &f->config;
        f->crew.target = &f->target;
        f->crew.ops = &fake_btrfs_ops;
        f->crew.open_target = open_tmp;
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        crew_kill(&f->crew);
        for (unsigned i = 0; i < f->plan.n_workers; i++)
                if (f->crew.members[i].child.pid > 0)
                        child_wait(&f->crew.members[i].child, NSEC_PER_SEC, &(int){ 0 });
        crew_close(&f->crew);
        board_free(f->crew.board);
        free(f);
        return 0;
}

static void enlist(Fixture *f, const Stressor *s) {
        PlanWorker *p = &f->plan.workers[f->plan.n_workers++];

        p->stressor = s;
        snprintf(p->name, sizeof(p->name), "%s/%u", s->name, f->plan.n_workers);
}

/* Looks as the supervisor does, until `done` or two seconds have passed. */
static bool until(Fixture *f, bool expected, bool (*done)(Fixture *f)) {
        for (unsigned i = 0; i < 400; i++) {
                crew_receive(&f->crew, see, f);
                crew_watch(&f->crew, clock_mono_ns(), expected, see, f);
                if (done(f)) {
                        crew_receive(&f->crew, see, f); /* what came between the two */
                        return true;
                }
                clock_sleep_ns(5 * NSEC_PER_MSEC);
        }
        return false;
}

static bool none_left(Fixture *f) { return crew_alive(&f->crew) == 0; }
static bool all_paused(Fixture *f) { return crew_all_paused(&f->crew); }
static bool someone_died(Fixture *f) { return seen(f, OBS_DIED); }
static bool someone_stuck(Fixture *f) { return seen(f, OBS_STUCK); }
static bool ten_syncs(Fixture *f) { return board_tally(f->crew.board, OP_SYNC, 0) >= 10; }

static void workers_run_pause_and_stop(void **state) {
        static const FakeRule script[] = { { .call = FAKE_SYNC } };
        Fixture *f = *state;
        uint64_t before;
        Error e;

        fake_btrfs_begin(script, ELEMENTSOF(script));
        enlist(f, &good);
        enlist(f, &good);
        assert_int_equal(crew_spawn(&f->crew, &e), 0);
        assert_int_equal(crew_alive(&f->crew), 2);
        assert_true(until(f, false, ten_syncs));
        assert_false(crew_all_paused(&f->crew));
        board_set_phase(f->crew.board, PHASE_PAUSE);
        assert_true(until(f, false, all_paused));
        before = board_tally(f->crew.board, OP_SYNC, 0);
        clock_sleep_ns(30 * NSEC_PER_MSEC);
        assert_int_equal(board_tally(f->crew.board, OP_SYNC, 0), before);
        assert_int_equal(crew_alive(&f->crew), 2);
        board_set_phase(f->crew.board, PHASE_RUN);
        clock_sleep_ns(50 * NSEC_PER_MSEC);
        assert_true(board_tally(f->crew.board, OP_SYNC, 0) > before);
        board_set_phase(f->crew.board, PHASE_STOP);
        assert_true(until(f, true, none_left));
        assert_int_equal(f->n_seen, 0);
        fake_btrfs_end();
}

/* Much longer than an operation may take. */
static void the_benched_are_not_stuck_and_pause(void **state) {
        static const FakeRule script[] = { { .call = FAKE_SYNC } };
        Fixture *f = *state;
        uint64_t before;
        Error e;

        fake_btrfs_begin(script, ELEMENTSOF(script));
        enlist(f, &good);
        enlist(f, &good);
        atomic_store(&f->crew.board->slots[1].benched, true); /* before it is there */
        assert_int_equal(crew_spawn(&f->crew, &e), 0);
        assert_true(until(f, false, ten_syncs));
        assert_int_equal(atomic_load(&f->crew.board->slots[1].steps), 0);
        atomic_store(&f->crew.board->slots[0].benched, true);
        clock_sleep_ns(30 * NSEC_PER_MSEC);
        before = board_tally(f->crew.board, OP_SYNC, 0);
        for (unsigned i = 0; i < 30; i++) {
                crew_watch(&f->crew, clock_mono_ns(), false, see, f);
                clock_sleep_ns(5 * NSEC_PER_MSEC);
        }
        assert_int_equal(f->n_seen, 0);
        assert_int_equal(board_tally(f->crew.board, OP_SYNC, 0), before);
        assert_int_equal(crew_alive(&f->crew), 2);
        assert_false(crew_all_paused(&f->crew));
        board_set_phase(f->crew.board, PHASE_PAUSE);
        assert_true(until(f, false, all_paused));
        board_set_phase(f->crew.board, PHASE_STOP);
        assert_true(until(f, true, none_left));
        fake_btrfs_end();
}

static void results_arrive_as_observations(void **state) {
        static const FakeRule script[] = { { .call = FAKE_SYNC, .nth = 3, .result = -EIO }, { .call = FAKE_SYNC } };
        Fixture *f = *state;
        const Observation *o;
        Error e;

        fake_btrfs_begin(script, ELEMENTSOF(script));
        enlist(f, &good);
        assert_int_equal(crew_spawn(&f->crew, &e), 0);
        assert_true(until(f, false, ten_syncs));
        o = seen(f, OBS_RESULT);
        assert_non_null(o);
        assert_int_equal(o->op, OP_SYNC);
        assert_int_equal(o->result, -EIO);
        assert_int_equal(o->worker, 1);
        assert_int_equal(board_tally(f->crew.board, OP_SYNC, EIO), 1);
        board_set_phase(f->crew.board, PHASE_STOP);
        assert_true(until(f, true, none_left));
        fake_btrfs_end();
}

static void a_worker_that_fails_is_told(void **state) {
        Fixture *f = *state;
        Error e;

        enlist(f, &failing);
        assert_int_equal(crew_spawn(&f->crew, &e), 0);
        assert_true(until(f, false, someone_died));
        assert_true(WIFEXITED(seen(f, OBS_DIED)->result));
        assert_int_equal(WEXITSTATUS(seen(f, OBS_DIED)->result), EXIT_ERROR);
        assert_non_null(strstr(seen(f, OBS_DIED)->text, "failing/1"));
        assert_non_null(seen(f, OBS_NOTE));
        assert_int_equal(crew_alive(&f->crew), 0);
        assert_true(crew_all_paused(&f->crew));
}

static void a_worker_without_a_target_ends(void **state) {
        Fixture *f = *state;
        Error e;

        f->crew.open_target = open_nothing;
        enlist(f, &good);
        assert_int_equal(crew_spawn(&f->crew, &e), 0);
        assert_true(until(f, false, someone_died));
        assert_non_null(seen(f, OBS_NOTE));
}

static void a_killed_worker_is_told_even_when_ends_are_expected(void **state) {
        static const FakeRule script[] = { { .call = FAKE_SYNC, .optional = true } };
        ScrubWindow w;
        Fixture *f = *state;
        Error e;

        fake_btrfs_begin(script, ELEMENTSOF(script));
        enlist(f, &good);
        assert_int_equal(crew_spawn(&f->crew, &e), 0);
        /* As if it had been killed in the middle of a scrub: no window may stay open. */
        slot_window_open(&f->crew.board->slots[0], 1, 0, UINT64_MAX, 1);
        child_kill(&f->crew.members[0].child, SIGKILL);
        assert_true(until(f, true, someone_died));
        assert_int_equal(WTERMSIG(seen(f, OBS_DIED)->result), SIGKILL);
        assert_false(slot_window_current(&f->crew.board->slots[0], &w));
        fake_btrfs_end();
}

static void workers_killed_by_us_at_the_end_are_no_news(void **state) {
        Fixture *f = *state;
        Error e;

        enlist(f, &hanging);
        enlist(f, &hanging);
        assert_int_equal(crew_spawn(&f->crew, &e), 0);
        crew_kill(&f->crew);
        assert_true(until(f, true, none_left));
        assert_null(seen(f, OBS_DIED));
}

static void a_stuck_operation_is_told_once(void **state) {
        Fixture *f = *state;
        const Observation *o;
        unsigned n;
        Error e;

        enlist(f, &hanging);
        assert_int_equal(crew_spawn(&f->crew, &e), 0);
        assert_true(until(f, false, someone_stuck));
        o = seen(f, OBS_STUCK);
        assert_int_equal(o->op, OP_BALANCE);
        assert_true(o->count >= DEADLINE_NS / NSEC_PER_MSEC);
        assert_non_null(strstr(o->text, "hanging/1"));
        n = f->n_seen;
        for (unsigned i = 0; i < 20; i++) {
                crew_watch(&f->crew, clock_mono_ns(), false, see, f);
                clock_sleep_ns(5 * NSEC_PER_MSEC);
        }
        assert_int_equal(f->n_seen, n);
        assert_int_equal(crew_alive(&f->crew), 1);
}

/* Much longer than an operation may take, which then has all of its time again. */
static void the_frozen_are_not_stuck(void **state) {
        Fixture *f = *state;
        uint64_t thawed_ns;
        Error e;

        enlist(f, &hanging);
        assert_int_equal(crew_spawn(&f->crew, &e), 0);
        crew_thaw(&f->crew, UINT64_MAX); /* nobody is frozen */
        while (atomic_load(&f->crew.board->slots[0].op) == OP_NONE)
                clock_sleep_ns(NSEC_PER_MSEC);
        crew_freeze(&f->crew);
        for (unsigned i = 0; i < 30; i++) {
                crew_watch(&f->crew, clock_mono_ns(), false, see, f);
                clock_sleep_ns(5 * NSEC_PER_MSEC);
        }
        assert_int_equal(f->n_seen, 0);
        assert_int_equal(crew_alive(&f->crew), 1);
        thawed_ns = clock_mono_ns();
        crew_thaw(&f->crew, thawed_ns);
        crew_watch(&f->crew, thawed_ns + DEADLINE_NS, false, see, f);
        assert_int_equal(f->n_seen, 0);
        crew_watch(&f->crew, thawed_ns + DEADLINE_NS + NSEC_PER_MSEC, false, see, f);
        assert_int_equal(f->n_seen, 1);
        assert_int_equal(f->seen[0].kind, OBS_STUCK);
        assert_int_equal(f->seen[0].count, DEADLINE_NS / NSEC_PER_MSEC + 1);
}

static void the_frozen_go_on_when_they_are_thawed(void **state) {
        static const FakeRule script[] = { { .call = FAKE_SYNC } };
        Fixture *f = *state;
        uint64_t before;
        Error e;

        fake_btrfs_begin(script, ELEMENTSOF(script));
        enlist(f, &good);
        assert_int_equal(crew_spawn(&f->crew, &e), 0);
        assert_true(until(f, false, ten_syncs));
        crew_freeze(&f->crew);
        clock_sleep_ns(30 * NSEC_PER_MSEC);
        before = board_tally(f->crew.board, OP_SYNC, 0);
        clock_sleep_ns(30 * NSEC_PER_MSEC);
        assert_int_equal(board_tally(f->crew.board, OP_SYNC, 0), before);
        crew_thaw(&f->crew, clock_mono_ns());
        clock_sleep_ns(50 * NSEC_PER_MSEC);
        assert_true(board_tally(f->crew.board, OP_SYNC, 0) > before);
        crew_freeze(&f->crew);
        crew_kill(&f->crew); /* works on the frozen as well */
        assert_true(until(f, true, none_left));
        assert_int_equal(f->n_seen, 0);
        fake_btrfs_end();
}

/* A new configuration has fewer workers, and comes while the old ones stand still. */
static void none_is_left_behind_by_a_new_plan(void **state) {
        static const FakeRule script[] = { { .call = FAKE_SYNC } };
        Fixture *f = *state;
        Error e;

        fake_btrfs_begin(script, ELEMENTSOF(script));
        enlist(f, &good);
        enlist(f, &good);
        assert_int_equal(crew_spawn(&f->crew, &e), 0);
        assert_true(until(f, false, ten_syncs));
        crew_freeze(&f->crew);
        f->plan.n_workers = 1;
        assert_int_equal(crew_alive(&f->crew), 2);
        crew_thaw(&f->crew, clock_mono_ns());
        board_set_phase(f->crew.board, PHASE_STOP);
        assert_true(until(f, true, none_left));
        assert_int_equal(f->n_seen, 0);
        assert_int_equal(f->crew.members[1].child.pid, 0);
        fake_btrfs_end();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(workers_run_pause_and_stop, setup, teardown),
                cmocka_unit_test_setup_teardown(the_benched_are_not_stuck_and_pause, setup, teardown),
                cmocka_unit_test_setup_teardown(results_arrive_as_observations, setup, teardown),
                cmocka_unit_test_setup_teardown(a_worker_that_fails_is_told, setup, teardown),
                cmocka_unit_test_setup_teardown(a_worker_without_a_target_ends, setup, teardown),
                cmocka_unit_test_setup_teardown(a_killed_worker_is_told_even_when_ends_are_expected, setup, teardown),
                cmocka_unit_test_setup_teardown(workers_killed_by_us_at_the_end_are_no_news, setup, teardown),
                cmocka_unit_test_setup_teardown(a_stuck_operation_is_told_once, setup, teardown),
                cmocka_unit_test_setup_teardown(the_frozen_are_not_stuck, setup, teardown),
                cmocka_unit_test_setup_teardown(the_frozen_go_on_when_they_are_thawed, setup, teardown),
                cmocka_unit_test_setup_teardown(none_is_left_behind_by_a_new_plan, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

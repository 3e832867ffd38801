/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/clock.h"
#include "worker-fixture.h"

static int end_with(WorkerFixture *f, Operation op, int result) {
        worker_begin(&f->worker, op);
        return worker_end(&f->worker, result, NULL);
}

static void success_is_counted_and_not_told(void **state _unused_) {
        WorkerFixture f;
        Observation o;
        uint64_t before = clock_mono_ns();

        fixture_begin(&f, NULL, 1);
        worker_begin(&f.worker, OP_SYNC);
        assert_int_equal(atomic_load(&f.worker.slot->op), OP_SYNC);
        assert_true(atomic_load(&f.worker.slot->op_begin_ns) >= before);
        clock_sleep_ns(2 * NSEC_PER_MSEC);
        assert_int_equal(worker_end(&f.worker, 0, &(Observation){ .devid = 7 }), 0);
        assert_int_equal(histogram_count(&f.worker.slot->latency[OP_SYNC]), 1);
        assert_in_range(histogram_max(&f.worker.slot->latency[OP_SYNC]), 2 * NSEC_PER_MSEC, clock_mono_ns() - before);
        assert_int_equal(atomic_load(&f.worker.slot->op), OP_NONE);
        assert_true(atomic_load(&f.worker.slot->heartbeat_ns) >= atomic_load(&f.worker.slot->op_begin_ns));
        assert_int_equal(fixture_tally(&f, OP_SYNC, 0), 1);
        assert_false(fixture_receive(&f, &o));
        fixture_end(&f);
}

static void failure_is_told_with_its_detail(void **state _unused_) {
        const Observation detail = {
                .devid = 7, .physical = 8, .logical = 9, .length = 10, .count = 11, .text = "text", .worker = 99, .result = 5,
        };
        WorkerFixture f;
        Observation o;

        fixture_begin(&f, NULL, 1);
        worker_begin(&f.worker, OP_SCRUB);
        assert_int_equal(worker_end(&f.worker, -EINVAL, &detail), -EINVAL);
        assert_int_equal(fixture_tally(&f, OP_SCRUB, EINVAL), 1);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.kind, OBS_RESULT);
        assert_int_equal(o.op, OP_SCRUB);
        assert_int_equal(o.result, -EINVAL);
        assert_int_equal(o.worker, 4);
        assert_int_equal(o.flags, 0);
        assert_int_equal(o.devid, 7);
        assert_int_equal(o.physical, 8);
        assert_int_equal(o.logical, 9);
        assert_int_equal(o.length, 10);
        assert_int_equal(o.count, 11);
        assert_string_equal(o.text, "text");
        assert_true(o.begin_ns > 0 && o.begin_ns <= o.time_ns);
        assert_int_equal(end_with(&f, OP_BALANCE, 8), 8);
        assert_int_equal(fixture_tally(&f, OP_BALANCE, TALLY_POSITIVE + 8), 1);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.result, 8);
        assert_false(fixture_receive(&f, &o));
        fixture_end(&f);
}

static void flags_are_the_facts_of_the_board(void **state _unused_) {
        static const struct {
                bool cancelling, near_full;
                Phase phase;
                unsigned balances, replaces;
                Operation op;
                int result;
                uint32_t flags;
        } cases[] = {
                { .op = OP_SCRUB, .result = -ECANCELED, .flags = 0 },
                { .op = OP_SCRUB, .result = -ECANCELED, .cancelling = true, .flags = OBS_OURS },
                { .op = OP_SCRUB, .result = -ECANCELED, .phase = PHASE_PAUSE, .flags = OBS_OURS },
                { .op = OP_SCRUB, .result = -EINTR, .phase = PHASE_STOP, .flags = OBS_OURS },
                { .op = OP_BALANCE_CANCEL, .result = -ENOTCONN, .phase = PHASE_STOP, .flags = OBS_OURS },
                { .op = OP_SCRUB, .result = -EINVAL, .cancelling = true, .phase = PHASE_STOP, .flags = 0 },
                { .op = OP_SCRUB, .result = -ENOSPC, .near_full = true, .flags = OBS_NEAR_FULL },
                { .op = OP_BALANCE, .result = 8, .balances = 1, .flags = OBS_OVERLAP },
                { .op = OP_REPLACE, .result = -EINPROGRESS, .balances = 1, .flags = OBS_OVERLAP },
                { .op = OP_BALANCE, .result = 8, .replaces = 1, .flags = OBS_OVERLAP },
                { .op = OP_SCRUB, .result = -EINPROGRESS, .replaces = 1, .flags = OBS_OVERLAP },
                { .op = OP_SYNC, .result = -EIO, .balances = 1, .replaces = 1, .flags = 0 },
                { .op = OP_REPLACE, .result = 2, .replaces = 1, .flags = 0 },
                { .op = OP_BALANCE, .result = -EINPROGRESS, .flags = 0 },
                { .op = OP_SCRUB, .result = -EINPROGRESS, .balances = 1, .flags = 0 },
        };
        WorkerFixture f;
        Observation o;

        fixture_begin(&f, NULL, 1);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                atomic_store(&f.worker.board->cancelling, cases[i].cancelling);
                atomic_store(&f.worker.board->near_full, cases[i].near_full);
                atomic_store(&f.worker.board->balances_in_flight, cases[i].balances);
                atomic_store(&f.worker.board->replaces_in_flight, cases[i].replaces);
                board_set_phase(f.worker.board, cases[i].phase);
                f.worker.failures_in_a_row = 0;
                end_with(&f, cases[i].op, cases[i].result);
                assert_true(fixture_receive(&f, &o));
                if (o.flags != cases[i].flags)
                        fail_msg("case %zu: flags %#x, expected %#x", i, o.flags, cases[i].flags);
        }
        fixture_end(&f);
}

/* A refusal takes microseconds, but the refused may be preempted before it looks at the board; what refused it has ended then. */
static void what_excluded_it_may_have_ended(void **state _unused_) {
        static const struct {
                Operation op;
                int result;
                unsigned balances, replaces; /* when it begins, its own among them */
                uint32_t flags;
        } cases[] = {
                { OP_SCRUB, -EINPROGRESS, 0, 1, OBS_OVERLAP },
                { OP_SCRUB, -EINPROGRESS, 1, 0, 0 },
                { OP_REPLACE, 8, 1, 1, OBS_OVERLAP },
                { OP_REPLACE, 8, 0, 1, 0 },
                { OP_BALANCE, 8, 1, 1, OBS_OVERLAP },
                { OP_BALANCE, 8, 1, 0, 0 },
                { OP_BALANCE, 8, 2, 0, OBS_OVERLAP },
        };
        WorkerFixture f;
        Observation o;

        fixture_begin(&f, NULL, 1);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                atomic_store(&f.worker.board->balances_in_flight, cases[i].balances);
                atomic_store(&f.worker.board->replaces_in_flight, cases[i].replaces);
                worker_begin(&f.worker, cases[i].op);
                atomic_store(&f.worker.board->balances_in_flight, 0);
                atomic_store(&f.worker.board->replaces_in_flight, 0);
                f.worker.failures_in_a_row = 0;
                worker_end(&f.worker, cases[i].result, NULL);
                assert_true(fixture_receive(&f, &o));
                if (o.flags != cases[i].flags)
                        fail_msg("case %zu: flags %#x, expected %#x", i, o.flags, cases[i].flags);
        }
        fixture_end(&f);
}

static void a_full_socket_loses_and_never_blocks(void **state _unused_) {
        WorkerFixture f;
        Observation o;
        unsigned sent = 5000, received = 0;

        fixture_begin(&f, NULL, 1);
        for (unsigned i = 0; i < sent; i++)
                worker_note(&f.worker, "note %u", i);
        while (fixture_receive(&f, &o)) {
                char text[32];
                snprintf(text, sizeof(text), "note %u", received++);
                assert_int_equal(o.kind, OBS_NOTE);
                assert_int_equal(o.worker, 4);
                assert_string_equal(o.text, text);
        }
        assert_in_range(received, 1, sent - 1);
        assert_int_equal(atomic_load(&f.worker.slot->lost_observations), sent - received);
        fixture_end(&f);
}

/* A step as after an abort: open fails, sync succeeds. `arg` false: all of it succeeds. */
static bool half_broken = true;

static int half_step(Worker *w) {
        worker_begin(w, OP_OPEN);
        worker_end(w, half_broken ? -EROFS : 0, NULL);
        worker_begin(w, OP_SYNC);
        worker_end(w, 0, NULL);
        return 0;
}

static const Stressor half = { .name = "half", .step = half_step };

static uint64_t steps_take_ns(WorkerFixture *f, unsigned n) {
        uint64_t begin = clock_mono_ns();

        for (unsigned i = 0; i < n; i++)
                assert_int_equal(worker_step(&f->worker), 0);
        return clock_mono_ns() - begin;
}

static void the_end_of_a_failure_is_told(void **state _unused_) {
        WorkerFixture f;
        Observation o;

        fixture_begin(&f, NULL, 1);
        worker_begin(&f.worker, OP_SYNC);
        worker_end(&f.worker, -EIO, NULL);
        assert_true(fixture_receive(&f, &o));
        worker_begin(&f.worker, OP_UNLINK);
        worker_end(&f.worker, 0, NULL);
        assert_false(fixture_receive(&f, &o));
        for (unsigned i = 0; i < 3; i++) {
                worker_begin(&f.worker, OP_SYNC);
                worker_end(&f.worker, 0, NULL);
                assert_int_equal(fixture_receive(&f, &o), i == 0);
        }
        assert_int_equal(o.kind, OBS_RESULT);
        assert_int_equal(o.op, OP_SYNC);
        assert_int_equal(o.result, 0);
        fixture_end(&f);
}

static void failures_back_off_until_a_whole_step_succeeds(void **state _unused_) {
        WorkerFixture f;
        uint64_t ns;

        fixture_begin(&f, &half, 1);
        half_broken = true;
        assert_true(steps_take_ns(&f, 1) < NSEC_PER_MSEC * 20);
        ns = steps_take_ns(&f, 6); /* 1 + 2 + 4 + 8 + 16 + 32 ms */
        assert_in_range(ns, 63 * NSEC_PER_MSEC, 500 * NSEC_PER_MSEC);
        half_broken = false;
        steps_take_ns(&f, 1);
        assert_int_equal(f.worker.failures_in_a_row, 0);
        half_broken = true;
        assert_true(steps_take_ns(&f, 1) < NSEC_PER_MSEC * 20);
        assert_int_equal(atomic_load(&f.worker.slot->steps), 9);
        f.worker.failures_in_a_row = UINT32_MAX - 1;
        ns = steps_take_ns(&f, 1);
        assert_in_range(ns, 990 * NSEC_PER_MSEC, 1500 * NSEC_PER_MSEC);
        fixture_end(&f);
}

static void *pause_soon(void *board) {
        clock_sleep_ns(50 * NSEC_PER_MSEC);
        board_set_phase(board, PHASE_PAUSE);
        return NULL;
}

static void back_off_and_rest_end_with_the_phase(void **state _unused_) {
        WorkerFixture f;
        pthread_t t;
        uint64_t begin;

        fixture_begin(&f, &half, 1);
        half_broken = true;
        f.worker.failures_in_a_row = 15;
        begin = clock_mono_ns();
        assert_int_equal(pthread_create(&t, NULL, pause_soon, f.worker.board), 0);
        assert_false(worker_should_yield(&f.worker));
        worker_step(&f.worker);
        assert_in_range(clock_mono_ns() - begin, 45 * NSEC_PER_MSEC, 600 * NSEC_PER_MSEC);
        pthread_join(t, NULL);
        assert_true(worker_should_yield(&f.worker));
        worker_rest(&f.worker, 100 * NSEC_PER_SEC); /* the phase has changed already */
        fixture_end(&f);
}

/* A stressor that counts its own life, in memory shared with the test. */
typedef struct Life {
        _Atomic unsigned prepared, steps, verified, cleaned;
        int prepare_result, step_result, verify_result;
} Life;

static Life *life;

static int life_prepare(Worker *w) {
        assert_non_null(w->state);
        life->prepared++;
        return life->prepare_result;
}

static int life_step(Worker *w) {
        worker_rest(w, NSEC_PER_MSEC);
        life->steps++;
        return life->step_result;
}

static int life_verify(Worker *w _unused_) {
        life->verified++;
        return life->verify_result;
}

static void life_cleanup(Worker *w _unused_) {
        life->cleaned++;
}

static const Stressor living = {
        .name = "living",
        .state_size = 8,
        .prepare = life_prepare,
        .step = life_step,
        .verify = life_verify,
        .cleanup = life_cleanup,
};

static int life_entry(void *worker) {
        return worker_run(worker);
}

static void life_begin(WorkerFixture *f, Child *c) {
        assert_int_equal(child_fork(c, "living", life_entry, &f->worker), 0);
}

/* Waits for the end of the worker, at most two seconds, and returns its exit status. */
static int life_end(Child *c) {
        int status = 0;

        assert_int_equal(child_wait(c, 2 * NSEC_PER_SEC, &status), 1);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void wait_paused(const WorkerFixture *f) {
        for (unsigned ms = 0; ms < 2000 && !atomic_load(&f->worker.slot->paused); ms++)
                clock_sleep_ns(NSEC_PER_MSEC);
        assert_true(atomic_load(&f->worker.slot->paused));
}

static void life_setup(WorkerFixture *f) {
        fixture_begin(f, &living, 1);
        *life = (Life){ 0 };
}

static void life_runs_pauses_and_stops(void **state _unused_) {
        WorkerFixture f;
        Child c = CHILD_NULL;
        unsigned steps = 0;

        life_setup(&f);
        life_begin(&f, &c);
        for (unsigned i = 0; i < 50; i++) {
                for (unsigned ms = 0; ms < 2000 && life->steps == steps; ms++)
                        clock_sleep_ns(NSEC_PER_MSEC);
                assert_int_not_equal(life->steps, steps);
                board_set_phase(f.worker.board, PHASE_PAUSE);
                wait_paused(&f);
                steps = life->steps;
                clock_sleep_ns(3 * NSEC_PER_MSEC);
                assert_int_equal(life->steps, steps);
                board_set_phase(f.worker.board, PHASE_RUN);
                while (atomic_load(&f.worker.slot->paused))
                        clock_sleep_ns(NSEC_PER_MSEC / 10);
        }
        board_set_phase(f.worker.board, PHASE_STOP);
        assert_int_equal(life_end(&c), 0);
        assert_int_equal(life->prepared, 1);
        assert_int_equal(life->verified, 1);
        assert_int_equal(life->cleaned, 1);
        assert_int_equal(atomic_load(&f.worker.slot->steps), life->steps);
        fixture_end(&f);
}

static void life_stops_out_of_a_pause(void **state _unused_) {
        WorkerFixture f;
        Child c = CHILD_NULL;

        life_setup(&f);
        board_set_phase(f.worker.board, PHASE_PAUSE);
        life_begin(&f, &c);
        wait_paused(&f);
        board_set_phase(f.worker.board, PHASE_STOP);
        assert_int_equal(life_end(&c), 0);
        assert_int_equal(life->steps, 0);
        assert_int_equal(life->verified, 1);
        fixture_end(&f);
}

static void wait_steps(unsigned more) {
        unsigned before = life->steps;

        for (unsigned ms = 0; ms < 2000 && life->steps < before + more; ms++)
                clock_sleep_ns(NSEC_PER_MSEC);
        assert_true(life->steps >= before + more);
}

/* What was under way when it was benched may still be counted; then no more. */
static void assert_rests(const WorkerFixture *f) {
        unsigned steps;

        clock_sleep_ns(30 * NSEC_PER_MSEC);
        steps = life->steps;
        clock_sleep_ns(60 * NSEC_PER_MSEC);
        assert_int_equal(life->steps, steps);
        assert_int_equal(atomic_load(&f->worker.slot->op), OP_NONE);
}

static void life_rests_on_the_bench(void **state _unused_) {
        WorkerFixture f;
        Child c = CHILD_NULL;

        life_setup(&f);
        life_begin(&f, &c);
        wait_steps(3);
        atomic_store(&f.worker.slot->benched, true);
        assert_rests(&f);
        assert_false(atomic_load(&f.worker.slot->paused));
        /* It pauses there, and is still benched afterwards. */
        board_set_phase(f.worker.board, PHASE_PAUSE);
        wait_paused(&f);
        board_set_phase(f.worker.board, PHASE_RUN);
        for (unsigned ms = 0; ms < 2000 && atomic_load(&f.worker.slot->paused); ms++)
                clock_sleep_ns(NSEC_PER_MSEC);
        assert_false(atomic_load(&f.worker.slot->paused));
        assert_rests(&f);
        atomic_store(&f.worker.slot->benched, false);
        wait_steps(3);
        /* And ends from there. */
        atomic_store(&f.worker.slot->benched, true);
        assert_rests(&f);
        board_set_phase(f.worker.board, PHASE_STOP);
        assert_int_equal(life_end(&c), 0);
        assert_int_equal(life->verified, 1);
        assert_int_equal(life->cleaned, 1);
        fixture_end(&f);
}

static void long_steps_end_on_the_bench(void **state _unused_) {
        WorkerFixture f;

        fixture_begin(&f, NULL, 1);
        assert_false(worker_should_yield(&f.worker));
        atomic_store(&f.worker.slot->benched, true);
        assert_true(worker_should_yield(&f.worker));
        atomic_store(&f.worker.slot->benched, false);
        assert_false(worker_should_yield(&f.worker));
        fixture_end(&f);
}

static void life_ignores_the_terminal(void **state _unused_) {
        static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE };
        WorkerFixture f;
        Child c = CHILD_NULL;
        unsigned steps;

        life_setup(&f);
        life_begin(&f, &c);
        while (life->steps == 0)
                clock_sleep_ns(NSEC_PER_MSEC);
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                assert_int_equal(child_kill(&c, signals[i]), 0);
        steps = life->steps;
        for (unsigned ms = 0; ms < 2000 && life->steps < steps + 3; ms++)
                clock_sleep_ns(NSEC_PER_MSEC);
        assert_true(life->steps >= steps + 3);
        board_set_phase(f.worker.board, PHASE_STOP);
        assert_int_equal(life_end(&c), 0);
        fixture_end(&f);
}

static void failures_of_ours_end_the_worker_with_a_note(void **state _unused_) {
        static const struct {
                Life life;
                int root_fd;
                unsigned steps, verified, cleaned;
                const char *note;
        } cases[] = {
                { { .prepare_result = -ENOMEM }, 0, 0, 0, 1, "has to end: preparing it failed: Cannot allocate memory." },
                { { .step_result = -ENOMEM }, 0, 1, 0, 1, "has to end: a step of it failed: Cannot allocate memory." },
                { { .verify_result = -EBADMSG }, 0, 0, 1, 1, "has to end: verifying failed: Bad message." },
                { { 0 }, -ENOENT, 0, 0, 0, "has to end: opening the target failed: No such file or directory." },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                WorkerFixture f;
                Child c = CHILD_NULL;
                Observation o;
                char text[128];

                life_setup(&f);
                *life = cases[i].life;
                if (cases[i].life.verify_result < 0)
                        board_set_phase(f.worker.board, PHASE_STOP);
                if (cases[i].root_fd < 0) {
                        close(f.worker.root_fd);
                        f.worker.root_fd = cases[i].root_fd;
                }
                life_begin(&f, &c);
                assert_int_equal(life_end(&c), EXIT_ERROR);
                assert_true(fixture_receive(&f, &o));
                assert_int_equal(o.kind, OBS_NOTE);
                snprintf(text, sizeof(text), "The worker living/1 %s", cases[i].note);
                assert_string_equal(o.text, text);
                assert_int_equal(life->steps, cases[i].steps);
                assert_int_equal(life->verified, cases[i].verified);
                assert_int_equal(life->cleaned, cases[i].cleaned);
                fixture_end(&f);
        }
}

static void registry_is_sorted_and_complete(void **state _unused_) {
        for (size_t i = 0; i < n_stressors; i++) {
                const Stressor *s = stressors[i];
                if (i > 0)
                        assert_true(strcmp(stressors[i - 1]->name, s->name) < 0);
                assert_ptr_equal(stressor_find(s->name), s);
                assert_non_null(s->help);
                assert_non_null(s->instances);
                assert_non_null(s->deadline_ns);
                assert_non_null(s->step);
        }
        assert_ptr_equal(stressor_find("churn"), &stressor_churn);
        assert_ptr_equal(stressor_find("balance"), &stressor_balance);
        assert_ptr_equal(stressor_find("scrub"), &stressor_scrub);
        assert_ptr_equal(stressor_find("sync"), &stressor_sync);
        assert_null(stressor_find("chur"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(success_is_counted_and_not_told),
                cmocka_unit_test(failure_is_told_with_its_detail),
                cmocka_unit_test(flags_are_the_facts_of_the_board),
                cmocka_unit_test(what_excluded_it_may_have_ended),
                cmocka_unit_test(a_full_socket_loses_and_never_blocks),
                cmocka_unit_test(the_end_of_a_failure_is_told),
                cmocka_unit_test(failures_back_off_until_a_whole_step_succeeds),
                cmocka_unit_test(back_off_and_rest_end_with_the_phase),
                cmocka_unit_test(life_runs_pauses_and_stops),
                cmocka_unit_test(life_stops_out_of_a_pause),
                cmocka_unit_test(life_rests_on_the_bench),
                cmocka_unit_test(long_steps_end_on_the_bench),
                cmocka_unit_test(life_ignores_the_terminal),
                cmocka_unit_test(failures_of_ours_end_the_worker_with_a_note),
                cmocka_unit_test(registry_is_sorted_and_complete),
        };

        life = mmap(NULL, sizeof(*life), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (life == MAP_FAILED)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a worker process: it runs, pauses, rests on the bench, and ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/clock.h"
#include "worker-fixture.h"

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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(life_runs_pauses_and_stops),
                cmocka_unit_test(life_stops_out_of_a_pause),
                cmocka_unit_test(life_rests_on_the_bench),
                cmocka_unit_test(long_steps_end_on_the_bench),
                cmocka_unit_test(life_ignores_the_terminal),
                cmocka_unit_test(failures_of_ours_end_the_worker_with_a_note),
        };

        life = mmap(NULL, sizeof(*life), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (life == MAP_FAILED)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}

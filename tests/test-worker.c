/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

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

/* Of whatever worker: what has been asked for and seen end, and nothing else. */
static void commits_are_counted_on_the_board(void **state _unused_) {
        static const struct {
                Operation op;
                int result;
                uint64_t commits;
        } cases[] = {
                { OP_SYNC, 0, 1 }, { OP_START_SYNC, 0, 1 }, { OP_WAIT_SYNC, 0, 2 }, { OP_SYNC, -EIO, 2 }, { OP_SCRUB, 0, 2 }, { OP_SYNC, 0, 3 },
        };
        WorkerFixture f;

        fixture_begin(&f, NULL, 1);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                end_with(&f, cases[i].op, cases[i].result);
                assert_int_equal(atomic_load(&f.worker.board->commits), cases[i].commits);
        }
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
                { .op = OP_DEFRAG, .result = -EAGAIN, .phase = PHASE_PAUSE, .flags = OBS_OURS },
                { .op = OP_DEFRAG, .result = -EAGAIN, .flags = 0 },
                { .op = OP_SCRUB, .result = -EAGAIN, .phase = PHASE_PAUSE, .flags = 0 },
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
                cmocka_unit_test(commits_are_counted_on_the_board),
                cmocka_unit_test(failure_is_told_with_its_detail),
                cmocka_unit_test(flags_are_the_facts_of_the_board),
                cmocka_unit_test(what_excluded_it_may_have_ended),
                cmocka_unit_test(a_full_socket_loses_and_never_blocks),
                cmocka_unit_test(the_end_of_a_failure_is_told),
                cmocka_unit_test(failures_back_off_until_a_whole_step_succeeds),
                cmocka_unit_test(back_off_and_rest_end_with_the_phase),
                cmocka_unit_test(registry_is_sorted_and_complete),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

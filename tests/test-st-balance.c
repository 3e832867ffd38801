/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/clock.h"
#include "base/macro.h"
#include "worker-fixture.h"

static void begin(WorkerFixture *f) {
        fixture_begin(f, &stressor_balance, 1);
        f->config.balance.enabled = true;
        f->config.balance.burst = 3;
        f->config.balance.usage_data = 50;
        f->config.balance.usage_metadata = 30;
        assert_int_equal(fixture_prepare(f), 0);
}

typedef struct InFlight {
        Board *board;
        uint64_t first_ns; /* when the first balance was */
} InFlight;

static void assert_in_flight(void *userdata) {
        InFlight *f = userdata;

        assert_int_equal(atomic_load(&f->board->balances_in_flight), 1);
        if (f->first_ns == 0)
                f->first_ns = clock_mono_ns();
}

static void stop_the_burst(void *board) {
        board_set_phase(board, PHASE_PAUSE);
}

static void a_burst_is_a_rest_then_so_many_balances(void **state _unused_) {
        WorkerFixture f;
        FakeRule script[] = {
                { .call = FAKE_BALANCE, .number = 2, .hook = assert_in_flight },
                { .call = FAKE_BALANCE_CANCEL, .result = -ENOTCONN },
        };
        const FakeRecord *call;
        InFlight seen;
        uint64_t begin_ns;

        begin(&f);
        seen = (InFlight){ .board = f.worker.board };
        f.config.balance.rest_ns = 30 * NSEC_PER_MSEC;
        script[0].userdata = &seen;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        begin_ns = clock_mono_ns();
        assert_int_equal(worker_step(&f.worker), 0);
        assert_true(seen.first_ns - begin_ns >= 30 * NSEC_PER_MSEC);
        assert_int_equal(fixture_tally(&f, OP_BALANCE, 0), 3);
        assert_int_equal(atomic_load(&f.worker.board->balances_in_flight), 0);
        call = fake_btrfs_last(FAKE_BALANCE);
        assert_int_equal(call->fd, f.worker.root_fd);
        assert_true(call->data.enabled && call->metadata.enabled);
        assert_int_equal(call->data.usage_max, 50);
        assert_int_equal(call->metadata.usage_max, 30);
        fixture_end(&f);
        fake_btrfs_end();
}

static void a_failure_ends_the_burst_and_is_told(void **state _unused_) {
        static const FakeRule script[] = {
                { .call = FAKE_BALANCE, .nth = 2, .result = 8, .number = 5 },
                { .call = FAKE_BALANCE },
                { .call = FAKE_BALANCE_CANCEL },
        };
        WorkerFixture f;
        Observation o;

        begin(&f);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(worker_step(&f.worker), 0);
        assert_int_equal(fake_btrfs_count(FAKE_BALANCE), 2);
        assert_int_equal(fixture_tally(&f, OP_BALANCE, TALLY_POSITIVE + 8), 1);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.op, OP_BALANCE);
        assert_int_equal(o.result, 8);
        assert_int_equal(o.count, 5);
        assert_int_equal(o.flags, 0); /* its own balance is not one that excludes it */
        fixture_end(&f);
        fake_btrfs_end();
}

static void none_is_begun_once_the_phase_has_changed(void **state _unused_) {
        WorkerFixture f;
        FakeRule script[] = {
                { .call = FAKE_BALANCE, .times = 1, .hook = stop_the_burst },
                { .call = FAKE_BALANCE_CANCEL, .result = -ENOTCONN },
        };

        begin(&f);
        script[0].userdata = f.worker.board;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(worker_step(&f.worker), 0);
        f.config.balance.rest_ns = 100 * NSEC_PER_SEC; /* not taken either */
        assert_int_equal(worker_step(&f.worker), 0);
        assert_int_equal(fake_btrfs_count(FAKE_BALANCE), 1);
        fixture_end(&f);
        fake_btrfs_end();
}

/* With pauses more often than rests there would be no balance at all. */
static void a_pause_does_not_begin_the_rest_anew(void **state _unused_) {
        static const FakeRule script[] = {
                { .call = FAKE_BALANCE },
                { .call = FAKE_BALANCE_CANCEL, .result = -ENOTCONN },
        };
        const uint64_t rest_ns = 300 * NSEC_PER_MSEC;
        WorkerFixture f;
        uint64_t begin_ns;

        begin(&f);
        f.config.balance.rest_ns = rest_ns;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        begin_ns = clock_mono_ns();
        board_set_phase(f.worker.board, PHASE_PAUSE);
        assert_int_equal(worker_step(&f.worker), 0);
        assert_int_equal(fake_btrfs_count(FAKE_BALANCE), 0);
        clock_sleep_ns(rest_ns - 50 * NSEC_PER_MSEC);
        board_set_phase(f.worker.board, PHASE_RUN);
        assert_int_equal(worker_step(&f.worker), 0);
        assert_true(fake_btrfs_count(FAKE_BALANCE) > 0);
        assert_true(clock_mono_ns() - begin_ns < 2 * rest_ns - 50 * NSEC_PER_MSEC); /* what two rests would take */
        fixture_end(&f);
        fake_btrfs_end();
}

static void cleanup_cancels_what_survives_us(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_BALANCE_CANCEL, .times = 1, .result = -ENOTCONN } };
        WorkerFixture f;
        Observation o;

        begin(&f);
        board_set_phase(f.worker.board, PHASE_STOP);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        stressor_balance.cleanup(&f.worker);
        assert_int_equal(fixture_tally(&f, OP_BALANCE_CANCEL, ENOTCONN), 1);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.flags, OBS_OURS);
        fake_btrfs_end();
        free(TAKE_PTR(f.worker.state));
        fixture_end(&f);
}

static void instances_and_deadline_follow_the_configuration(void **state _unused_) {
        Config c = {
                .balance = { .enabled = true }, .run = { .operation_deadline_ns = 7 }, .target = { .n_devices = 4, .device_size = 5 * MiB },
        };

        assert_int_equal(stressor_balance.instances(&c, 4), 1);
        assert_int_equal(stressor_balance.deadline_ns(&c), 7 + NSEC_PER_SEC);
        c.balance.enabled = false;
        assert_int_equal(stressor_balance.instances(&c, 4), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_burst_is_a_rest_then_so_many_balances),
                cmocka_unit_test(a_pause_does_not_begin_the_rest_anew),
                cmocka_unit_test(a_failure_ends_the_burst_and_is_told),
                cmocka_unit_test(none_is_begun_once_the_phase_has_changed),
                cmocka_unit_test(cleanup_cancels_what_survives_us),
                cmocka_unit_test(instances_and_deadline_follow_the_configuration),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

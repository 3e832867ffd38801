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

static void begin(WorkerFixture *f, SyncMode mode) {
        fixture_begin(f, &stressor_sync, 1);
        f->config.sync.mode = mode;
        assert_int_equal(fixture_prepare(f), 0);
}

static void each_mode_makes_its_calls(void **state _unused_) {
        static const FakeRule script[] = {
                { .call = FAKE_SYNC, .optional = true },
                { .call = FAKE_START_SYNC, .number = 42, .optional = true },
                { .call = FAKE_WAIT_SYNC, .optional = true },
        };
        WorkerFixture f;

        begin(&f, SYNC_SYNC);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 10);
        assert_int_equal(fake_btrfs_count(FAKE_SYNC), 10);
        assert_int_equal(fake_btrfs_count(FAKE_START_SYNC), 0);
        assert_int_equal(fake_btrfs_record(0)->fd, f.worker.root_fd);
        assert_int_equal(fixture_tally(&f, OP_SYNC, 0), 10);

        f.config.sync.mode = SYNC_START_WAIT;
        fixture_steps(&f, 10);
        assert_int_equal(fake_btrfs_count(FAKE_SYNC), 10);
        assert_int_equal(fake_btrfs_count(FAKE_START_SYNC), 10);
        assert_int_equal(fake_btrfs_count(FAKE_WAIT_SYNC), 10);
        assert_int_equal(fake_btrfs_last(FAKE_WAIT_SYNC)->transid, 42);
        assert_int_equal(fixture_tally(&f, OP_START_SYNC, 0), 10);
        assert_int_equal(fixture_tally(&f, OP_WAIT_SYNC, 0), 10);

        f.config.sync.mode = SYNC_MIXED;
        fixture_steps(&f, 100);
        assert_in_range(fake_btrfs_count(FAKE_SYNC), 10 + 20, 10 + 80);
        assert_int_equal(fake_btrfs_count(FAKE_SYNC) + fake_btrfs_count(FAKE_START_SYNC), 120);
        fake_btrfs_end();
        fixture_end(&f);
}

/* Its rest is a knob. */
static void it_rests_as_the_tuner_says(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_SYNC } };
        uint64_t begin_ns;
        WorkerFixture f;

        begin(&f, SYNC_SYNC);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        board_set_knob(f.worker.board, KNOB_SYNC_REST, 5 * NSEC_PER_MSEC);
        begin_ns = clock_mono_ns();
        fixture_steps(&f, 4);
        assert_true(clock_mono_ns() - begin_ns >= 20 * NSEC_PER_MSEC);
        fake_btrfs_end();
        fixture_end(&f);
}

static void a_start_that_failed_is_not_waited_for(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_START_SYNC, .result = -EROFS } };
        WorkerFixture f;
        Observation o;

        begin(&f, SYNC_START_WAIT);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 3);
        assert_int_equal(fake_btrfs_count(FAKE_START_SYNC), 3);
        assert_int_equal(f.worker.failures_in_a_row, 3);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.op, OP_START_SYNC);
        assert_int_equal(o.result, -EROFS);
        fake_btrfs_end();
        fixture_end(&f);
}

static void it_rests_when_asked_to(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_SYNC } };
        WorkerFixture f;
        uint64_t begin_ns;

        begin(&f, SYNC_SYNC);
        f.config.sync.rest_ns = 20 * NSEC_PER_MSEC;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        begin_ns = clock_mono_ns();
        fixture_steps(&f, 2);
        assert_true(clock_mono_ns() - begin_ns >= 40 * NSEC_PER_MSEC);
        fake_btrfs_end();
        fixture_end(&f);
}

static void instances_and_deadline_follow_the_configuration(void **state _unused_) {
        Config c = {
                .sync = { .workers = 3 }, .run = { .operation_deadline_ns = 7 }, .churn = { .workers = 2, .files = 10, .file_size = MiB },
        };

        assert_int_equal(stressor_sync.instances(&c, 4), 3);
        assert_int_equal(stressor_sync.deadline_ns(&c), 7 + NSEC_PER_SEC);
        c.sync.workers = 0;
        assert_int_equal(stressor_sync.instances(&c, 4), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_mode_makes_its_calls),
                cmocka_unit_test(it_rests_as_the_tuner_says),
                cmocka_unit_test(a_start_that_failed_is_not_waited_for),
                cmocka_unit_test(it_rests_when_asked_to),
                cmocka_unit_test(instances_and_deadline_follow_the_configuration),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

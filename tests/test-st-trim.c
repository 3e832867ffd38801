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

static void each_step_trims_and_rests(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_TRIM, .number = GiB } };
        WorkerFixture f;

        fixture_begin(&f, &stressor_trim, 1);
        assert_int_equal(fixture_prepare(&f), 0);
        f.config.trim.rest_ns = 20 * NSEC_PER_MSEC;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        uint64_t begin_ns = clock_mono_ns();
        fixture_steps(&f, 3);
        assert_true(clock_mono_ns() - begin_ns >= 3 * 20 * NSEC_PER_MSEC);
        assert_int_equal(fake_btrfs_count(FAKE_TRIM), 3);
        assert_int_equal(fake_btrfs_record(0)->fd, f.worker.root_fd);
        assert_int_equal(fixture_tally(&f, OP_TRIM, 0), 3);
        fixture_told_nothing(&f);
        fixture_end(&f);
        fake_btrfs_end();
}

static void a_failure_is_told_and_the_next_is_tried(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_TRIM, .nth = 1, .result = -EINVAL }, { .call = FAKE_TRIM } };
        WorkerFixture f;
        Observation o;

        fixture_begin(&f, &stressor_trim, 1);
        assert_int_equal(fixture_prepare(&f), 0);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 2);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.op, OP_TRIM);
        assert_int_equal(o.result, -EINVAL);
        assert_int_equal(fixture_tally(&f, OP_TRIM, 0), 1);
        fixture_end(&f);
        fake_btrfs_end();
}

/* The deadline is that of all devices. */
static void instances_and_deadline_follow_the_configuration(void **state _unused_) {
        Config c = { .run = { .operation_deadline_ns = 7 }, .target = { .n_devices = 4, .device_size = 100 * MiB } };

        assert_int_equal(stressor_trim.instances(&c, 4), 0);
        c.trim.enabled = true;
        assert_int_equal(stressor_trim.instances(&c, 4), 1);
        assert_int_equal(stressor_trim.deadline_ns(&c), 7 + 20 * NSEC_PER_SEC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_step_trims_and_rests),
                cmocka_unit_test(a_failure_is_told_and_the_next_is_tried),
                cmocka_unit_test(instances_and_deadline_follow_the_configuration),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

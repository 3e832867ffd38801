/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macro.h"
#include "worker-fixture.h"

static void begin(WorkerFixture *f) {
        fixture_begin(f, &stressor_snapshot, 1);
        assert_int_equal(fixture_prepare(f), 0);
}

static void each_is_taken_held_and_deleted(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_SUBVOL_SNAPSHOT, .name = "snapshot" }, { .call = FAKE_SUBVOL_DELETE, .name = "snapshot" } };
        WorkerFixture f;

        begin(&f);
        f.config.snapshot.hold_ns = 10 * NSEC_PER_MSEC;
        f.config.snapshot.rest_ns = 20 * NSEC_PER_MSEC;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        uint64_t begin_ns = clock_mono_ns();
        fixture_steps(&f, 3);
        assert_true(clock_mono_ns() - begin_ns >= 3 * 30 * NSEC_PER_MSEC);
        for (size_t i = 0; i < 6; i++)
                assert_int_equal(fake_btrfs_record(i)->call, i % 2 == 0 ? FAKE_SUBVOL_SNAPSHOT : FAKE_SUBVOL_DELETE);
        assert_int_equal(fake_btrfs_record(0)->fd, f.worker.root_fd);
        assert_int_equal(fixture_tally(&f, OP_SNAPSHOT, 0), 3);
        assert_int_equal(fixture_tally(&f, OP_SUBVOL_DELETE, 0), 3);
        fixture_told_nothing(&f);
        fixture_end(&f);
        assert_int_equal(fake_btrfs_count(FAKE_SUBVOL_DELETE), 3); /* there was none left to delete */
        fake_btrfs_end();
}

static void one_that_is_there_is_of_a_killed_worker(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_SUBVOL_SNAPSHOT }, { .call = FAKE_SUBVOL_DELETE } };
        WorkerFixture f;
        char path[80];

        fixture_begin(&f, &stressor_snapshot, 1);
        snprintf(path, sizeof(path), "%s/snapshot", f.directory);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(fixture_prepare(&f), 0);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 2);
        assert_int_equal(fake_btrfs_count(FAKE_SUBVOL_SNAPSHOT), 1);
        assert_int_equal(fake_btrfs_count(FAKE_SUBVOL_DELETE), 2);
        fixture_told_nothing(&f);
        assert_int_equal(rmdir(path), 0);
        fixture_end(&f);
        fake_btrfs_end();
}

/* A commit may find an item that must not be there, and somebody else may delete the snapshot: both are told. */
static void what_should_not_be_is_told(void **state _unused_) {
        static const FakeRule script[] = {
                { .call = FAKE_SUBVOL_SNAPSHOT, .nth = 1, .result = -EEXIST }, { .call = FAKE_SUBVOL_SNAPSHOT },
                { .call = FAKE_SUBVOL_DELETE, .nth = 1, .result = -ENOENT }, { .call = FAKE_SUBVOL_DELETE },
        };
        WorkerFixture f;
        Observation o;

        begin(&f);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.op, OP_SNAPSHOT);
        assert_int_equal(o.result, -EEXIST);
        fixture_steps(&f, 2); /* gone once, and then another is taken and deleted */
        assert_int_equal(fixture_tally(&f, OP_SUBVOL_DELETE, ENOENT), 1);
        assert_int_equal(fixture_tally(&f, OP_SNAPSHOT, 0), 2);
        assert_int_equal(fixture_tally(&f, OP_SUBVOL_DELETE, 0), 1);
        fixture_end(&f);
        fake_btrfs_end();
}

static void failures_are_told_and_made_up_for(void **state _unused_) {
        static const FakeRule script[] = {
                { .call = FAKE_SUBVOL_SNAPSHOT, .nth = 1, .result = -ENOSPC }, { .call = FAKE_SUBVOL_SNAPSHOT },
                { .call = FAKE_SUBVOL_DELETE, .nth = 1, .times = 2, .result = -EIO }, { .call = FAKE_SUBVOL_DELETE },
        };
        WorkerFixture f;
        Observation o;

        begin(&f);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1); /* none was taken: none is deleted */
        assert_int_equal(fake_btrfs_count(FAKE_SUBVOL_DELETE), 0);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.op, OP_SNAPSHOT);
        assert_int_equal(o.result, -ENOSPC);
        fixture_steps(&f, 2); /* taken once; its deletion fails twice */
        assert_int_equal(fake_btrfs_count(FAKE_SUBVOL_SNAPSHOT), 2);
        assert_int_equal(fake_btrfs_count(FAKE_SUBVOL_DELETE), 2);
        fixture_end(&f); /* and is made up for at the end */
        assert_int_equal(fake_btrfs_count(FAKE_SUBVOL_DELETE), 3);
        fake_btrfs_end();
}

static void instances_and_deadline_follow_the_configuration(void **state _unused_) {
        Config c = { .run = { .operation_deadline_ns = 7 }, .churn = { .workers = 2, .files = 10, .file_size = MiB } };

        assert_int_equal(stressor_snapshot.instances(&c, 4), 0);
        c.snapshot.enabled = true;
        assert_int_equal(stressor_snapshot.instances(&c, 4), 1);
        assert_int_equal(stressor_snapshot.deadline_ns(&c), 7 + NSEC_PER_SEC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_is_taken_held_and_deleted),
                cmocka_unit_test(one_that_is_there_is_of_a_killed_worker),
                cmocka_unit_test(what_should_not_be_is_told),
                cmocka_unit_test(failures_are_told_and_made_up_for),
                cmocka_unit_test(instances_and_deadline_follow_the_configuration),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

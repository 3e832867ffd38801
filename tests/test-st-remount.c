/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/macro.h"
#include "worker-fixture.h"

static void begin(WorkerFixture *f, const char *sets) {
        fixture_begin(f, &stressor_remount, 1);
        strcpy(f->config.target.mount_options, "nodiscard,noatime");
        strcpy(f->config.remount.options, sets);
        strcpy(f->target.mount_options, "rw,noatime,space_cache=v2,subvolid=5,subvol=/");
        assert_int_equal(fixture_prepare(f), 0);
}

/* One after the other and again from the first; each undoes the others, MountOptions= stay, and at the end they are all there is. */
static void the_sets_are_walked_and_undone(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_REMOUNT } };
        static const char *const wanted[] = {
                "noautodefrag,commit=30,compress=no,nodiscard,noatime,compress=zstd",
                "noautodefrag,commit=30,compress=no,nodiscard,noatime,commit=1,autodefrag",
                "noautodefrag,commit=30,compress=no,nodiscard,noatime,defaults",
                "noautodefrag,commit=30,compress=no,nodiscard,noatime,compress=zstd",
                "noautodefrag,commit=30,compress=no,nodiscard,noatime",
        };
        WorkerFixture f;

        begin(&f, " compress=zstd \tcommit=1,autodefrag  defaults ");
        f.config.remount.rest_ns = 10 * NSEC_PER_MSEC;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        uint64_t begin_ns = clock_mono_ns();
        fixture_steps(&f, 4);
        assert_true(clock_mono_ns() - begin_ns >= 4 * 10 * NSEC_PER_MSEC);
        assert_int_equal(fake_btrfs_record(0)->fd, f.worker.root_fd);
        assert_int_equal(fixture_tally(&f, OP_REMOUNT, 0), 4);
        fixture_told_nothing(&f);
        fixture_end(&f);
        assert_int_equal(fake_btrfs_count(FAKE_REMOUNT), ELEMENTSOF(wanted));
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
                assert_string_equal(fake_btrfs_record(i)->name, wanted[i]);
        fake_btrfs_end();
}

/* What the kernel chose when nobody said anything comes back too. */
static void the_discard_of_the_kernels_choice_comes_back(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_REMOUNT } };
        WorkerFixture f;

        begin(&f, "nodiscard");
        strcpy(f.config.target.mount_options, "noatime");
        strcpy(f.target.mount_options, "rw,noatime,discard=async,space_cache=v2");
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1);
        assert_string_equal(fake_btrfs_record(0)->name, "nodiscard,discard=async,noatime,nodiscard");
        fixture_end(&f);
        assert_string_equal(fake_btrfs_record(1)->name, "nodiscard,discard=async,noatime");
        fake_btrfs_end();
}

static void a_failure_is_told_with_its_options(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_REMOUNT, .nth = 1, .result = -EINVAL }, { .call = FAKE_REMOUNT } };
        WorkerFixture f;
        Observation o;

        begin(&f, "commit=1 discard=never");
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 2);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.op, OP_REMOUNT);
        assert_int_equal(o.result, -EINVAL);
        assert_string_equal(o.text, "with commit=30,nodiscard,nodiscard,noatime,commit=1");
        assert_string_equal(fake_btrfs_record(1)->name, "commit=30,nodiscard,nodiscard,noatime,discard=never");
        fixture_end(&f); /* one may have come through before */
        assert_int_equal(fake_btrfs_count(FAKE_REMOUNT), 3);
        fake_btrfs_end();
}

static void what_was_not_changed_is_not_given_back(void **state _unused_) {
        WorkerFixture f;

        begin(&f, "commit=1");
        fake_btrfs_begin(NULL, 0);
        fixture_end(&f);
        fake_btrfs_end();
}

static void instances_and_deadline_follow_the_configuration(void **state _unused_) {
        Config c = { .run = { .operation_deadline_ns = 7 }, .churn = { .workers = 2, .files = 10, .file_size = MiB } };

        assert_int_equal(stressor_remount.instances(&c, 4), 0);
        c.remount.enabled = true;
        assert_int_equal(stressor_remount.instances(&c, 4), 1);
        assert_int_equal(stressor_remount.deadline_ns(&c), 7 + NSEC_PER_SEC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_sets_are_walked_and_undone),
                cmocka_unit_test(the_discard_of_the_kernels_choice_comes_back),
                cmocka_unit_test(a_failure_is_told_with_its_options),
                cmocka_unit_test(what_was_not_changed_is_not_given_back),
                cmocka_unit_test(instances_and_deadline_follow_the_configuration),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

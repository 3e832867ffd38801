/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The spare's loop device is stood in for by a plain file: loop_create() is wrapped by the linker (tests.am). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "target/loop.h"
#include "worker-fixture.h"

int __wrap_loop_create(Loop *l, const char *directory, uint64_t size, uint32_t sector_size, Error *e);

static const char spare_path[] = "/proc/self/environ";
static const BtrfsDevice first = { .devid = 11, .path = "/proc/self/maps" };
static const BtrfsDevice second = { .devid = 12, .path = "/proc/self/limits" };
static const BtrfsDevice first_replaced = { .devid = 11, .path = "/proc/self/environ" };

int __wrap_loop_create(Loop *l, const char *directory, uint64_t size, uint32_t sector_size, Error *e) {
        check_expected_ptr(directory);
        check_expected(size);
        assert_int_equal(sector_size, 0);
        *l = LOOP_NULL;
        if (mock_type(bool))
                return error_set(e, EXIT_ERROR, ENOSPC, "there is no room");
        l->fd = open(spare_path, O_RDONLY | O_CLOEXEC);
        snprintf(l->path, sizeof(l->path), "%s", spare_path);
        return 0;
}

static int begin(WorkerFixture *f, unsigned n_devices, bool no_room) {
        fixture_begin(f, &stressor_replace, n_devices);
        f->config.replace.enabled = true;
        f->config.target.device_size = GiB;
        snprintf(f->target.image_directory, sizeof(f->target.image_directory), "/images");
        expect_string(__wrap_loop_create, directory, "/images");
        expect_value(__wrap_loop_create, size, GiB);
        will_return(__wrap_loop_create, no_room);
        return fixture_prepare(f);
}

/* How many files this process has open by that path. */
static unsigned opened(const char *path) {
        char link[64], target[256], whole[64];
        unsigned n = 0;

        snprintf(whole, sizeof(whole), "/proc/%d/%s", (int)getpid(), path + strlen("/proc/self/"));
        for (int fd = 0; fd < 256; fd++) {
                ssize_t length;
                snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
                length = readlink(link, target, sizeof(target) - 1);
                if (length < 0)
                        continue;
                target[length] = 0;
                n += strcmp(target, whole) == 0;
        }
        return n;
}

static void assert_replacing(void *userdata) {
        WorkerFixture *f = userdata;
        ScrubWindow w;

        assert_int_equal(atomic_load(&f->worker.board->replaces_in_flight), 1);
        assert_true(slot_window_current(f->worker.slot, &w));
        assert_int_equal(w.devid, 11);
        assert_true(w.start == 0 && w.end == UINT64_MAX && w.begin_ns > 0);
        assert_int_equal(opened(first.path), 1); /* the kernel is about to let it go */
        assert_int_equal(opened(spare_path), 1);
}

static void the_replaced_device_is_the_next_spare(void **state _unused_) {
        WorkerFixture f;
        FakeRule script[] = {
                { .call = FAKE_DEVICE_INFO, .devid = 11, .nth = 1, .device = &first },
                { .call = FAKE_REPLACE_START, .devid = 11, .name = spare_path, .nth = 1, .hook = assert_replacing, .userdata = &f },
                { .call = FAKE_DEVICE_INFO, .devid = 12, .nth = 1, .device = &second },
                { .call = FAKE_REPLACE_START, .devid = 12, .name = first.path, .nth = 1 },
                { .call = FAKE_DEVICE_INFO, .devid = 11, .nth = 2, .device = &first_replaced },
                { .call = FAKE_REPLACE_START, .devid = 11, .name = second.path, .nth = 1 },
        };
        Observation o;

        assert_int_equal(begin(&f, 2, false), 0);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.kind, OBS_DEVICE);
        assert_string_equal(o.text, "environ");
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1);
        assert_int_equal(atomic_load(&f.worker.board->replaces_in_flight), 0);
        assert_int_equal(opened(spare_path), 0); /* the filesystem's now */
        assert_int_equal(opened(first.path), 1);
        fixture_steps(&f, 2);
        assert_int_equal(opened(first.path), 0);
        assert_int_equal(opened(second.path), 0);
        assert_int_equal(opened(spare_path), 1);
        assert_int_equal(fake_btrfs_last(FAKE_REPLACE_START)->fd, f.worker.root_fd);
        assert_int_equal(fixture_tally(&f, OP_REPLACE, 0), 3);
        fixture_told_nothing(&f);
        fixture_end(&f);
        fake_btrfs_end();
        assert_int_equal(opened(spare_path), 0);
}

static void a_failure_keeps_the_spare_and_is_told(void **state _unused_) {
        static const struct {
                int result;
                unsigned tally;
        } failures[] = { { -EINVAL, EINVAL }, { -ECANCELED, ECANCELED }, { 8, TALLY_POSITIVE + 8 },
                         { BTRFS_IOCTL_DEV_REPLACE_RESULT_SCRUB_INPROGRESS, TALLY_POSITIVE + 3 } };

        for (size_t i = 0; i < ELEMENTSOF(failures); i++) {
                const FakeRule script[] = {
                        { .call = FAKE_DEVICE_INFO, .devid = 11, .device = &first },
                        { .call = FAKE_REPLACE_START, .name = spare_path, .nth = 1, .result = failures[i].result },
                        { .call = FAKE_REPLACE_START, .name = spare_path, .nth = 2 },
                };
                WorkerFixture f;
                Observation o;
                assert_int_equal(begin(&f, 1, false), 0);
                assert_true(fixture_receive(&f, &o));
                fake_btrfs_begin(script, ELEMENTSOF(script));
                fixture_steps(&f, 1);
                assert_true(fixture_receive(&f, &o));
                assert_int_equal(o.op, OP_REPLACE);
                assert_int_equal(o.result, failures[i].result);
                assert_int_equal(o.devid, 11);
                assert_int_equal(fixture_tally(&f, OP_REPLACE, failures[i].tally), 1);
                assert_int_equal(opened(spare_path), 1);
                assert_int_equal(opened(first.path), 0);
                fixture_steps(&f, 1);
                fixture_end(&f);
                fake_btrfs_end();
        }
}

static void without_a_spare_the_worker_ends(void **state _unused_) {
        WorkerFixture f;
        Observation o;

        assert_int_equal(begin(&f, 1, true), -ENOSPC);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.kind, OBS_NOTE);
        assert_non_null(strstr(o.text, "there is no room"));
        fixture_end(&f);
}

static void a_device_that_cannot_be_held_is_not_replaced(void **state _unused_) {
        static const BtrfsDevice gone = { .devid = 11, .path = "/nowhere" };
        static const FakeRule script[] = { { .call = FAKE_DEVICE_INFO, .device = &gone, .nth = 1 },
                                           { .call = FAKE_DEVICE_INFO, .result = -ENODEV, .nth = 2 } };
        WorkerFixture f;

        assert_int_equal(begin(&f, 1, false), 0);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(worker_step(&f.worker), -ENOENT);
        assert_int_equal(worker_step(&f.worker), -ENODEV);
        assert_int_equal(fake_btrfs_count(FAKE_REPLACE_START), 0);
        fixture_end(&f);
        fake_btrfs_end();
}

static void it_rests_between(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_DEVICE_INFO, .device = &first }, { .call = FAKE_REPLACE_START } };
        WorkerFixture f;
        uint64_t begin_ns;

        assert_int_equal(begin(&f, 1, false), 0);
        f.config.replace.rest_ns = 30 * NSEC_PER_MSEC;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        begin_ns = clock_mono_ns();
        fixture_steps(&f, 1);
        assert_true(clock_mono_ns() - begin_ns >= 30 * NSEC_PER_MSEC);
        fixture_end(&f);
        fake_btrfs_end();
}

static void one_worker_when_enabled(void **state _unused_) {
        Config c = { .run.operation_deadline_ns = NSEC_PER_SEC, .target.device_size = 20 * MiB };

        assert_int_equal(stressor_replace.instances(&c, 4), 0);
        c.replace.enabled = true;
        assert_int_equal(stressor_replace.instances(&c, 4), 1);
        assert_true(stressor_replace.deadline_ns(&c) == 3 * NSEC_PER_SEC);
        assert_ptr_equal(stressor_find("replace"), &stressor_replace);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_replaced_device_is_the_next_spare),
                cmocka_unit_test(a_failure_keeps_the_spare_and_is_told),
                cmocka_unit_test(without_a_spare_the_worker_ends),
                cmocka_unit_test(a_device_that_cannot_be_held_is_not_replaced),
                cmocka_unit_test(it_rests_between),
                cmocka_unit_test(one_worker_when_enabled),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

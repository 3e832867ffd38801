/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake-disk.h"
#include "job-fixture.h"
#include "run/job-internal.h"

static int open_nothing(const Target *t _unused_, Error *e) {
        return error_set(e, EXIT_ERROR, ENODEV, "it is gone");
}

/* A directory of this test's own. */
static char target_directory[] = "/tmp/test-job-XXXXXX";

static int open_directory(const Target *t _unused_, Error *e _unused_) {
        return open(target_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void a_device_counter_that_grew_is_told_once(void **state) {
        static const uint64_t grown[BTRFS_DEV_STAT_VALUES_MAX] = { [BTRFS_DEV_STAT_READ_ERRS] = 3 };
        static const FakeRule script[] = {
                { .call = FAKE_SYNC }, { .call = FAKE_SCRUB }, { .call = FAKE_TREE_SEARCH },
                { .call = FAKE_DEVICE_STATS, .devid = 2, .values = grown },
                { .call = FAKE_DEVICE_STATS },
        };
        Job *j = *state;

        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_equal(j->desk->devstat.kind, OBS_DEVSTAT);
        assert_int_equal(j->desk->devstat.devid, 2);
        assert_int_equal(j->desk->devstat.count, 3);
        assert_non_null(strstr(j->desk->devstat.text, "read errors"));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_not_equal(j->desk->devstat.kind, OBS_DEVSTAT);
        fake_btrfs_end();
}

/* What is mounted at /tmp is not the target, so it stays mounted. */
static void before_the_unmount_the_counters_are_looked_at(void **state) {
        static const uint64_t grown[BTRFS_DEV_STAT_VALUES_MAX] = { [BTRFS_DEV_STAT_WRITE_ERRS] = 5 };
        static const FakeRule script[] = { { .call = FAKE_DEVICE_STATS, .devid = 3, .values = grown }, { .call = FAKE_DEVICE_STATS } };
        Job *j = *state;

        fake_btrfs_begin(script, ELEMENTSOF(script));
        j->desk->target.mounted = true;
        strcpy(j->desk->target.mount_point, "/tmp");
        j->desk->target.devices[2].stats[BTRFS_DEV_STAT_WRITE_ERRS] = 4;
        assert_int_equal(job_run_to_end(j, JOB_UNMOUNT), -ENODEV);
        assert_string_equal(j->desk->devstat.text, "write errors of /dev/loop42 grew from 4 to 5");
        assert_int_equal(j->desk->target.devices[2].stats[BTRFS_DEV_STAT_WRITE_ERRS], 5);
        assert_int_equal(j->desk->target.devices[2].stats_at_start[BTRFS_DEV_STAT_WRITE_ERRS], 0);
        fake_btrfs_end();
}

/* A read error of another device is not hidden by what discarded blocks can cause. */
static void the_counter_that_tells_more_is_told(void **state) {
        static const uint64_t corrupt[BTRFS_DEV_STAT_VALUES_MAX] = { [BTRFS_DEV_STAT_CORRUPTION_ERRS] = 3 };
        static const uint64_t unread[BTRFS_DEV_STAT_VALUES_MAX] = { [BTRFS_DEV_STAT_READ_ERRS] = 1, [BTRFS_DEV_STAT_GENERATION_ERRS] = 1 };
        static const FakeRule script[] = {
                { .call = FAKE_SYNC }, { .call = FAKE_SCRUB }, { .call = FAKE_TREE_SEARCH },
                { .call = FAKE_DEVICE_STATS, .devid = 1, .values = corrupt },
                { .call = FAKE_DEVICE_STATS, .devid = 2, .values = unread },
                { .call = FAKE_DEVICE_STATS, .values = corrupt },
        };
        Job *j = *state;

        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_equal(j->desk->devstat.devid, 2);
        assert_non_null(strstr(j->desk->devstat.text, "read errors"));
        fake_btrfs_end();
}
static void cancelling_goes_on_until_nothing_runs(void **state) {
        static const FakeRule script[] = {
                { .call = FAKE_SCRUB_CANCEL, .nth = 1, .result = 0 },
                { .call = FAKE_SCRUB_CANCEL, .result = -ENOTCONN },
                { .call = FAKE_BALANCE_CANCEL, .nth = 3, .result = 0 },
                { .call = FAKE_BALANCE_CANCEL, .result = -ENOTCONN },
        };
        Job *j = *state;

        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CANCEL), 1);
        assert_int_equal(fake_btrfs_count(FAKE_BALANCE_CANCEL), 6);
        fake_btrfs_end();
}

/* A write that reaches the target, for a kernel that has forgotten to wake the replace; the first thing of all, and nothing is left of it. */
static void make_a_mark(void *path _unused_) {
        char mark[64];

        snprintf(mark, sizeof(mark), "%s/mark", target_directory);
        close(open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        unlink(mark);
}

static void cancelling_wakes_the_replace(void **state) {
        static const FakeRule script[] = {
                { .call = FAKE_SCRUB_CANCEL, .nth = 4, .result = -ENOTCONN, .hook = make_a_mark },
                { .call = FAKE_SCRUB_CANCEL, .result = -ENOTCONN }, { .call = FAKE_BALANCE_CANCEL, .result = -ENOTCONN },
                { .call = FAKE_REPLACE_CANCEL, .result = BTRFS_IOCTL_DEV_REPLACE_RESULT_NOT_STARTED, .optional = true },
                { .call = FAKE_REPLACE_STATUS, .optional = true },
        };
        const Config with = { .replace.enabled = true };
        _Alignas(struct inotify_event) char events[4096];
        Job *j = *state;
        int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

        j->open_target = open_directory;
        assert_non_null(mkdtemp(target_directory));
        assert_true(inotify_add_watch(watch, target_directory, IN_MODIFY | IN_DELETE) >= 0);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CANCEL), 1);
        assert_int_equal(read(watch, events, sizeof(events)), -1); /* without replaces nobody needs it */
        j->config = &with;
        assert_int_equal(job_run_to_end(j, JOB_CANCEL), 1);
        fake_btrfs_end();
        assert_true(read(watch, events, sizeof(events)) > 0);
        assert_int_equal(((struct inotify_event *)events)->mask, IN_MODIFY); /* and not the deletion of the mark */
        close(watch);
        assert_int_equal(rmdir(target_directory), 0);
}

/* It may go to sleep in the cancel itself. */
static void a_cancel_that_sleeps_is_woken_too(void **state) {
        static const FakeRule script[] = {
                { .call = FAKE_SCRUB_CANCEL, .result = -ENOTCONN }, { .call = FAKE_BALANCE_CANCEL, .result = -ENOTCONN },
                { .call = FAKE_REPLACE_CANCEL, .nth = 1, .delay_ns = 3 * NSEC_PER_SEC },
                { .call = FAKE_REPLACE_CANCEL, .result = BTRFS_IOCTL_DEV_REPLACE_RESULT_NOT_STARTED }, { .call = FAKE_REPLACE_STATUS },
        };
        const Config with = { .replace.enabled = true };
        _Alignas(struct inotify_event) char events[4096];
        Job *j = *state;
        int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        ssize_t n;

        j->open_target = open_directory;
        j->config = &with;
        strcpy(target_directory + strlen(target_directory) - 6, "XXXXXX");
        assert_non_null(mkdtemp(target_directory));
        assert_true(inotify_add_watch(watch, target_directory, IN_CREATE | IN_DELETE) >= 0); /* equal ones in a row are one */
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CANCEL), 1);
        fake_btrfs_end();
        n = read(watch, events, sizeof(events));
        assert_true(n >= (ssize_t)(3 * (sizeof(struct inotify_event) + ((struct inotify_event *)events)->len))); /* before the cancel, and beside it */
        close(watch);
        assert_int_equal(rmdir(target_directory), 0);
}

/* A cancelled replace is over when the kernel has finished with it. */
static void cancelling_waits_for_the_replace(void **state) {
        static const FakeRule script[] = {
                { .call = FAKE_SCRUB_CANCEL, .result = -ENOTCONN },
                { .call = FAKE_BALANCE_CANCEL, .result = -ENOTCONN },
                { .call = FAKE_REPLACE_CANCEL, .nth = 2, .result = 0 },
                { .call = FAKE_REPLACE_CANCEL, .result = BTRFS_IOCTL_DEV_REPLACE_RESULT_NOT_STARTED },
                { .call = FAKE_REPLACE_STATUS, .nth = 2, .times = 3, .number = BTRFS_IOCTL_DEV_REPLACE_STATE_STARTED },
                { .call = FAKE_REPLACE_STATUS, .number = BTRFS_IOCTL_DEV_REPLACE_STATE_CANCELED },
        };
        const Config c = { .replace.enabled = true };
        Job *j = *state;

        j->config = &c;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CANCEL), 1);
        assert_int_equal(fake_btrfs_count(FAKE_REPLACE_CANCEL), 8);
        assert_int_equal(fake_btrfs_count(FAKE_REPLACE_STATUS), 7);
        fake_btrfs_end();
}

/* Where the devids lie now; what does not answer stays where it was. */
static void jobs_learn_where_replaces_have_moved_devices(void **state) {
        static const BtrfsDevice moved = { .devid = 2, .path = "/dev/loop77" };
        static const FakeRule script[] = {
                { .call = FAKE_DEVICE_INFO, .devid = 1, .result = -ENODEV },
                { .call = FAKE_DEVICE_INFO, .devid = 2, .device = &moved },
                { .call = FAKE_DEVICE_INFO, .devid = 3 },
                { .call = FAKE_SYNC },
                { .call = FAKE_SCRUB },
                { .call = FAKE_TREE_SEARCH },
                { .call = FAKE_DEVICE_STATS },
        };
        const Config c = { .replace.enabled = true };
        Job *j = *state;

        j->config = &c;
        j->desk->target.mounted = true;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_string_equal(j->desk->target.devices[0].path, "/dev/loop40");
        assert_string_equal(j->desk->target.devices[1].path, "/dev/loop77");
        assert_string_equal(j->desk->target.devices[2].path, "/dev/loop42");
        fake_btrfs_end();
}

static const char *told_of(Job *j, const Fault *f) {
        for (j->fault = 0; faults[j->fault] != f; j->fault++)
                ;
        for (unsigned i = 0; i < 3; i++)
                memset(j->desk->target.devices[i].stats, 0, sizeof(j->desk->target.devices[i].stats));
        assert_int_equal(job_run_to_end(j, JOB_FAULT), 1);
        assert_int_equal(j->desk->strike.end, STRIKE_HINDERED);
        return j->desk->devstat.kind == OBS_DEVSTAT ? j->desk->devstat.text : "";
}

/* Of what a device counts, a strike explains what it says of its fault, and wrong content always; what stands behind it is told. */
static void a_strike_explains_what_its_fault_says(void **state) {
        static const uint64_t unread[BTRFS_DEV_STAT_VALUES_MAX] = { [BTRFS_DEV_STAT_READ_ERRS] = 16, [BTRFS_DEV_STAT_CORRUPTION_ERRS] = 1 };
        static const uint64_t unwritten[BTRFS_DEV_STAT_VALUES_MAX] = { [BTRFS_DEV_STAT_WRITE_ERRS] = 1 };
        static const FakeRule one[] = { { .call = FAKE_SYNC, .result = -EIO }, { .call = FAKE_DEVICE_STATS, .devid = 1, .values = unread },
                                        { .call = FAKE_DEVICE_STATS } };
        static const FakeRule two[] = { { .call = FAKE_SYNC, .result = -EIO }, { .call = FAKE_DEVICE_STATS, .devid = 1, .values = unread },
                                        { .call = FAKE_DEVICE_STATS, .devid = 2, .values = unwritten }, { .call = FAKE_DEVICE_STATS } };
        Job *j = *state;

        j->open_target = open_directory;
        strcpy(target_directory + strlen(target_directory) - 6, "XXXXXX");
        assert_non_null(mkdtemp(target_directory));
        fake_btrfs_begin(one, ELEMENTSOF(one));
        assert_string_equal(told_of(j, &fault_bad_sector), "");
        assert_string_equal(told_of(j, &fault_data), "read errors of /dev/loop40 grew from 0 to 16");
        fake_btrfs_end();
        fake_btrfs_begin(two, ELEMENTSOF(two));
        assert_string_equal(told_of(j, &fault_bad_sector), "write errors of /dev/loop41 grew from 0 to 1");
        fake_btrfs_end();
        assert_int_equal(rmdir(target_directory), 0);
}

static void a_target_that_is_gone_is_our_error(void **state) {
        Job *j = *state;

        j->open_target = open_nothing;
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), -ENODEV);
        assert_string_equal(j->desk->error.sentence, "it is gone");
}

static void a_check_that_was_kept_from_looking_says_nothing(void **state _unused_) {
        static JobDesk d;

        d.check_status = 0;
        assert_true(job_check_has_looked(&d));
        d.check_status = 1;
        strcpy(d.output, "ERROR: cannot scan /dev/loop0: File exists\n");
        assert_false(job_check_has_looked(&d));
        strcpy(d.output, "Opening filesystem to check...\nERROR: cannot open file system\n"); /* a device that is gone, and more */
        assert_false(job_check_has_looked(&d));
        strcpy(d.output, "parent transid verify failed on 30588928 wanted 8 found 5\nERROR: cannot open file system\n");
        assert_true(job_check_has_looked(&d));
        strcpy(d.output, "[1/7] checking root items\n[2/7] checking extents\nERROR: errors found in extent allocation tree\n");
        assert_true(job_check_has_looked(&d));
        strcpy(d.output, "Opening filesystem to check...\nChecking filesystem on /dev/loop0\nerror\n");
        assert_true(job_check_has_looked(&d));
        d.check_status = 137;
        assert_false(job_check_has_looked(&d));
        d.check_status = -ENOENT;
        assert_false(job_check_has_looked(&d));
}

static void a_job_beyond_its_deadline_is_killed(void **state) {
        static const FakeRule script[] = { { .call = FAKE_SYNC, .delay_ns = 60 * NSEC_PER_SEC, .optional = true } };
        Job *j = *state;
        Error e = ERROR_NULL;
        uint64_t now = clock_mono_ns();

        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_start(j, JOB_CONTROL, now, NSEC_PER_SEC, &e), 0);
        assert_int_equal(job_poll(j, now + NSEC_PER_MSEC, &e), 0);
        assert_int_equal(job_poll(j, now + 2 * NSEC_PER_SEC, &e), -ETIMEDOUT);
        assert_non_null(strstr(e.sentence, "control scrub"));
        assert_false(job_busy(j));
        fake_btrfs_end();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_device_counter_that_grew_is_told_once, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(before_the_unmount_the_counters_are_looked_at, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(the_counter_that_tells_more_is_told, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(cancelling_goes_on_until_nothing_runs, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(cancelling_wakes_the_replace, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(a_cancel_that_sleeps_is_woken_too, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(cancelling_waits_for_the_replace, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(jobs_learn_where_replaces_have_moved_devices, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(a_strike_explains_what_its_fault_says, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(a_target_that_is_gone_is_our_error, job_setup, job_teardown),
                cmocka_unit_test(a_check_that_was_kept_from_looking_says_nothing),
                cmocka_unit_test_setup_teardown(a_job_beyond_its_deadline_is_killed, job_setup, job_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

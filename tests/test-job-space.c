/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What jobs learn from sysfs: space that is kept from use, and replaces that begin; and empty groups that stay. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "job-fixture.h"
#include "space-fixture.h"

/* Two data groups on devid 3, the second one empty. */
static const struct btrfs_chunk chunk = { .length = MiB, .type = BTRFS_BLOCK_GROUP_DATA, .num_stripes = 1,
                                          .stripe = { .devid = 3, .offset = 5 * MiB } };
static const struct btrfs_block_group_item used = { .used = 4096 }, unused;
static const FakeItem chunk_items[] = {
        { .header = { .objectid = BTRFS_FIRST_CHUNK_TREE_OBJECTID, .type = BTRFS_CHUNK_ITEM_KEY, .offset = 1 * MiB, .len = sizeof(chunk) },
          .data = &chunk },
        { .header = { .objectid = BTRFS_FIRST_CHUNK_TREE_OBJECTID, .type = BTRFS_CHUNK_ITEM_KEY, .offset = 9 * MiB, .len = sizeof(chunk) },
          .data = &chunk },
};
static const FakeItem group_items[] = {
        { .header = { .objectid = 1 * MiB, .type = BTRFS_BLOCK_GROUP_ITEM_KEY, .offset = MiB, .len = sizeof(used) }, .data = &used },
        { .header = { .objectid = 9 * MiB, .type = BTRFS_BLOCK_GROUP_ITEM_KEY, .offset = MiB, .len = sizeof(unused) }, .data = &unused },
};
static void an_empty_group_that_stays_is_told(void **state) {
        static const FakeRule script[] = {
                { .call = FAKE_SYNC }, { .call = FAKE_SCRUB }, { .call = FAKE_DEVICE_STATS },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = chunk_items, .n_items = 2 },
                { .call = FAKE_TREE_SEARCH, .items = group_items, .n_items = 2 },
        };
        Job *j = *state;

        j->cleaner_wait_ns = 100 * NSEC_PER_MSEC;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_equal(j->desk->control.result, 0);
        assert_int_equal(j->desk->empty.kind, OBS_EMPTY_GROUPS);
        assert_int_equal(j->desk->empty.count, 1);
        assert_int_equal(j->desk->empty.logical, 9 * MiB);
        assert_true(fake_btrfs_count(FAKE_SYNC) > 2); /* each wakes the cleaner */
        assert_int_equal(fake_btrfs_count_devid(FAKE_SCRUB, 2), 1);
        assert_int_equal(fake_btrfs_count_devid(FAKE_SCRUB, 3), 3); /* the device, then each group that the stress may have emptied */
        assert_int_equal(fake_btrfs_last(FAKE_SCRUB)->start, 5 * MiB);
        assert_int_equal(fake_btrfs_last(FAKE_SCRUB)->end, 6 * MiB);
        fake_btrfs_end();
}

/* A second look would only wait for what is known; another group is news. */
static void one_that_was_told_is_not_told_again(void **state) {
        static const FakeRule script[] = {
                { .call = FAKE_SYNC }, { .call = FAKE_SCRUB }, { .call = FAKE_DEVICE_STATS },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = chunk_items, .n_items = 2 },
                { .call = FAKE_TREE_SEARCH, .items = group_items, .n_items = 2 },
        };
        Job *j = *state;

        j->cleaner_wait_ns = 0;
        j->desk->told_empty = (EmptyGroups){ .n = 1, .logical = 9 * MiB, .length = MiB };
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_not_equal(j->desk->empty.kind, OBS_EMPTY_GROUPS);
        assert_int_equal(fake_btrfs_count(FAKE_SYNC), 1);
        j->desk->told_empty.logical = 1 * MiB;
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_equal(j->desk->empty.kind, OBS_EMPTY_GROUPS);
        assert_int_equal(j->desk->told_empty.logical, 9 * MiB);
        fake_btrfs_end();
}

/* It is the other one that is empty, and the other one again. */
static void empty_the_other(void *userdata) {
        struct btrfs_block_group_item *items = userdata, first = items[0];

        items[0] = items[1];
        items[1] = first;
}

/* Somebody else empties group after group: each was emptied behind the last scrub. */
static void one_that_no_scrub_has_passed_is_not(void **state) {
        static struct btrfs_block_group_item changing[2] = { { .used = 4096 } };
        static const FakeItem changing_items[] = {
                { .header = { .objectid = 1 * MiB, .type = BTRFS_BLOCK_GROUP_ITEM_KEY, .offset = MiB, .len = sizeof(used) }, .data = &changing[0] },
                { .header = { .objectid = 9 * MiB, .type = BTRFS_BLOCK_GROUP_ITEM_KEY, .offset = MiB, .len = sizeof(used) }, .data = &changing[1] },
        };
        static const FakeRule script[] = {
                { .call = FAKE_SYNC }, { .call = FAKE_DEVICE_STATS },
                /* Of the whole device, then of both groups, twice. */
                { .call = FAKE_SCRUB, .devid = 3, .nth = 3, .hook = empty_the_other, .userdata = changing },
                { .call = FAKE_SCRUB, .devid = 3, .nth = 5, .hook = empty_the_other, .userdata = changing },
                { .call = FAKE_SCRUB },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = chunk_items, .n_items = 2 },
                { .call = FAKE_TREE_SEARCH, .items = changing_items, .n_items = 2 },
        };
        Job *j = *state;

        j->cleaner_wait_ns = 0;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_not_equal(j->desk->empty.kind, OBS_EMPTY_GROUPS);
        fake_btrfs_end();
}

static void one_that_goes_away_in_time_is_not(void **state) {
        static const FakeRule script[] = {
                { .call = FAKE_SYNC }, { .call = FAKE_SCRUB }, { .call = FAKE_DEVICE_STATS },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = chunk_items, .n_items = 2, .nth = 1 },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = chunk_items, .n_items = 1 },
                { .call = FAKE_TREE_SEARCH, .items = group_items, .n_items = 2 },
        };
        Job *j = *state;

        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_not_equal(j->desk->empty.kind, OBS_EMPTY_GROUPS);
        fake_btrfs_end();
}

/* The discard queue keeps them; nobody looks. */
static void with_async_discard_nobody_looks(void **state) {
        static const FakeRule script[] = { { .call = FAKE_SYNC }, { .call = FAKE_SCRUB }, { .call = FAKE_DEVICE_STATS } };
        Job *j = *state;

        strcpy(j->desk->target.mount_options, "rw,discard=async");
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_not_equal(j->desk->empty.kind, OBS_EMPTY_GROUPS);
        fake_btrfs_end();
}

/* Nor when the remounts may have switched it on, and only then: the worker may have been paused in the middle of its walk. */
static void with_discard_in_the_remounts_nobody_looks(void **state) {
        static const FakeRule script[] = { { .call = FAKE_SYNC }, { .call = FAKE_SCRUB }, { .call = FAKE_DEVICE_STATS } };
        static const FakeRule looks[] = {
                { .call = FAKE_SYNC }, { .call = FAKE_SCRUB }, { .call = FAKE_DEVICE_STATS },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = chunk_items, .n_items = 2 },
                { .call = FAKE_TREE_SEARCH, .items = group_items, .n_items = 2 },
        };
        Job *j = *state;
        Config c = *j->config;

        j->config = &c;
        j->cleaner_wait_ns = 0;
        strcpy(c.remount.options, "commit=1 discard=async,commit=5");
        fake_btrfs_begin(looks, ELEMENTSOF(looks));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        fake_btrfs_end();
        c.remount.enabled = true;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        fake_btrfs_end();
        strcpy(c.remount.options, "commit=1 compress=zstd");
        fake_btrfs_begin(looks, ELEMENTSOF(looks));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        fake_btrfs_end();
}

static void end_of_replace(void *folder) {
        sys_folder_set_operation(folder, "none");
}

/* One that has begun but not started cannot be cancelled yet, and is one all the same. */
static void cancelling_waits_for_a_replace_that_begins(void **state) {
        const Config c = { .replace.enabled = true };
        void *folder = NULL;
        Job *j = *state;

        assert_int_equal(sys_folder_setup(&folder), 0);
        strcpy(j->desk->target.fsid_text, SYS_FSID);
        j->sys_root = ((SysFolder *)folder)->root;
        j->config = &c;
        sys_folder_set_operation(folder, "device replace");
        const FakeRule script[] = {
                { .call = FAKE_SCRUB_CANCEL, .result = -ENOTCONN },
                { .call = FAKE_BALANCE_CANCEL, .result = -ENOTCONN },
                { .call = FAKE_REPLACE_CANCEL, .nth = 5, .times = 1, .result = BTRFS_IOCTL_DEV_REPLACE_RESULT_NOT_STARTED, .hook = end_of_replace,
                  .userdata = folder },
                { .call = FAKE_REPLACE_CANCEL, .result = BTRFS_IOCTL_DEV_REPLACE_RESULT_NOT_STARTED },
                { .call = FAKE_REPLACE_STATUS, .number = BTRFS_IOCTL_DEV_REPLACE_STATE_NEVER_STARTED },
        };
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CANCEL), 1);
        assert_int_equal(fake_btrfs_count(FAKE_REPLACE_CANCEL), 7);
        fake_btrfs_end();
        assert_int_equal(sys_folder_teardown(&folder), 0);
}

/* What it knows of the space lives from one control scrub to the next; the first is before the stress. */
static void space_that_is_kept_is_told(void **state) {
        static const FakeRule script[] = { { .call = FAKE_SYNC }, { .call = FAKE_SCRUB }, { .call = FAKE_TREE_SEARCH }, { .call = FAKE_DEVICE_STATS } };
        void *folder = NULL;
        Job *j = *state;
        Config c = *j->config;

        assert_int_equal(sys_folder_setup(&folder), 0);
        strcpy(j->desk->target.fsid_text, SYS_FSID);
        j->sys_root = ((SysFolder *)folder)->root;
        j->config = &c;
        j->cleaner_wait_ns = 100 * NSEC_PER_MSEC;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_not_equal(j->desk->space.kind, OBS_SPACE);
        sys_folder_set(folder, SPACE_DATA, SPACE_READONLY, GiB);
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_equal(j->desk->space.kind, OBS_SPACE);
        assert_non_null(strstr(j->desk->space.text, "bytes_readonly of data stayed at 1073741824 for 200 ms"));
        for (unsigned i = 0; i < 2; i++) { /* then the kernel may be at it for long */
                c.target.reclaim_threshold = i == 0 ? 30 : 0;
                c.target.dynamic_reclaim = i == 1;
                assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
                assert_int_not_equal(j->desk->space.kind, OBS_SPACE);
        }
        fake_btrfs_end();
        assert_int_equal(sys_folder_teardown(&folder), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(an_empty_group_that_stays_is_told, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(one_that_was_told_is_not_told_again, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(one_that_no_scrub_has_passed_is_not, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(one_that_goes_away_in_time_is_not, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(with_async_discard_nobody_looks, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(with_discard_in_the_remounts_nobody_looks, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(cancelling_waits_for_a_replace_that_begins, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(space_that_is_kept_is_told, job_setup, job_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

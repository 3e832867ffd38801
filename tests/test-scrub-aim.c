/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "fake-disk.h"
#include "target/scrub-aim.h"

#define DATA BTRFS_BLOCK_GROUP_DATA
#define DUP (BTRFS_BLOCK_GROUP_METADATA | BTRFS_BLOCK_GROUP_DUP)
#define RAID1 (BTRFS_BLOCK_GROUP_DATA | BTRFS_BLOCK_GROUP_RAID1)
#define HEAVY (16 * MiB)

/* What is looked at: devid 2. */
static void look(ScrubAim *a, const FakeGroup *g, size_t n) {
        static FakeDisk d;
        const FakeRule script[] = {
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = d.chunk_items, .n_items = n },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_BLOCK_GROUP_TREE_OBJECTID, .result = -ENOENT, .optional = true },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_EXTENT_TREE_OBJECTID, .items = d.group_items, .n_items = n, .optional = true },
        };

        fake_disk_make(&d, g, n);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        a->devid = 2;
        a->heavy = HEAVY;
        assert_int_equal(scrub_aim_look(a, &fake_btrfs_ops, 7), 0);
        fake_btrfs_end();
}

static void expect(ScrubAim *a, const AimRange *ranges, size_t n) {
        assert_int_equal(a->n_ranges, n);
        for (size_t i = 0; i < n; i++) {
                assert_int_equal(a->ranges[i].start, ranges[i].start);
                assert_true(a->ranges[i].end == ranges[i].end);
        }
}

#define LOOK(a, ...) look(a, (const FakeGroup[]){ __VA_ARGS__ }, ELEMENTSOF(((const FakeGroup[]){ __VA_ARGS__ })))
#define EXPECT(a, ...) expect(a, (const AimRange[]){ __VA_ARGS__ }, ELEMENTSOF(((const AimRange[]){ __VA_ARGS__ })))

static void nothing_heavy_is_everything(void **state _unused_) {
        ScrubAim a = SCRUB_AIM_NULL;

        LOOK(&a, { DATA, HEAVY, { { 2, MiB } } }, { DATA, 64 * MiB, { { 1, MiB } } });
        EXPECT(&a, { 0, UINT64_MAX });
        scrub_aim_free(&a);
        assert_null(a.ranges);
}

/* In the order of the device, not of the logical addresses; extents that touch leave nothing between. */
static void what_lies_between_the_heavy(void **state _unused_) {
        ScrubAim a = SCRUB_AIM_NULL;

        LOOK(&a, { DATA, HEAVY + 1, { { 2, 500 * MiB } } }, { DATA, 0, { { 2, 300 * MiB } } },
             { RAID1, 64 * MiB, { { 1, 0 }, { 2, 100 * MiB } } }, { DATA, 20 * MiB, { { 2, 164 * MiB } } });
        EXPECT(&a, { 0, 100 * MiB }, { 228 * MiB, 500 * MiB }, { 564 * MiB, UINT64_MAX });
        /* A second look forgets the first. */
        LOOK(&a, { DATA, 17 * MiB, { { 2, 0 } } });
        EXPECT(&a, { 64 * MiB, UINT64_MAX });
        scrub_aim_free(&a);
}

static void each_extent_of_dup_counts(void **state _unused_) {
        ScrubAim a = SCRUB_AIM_NULL;

        LOOK(&a, { DUP, 17 * MiB, { { 2, 10 * MiB }, { 2, 200 * MiB } } });
        EXPECT(&a, { 0, 10 * MiB }, { 74 * MiB, 200 * MiB }, { 264 * MiB, UINT64_MAX });
        scrub_aim_free(&a);
}

static void a_failed_look_changes_nothing(void **state _unused_) {
        static const FakeRule at_once[] = { { .call = FAKE_TREE_SEARCH, .result = -EIO } };
        static const FakeGroup group[] = { { DATA, 17 * MiB, { { 2, 0 } } } };
        static FakeDisk d;
        const FakeRule later[] = {
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = d.chunk_items, .n_items = 1 },
                { .call = FAKE_TREE_SEARCH, .result = -EIO },
        };
        ScrubAim a = SCRUB_AIM_NULL;

        LOOK(&a, { DATA, 17 * MiB, { { 2, 0 } } });
        fake_btrfs_begin(at_once, ELEMENTSOF(at_once));
        assert_int_equal(scrub_aim_look(&a, &fake_btrfs_ops, 7), -EIO);
        fake_btrfs_end();
        fake_disk_make(&d, group, 1);
        fake_btrfs_begin(later, ELEMENTSOF(later));
        assert_int_equal(scrub_aim_look(&a, &fake_btrfs_ops, 7), -EIO);
        fake_btrfs_end();
        EXPECT(&a, { 64 * MiB, UINT64_MAX });
        scrub_aim_free(&a);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_heavy_is_everything),
                cmocka_unit_test(what_lies_between_the_heavy),
                cmocka_unit_test(each_extent_of_dup_counts),
                cmocka_unit_test(a_failed_look_changes_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "fake-disk.h"
#include "target/empty-groups.h"

#define DATA BTRFS_BLOCK_GROUP_DATA
#define RAID1 BTRFS_BLOCK_GROUP_RAID1
#define META BTRFS_BLOCK_GROUP_METADATA

#define OF(type_, used_) { .type = (type_), .used = (used_) }

/* `group_tree`: the answer of a search in the block group tree; 0: it has the items, otherwise the extent tree has. */
static EmptyGroups look(const FakeGroup *g, size_t n, int group_tree) {
        static FakeDisk d;
        EmptyGroups empty = { .n = 99 };
        FakeRule script[] = {
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = d.chunk_items, .n_items = n },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_BLOCK_GROUP_TREE_OBJECTID, .items = d.group_items,
                  .n_items = group_tree == 0 ? n : 0, .result = group_tree, .optional = true },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_EXTENT_TREE_OBJECTID, .items = d.group_items, .n_items = n, .optional = true },
        };

        fake_disk_make(&d, g, n);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(empty_groups_find(&empty, &fake_btrfs_ops, 7), 0);
        fake_btrfs_end();
        return empty;
}

#define LOOK(group_tree, ...) look((const FakeGroup[]){ __VA_ARGS__ }, ELEMENTSOF(((const FakeGroup[]){ __VA_ARGS__ })), group_tree)

static void test_one_beside_a_used_one(void **state _unused_) {
        for (int i = 0; i < 2; i++) {
                EmptyGroups e = LOOK(i == 0 ? -ENOENT : 0, OF(META, 0), OF(DATA, 4096), OF(DATA, 0));
                assert_int_equal(e.n, 1);
                assert_int_equal(e.logical, fake_logical(2));
                assert_int_equal(e.length, FAKE_GROUP_LENGTH);
        }
}

static void test_the_last_of_a_type_stays(void **state _unused_) {
        assert_int_equal(LOOK(-ENOENT, OF(DATA, 0)).n, 0);
        assert_int_equal(LOOK(-ENOENT, OF(DATA, 0), OF(DATA, 0), OF(DATA, 0)).n, 2);
        assert_int_equal(LOOK(-ENOENT, OF(DATA, 0), OF(DATA | RAID1, 0)).n, 0);
        assert_int_equal(LOOK(-ENOENT, OF(DATA, 0), OF(DATA | RAID1, 0), OF(DATA, 1), OF(DATA | RAID1, 1)).n, 2);
}

static void test_only_data(void **state _unused_) {
        assert_int_equal(LOOK(-ENOENT, OF(META, 0), OF(META, 0), OF(BTRFS_BLOCK_GROUP_SYSTEM, 0), OF(BTRFS_BLOCK_GROUP_SYSTEM, 0)).n, 0);
        assert_int_equal(LOOK(-ENOENT, OF(DATA | META, 0), OF(DATA | META, 4096)).n, 0);
        assert_int_equal(LOOK(-ENOENT, OF(DATA, 8192), OF(DATA, 4096)).n, 0);
}

static void test_errors_are_handed_on(void **state _unused_) {
        static FakeDisk d;
        static const FakeGroup g[] = { OF(DATA, 0), OF(DATA, 1) };
        EmptyGroups e;
        FakeRule script[] = {
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = d.chunk_items, .n_items = 2 },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_BLOCK_GROUP_TREE_OBJECTID, .result = -ENOENT },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_EXTENT_TREE_OBJECTID, .result = -EIO },
        };

        fake_disk_make(&d, g, 2);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(empty_groups_find(&e, &fake_btrfs_ops, 7), -EIO);
        assert_int_equal(e.n, 0);
        fake_btrfs_end();
}

/* A group that went away between the two searches is not an empty one. */
static void test_one_that_went_away(void **state _unused_) {
        static FakeDisk d;
        static const FakeGroup g[] = { OF(DATA, 4096), OF(DATA, 0) };
        EmptyGroups e;
        FakeRule script[] = {
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = d.chunk_items, .n_items = 2 },
                { .call = FAKE_TREE_SEARCH, .items = d.group_items, .n_items = 1 },
        };

        fake_disk_make(&d, g, 2);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(empty_groups_find(&e, &fake_btrfs_ops, 7), 0);
        assert_int_equal(e.n, 0);
        fake_btrfs_end();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_beside_a_used_one), cmocka_unit_test(test_the_last_of_a_type_stays),
                cmocka_unit_test(test_only_data),             cmocka_unit_test(test_errors_are_handed_on),
                cmocka_unit_test(test_one_that_went_away),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <endian.h>
#include <errno.h>

#include "fake-btrfs.h"
#include "target/empty-groups.h"

#define DATA BTRFS_BLOCK_GROUP_DATA
#define RAID1 BTRFS_BLOCK_GROUP_RAID1
#define META BTRFS_BLOCK_GROUP_METADATA
#define GROUPS_MAX 8

/* A filesystem of block groups: the chunk tree, and the block group items in the tree `items_in`. */
typedef struct Group {
        uint64_t type, used;
} Group;

typedef struct Disk {
        struct btrfs_chunk chunks[GROUPS_MAX];
        struct btrfs_block_group_item groups[GROUPS_MAX];
        FakeItem chunk_items[GROUPS_MAX], group_items[GROUPS_MAX];
} Disk;

static uint64_t logical_of(size_t i) {
        return (i + 1) * GiB;
}

static void disk_make(Disk *d, const Group *g, size_t n) {
        for (size_t i = 0; i < n; i++) {
                d->chunks[i] = (struct btrfs_chunk){ .length = htole64(64 * MiB), .type = htole64(g[i].type), .num_stripes = htole16(1) };
                d->chunk_items[i] = (FakeItem){ .header = { .objectid = BTRFS_FIRST_CHUNK_TREE_OBJECTID, .type = BTRFS_CHUNK_ITEM_KEY,
                                                            .offset = logical_of(i), .len = sizeof(d->chunks[i]) },
                                                .data = &d->chunks[i] };
                d->groups[i] = (struct btrfs_block_group_item){ .used = htole64(g[i].used), .flags = htole64(g[i].type) };
                d->group_items[i] = (FakeItem){ .header = { .objectid = logical_of(i), .type = BTRFS_BLOCK_GROUP_ITEM_KEY,
                                                            .offset = 64 * MiB, .len = sizeof(d->groups[i]) },
                                                .data = &d->groups[i] };
        }
}

/* `group_tree`: the answer of a search in the block group tree; 0: it has the items, otherwise the extent tree has. */
static EmptyGroups look(const Group *g, size_t n, int group_tree) {
        static Disk d;
        EmptyGroups empty = { .n = 99 };
        FakeRule script[] = {
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = d.chunk_items, .n_items = n },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_BLOCK_GROUP_TREE_OBJECTID, .items = d.group_items,
                  .n_items = group_tree == 0 ? n : 0, .result = group_tree, .optional = true },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_EXTENT_TREE_OBJECTID, .items = d.group_items, .n_items = n, .optional = true },
        };

        disk_make(&d, g, n);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(empty_groups_find(&empty, &fake_btrfs_ops, 7), 0);
        fake_btrfs_end();
        return empty;
}

#define LOOK(group_tree, ...) look((const Group[]){ __VA_ARGS__ }, ELEMENTSOF(((const Group[]){ __VA_ARGS__ })), group_tree)

static void test_one_beside_a_used_one(void **state _unused_) {
        for (int i = 0; i < 2; i++) {
                EmptyGroups e = LOOK(i == 0 ? -ENOENT : 0, { META, 0 }, { DATA, 4096 }, { DATA, 0 });
                assert_int_equal(e.n, 1);
                assert_int_equal(e.logical, logical_of(2));
                assert_int_equal(e.length, 64 * MiB);
        }
}

static void test_the_last_of_a_type_stays(void **state _unused_) {
        assert_int_equal(LOOK(-ENOENT, { DATA, 0 }).n, 0);
        assert_int_equal(LOOK(-ENOENT, { DATA, 0 }, { DATA, 0 }, { DATA, 0 }).n, 2);
        assert_int_equal(LOOK(-ENOENT, { DATA, 0 }, { DATA | RAID1, 0 }).n, 0);
        assert_int_equal(LOOK(-ENOENT, { DATA, 0 }, { DATA | RAID1, 0 }, { DATA, 1 }, { DATA | RAID1, 1 }).n, 2);
}

static void test_only_data(void **state _unused_) {
        assert_int_equal(LOOK(-ENOENT, { META, 0 }, { META, 0 }, { BTRFS_BLOCK_GROUP_SYSTEM, 0 }, { BTRFS_BLOCK_GROUP_SYSTEM, 0 }).n, 0);
        assert_int_equal(LOOK(-ENOENT, { DATA | META, 0 }, { DATA | META, 4096 }).n, 0);
        assert_int_equal(LOOK(-ENOENT, { DATA, 8192 }, { DATA, 4096 }).n, 0);
}

static void test_errors_are_handed_on(void **state _unused_) {
        static Disk d;
        static const Group g[] = { { DATA, 0 }, { DATA, 1 } };
        EmptyGroups e;
        FakeRule script[] = {
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = d.chunk_items, .n_items = 2 },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_BLOCK_GROUP_TREE_OBJECTID, .result = -ENOENT },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_EXTENT_TREE_OBJECTID, .result = -EIO },
        };

        disk_make(&d, g, 2);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(empty_groups_find(&e, &fake_btrfs_ops, 7), -EIO);
        assert_int_equal(e.n, 0);
        fake_btrfs_end();
}

/* A group that went away between the two searches is not an empty one. */
static void test_one_that_went_away(void **state _unused_) {
        static Disk d;
        static const Group g[] = { { DATA, 4096 }, { DATA, 0 } };
        EmptyGroups e;
        FakeRule script[] = {
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = d.chunk_items, .n_items = 2 },
                { .call = FAKE_TREE_SEARCH, .items = d.group_items, .n_items = 1 },
        };

        disk_make(&d, g, 2);
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

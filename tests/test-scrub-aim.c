/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "fake-disk.h"
#include "target/scrub-aim.h"

#define DATA BTRFS_BLOCK_GROUP_DATA
#define DUP (BTRFS_BLOCK_GROUP_METADATA | BTRFS_BLOCK_GROUP_DUP)
#define RAID1 (BTRFS_BLOCK_GROUP_DATA | BTRFS_BLOCK_GROUP_RAID1)
#define HEAVY (16 * MiB)

#define RAID0 (BTRFS_BLOCK_GROUP_DATA | BTRFS_BLOCK_GROUP_RAID0)
#define SYSTEM (BTRFS_BLOCK_GROUP_SYSTEM | BTRFS_BLOCK_GROUP_RAID1)
#define ALL (BTRFS_BLOCK_GROUP_DATA | BTRFS_BLOCK_GROUP_METADATA | BTRFS_BLOCK_GROUP_SYSTEM)

/* What is looked at: devid 2. `weigh`: before that, how heavy the groups are. */
static void look(ScrubAim *a, const FakeGroup *g, size_t n, bool weigh) {
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
        if (weigh)
                assert_int_equal(scrub_aim_weigh(a, &fake_btrfs_ops, 7), 0);
        unsigned searches = fake_btrfs_count(FAKE_TREE_SEARCH);
        assert_int_equal(scrub_aim_look(a, &fake_btrfs_ops, 7), 0);
        assert_int_equal(fake_btrfs_count(FAKE_TREE_SEARCH) - searches, 1 + a->n_light); /* however many heavy ones there are */
        assert_int_equal(fake_btrfs_last(FAKE_TREE_SEARCH)->key.min_offset, a->floor);
        fake_btrfs_end();
}

static void expect(ScrubAim *a, const AimRange *ranges, size_t n) {
        assert_int_equal(a->n_ranges, n);
        for (size_t i = 0; i < n; i++) {
                assert_int_equal(a->ranges[i].start, ranges[i].start);
                assert_int_equal(a->ranges[i].end, ranges[i].end);
        }
}

#define GROUPS(...) (const FakeGroup[]){ __VA_ARGS__ }, ELEMENTSOF(((const FakeGroup[]){ __VA_ARGS__ }))
#define LOOK(a, ...) look(a, GROUPS(__VA_ARGS__), false)
#define WEIGH_AND_LOOK(a, ...) look(a, GROUPS(__VA_ARGS__), true)
#define EXPECT(a, ...) expect(a, (const AimRange[]){ __VA_ARGS__ }, ELEMENTSOF(((const AimRange[]){ __VA_ARGS__ })))

static void groups_that_live_on_the_device_and_nothing_else(void **state _unused_) {
        ScrubAim a = { .types = ALL };

        LOOK(&a, { DATA, 0, { { 2, 300 * MiB } } }, { DATA, 0, { { 1, MiB } } }, { RAID1, 0, { { 1, 80 * MiB }, { 2, 100 * MiB } } });
        EXPECT(&a, { 100 * MiB, 164 * MiB }, { 300 * MiB, 364 * MiB }); /* in the order of the device, not of the addresses */
        /* A second look forgets the first. */
        LOOK(&a, { DATA, 0, { { 2, 500 * MiB } } });
        EXPECT(&a, { 500 * MiB, 564 * MiB });
        LOOK(&a, { DATA, 0, { { 1, MiB } } });
        assert_int_equal(a.n_ranges, 0);
        scrub_aim_free(&a);
        assert_null(a.ranges);
        assert_null(a.light);
}

/* Long striped groups apart from the others, and in their place where there are none. */
static void groups_that_take_long_are_for_another_time(void **state _unused_) {
        ScrubAim a = { .types = ALL };
        const FakeGroup both[] = { { RAID0, 0, { { 1, MiB }, { 2, MiB } } }, { SYSTEM, 0, { { 2, 2 * GiB } } } };

        look(&a, both, 2, false);
        EXPECT(&a, { 2 * GiB, 2 * GiB + 64 * MiB });
        a.pace = AIM_SLOW;
        look(&a, both, 2, false);
        EXPECT(&a, { MiB, 513 * MiB });
        look(&a, &both[1], 1, false);
        EXPECT(&a, { 2 * GiB, 2 * GiB + 64 * MiB });
        a.pace = AIM_QUICK;
        look(&a, both, 1, false);
        EXPECT(&a, { MiB, 513 * MiB });
        a.pace = AIM_ANY;
        look(&a, both, 2, false);
        EXPECT(&a, { 2 * GiB, 2 * GiB + 64 * MiB }, { MiB, 513 * MiB });
        scrub_aim_free(&a);
}

static void only_long_striped_groups_are_slow(void **state _unused_) {
        static const uint64_t striped[] = { BTRFS_BLOCK_GROUP_RAID0, BTRFS_BLOCK_GROUP_RAID10, BTRFS_BLOCK_GROUP_RAID5, BTRFS_BLOCK_GROUP_RAID6 };

        for (size_t i = 0; i < ELEMENTSOF(striped); i++) {
                assert_true(scrub_aim_is_slow(&(Chunk){ .type = DATA | striped[i], .extent_length = 256 * MiB }));
                assert_false(scrub_aim_is_slow(&(Chunk){ .type = DATA | striped[i], .extent_length = 16 * MiB }));
        }
        assert_false(scrub_aim_is_slow(&(Chunk){ .type = RAID1, .extent_length = GiB }));
        assert_false(scrub_aim_is_slow(&(Chunk){ .type = DATA, .extent_length = GiB }));
}

static void neighbours_are_one_range(void **state _unused_) {
        ScrubAim a = { .types = ALL };

        LOOK(&a, { DATA, 0, { { 2, 65 * MiB } } }, { DATA, 0, { { 2, MiB } } }, { DATA, 0, { { 2, 130 * MiB } } },
             { DATA, 0, { { 2, 194 * MiB } } });
        EXPECT(&a, { MiB, 129 * MiB }, { 130 * MiB, 258 * MiB });
        scrub_aim_free(&a);
}

static void each_extent_of_dup_counts(void **state _unused_) {
        ScrubAim a = { .types = ALL };

        LOOK(&a, { DUP, 0, { { 2, 10 * MiB }, { 2, 200 * MiB } } });
        EXPECT(&a, { 10 * MiB, 74 * MiB }, { 200 * MiB, 264 * MiB });
        scrub_aim_free(&a);
}

static void only_of_the_types_asked_for(void **state _unused_) {
        ScrubAim a = { .types = BTRFS_BLOCK_GROUP_DATA | BTRFS_BLOCK_GROUP_SYSTEM };

        /* What is not asked for is not weighed either: heavy as it is, it is the lowest that is looked at. */
        WEIGH_AND_LOOK(&a, { DUP, HEAVY + 1, { { 2, 10 * MiB }, { 2, 200 * MiB } } }, { DATA, 0, { { 2, 300 * MiB } } },
                       { SYSTEM, 0, { { 2, 400 * MiB }, { 1, MiB } } });
        assert_int_equal(a.floor, 0);
        EXPECT(&a, { 400 * MiB, 464 * MiB }, { 300 * MiB, 364 * MiB });
        a.types = BTRFS_BLOCK_GROUP_METADATA;
        LOOK(&a, { DUP, 0, { { 2, 10 * MiB }, { 2, 200 * MiB } } }, { DATA, 0, { { 2, 300 * MiB } } });
        EXPECT(&a, { 10 * MiB, 74 * MiB }, { 200 * MiB, 264 * MiB });
        scrub_aim_free(&a);
}

static void heavy_ones_are_left_out_until_weighed_again(void **state _unused_) {
        ScrubAim a = { .types = ALL };
        const FakeGroup groups[] = {
                { DATA, HEAVY + 1, { { 1, 0 } } }, { DATA, HEAVY + 1, { { 2, 64 * MiB } } }, { DATA, HEAVY, { { 2, 200 * MiB } } },
                { DATA, HEAVY + 1, { { 2, 300 * MiB } } }, { DATA, 0, { { 2, 400 * MiB } } },
        };

        look(&a, groups, 5, true);
        EXPECT(&a, { 200 * MiB, 264 * MiB }, { 400 * MiB, 464 * MiB });
        assert_int_equal(a.floor, fake_logical(3) + 1);
        assert_int_equal(a.n_light, 1);
        assert_int_equal(a.light[0], fake_logical(2));
        look(&a, groups, 4, false); /* the one above the floor is gone */
        EXPECT(&a, { 200 * MiB, 264 * MiB });
        look(&a, groups, 2, false); /* so is the one below it */
        assert_int_equal(a.n_ranges, 0);
        look(&a, groups, 2, true);
        assert_int_equal(a.floor, fake_logical(1) + 1);
        assert_int_equal(a.n_light, 0);
        look(&a, groups, 3, false); /* a new group is found */
        EXPECT(&a, { 200 * MiB, 264 * MiB });
        scrub_aim_free(&a);
}

/* How often of 400 draws each of the ranges comes; nothing else may. */
static void count_draws(const ScrubAim *a, const AimRange *ranges, size_t n, unsigned *counts) {
        Rng rng;

        rng_seed(&rng, 7, 0);
        memset(counts, 0, n * sizeof(*counts));
        for (unsigned i = 0; i < 400; i++) {
                AimRange drawn;
                size_t k = 0;

                assert_true(scrub_aim_draw(a, &rng, &drawn));
                while (k < n && memcmp(&ranges[k], &drawn, sizeof(drawn)) != 0)
                        k++;
                assert_true(k < n);
                counts[k]++;
        }
}

static void each_range_is_drawn(void **state _unused_) {
        static const AimRange ranges[] = { { 300 * MiB, 364 * MiB }, { 400 * MiB, 464 * MiB }, { 500 * MiB, 564 * MiB } };
        ScrubAim a = { .types = ALL };
        unsigned counts[3];

        LOOK(&a, { DATA, 0, { { 2, 300 * MiB } } }, { DATA, 0, { { 2, 500 * MiB } } }, { BTRFS_BLOCK_GROUP_METADATA, 0, { { 2, 400 * MiB } } });
        count_draws(&a, ranges, 3, counts);
        for (unsigned i = 0; i < 3; i++)
                assert_in_range(counts[i], 95, 175);
        LOOK(&a, { DATA, 0, { { 1, MiB } } });
        assert_false(scrub_aim_draw(&a, &(Rng){ 0 }, &(AimRange){ 0 }));
        scrub_aim_free(&a);
}

/* Three of four, and their share of the fourth: 350 of 400 for both, and 25 for each of the others. A range is one of them by any of its groups. */
static void ranges_with_a_system_group_are_drawn_most(void **state _unused_) {
        static const AimRange ranges[] = {
                { 300 * MiB, 364 * MiB }, { 400 * MiB, 528 * MiB }, { 600 * MiB, 664 * MiB }, { 700 * MiB, 764 * MiB },
        };
        ScrubAim a = { .types = ALL };
        unsigned counts[4];

        LOOK(&a, { DATA, 0, { { 2, 300 * MiB } } }, { SYSTEM, 0, { { 2, 700 * MiB } } }, { DATA, 0, { { 2, 600 * MiB } } },
             { SYSTEM, 0, { { 2, 464 * MiB } } }, { DATA, 0, { { 2, 400 * MiB } } });
        assert_int_equal(a.n_ranges, 4);
        assert_int_equal(a.n_system, 2);
        count_draws(&a, ranges, 4, counts);
        for (unsigned i = 0; i < 4; i++)
                assert_in_range(counts[i], i % 2 == 0 ? 12 : 140, i % 2 == 0 ? 40 : 210);
        /* One that has outlived its scrubs is as any other. */
        for (unsigned i = 0; i < SCRUB_AIM_OUTLIVED; i++)
                scrub_aim_scrubbed(&a);
        LOOK(&a, { DATA, 0, { { 2, 300 * MiB } } }, { SYSTEM, 0, { { 2, 700 * MiB } } }, { DATA, 0, { { 2, 600 * MiB } } },
             { SYSTEM, 0, { { 2, 464 * MiB } } }, { DATA, 0, { { 2, 400 * MiB } } });
        assert_int_equal(a.n_system, 1);
        assert_int_equal(a.ranges[0].start, 400 * MiB);
        /* The look after it finds none of them. */
        LOOK(&a, { DATA, 0, { { 2, 300 * MiB } } });
        assert_int_equal(a.n_system, 0);
        count_draws(&a, ranges, 1, counts);
        assert_int_equal(counts[0], 400);
        scrub_aim_free(&a);
}

static void expect_oldest(const ScrubAim *a, uint64_t start, uint64_t end) {
        AimRange r;

        assert_true(scrub_aim_oldest(a, &r));
        assert_int_equal(r.start, start);
        assert_int_equal(r.end, end);
}

static void the_oldest_system_group_is_found(void **state _unused_) {
        ScrubAim a = { .types = ALL };
        AimRange none;

        /* The one with the lowest logical address on this device, not the lowest physical one. */
        LOOK(&a, { DATA, 0, { { 2, 300 * MiB } } }, { SYSTEM, 0, { { 1, MiB } } }, { SYSTEM, 0, { { 2, 500 * MiB }, { 1, 80 * MiB } } },
             { SYSTEM, 0, { { 2, 400 * MiB } } });
        expect_oldest(&a, 500 * MiB, 564 * MiB);
        /* There is none, or none is asked for. */
        a.types = DATA;
        assert_false(scrub_aim_oldest(&a, &none));
        a.types = ALL;
        LOOK(&a, { DATA, 0, { { 2, 300 * MiB } } }, { SYSTEM, 0, { { 1, MiB } } });
        assert_false(scrub_aim_oldest(&a, &none));
        scrub_aim_free(&a);
}

/* Without its neighbours. */
static void both_extents_of_the_oldest_are_one_range(void **state _unused_) {
        const uint64_t dup = BTRFS_BLOCK_GROUP_SYSTEM | BTRFS_BLOCK_GROUP_DUP;
        ScrubAim a = { .types = ALL };

        LOOK(&a, { dup, 0, { { 2, 100 * MiB }, { 2, 164 * MiB } } }, { DATA, 0, { { 2, 228 * MiB } } }, { DATA, 0, { { 2, 36 * MiB } } });
        EXPECT(&a, { 36 * MiB, 292 * MiB });
        expect_oldest(&a, 100 * MiB, 228 * MiB);
        LOOK(&a, { dup, 0, { { 2, 164 * MiB }, { 2, 100 * MiB } } });
        expect_oldest(&a, 100 * MiB, 228 * MiB);
        /* What lies between them is not the group's. */
        LOOK(&a, { dup, 0, { { 2, 300 * MiB }, { 2, 100 * MiB } } });
        expect_oldest(&a, 300 * MiB, 364 * MiB);
        scrub_aim_free(&a);
}

static void a_system_group_that_stays_is_passed_by(void **state _unused_) {
        ScrubAim a = { .types = ALL };
        const FakeGroup both[] = { { SYSTEM, 0, { { 2, 300 * MiB } } }, { SYSTEM, 0, { { 2, 100 * MiB } } } };

        look(&a, both, 2, false);
        for (unsigned i = 1; i < SCRUB_AIM_OUTLIVED; i++)
                scrub_aim_scrubbed(&a);
        expect_oldest(&a, 300 * MiB, 364 * MiB);
        scrub_aim_scrubbed(&a);
        expect_oldest(&a, 100 * MiB, 164 * MiB);
        for (unsigned i = 0; i < SCRUB_AIM_OUTLIVED; i++)
                scrub_aim_scrubbed(&a);
        assert_false(scrub_aim_oldest(&a, &(AimRange){ 0 }));
        scrub_aim_scrubbed(&a);
        scrub_aim_free(&a);
}

static void what_a_range_meets(void **state _unused_) {
        const ScrubAim a = { .devid = 2 };
        const Chunk c = { .n_stripes = 2, .extent_length = 10, .stripes = { { .devid = 1, .physical = 500 }, { .devid = 2, .physical = 100 } } };

        assert_true(scrub_aim_meets(&a, &c, &(AimRange){ 109, 200 }));
        assert_true(scrub_aim_meets(&a, &c, &(AimRange){ 0, 101 }));
        assert_false(scrub_aim_meets(&a, &c, &(AimRange){ 110, 200 }));
        assert_false(scrub_aim_meets(&a, &c, &(AimRange){ 0, 100 }));
        assert_false(scrub_aim_meets(&a, &c, &(AimRange){ 490, 600 })); /* that is on another device */
}

static void failures(void **state _unused_) {
        static const FakeRule fails[] = { { .call = FAKE_TREE_SEARCH, .result = -EIO } };
        static const FakeGroup groups[] = { { DATA, HEAVY + 1, { { 2, 0 } } }, { DATA, 0, { { 2, 64 * MiB } } } };
        static FakeDisk d;
        const FakeRule later[] = {
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = d.chunk_items, .n_items = 2 },
                { .call = FAKE_TREE_SEARCH, .result = -EIO },
        };
        ScrubAim a = { .types = ALL };

        look(&a, groups, 2, true);
        fake_disk_make(&d, groups, 2);
        fake_btrfs_begin(later, ELEMENTSOF(later));
        assert_int_equal(scrub_aim_weigh(&a, &fake_btrfs_ops, 7), -EIO);
        fake_btrfs_end();
        assert_int_equal(a.floor, fake_logical(0) + 1); /* what was known stays */
        fake_btrfs_begin(fails, ELEMENTSOF(fails));
        assert_int_equal(scrub_aim_weigh(&a, &fake_btrfs_ops, 7), -EIO);
        assert_int_equal(scrub_aim_look(&a, &fake_btrfs_ops, 7), -EIO);
        fake_btrfs_end();
        assert_int_equal(a.floor, fake_logical(0) + 1);
        assert_int_equal(a.n_ranges, 0); /* but where groups are does not */
        scrub_aim_free(&a);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(groups_that_live_on_the_device_and_nothing_else),
                cmocka_unit_test(groups_that_take_long_are_for_another_time),
                cmocka_unit_test(only_long_striped_groups_are_slow),
                cmocka_unit_test(neighbours_are_one_range),
                cmocka_unit_test(each_extent_of_dup_counts),
                cmocka_unit_test(only_of_the_types_asked_for),
                cmocka_unit_test(heavy_ones_are_left_out_until_weighed_again),
                cmocka_unit_test(each_range_is_drawn),
                cmocka_unit_test(ranges_with_a_system_group_are_drawn_most),
                cmocka_unit_test(the_oldest_system_group_is_found),
                cmocka_unit_test(both_extents_of_the_oldest_are_one_range),
                cmocka_unit_test(a_system_group_that_stays_is_passed_by),
                cmocka_unit_test(what_a_range_meets),
                cmocka_unit_test(failures),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

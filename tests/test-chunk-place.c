/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/macro.h"
#include "target/chunk-place.h"

#define LOGICAL (5 * GiB)
#define STRIPE (64 * KiB)
#define EXTENT(devid) ((devid) * GiB) /* of the chunk on this device */

static Chunk chunk(uint64_t type, uint16_t n_stripes, uint16_t sub_stripes) {
        Chunk c = { .logical = LOGICAL, .length = GiB, .type = BTRFS_BLOCK_GROUP_DATA | type, .n_stripes = n_stripes, .sub_stripes = sub_stripes };

        for (uint16_t i = 0; i < n_stripes; i++) {
                c.stripes[i].devid = i + 1U;
                c.stripes[i].physical = EXTENT(i + 1U);
        }
        return c;
}

/* Stripe `nr` of the chunk, and 4 KiB into it: on which device, and how many stripes behind the start of the extent there. */
static void expect_place(const Chunk *c, uint64_t nr, unsigned i, uint64_t devid, uint64_t row) {
        ChunkPlace p = chunk_place(c, LOGICAL + nr * STRIPE + 4 * KiB, i);

        assert_int_equal(p.devid, devid);
        assert_int_equal(p.physical, EXTENT(devid) + row * STRIPE + 4 * KiB);
}

static void test_one_copy(void **state _unused_) {
        Chunk single = chunk(0, 1, 1), raid0 = chunk(BTRFS_BLOCK_GROUP_RAID0, 3, 1);

        assert_int_equal(chunk_n_copies(&single), 1);
        assert_int_equal(chunk_n_copies(&raid0), 1);
        assert_int_equal(chunk_n_parity(&raid0), 0);
        expect_place(&single, 7, 0, 1, 7);
        expect_place(&raid0, 0, 0, 1, 0);
        expect_place(&raid0, 2, 0, 3, 0);
        expect_place(&raid0, 4, 0, 2, 1);
}

static void test_copies(void **state _unused_) {
        Chunk dup = chunk(BTRFS_BLOCK_GROUP_DUP, 2, 1), c4 = chunk(BTRFS_BLOCK_GROUP_RAID1C4, 4, 1), raid10 = chunk(BTRFS_BLOCK_GROUP_RAID10, 4, 2);

        assert_int_equal(chunk_n_copies(&dup), 2);
        assert_int_equal(chunk_n_copies(&c4), 4);
        assert_int_equal(chunk_n_copies(&raid10), 2);
        expect_place(&dup, 3, 1, 2, 3);
        expect_place(&c4, 9, 3, 4, 9);
        expect_place(&raid10, 0, 0, 1, 0);
        expect_place(&raid10, 0, 1, 2, 0);
        expect_place(&raid10, 1, 1, 4, 0);
        expect_place(&raid10, 2, 0, 1, 1);
        expect_place(&raid10, 5, 1, 4, 2);
}

static void test_parity_goes_round(void **state _unused_) {
        Chunk raid5 = chunk(BTRFS_BLOCK_GROUP_RAID5, 3, 1), raid6 = chunk(BTRFS_BLOCK_GROUP_RAID6, 4, 1);

        assert_int_equal(chunk_n_copies(&raid5), 1);
        assert_int_equal(chunk_n_parity(&raid5), 1);
        assert_int_equal(chunk_n_parity(&raid6), 2);
        expect_place(&raid5, 0, 0, 1, 0);
        expect_place(&raid5, 1, 0, 2, 0);
        expect_place(&raid5, 1, 1, 3, 0);
        expect_place(&raid5, 2, 0, 2, 1);
        expect_place(&raid5, 3, 0, 3, 1);
        expect_place(&raid5, 3, 1, 1, 1);
        expect_place(&raid6, 3, 0, 3, 1);
        expect_place(&raid6, 3, 1, 4, 1);
        expect_place(&raid6, 3, 2, 1, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_copy),
                cmocka_unit_test(test_copies),
                cmocka_unit_test(test_parity_goes_round),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

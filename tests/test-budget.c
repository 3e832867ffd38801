/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <errno.h>

#include "base/macro.h"
#include "fake-btrfs.h"
#include "stress/budget.h"

static void copies_of_every_profile(void **state _unused_) {
        static const struct {
                const char *profile;
                unsigned n_devices, copies;
        } cases[] = {
                { "single", 1, 1 },  { "dup", 1, 2 },     { "raid0", 4, 1 }, { "raid1", 4, 2 }, { "raid1c3", 4, 3 }, { "raid1c4", 4, 4 },
                { "raid10", 4, 2 },  { "raid5", 2, 2 },   { "raid5", 4, 2 }, { "raid6", 3, 3 }, { "raid6", 4, 2 },   { "raid6", 0, 3 },
                { "raid77", 4, 4 },  { "", 1, 4 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if (budget_copies(cases[i].profile, cases[i].n_devices) != cases[i].copies)
                        fail_msg("%s on %u: %u, expected %u", cases[i].profile, cases[i].n_devices,
                                 budget_copies(cases[i].profile, cases[i].n_devices), cases[i].copies);
}

static void metadata_chunks_are_the_kernels(void **state _unused_) {
        assert_int_equal(budget_metadata_chunk(GiB), GiB / 10);
        assert_int_equal(budget_metadata_chunk(4 * GiB), 256 * MiB);
        assert_int_equal(budget_metadata_chunk(50 * GiB), 256 * MiB);
        assert_int_equal(budget_metadata_chunk(51 * GiB), GiB);
        assert_int_equal(budget_metadata_chunk(TiB), GiB);
}

static Budget make_with(uint64_t metadata_chunk_size, const char *data_profile, bool replace, uint64_t data_chunk_size) {
        Config c = { .target = { .metadata_profile = "raid1" }, .replace = { .enabled = replace } };
        Target t = { .n_devices = 4, .metadata_chunk_size = metadata_chunk_size, .data_chunk_size = data_chunk_size };
        Budget b;

        strcpy(c.target.data_profile, data_profile);
        for (unsigned i = 0; i < 4; i++)
                t.devices[i].size = GiB;
        budget_make(&b, &c, &t);
        return b;
}

static Budget make(uint64_t metadata_chunk_size) {
        return make_with(metadata_chunk_size, "single", false, 0);
}

static void what_the_churn_can_hold_at_any_time(void **state _unused_) {
        Config c = { .churn = { .workers = 2, .files = 4, .file_size = 10 * MiB } };

        assert_int_equal(budget_churn_bytes(&c), 96 * MiB + 64 * KiB);
        c.snapshot.enabled = true; /* it keeps those of the cycle before, and the next that of the one before that */
        assert_int_equal(budget_churn_bytes(&c), 256 * MiB + 64 * KiB);
}

static void headroom_is_two_metadata_chunks_with_their_copies(void **state _unused_) {
        assert_int_equal(make(0).headroom, 2 * 256 * MiB * 2);
        assert_int_equal(make(100 * MiB).headroom, 2 * 100 * MiB * 2);
        assert_int_equal(make(0).data_copies, 1);
}

static void replace_keeps_two_data_chunks_more(void **state _unused_) {
        assert_int_equal(make_with(100 * MiB, "single", true, 64 * MiB).headroom, 2 * 100 * MiB * 2 + 2 * 64 * MiB);
        assert_int_equal(make_with(100 * MiB, "raid1", true, 64 * MiB).headroom, 2 * 100 * MiB * 2 + 2 * 64 * MiB * 2);
        assert_int_equal(make_with(100 * MiB, "single", true, 0).headroom, 2 * 100 * MiB * 2 + 2 * (4 * GiB / 10));
        assert_int_equal(make_with(100 * MiB, "single", false, 64 * MiB).headroom, 2 * 100 * MiB * 2);
}

static void room_ends_at_the_headroom(void **state _unused_) {
        const Budget one = { .headroom = 100 * MiB, .data_copies = 1 }, two = { .headroom = 100 * MiB, .data_copies = 2 };

        assert_true(budget_room(&one, 100 * MiB, 0));
        assert_false(budget_room(&one, 100 * MiB - 1, 0));
        assert_false(budget_room(&one, 0, 0));
        assert_true(budget_room(&one, 110 * MiB, 10 * MiB));
        assert_false(budget_room(&one, 110 * MiB, 10 * MiB + 1));
        assert_true(budget_room(&two, 120 * MiB, 10 * MiB));
        assert_false(budget_room(&two, 119 * MiB, 10 * MiB));
        assert_false(budget_room(&two, 119 * MiB, UINT64_MAX));
}

static void unallocated_is_summed_over_the_devices_that_answer(void **state _unused_) {
        static const BtrfsDevice d11 = { .total_bytes = 1000, .bytes_used = 400 }, d12 = { .total_bytes = 1000, .bytes_used = 1000 },
                                 d13 = { .total_bytes = 1000, .bytes_used = 1 }, shrunk = { .total_bytes = 1000, .bytes_used = 2000 };
        static const FakeRule script[] = {
                { .call = FAKE_DEVICE_INFO, .devid = 11, .device = &d11 },
                { .call = FAKE_DEVICE_INFO, .devid = 12, .device = &d12 },
                { .call = FAKE_DEVICE_INFO, .devid = 13, .device = &d13 },
                { .call = FAKE_DEVICE_INFO, .devid = 14, .device = &d13, .result = -ENODEV },
                { .call = FAKE_DEVICE_INFO, .devid = 15, .device = &shrunk },
        };
        Target t = { .n_devices = 5 };

        for (unsigned i = 0; i < t.n_devices; i++)
                t.devices[i].devid = 11 + i;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(budget_unallocated(&t, &fake_btrfs_ops, 9), 600 + 999);
        assert_int_equal(fake_btrfs_count(FAKE_DEVICE_INFO), 5);
        assert_int_equal(fake_btrfs_record(0)->fd, 9);
        fake_btrfs_end();
}

static void a_walk_takes_its_time(void **state _unused_) {
        assert_int_equal(budget_walk_ns(0), 0);
        assert_int_equal(budget_walk_ns(20 * MiB), NSEC_PER_SEC);
        assert_int_equal(budget_walk_ns(16 * TiB) / NSEC_PER_SEC, 838860);
}

static void a_write_limit_is_bytes_or_drive_writes_per_day(void **state _unused_) {
        Config c = { .target = { .data_profile = "raid1" } };
        Target t = { .n_devices = 2, .devices = { { .size = TiB }, { .size = 3 * TiB } } };
        const uint64_t day = 86400 * NSEC_PER_SEC;

        assert_true(budget_write_limit(&c, &t, day) == UINT64_MAX);
        c.churn.write_budget.bytes = 5 * GiB;
        assert_int_equal(budget_write_limit(&c, &t, 0), 5 * GiB);
        assert_int_equal(budget_write_limit(&c, &t, 1000 * day), 5 * GiB);
        /* Half of 4 TiB a day, each byte written twice. */
        c.churn.write_budget = (WriteBudget){ .milli_dwpd = 500 };
        assert_int_equal(budget_write_limit(&c, &t, 0), 0);
        assert_int_equal(budget_write_limit(&c, &t, day), TiB);
        assert_int_equal(budget_write_limit(&c, &t, day / 4), TiB / 4);
        assert_int_equal(budget_write_limit(&c, &t, 365 * day), 365 * TiB);
        c.churn.write_budget.milli_dwpd = UINT64_MAX;
        assert_true(budget_write_limit(&c, &t, 365 * day) == UINT64_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(copies_of_every_profile),
                cmocka_unit_test(what_the_churn_can_hold_at_any_time),
                cmocka_unit_test(metadata_chunks_are_the_kernels),
                cmocka_unit_test(headroom_is_two_metadata_chunks_with_their_copies),
                cmocka_unit_test(replace_keeps_two_data_chunks_more),
                cmocka_unit_test(room_ends_at_the_headroom),
                cmocka_unit_test(unallocated_is_summed_over_the_devices_that_answer),
                cmocka_unit_test(a_walk_takes_its_time),
                cmocka_unit_test(a_write_limit_is_bytes_or_drive_writes_per_day),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

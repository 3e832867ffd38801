/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "fake-btrfs.h"
#include "space-fixture.h"
#include "target/space-watch.h"

#define SUPERS(n) ((1 + 3 * (n) * (n)) * 64 * KiB)
#define WAIT_NS (120 * NSEC_PER_MSEC)

static const FakeRule syncs[] = { { .call = FAKE_SYNC, .optional = true } };

static char text[400];
static unsigned n_syncs; /* of the last look */
static Target target = { .fsid_text = SYS_FSID, .n_devices = 4 };

static uint64_t look(SpaceWatch *w, const SysFolder *f, const FakeRule *script, uint64_t wait_ns) {
        const SpaceLook l = { .target = &target, .ops = &fake_btrfs_ops, .fd = 7, .root = f->root, .wait_ns = wait_ns };
        uint64_t bytes;

        text[0] = 0;
        fake_btrfs_begin(script, 1);
        bytes = space_watch_look(w, &l, text, sizeof(text));
        n_syncs = fake_btrfs_count(FAKE_SYNC);
        fake_btrfs_end();
        return bytes;
}

static SpaceWatch begun(const SysFolder *f) {
        SpaceWatch w = SPACE_WATCH_NULL;

        assert_int_equal(look(&w, f, syncs, 0), 0);
        assert_true(w.begun);
        return w;
}

/* Nor does it take a commit to see that. */
static void where_nothing_is_amiss_nothing_is_said(void **state) {
        SysFolder *f = *state;
        SpaceWatch w = begun(f);

        sys_folder_set(f, SPACE_SYSTEM, SPACE_MAY_USE, 800 * KiB); /* for changes of the chunk tree */
        for (unsigned i = 0; i < 20; i++) {
                assert_int_equal(look(&w, f, syncs, WAIT_NS), 0);
                assert_int_equal(n_syncs, 0);
        }
        assert_string_equal(text, "");
}

static void whatever_stays_is_told(void **state) {
        static const struct {
                SpaceType type;
                SpaceCount count;
                const char *words;
        } rows[] = {
                { SPACE_DATA, SPACE_READONLY, "bytes_readonly of data stayed at 98765432 " },
                { SPACE_METADATA, SPACE_READONLY, "bytes_readonly of metadata stayed at 98765432 " },
                { SPACE_SYSTEM, SPACE_READONLY, "bytes_readonly of system stayed at 98765432 " },
                { SPACE_DATA, SPACE_MAY_USE, "bytes_may_use of data stayed at 98765432 " },
                { SPACE_DATA, SPACE_PINNED, "bytes_pinned of data stayed at 98765432 " },
                { SPACE_METADATA, SPACE_PINNED, "bytes_pinned of metadata stayed at 98765432 " },
                { SPACE_SYSTEM, SPACE_PINNED, "bytes_pinned of system stayed at 98765432 " },
        };
        SysFolder *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                SpaceWatch w;

                sys_folder_fill(f);
                w = begun(f);
                sys_folder_set(f, rows[i].type, rows[i].count, 98765432);
                assert_int_equal(look(&w, f, syncs, WAIT_NS), 98765432);
                assert_ptr_equal(strstr(text, rows[i].words), text);
                assert_non_null(strstr(text, "for 120 ms of syncs of the quiesced target (total_bytes 1073741824, bytes_used 1048576)"));
                assert_int_equal(n_syncs, 4); /* one in each 50 ms, and two */
        }
}

/* It may have a group in hand for as long as it likes. */
static void what_somebody_relocates_is_not(void **state) {
        static const FakeRule no_syncs[] = { { .call = FAKE_SYNC, .optional = true } };
        SysFolder *f = *state;
        SpaceWatch w = begun(f);

        sys_folder_set(f, SPACE_DATA, SPACE_READONLY, 98765432);
        sys_folder_set_operation(f, "balance paused");
        assert_int_equal(look(&w, f, no_syncs, WAIT_NS), 0);
        sys_folder_set_operation(f, "none");
        assert_int_equal(look(&w, f, syncs, WAIT_NS), 98765432);
}

static void superblocks_are_spared(void **state) {
        static const SpaceType types[] = { SPACE_DATA, SPACE_METADATA, SPACE_SYSTEM };
        SysFolder *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                SpaceWatch w = begun(f);

                sys_folder_set(f, types[i], SPACE_READONLY, SUPERS(4));
                assert_int_equal(look(&w, f, syncs, 0), 0);
                sys_folder_set(f, types[i], SPACE_READONLY, SUPERS(4) + 4096);
                assert_int_equal(look(&w, f, syncs, 0), SUPERS(4) + 4096);
                sys_folder_fill(f);
        }
}

/* Of the target's beginning, or of the mount. What else there is at first is told when it is there later. */
static void what_was_so_before_the_stress_is_not(void **state) {
        SysFolder *f = *state;
        SpaceWatch w;

        sys_folder_set(f, SPACE_DATA, SPACE_READONLY, 300 * MiB);
        sys_folder_set(f, SPACE_DATA, SPACE_PINNED, 4096);
        w = begun(f);
        assert_int_equal(look(&w, f, syncs, 0), 4096);
        sys_folder_set(f, SPACE_DATA, SPACE_PINNED, 0);
        sys_folder_set(f, SPACE_DATA, SPACE_READONLY, 400 * MiB);
        assert_int_equal(look(&w, f, syncs, 0), 0);
        sys_folder_set(f, SPACE_METADATA, SPACE_READONLY, 300 * MiB);
        assert_int_equal(look(&w, f, syncs, 0), 300 * MiB);
}

typedef struct Course {
        const SysFolder *folder;
        const uint64_t *pinned; /* after each sync; after the last it stays */
        unsigned n, at;
} Course;

static void go_on(void *userdata) {
        Course *c = userdata;

        sys_folder_set(c->folder, SPACE_METADATA, SPACE_PINNED, c->pinned[MIN_OF(c->at, c->n - 1)]);
        c->at++;
}

static void what_the_next_commits_let_go_is_not(void **state) {
        static const uint64_t pinned[] = { 65536, 16384, 0 };
        SysFolder *f = *state;
        SpaceWatch w = begun(f);
        Course c = { f, pinned, ELEMENTSOF(pinned), 0 };
        const FakeRule script = { .call = FAKE_SYNC, .hook = go_on, .userdata = &c };

        sys_folder_set(f, SPACE_METADATA, SPACE_PINNED, 81920);
        assert_int_equal(look(&w, f, &script, WAIT_NS), 0);
        assert_int_equal(c.at, 3);
}

static void what_comes_to_rest_late_is_told(void **state) {
        static const uint64_t pinned[] = { 65536, 16384, 49152, 16384, 32768, 16384 };
        SysFolder *f = *state;
        SpaceWatch w = begun(f);
        Course c = { f, pinned, ELEMENTSOF(pinned), 0 };
        const FakeRule script = { .call = FAKE_SYNC, .hook = go_on, .userdata = &c };

        sys_folder_set(f, SPACE_METADATA, SPACE_PINNED, 81920);
        assert_int_equal(look(&w, f, &script, WAIT_NS), 16384);
        assert_int_equal(c.at, 6 + 4);
}

/* Somebody is at work: nothing can be said, and the look comes to an end. */
static void what_changes_without_end_is_not(void **state) {
        uint64_t pinned[500];
        SysFolder *f = *state;
        SpaceWatch w = begun(f);
        Course c = { f, pinned, ELEMENTSOF(pinned), 0 };
        const FakeRule script = { .call = FAKE_SYNC, .hook = go_on, .userdata = &c };

        for (unsigned i = 0; i < ELEMENTSOF(pinned); i++)
                pinned[i] = 4096 * (1 + i % 2);
        sys_folder_set(f, SPACE_METADATA, SPACE_PINNED, 81920);
        assert_int_equal(look(&w, f, &script, WAIT_NS), 0);
        assert_int_equal(c.at, 4 * 4);
}

/* An aborted filesystem unpins nothing, and that is told of already. */
static void where_no_commit_is_possible_nothing_is_said(void **state) {
        static const FakeRule script = { .call = FAKE_SYNC, .result = -EROFS, .times = 1 };
        SysFolder *f = *state;
        SpaceWatch w = begun(f);

        sys_folder_set(f, SPACE_DATA, SPACE_PINNED, 4096);
        assert_int_equal(look(&w, f, &script, 0), 0);
}

static void without_the_numbers_nothing_is_said(void **state) {
        SysFolder *f = *state;
        SpaceWatch w = SPACE_WATCH_NULL;

        sys_folder_remove(f, "system/bytes_readonly");
        assert_int_equal(look(&w, f, syncs, 0), 0);
        assert_false(w.begun);
        sys_folder_fill(f);
        w = begun(f);
        sys_folder_set(f, SPACE_DATA, SPACE_PINNED, 4096);
        sys_folder_remove(f, "system/bytes_readonly");
        assert_int_equal(look(&w, f, syncs, 0), 0);
        assert_int_equal(n_syncs, 0);
}

/* From `from` MiB on, by `step` MiB at each look: at which of 20 looks it is told; 0: at none. */
static unsigned told_at(const SysFolder *f, SpaceWatch *w, uint64_t from, uint64_t step) {
        for (unsigned i = 1; i <= 20; i++) {
                sys_folder_set(f, SPACE_METADATA, SPACE_MAY_USE, 5 * MiB + (from + (i - 1) * step) * MiB);
                if (look(w, f, syncs, 0) > 0)
                        return i;
        }
        return 0;
}

static void promises_that_grow_without_end_are_told(void **state) {
        SysFolder *f = *state;
        SpaceWatch w = begun(f);

        assert_int_equal(told_at(f, &w, 60, 1), 8);
        assert_string_equal(text, "bytes_may_use of metadata, beside the global reserve, was higher than ever before at each of 8 quiet moments in a row: "
                            "1048576 at the first of all, now 70254592 (total_bytes 1073741824, bytes_used 1048576)");
        sys_folder_fill(f);
        w = begun(f);
        assert_int_equal(told_at(f, &w, 2, 5), 14); /* beyond 64 MiB */
        sys_folder_set(f, SPACE_METADATA, SPACE_MAY_USE, 65 * MiB);
        w = begun(f);
        assert_int_equal(told_at(f, &w, 100, 2), 12); /* beyond twice the first */
}

static void promises_that_come_and_go_are_not(void **state) {
        SysFolder *f = *state;
        SpaceWatch w = begun(f);

        assert_int_equal(told_at(f, &w, 300, 0), 0);
        sys_folder_fill(f);
        w = begun(f);
        for (unsigned i = 0; i < 10; i++)
                for (unsigned k = 0; k < 8; k++) {
                        sys_folder_set(f, SPACE_METADATA, SPACE_MAY_USE, (k == 7 ? 5 : 100 + 50 * i + k) * MiB);
                        assert_int_equal(look(&w, f, syncs, 0), 0);
                }
}

/* It follows the size of trees, up to 512 MiB. */
static void the_global_reserve_may_grow(void **state) {
        SysFolder *f = *state;
        SpaceWatch w = begun(f);

        for (unsigned i = 0; i < 20; i++) {
                sys_folder_set_reserve(f, (5 + 25 * i) * MiB);
                sys_folder_set(f, SPACE_METADATA, SPACE_MAY_USE, (6 + 25 * i) * MiB);
                assert_int_equal(look(&w, f, syncs, 0), 0);
        }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, sys_folder_setup, sys_folder_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(where_nothing_is_amiss_nothing_is_said),
                TEST(whatever_stays_is_told),
                TEST(what_somebody_relocates_is_not),
                TEST(superblocks_are_spared),
                TEST(what_was_so_before_the_stress_is_not),
                TEST(what_the_next_commits_let_go_is_not),
                TEST(what_comes_to_rest_late_is_told),
                TEST(what_changes_without_end_is_not),
                TEST(where_no_commit_is_possible_nothing_is_said),
                TEST(without_the_numbers_nothing_is_said),
                TEST(promises_that_grow_without_end_are_told),
                TEST(promises_that_come_and_go_are_not),
                TEST(the_global_reserve_may_grow),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/macro.h"
#include "target/scrub-stats.h"

static const ScrubCounter *counter(const char *name) {
        for (size_t i = 0; i < n_scrub_counters; i++)
                if (strcmp(scrub_counters[i].name, name) == 0)
                        return &scrub_counters[i];
        fail_msg("no counter %s", name);
        return NULL;
}

static void set(ScrubStats *s, const char *name, uint64_t value) {
        memcpy((char *)s + counter(name)->offset, &value, sizeof(value));
}

static void test_table_covers_the_struct(void **state) {
        bool seen[sizeof(ScrubStats) / sizeof(uint64_t)] = { false };

        (void)state;
        for (size_t i = 0; i < n_scrub_counters; i++) {
                size_t word = scrub_counters[i].offset / sizeof(uint64_t);
                assert_false(seen[word]);
                seen[word] = true;
        }
        for (size_t i = 0; i < ELEMENTSOF(seen); i++)
                assert_true(seen[i]);
}

static void test_names_reach_their_fields(void **state) {
        ScrubStats s = { .csum_errors = 7, .last_physical = 1 * GiB, .unverified_errors = 9 };

        (void)state;
        assert_int_equal(scrub_stat(&s, counter("csum_errors")), 7);
        assert_int_equal(scrub_stat(&s, counter("last_physical")), 1 * GiB);
        assert_int_equal(scrub_stat(&s, counter("unverified_errors")), 9);
        assert_int_equal(scrub_stat(&s, counter("read_errors")), 0);
}

static void test_add_sums_and_keeps_the_farthest_position(void **state) {
        ScrubStats sum = { .data_bytes_scrubbed = 10, .last_physical = 500 };

        (void)state;
        scrub_stats_add(&sum, &(ScrubStats){ .data_bytes_scrubbed = 32, .csum_errors = 1, .last_physical = 400 });
        assert_int_equal(sum.data_bytes_scrubbed, 42);
        assert_int_equal(sum.csum_errors, 1);
        assert_int_equal(sum.last_physical, 500);
        scrub_stats_add(&sum, &(ScrubStats){ .last_physical = 600 });
        assert_int_equal(sum.last_physical, 600);
}

static void test_errors_are_counted_once(void **state) {
        ScrubStats s = { .read_errors = 1, .csum_errors = 2, .verify_errors = 4, .super_errors = 8, .corrected_errors = 5,
                         .uncorrectable_errors = 2, .malloc_errors = 100 };

        (void)state;
        assert_int_equal(scrub_stats_errors(&s), 15);
}

static void test_a_healthy_scrub_is_clean(void **state) {
        ScrubStats s = { .data_extents_scrubbed = 3, .data_bytes_scrubbed = 12288, .tree_bytes_scrubbed = 65536, .no_csum = 5,
                         .malloc_errors = 1, .unverified_errors = 2, .last_physical = 1 * GiB };
        char text[256] = "old";

        (void)state;
        assert_true(scrub_stats_clean(&s, text, sizeof(text)));
        assert_string_equal(text, "");
}

static void test_each_error_counter_is_unclean_and_named(void **state) {
        static const char *const names[] = { "read_errors", "csum_errors", "verify_errors", "super_errors", "uncorrectable_errors",
                                             "corrected_errors" };
        size_t n = 0;

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                ScrubStats s = { 0 };
                char text[256], expected[64];
                set(&s, names[i], 3);
                assert_false(scrub_stats_clean(&s, text, sizeof(text)));
                snprintf(expected, sizeof(expected), "%s=3", names[i]);
                assert_ptr_equal(strstr(text, expected), text);
        }
        for (size_t i = 0; i < n_scrub_counters; i++)
                n += scrub_counters[i].sort == SCRUB_ERROR;
        assert_int_equal(n, ELEMENTSOF(names));
}

static void test_the_sum_is_told_when_it_does_not_hold(void **state) {
        ScrubStats s = { .csum_errors = 3, .corrected_errors = 3 };
        char text[256];

        (void)state;
        assert_false(scrub_stats_clean(&s, text, sizeof(text)));
        assert_string_equal(text, "csum_errors=3 corrected_errors=3");
        s.corrected_errors = 2;
        assert_false(scrub_stats_clean(&s, text, sizeof(text)));
        assert_string_equal(text, "csum_errors=3 corrected_errors=2; read+csum+verify=3 but corrected+uncorrectable=2");
        s.uncorrectable_errors = 1;
        assert_false(scrub_stats_clean(&s, text, sizeof(text)));
        assert_null(strstr(text, "but"));
}

static void test_super_errors_are_in_no_sum(void **state) {
        ScrubStats s = { .super_errors = 1 };
        char text[256];

        (void)state;
        assert_false(scrub_stats_clean(&s, text, sizeof(text)));
        assert_string_equal(text, "super_errors=1");
}

static void test_a_short_buffer_is_not_overrun(void **state) {
        ScrubStats s = { .csum_errors = 3 };
        char text[8] = "xxxxxxx";

        (void)state;
        assert_false(scrub_stats_clean(&s, text, 6));
        assert_string_equal(text, "csum_");
        assert_int_equal(text[6], 'x');
        assert_false(scrub_stats_clean(&s, NULL, 0));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table_covers_the_struct),
                cmocka_unit_test(test_names_reach_their_fields),
                cmocka_unit_test(test_add_sums_and_keeps_the_farthest_position),
                cmocka_unit_test(test_errors_are_counted_once),
                cmocka_unit_test(test_a_healthy_scrub_is_clean),
                cmocka_unit_test(test_each_error_counter_is_unclean_and_named),
                cmocka_unit_test(test_the_sum_is_told_when_it_does_not_hold),
                cmocka_unit_test(test_super_errors_are_in_no_sum),
                cmocka_unit_test(test_a_short_buffer_is_not_overrun),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

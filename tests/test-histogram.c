/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/histogram.h"
#include "base/macro.h"
#include "base/rng.h"

static const uint64_t values[] = { 0, 1, 7, 8, 9, 15, 16, 17, 1000, 4095, 4096, 1000000, 999999999, (UINT64_C(1) << 44) - 1 };

static void one_value_is_known_to_an_eighth(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                Histogram h = { 0 };
                uint64_t edge;

                histogram_add(&h, values[i]);
                histogram_add(&h, UINT64_C(1) << 43 | values[i]); /* so that the maximum does not cut the answer */
                edge = histogram_quantile(&h, 5000);
                assert_true(edge >= values[i] && edge - values[i] <= values[i] / 8);
                assert_int_equal(histogram_below(&h, values[i]), 0);
                assert_int_equal(histogram_below(&h, edge + 1), values[i] >> 43 ? 2 : 1);
        }
}

static void quantiles_are_those_of_the_sorted_values(void **state) {
        static const unsigned asked[] = { 1, 1000, 5000, 9000, 9900, 9990, 10000 };
        uint64_t sorted[1000];
        Histogram h = { 0 };
        Rng rng;

        (void)state;
        rng_seed(&rng, 7, 0);
        for (size_t i = 0; i < 1000; i++) {
                sorted[i] = i * i * 1000 + rng_below(&rng, 1000);
                histogram_add(&h, sorted[i]);
        }
        assert_int_equal(histogram_count(&h), 1000);
        assert_int_equal(histogram_max(&h), sorted[999]);
        for (size_t i = 0; i < ELEMENTSOF(asked); i++) {
                uint64_t exact = sorted[(asked[i] * 1000 + 9999) / 10000 - 1], told = histogram_quantile(&h, asked[i]);
                assert_true(told >= exact && told <= exact + exact / 8);
        }
        assert_int_equal(histogram_quantile(&h, 10000), sorted[999]); /* never above the maximum */
}

static void an_empty_one_says_nothing(void **state) {
        Histogram h = { 0 };

        (void)state;
        assert_int_equal(histogram_quantile(&h, 5000), 0);
        assert_int_equal(histogram_count(&h), 0);
        assert_int_equal(histogram_max(&h), 0);
        assert_int_equal(histogram_below(&h, UINT64_MAX), 0);
}

static void what_is_too_large_is_in_the_last_bucket(void **state) {
        Histogram h = { 0 };

        (void)state;
        histogram_add(&h, UINT64_MAX);
        assert_int_equal(histogram_count(&h), 1);
        assert_int_equal(histogram_quantile(&h, 5000), UINT64_MAX);
}

static void two_add_up(void **state) {
        Histogram a = { 0 }, b = { 0 };

        (void)state;
        for (unsigned i = 0; i < 100; i++)
                histogram_add(i % 2 ? &a : &b, i);
        histogram_merge(&a, &b);
        assert_int_equal(histogram_count(&a), 100);
        assert_int_equal(histogram_max(&a), 99);
        assert_int_equal(histogram_below(&a, 8), 8);
        histogram_merge(&b, &(Histogram){ 0 });
        assert_int_equal(histogram_max(&b), 98);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_value_is_known_to_an_eighth),
                cmocka_unit_test(quantiles_are_those_of_the_sorted_values),
                cmocka_unit_test(an_empty_one_says_nothing),
                cmocka_unit_test(what_is_too_large_is_in_the_last_bucket),
                cmocka_unit_test(two_add_up),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

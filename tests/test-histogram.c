/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static void assert_same(const Histogram *a, const Histogram *b) {
        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
                assert_int_equal(a->counts[i], b->counts[i]);
        assert_int_equal(a->max, b->max);
}

static void fill(Histogram *h, uint64_t seed, unsigned n) {
        Rng rng;

        rng_seed(&rng, seed, 0);
        while (n-- > 0)
                histogram_add(h, rng_below(&rng, UINT64_C(1) << rng_below(&rng, 46)));
}

static void as_text(void **state) {
        char text[HISTOGRAM_TEXT_MAX];
        Histogram h = { 0 };

        (void)state;
        assert_string_equal(histogram_print(&h, text), "3/44 0");
        histogram_add(&h, 0);
        assert_string_equal(histogram_print(&h, text), "3/44 0 0:1");
        histogram_add(&h, 1000000);
        histogram_add(&h, 1000001);
        assert_string_equal(histogram_print(&h, text), "3/44 1000001 0:1 143:2");
}

static void what_is_printed_comes_back(void **state) {
        char text[HISTOGRAM_TEXT_MAX];
        Histogram empty = { 0 }, full = { 0 };

        (void)state;
        for (uint64_t seed = 0; seed < 50; seed++) {
                Histogram h = { 0 }, back;
                fill(&h, seed, (unsigned)(seed * seed));
                memset(&back, 0xff, sizeof(back));
                assert_int_equal(histogram_parse(histogram_print(&h, text), &back), 0);
                assert_same(&back, &h);
        }
        histogram_add(&full, UINT64_MAX);
        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
                full.counts[i] = UINT64_MAX / HISTOGRAM_BUCKETS;
        assert_int_equal(histogram_parse(histogram_print(&full, text), &empty), 0);
        assert_same(&empty, &full);
        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
                full.counts[i] = UINT64_MAX;
        assert_true(strlen(histogram_print(&full, text)) < HISTOGRAM_TEXT_MAX - 1);
}

/* Of what was kept in parts the quantiles are those of the whole. */
static void parts_make_the_whole(void **state) {
        Histogram whole = { 0 }, sum = { 0 };
        char text[HISTOGRAM_TEXT_MAX];

        (void)state;
        for (uint64_t seed = 1; seed <= 5; seed++) {
                Histogram part = { 0 }, back;
                fill(&part, seed, 1000);
                fill(&whole, seed, 1000);
                assert_int_equal(histogram_parse(histogram_print(&part, text), &back), 0);
                histogram_merge(&sum, &back);
        }
        assert_same(&sum, &whole);
        for (unsigned permyriad = 1; permyriad <= 10000; permyriad += 37)
                assert_int_equal(histogram_quantile(&sum, permyriad), histogram_quantile(&whole, permyriad));
}

/* Between the two halves of histogram_add() in another process: what is printed is taken back. */
static void one_that_is_being_written_to(void **state) {
        char text[HISTOGRAM_TEXT_MAX];
        Histogram h = { 0 }, back;

        (void)state;
        histogram_add(&h, 100);
        h.counts[143] = 1; /* a value of a million whose maximum is not there yet, … */
        assert_int_equal(histogram_parse(histogram_print(&h, text), &back), 0);
        assert_int_equal(back.max, 983040);
        h.counts[143] = 0; /* … or was there after the counts had been read */
        h.max = 1000000;
        assert_int_equal(histogram_parse(histogram_print(&h, text), &back), 0);
        assert_int_equal(back.max, 103);
        assert_int_equal(histogram_count(&back), 1);
}

static void what_is_not_of_ours_is_refused(void **state) {
        static const char *const texts[] = {
                "", " ", "3/44", "3/44 ", "3/44 1", "3/44 0 ", "3/44 0 0:1 ", " 3/44 0", "3/44  0", "3/44 0\n", "-3/44 0", "3/44 +0", "3/44 00", "3/44 x",
                "4/44 0", "3/43 0", "3-44 0",
                "3/44 0 0", "3/44 0 0:", "3/44 0 :1", "3/44 0 0:0", "3/44 0 0:01", "3/44 0 0:-1", "3/44 0 0;1", "3/44 0 0:1,1:1", "3/44 0 0:1 x",
                "3/44 1 1:1 0:1", "3/44 1 1:1 1:1",                             /* not in order */
                "3/44 18446744073709551615 336:1", "3/44 1 4294967297:1",       /* no such bucket */
                "3/44 1 0:1", "3/44 0 1:1", "3/44 1000001 0:1 142:2",           /* another maximum than the counts have */
                "3/44 0 0:18446744073709551616", "3/44 1 0:18446744073709551615 1:1", /* more than can be counted */
        };
        Histogram h = { 0 }, before = { 0 };

        (void)state;
        fill(&h, 3, 100);
        histogram_merge(&before, &h);
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                if (histogram_parse(texts[i], &h) != -EINVAL)
                        fail_msg("\"%s\" was taken", texts[i]);
                assert_same(&h, &before);
        }
        assert_int_equal(histogram_parse("3/44 18446744073709551615 335:1", &h), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_value_is_known_to_an_eighth),
                cmocka_unit_test(quantiles_are_those_of_the_sorted_values),
                cmocka_unit_test(an_empty_one_says_nothing),
                cmocka_unit_test(what_is_too_large_is_in_the_last_bucket),
                cmocka_unit_test(two_add_up),
                cmocka_unit_test(as_text),
                cmocka_unit_test(what_is_printed_comes_back),
                cmocka_unit_test(parts_make_the_whole),
                cmocka_unit_test(one_that_is_being_written_to),
                cmocka_unit_test(what_is_not_of_ours_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

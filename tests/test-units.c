/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "base/rng.h"
#include "base/units.h"

#define UNTOUCHED UINT64_C(0x5ca1ab1e)
#define SECOND NSEC_PER_SEC

typedef struct Case {
        const char *text;
        int r;
        uint64_t value;
} Case;

static const Case sizes[] = {
        { "0", 0, 0 },
        { "4096", 0, 4096 },
        { "4096B", 0, 4096 },
        { "64KiB", 0, 64 * KiB },
        { "64K", 0, 64 * KiB },
        { "64k", 0, 64 * KiB },
        { "1MiB", 0, MiB },
        { "1mib", 0, MiB },
        { " 1 MiB ", 0, MiB },
        { "1.5GiB", 0, GiB + GiB / 2 },
        { "0.5K", 0, 512 },
        { "1.1GiB", 0, UINT64_C(1181116006) },
        { "1.0000000000000000000000000000001K", 0, 1024 },
        { "2TiB", 0, 2 * TiB },
        { "3P", 0, 3072 * TiB },
        { "15.5EiB", 0, UINT64_C(0xf800000000000000) },
        { "18446744073709551615", 0, UINT64_MAX },
        { "18446744073709551616", -ERANGE, 0 },
        { "99999999999999999999999", -ERANGE, 0 },
        { "16EiB", -ERANGE, 0 },
        { "17179869184GiB", -ERANGE, 0 },
        { "", -EINVAL, 0 },
        { " ", -EINVAL, 0 },
        { "K", -EINVAL, 0 },
        { "-1", -EINVAL, 0 },
        { "+1", -EINVAL, 0 },
        { "0x10", -EINVAL, 0 },
        { "1e3", -EINVAL, 0 },
        { "1.", -EINVAL, 0 },
        { ".5K", -EINVAL, 0 },
        { "1.5", -EINVAL, 0 },
        { "1.5.5K", -EINVAL, 0 },
        { "1KB", -EINVAL, 0 },
        { "1KiBi", -EINVAL, 0 },
        { "1Ki B", -EINVAL, 0 },
        { "1K 2K", -EINVAL, 0 },
        { "1\n", -EINVAL, 0 },
        { "1s", -EINVAL, 0 },
        { "\xc2\xbd", -EINVAL, 0 },
};

static const Case durations[] = {
        { "0", 0, 0 },
        { "60", 0, 60 * SECOND },
        { "60s", 0, 60 * SECOND },
        { "500ms", 0, 500 * NSEC_PER_MSEC },
        { "7us", 0, 7 * NSEC_PER_USEC },
        { "9ns", 0, 9 },
        { "10m", 0, 600 * SECOND },
        { "10min", 0, 600 * SECOND },
        { "10 minutes", 0, 600 * SECOND },
        { "2h", 0, 7200 * SECOND },
        { "3d", 0, 259200 * SECOND },
        { "1w", 0, 604800 * SECOND },
        { "2weeks", 0, 1209600 * SECOND },
        { "1h 30m", 0, 5400 * SECOND },
        { "1h30m", 0, 5400 * SECOND },
        { " 1h  30m 5s ", 0, 5405 * SECOND },
        { "1.5h", 0, 5400 * SECOND },
        { "0.25", 0, SECOND / 4 },
        { "18446744073709551615ns", 0, UINT64_MAX },
        { "18446744073709551615ns 1ns", -ERANGE, 0 },
        { "40000w", -ERANGE, 0 },
        { "18446744074", -ERANGE, 0 },
        { "99999999999999999999999", -ERANGE, 0 },
        { "", -EINVAL, 0 },
        { "  ", -EINVAL, 0 },
        { "s", -EINVAL, 0 },
        { "-1s", -EINVAL, 0 },
        { "1h 30", -EINVAL, 0 },
        { "30 1h", -EINVAL, 0 },
        { "60 60", -EINVAL, 0 },
        { "1M", -EINVAL, 0 },
        { "1S", -EINVAL, 0 },
        { "1fortnight", -EINVAL, 0 },
        { "1.s", -EINVAL, 0 },
        { "infinity", -EINVAL, 0 },
        { "1s,2s", -EINVAL, 0 },
        { "5s;", -EINVAL, 0 },
};

static void check_parse(const Case *c, int (*parse)(const char *, uint64_t *)) {
        uint64_t v = UNTOUCHED;
        int r = parse(c->text, &v);

        if (r != c->r || v != (c->r == 0 ? c->value : UNTOUCHED))
                fail_msg("\"%s\": %d and %llu, expected %d and %llu", c->text, r, (unsigned long long)v, c->r,
                         (unsigned long long)c->value);
}

static void test_parse(void **state _unused_) {
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++)
                check_parse(&sizes[i], units_parse_size);
        for (size_t i = 0; i < ELEMENTSOF(durations); i++)
                check_parse(&durations[i], units_parse_duration);
}

typedef struct Format {
        uint64_t value;
        const char *text;
} Format;

static void check_format(const Format *f, size_t n, char *(*format)(uint64_t, char *)) {
        for (size_t i = 0; i < n; i++) {
                char buf[UNITS_MAX];
                assert_string_equal(format(f[i].value, buf), f[i].text);
        }
}

static void test_format(void **state _unused_) {
        static const Format size[] = {
                { 0, "0" }, { 1, "1" }, { 1000, "1000" }, { 1024, "1KiB" }, { 1536 * KiB, "1536KiB" }, { GiB, "1GiB" },
                { 4096 * GiB, "4TiB" }, { UINT64_MAX, "18446744073709551615" }, { UINT64_C(1) << 63, "8EiB" },
        };
        static const Format duration[] = {
                { 0, "0" }, { 1, "1ns" }, { NSEC_PER_MSEC, "1ms" }, { 1500 * NSEC_PER_MSEC, "1500ms" }, { 60 * SECOND, "1m" },
                { 90 * SECOND, "90s" }, { 5400 * SECOND, "90m" }, { 86400 * SECOND, "1d" }, { 14 * 86400 * SECOND, "2w" },
                { UINT64_MAX, "18446744073709551615ns" },
        };
        static const Format human[] = {
                { 0, "0 B" }, { 1, "1 B" }, { 999, "999 B" }, { 1000, "0.98 KiB" }, { 1024, "1.00 KiB" }, { 870 * MiB, "870 MiB" },
                { 1000 * MiB, "0.98 GiB" }, { 1023 * MiB, "1.00 GiB" }, { GiB + GiB / 4, "1.25 GiB" }, { 10 * GiB, "10.0 GiB" },
                { 9999 * MiB, "9.76 GiB" }, { 100 * GiB, "100 GiB" }, { UINT64_MAX, "16.0 EiB" },
        };
        static const Format human_duration[] = {
                { 0, "0 ns" }, { 999, "999 ns" }, { 1000, "1.00 us" }, { 12345, "12.3 us" }, { 999499, "999 us" }, { 999600, "1.00 ms" },
                { 3200 * NSEC_PER_USEC, "3.20 ms" }, { 1500 * NSEC_PER_MSEC, "1.50 s" }, { 3600 * NSEC_PER_SEC, "3600 s" },
        };

        check_format(size, ELEMENTSOF(size), units_format_size);
        check_format(duration, ELEMENTSOF(duration), units_format_duration);
        check_format(human, ELEMENTSOF(human), units_human_size);
        check_format(human_duration, ELEMENTSOF(human_duration), units_human_duration);
}

/* Whatever the value, what is printed parses back to it. */
static void test_round_trip(void **state _unused_) {
        Rng rng;

        rng_seed(&rng, 1, 1);
        for (unsigned i = 0; i < 20000; i++) {
                uint64_t v = rng_next(&rng) >> rng_below(&rng, 64) << rng_below(&rng, 40), size = 0, ns = 0;
                char buf[UNITS_MAX];
                assert_int_equal(units_parse_size(units_format_size(v, buf), &size), 0);
                assert_int_equal(units_parse_duration(units_format_duration(v, buf), &ns), 0);
                assert_true(size == v && ns == v);
                assert_true(strlen(units_human_size(v, buf)) <= 8);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_format),
                cmocka_unit_test(test_round_trip),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

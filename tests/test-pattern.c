/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "base/macro.h"
#include "stress/pattern.h"

#define SIZE (8 * PATTERN_BLOCK)

static const Pattern base = { .seed = 1, .owner = 2, .file = 3, .generation = 4, .offset = 5 * PATTERN_BLOCK };
static _Alignas(8) uint8_t buf[SIZE], other[SIZE];

static void what_is_filled_is_right(void **state _unused_) {
        PatternMismatch m;

        for (size_t size = 0; size <= SIZE; size += 513) {
                memset(buf, 0xee, sizeof(buf));
                pattern_fill(buf, size, &base);
                assert_true(pattern_check(buf, size, &base, &m));
                if (size < SIZE)
                        assert_int_equal(buf[size], 0xee);
        }
}

static void a_block_stands_for_itself(void **state _unused_) {
        Pattern p = base;
        PatternMismatch m;

        pattern_fill(buf, SIZE, &base);
        p.offset += 3 * PATTERN_BLOCK;
        assert_true(pattern_check(buf + 3 * PATTERN_BLOCK, PATTERN_BLOCK, &p, &m));
        assert_false(pattern_check(buf + 4 * PATTERN_BLOCK, PATTERN_BLOCK, &p, &m));
        assert_string_equal(m.text, "misplaced: offset is 0x9000, expected 0x8000");
}

static void a_stamp_is_a_fill_over_old_payload(void **state _unused_) {
        const Pattern next = { .seed = 1, .owner = 9, .file = 8, .generation = 7, .offset = 6 * PATTERN_BLOCK };

        pattern_fill(buf, SIZE, &base);
        pattern_stamp(buf, SIZE, &next);
        pattern_fill(other, SIZE, &next);
        assert_memory_equal(buf, other, SIZE);
        /* And not a byte behind a short tail. */
        memset(buf, 0xee, sizeof(buf));
        pattern_stamp(buf, PATTERN_BLOCK + 10, &next);
        assert_int_equal(buf[PATTERN_BLOCK + 9], other[PATTERN_BLOCK + 9]);
        assert_int_equal(buf[PATTERN_BLOCK + 10], 0xee);
}

static void every_other_identity_is_a_mismatch(void **state _unused_) {
        static const struct {
                Pattern p;
                const char *text;
        } cases[] = {
                { { 0, 2, 3, 4, 5 * PATTERN_BLOCK }, "misplaced: seed is 0x1, expected 0" },
                { { 1, 0, 3, 4, 5 * PATTERN_BLOCK }, "misplaced: owner is 0x2, expected 0" },
                { { 1, 2, 0, 4, 5 * PATTERN_BLOCK }, "misplaced: file is 0x3, expected 0" },
                { { 1, 2, 3, 0, 5 * PATTERN_BLOCK }, "misplaced: generation is 0x4, expected 0" },
                { { 1, 2, 3, 4, 0 }, "misplaced: offset is 0x5000, expected 0" },
        };

        pattern_fill(buf, SIZE, &base);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                PatternMismatch m;
                assert_false(pattern_check(buf, SIZE, &cases[i].p, &m));
                assert_int_equal(m.offset, cases[i].p.offset);
                assert_string_equal(m.text, cases[i].text);
        }
}

/* One bit, anywhere: found, in its block. */
static void every_flipped_bit_is_a_mismatch(void **state _unused_) {
        pattern_fill(buf, SIZE, &base);
        for (size_t byte = 0; byte < SIZE; byte = byte < 80 ? byte + 1 : byte + 211) {
                PatternMismatch m;
                buf[byte] ^= (uint8_t)(1 << byte % 8);
                assert_false(pattern_check(buf, SIZE, &base, &m));
                assert_int_equal(m.offset, base.offset + byte / PATTERN_BLOCK * PATTERN_BLOCK);
                assert_int_equal(m.fate, PATTERN_FLIPPED);
                assert_memory_equal(m.found, buf + byte / PATTERN_BLOCK * PATTERN_BLOCK, PATTERN_BLOCK);
                buf[byte] ^= (uint8_t)(1 << byte % 8);
                assert_memory_equal(m.expected, buf + byte / PATTERN_BLOCK * PATTERN_BLOCK, PATTERN_BLOCK);
                buf[byte] ^= (uint8_t)(1 << byte % 8);
                buf[byte] ^= (uint8_t)(1 << byte % 8);
        }
}

static void a_mismatch_says_what_was_found(void **state _unused_) {
        PatternMismatch m;

        pattern_fill(buf, SIZE, &base);
        memset(buf + PATTERN_BLOCK, 0, PATTERN_BLOCK);
        assert_false(pattern_check(buf, SIZE, &base, &m));
        assert_int_equal(m.offset, base.offset + PATTERN_BLOCK);
        assert_non_null(strstr(m.text, "lost: magic is 0, expected 0x"));

        pattern_fill(buf, SIZE, &base);
        memset(buf + 2 * PATTERN_BLOCK + 512, 0, 512); /* a lost sector */
        assert_false(pattern_check(buf, SIZE, &base, &m));
        assert_int_equal(m.offset, base.offset + 2 * PATTERN_BLOCK);
        assert_non_null(strstr(m.text, "torn: payload differs from byte 512 on: 0, expected 0x"));
}

static PatternFate fate_of(const void *found, size_t size, const Pattern *expected) {
        PatternMismatch m;

        assert_false(pattern_check(found, size, expected, &m));
        assert_memory_equal(m.text, pattern_fate_names[m.fate], strlen(pattern_fate_names[m.fate]));
        assert_int_equal(m.text[strlen(pattern_fate_names[m.fate])], ':');
        return m.fate;
}

static void fates_are_told_apart(void **state _unused_) {
        Pattern older = base, elsewhere = base;

        older.generation--;
        elsewhere.file++;
        pattern_fill(buf, PATTERN_BLOCK, &older);
        assert_int_equal(fate_of(buf, PATTERN_BLOCK, &base), PATTERN_STALE);
        assert_int_equal(fate_of(buf, 1000, &base), PATTERN_STALE);
        assert_int_equal(fate_of(buf, PATTERN_BLOCK, &(Pattern){ .seed = 1, .owner = 2, .file = 3, .generation = 2, .offset = base.offset }),
                         PATTERN_MISPLACED); /* from the future */
        pattern_fill(buf, PATTERN_BLOCK, &elsewhere);
        assert_int_equal(fate_of(buf, PATTERN_BLOCK, &base), PATTERN_MISPLACED);

        /* The first half is of another time than the second. */
        pattern_fill(buf, PATTERN_BLOCK, &older);
        pattern_fill(other, PATTERN_BLOCK, &(Pattern){ .seed = 7, .owner = 2, .file = 3, .generation = 4, .offset = base.offset });
        memcpy(buf + PATTERN_BLOCK / 2, other + PATTERN_BLOCK / 2, PATTERN_BLOCK / 2);
        assert_int_equal(fate_of(buf, PATTERN_BLOCK, &older), PATTERN_TORN);
        assert_int_equal(fate_of(buf, PATTERN_BLOCK, &base), PATTERN_TORN);
        memset(buf, 0x5a, PATTERN_BLOCK / 2);
        pattern_fill(other, PATTERN_BLOCK, &base);
        memcpy(buf + PATTERN_BLOCK / 2, other + PATTERN_BLOCK / 2, PATTERN_BLOCK / 2);
        assert_int_equal(fate_of(buf, PATTERN_BLOCK, &base), PATTERN_TORN);

        /* Nine bits are no more the work of a cell. */
        memcpy(buf, other, PATTERN_BLOCK);
        buf[3000] ^= 0xff;
        assert_int_equal(fate_of(buf, PATTERN_BLOCK, &base), PATTERN_FLIPPED);
        buf[3001] ^= 0x01;
        assert_int_equal(fate_of(buf, PATTERN_BLOCK, &base), PATTERN_TORN);

        memset(buf, 0, PATTERN_BLOCK);
        assert_int_equal(fate_of(buf, 100, &base), PATTERN_LOST);
        memset(buf, 0x5a, PATTERN_BLOCK);
        assert_int_equal(fate_of(buf, PATTERN_BLOCK, &base), PATTERN_FOREIGN);
}

/* Blocks of one buffer do not look alike, so that neither compression nor a block in the wrong place goes unseen. */
static void payloads_differ(void **state _unused_) {
        pattern_fill(buf, SIZE, &base);
        for (size_t i = 0; i < 8; i++)
                for (size_t j = 0; j < i; j++)
                        assert_memory_not_equal(buf + i * PATTERN_BLOCK + 64, buf + j * PATTERN_BLOCK + 64, PATTERN_BLOCK - 64);
        pattern_fill(other, PATTERN_BLOCK, &(Pattern){ .seed = 2 });
        assert_memory_not_equal(buf + 64, other + 64, PATTERN_BLOCK - 64);
}

/* A write of 1 MiB takes the kernel some 300 us: stamping it may take a twentieth, 15 us; under a sanitizer or load some more. */
static void stamping_is_cheap(void **state _unused_) {
        uint64_t best = UINT64_MAX;

        for (unsigned try = 0; try < 50; try++) {
                uint64_t begin = clock_mono_ns();
                for (unsigned i = 0; i < 256 / 8; i++)
                        pattern_stamp(buf, SIZE, &base);
                best = MIN_OF(best, clock_mono_ns() - begin);
        }
        print_message("stamping 1 MiB: %u ns\n", (unsigned)best);
        assert_true(best < 150 * NSEC_PER_USEC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_filled_is_right),
                cmocka_unit_test(a_block_stands_for_itself),
                cmocka_unit_test(a_stamp_is_a_fill_over_old_payload),
                cmocka_unit_test(every_other_identity_is_a_mismatch),
                cmocka_unit_test(every_flipped_bit_is_a_mismatch),
                cmocka_unit_test(a_mismatch_says_what_was_found),
                cmocka_unit_test(fates_are_told_apart),
                cmocka_unit_test(payloads_differ),
                cmocka_unit_test(stamping_is_cheap),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

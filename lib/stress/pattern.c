/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stress/pattern.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/rng.h"

#define PATTERN_MAGIC UINT64_C(0x7373657274736273) /* "sbstress" in little endian */

enum { FIELD_MAGIC, FIELD_SEED, FIELD_OWNER, FIELD_FILE, FIELD_GENERATION, FIELD_OFFSET, FIELD_VARIANT, FIELD_SUM, _FIELD_MAX };

static const char *const field_names[_FIELD_MAX] = { "magic", "seed", "owner", "file", "generation", "offset", "variant", "header sum" };

#define HEADER_SIZE (_FIELD_MAX * sizeof(uint64_t))
#define BLOCK_WORDS (PATTERN_BLOCK / sizeof(uint64_t))
#define SECTOR 512
#define FLIPPED_BITS_MAX 8
#define VARIANTS_TRIED 4096 /* a writer's buffer of 16 MiB */

/* A multiply-xorshift chain: a crc32c without the instruction costs ten times as much, and the sum guards 56 bytes that are compared
 * anyway; it only has to tell a torn or foreign header from a stale one. */
static uint64_t header_sum(const uint64_t header[static _FIELD_MAX]) {
        uint64_t h = 0;

        for (unsigned i = 0; i < FIELD_SUM; i++) {
                h = (h ^ header[i]) * UINT64_C(0x9e3779b97f4a7c15);
                h ^= h >> 32;
        }
        return h;
}

static void make_header(uint64_t header[static _FIELD_MAX], const Pattern *p, uint64_t at, uint64_t variant) {
        header[FIELD_MAGIC] = PATTERN_MAGIC;
        header[FIELD_SEED] = p->seed;
        header[FIELD_OWNER] = p->owner;
        header[FIELD_FILE] = p->file;
        header[FIELD_GENERATION] = p->generation;
        header[FIELD_OFFSET] = p->offset + at;
        header[FIELD_VARIANT] = variant;
        header[FIELD_SUM] = header_sum(header);
}

static void make_block(uint64_t block[static BLOCK_WORDS], const Pattern *p, uint64_t at, uint64_t variant) {
        Rng r;

        make_header(block, p, at, variant);
        rng_seed(&r, p->seed, variant);
        for (size_t i = _FIELD_MAX; i < BLOCK_WORDS; i++)
                block[i] = rng_next(&r);
}

void pattern_fill(void *buf, size_t size, const Pattern *p) {
        uint64_t block[BLOCK_WORDS];

        for (size_t at = 0; at < size; at += PATTERN_BLOCK) {
                make_block(block, p, at, at / PATTERN_BLOCK);
                memcpy((char *)buf + at, block, MIN_OF(size - at, sizeof(block)));
        }
}

void pattern_stamp(void *buf, size_t size, const Pattern *p) {
        uint64_t header[_FIELD_MAX];

        for (size_t at = 0; at < size; at += PATTERN_BLOCK) {
                make_header(header, p, at, at / PATTERN_BLOCK);
                memcpy((char *)buf + at, header, MIN_OF(size - at, sizeof(header)));
        }
}

const char *const pattern_fate_names[_PATTERN_FATE_MAX] = {
        [PATTERN_LOST] = "lost",           [PATTERN_FLIPPED] = "flipped", [PATTERN_TORN] = "torn", [PATTERN_STALE] = "stale",
        [PATTERN_MISPLACED] = "misplaced", [PATTERN_FOREIGN] = "foreign",
};

static bool is_whole(const uint64_t *found, size_t size) {
        uint64_t whole[BLOCK_WORDS];
        const Pattern own = { .seed = found[FIELD_SEED], .owner = found[FIELD_OWNER], .file = found[FIELD_FILE], .generation = found[FIELD_GENERATION],
                              .offset = found[FIELD_OFFSET] };

        make_block(whole, &own, 0, found[FIELD_VARIANT]); /* with its magic and sum */
        return size >= HEADER_SIZE && memcmp(whole, found, size) == 0;
}

/* At most a handful: what a cable, a cell or a cosmic ray does. */
static bool differs_in_few_bits(const uint64_t *a, const uint64_t *b) {
        unsigned bits = 0;

        for (size_t i = 0; i < BLOCK_WORDS && bits <= FLIPPED_BITS_MAX; i++)
                bits += (unsigned)__builtin_popcountll(a[i] ^ b[i]);
        return bits <= FLIPPED_BITS_MAX;
}

static bool has_a_right_sector(const uint64_t *found, const uint64_t *expected, size_t size) {
        for (size_t at = 0; at + SECTOR <= size; at += SECTOR)
                if (memcmp((const char *)found + at, (const char *)expected + at, SECTOR) == 0)
                        return true;
        return false;
}

static bool resembles(const uint64_t *found, const uint64_t *expected, size_t size) {
        return differs_in_few_bits(found, expected) || has_a_right_sector(found, expected, size);
}

/* Which payload it is says a word that may be wrong: then that which some of the rest is of, if there is one. */
static bool find_payload(const uint64_t *found, size_t size, const Pattern *p, size_t at, uint64_t *expected) {
        uint64_t other[BLOCK_WORDS];

        if (resembles(found, expected, size))
                return true;
        for (uint64_t variant = 0; variant < VARIANTS_TRIED; variant++) {
                make_block(other, p, at, variant);
                memset((char *)other + size, 0, sizeof(other) - size);
                if (resembles(found, other, size)) {
                        memcpy(expected, other, sizeof(other));
                        return true;
                }
        }
        return false;
}

static bool is_zero(const uint64_t *found) {
        for (size_t i = 0; i < BLOCK_WORDS; i++)
                if (found[i] != 0)
                        return false;
        return true;
}

/* Payload is the same in all blocks of a variant, so what is whole comes first. */
static PatternFate fate(const uint64_t *found, size_t size, const Pattern *p, size_t at, uint64_t *expected) {
        if (is_zero(found))
                return PATTERN_LOST;
        if (is_whole(found, size))
                return found[FIELD_SEED] == p->seed && found[FIELD_OWNER] == p->owner && found[FIELD_FILE] == p->file &&
                                       found[FIELD_OFFSET] == p->offset + at && found[FIELD_GENERATION] < p->generation
                               ? PATTERN_STALE
                               : PATTERN_MISPLACED;
        if (!find_payload(found, size, p, at, expected))
                return PATTERN_FOREIGN;
        return differs_in_few_bits(found, expected) ? PATTERN_FLIPPED : PATTERN_TORN;
}

static void describe(PatternMismatch *ret, const uint64_t *found, const uint64_t *expected) {
        const char *name = pattern_fate_names[ret->fate];
        size_t bad = 0;
        uint64_t is, should;

        while (bad < ret->length - 1 && ((const char *)found)[bad] == ((const char *)expected)[bad])
                bad++;
        is = found[bad / sizeof(uint64_t)];
        should = expected[bad / sizeof(uint64_t)];
        if (bad < HEADER_SIZE)
                snprintf(ret->text, sizeof(ret->text), "%s: %s is %#" PRIx64 ", expected %#" PRIx64, name, field_names[bad / sizeof(uint64_t)], is,
                         should);
        else
                snprintf(ret->text, sizeof(ret->text), "%s: payload differs from byte %zu on: %#" PRIx64 ", expected %#" PRIx64, name, bad, is, should);
}

bool pattern_check(const void *buf, size_t size, const Pattern *p, PatternMismatch *ret) {
        uint64_t found[BLOCK_WORDS], expected[BLOCK_WORDS];

        for (size_t at = 0; at < size; at += PATTERN_BLOCK) {
                size_t length = MIN_OF(size - at, sizeof(found));

                memset(found, 0, sizeof(found));
                memcpy(found, (const char *)buf + at, length);
                /* The variant is the block's place in the writer's buffer, which the reader does not know: its own word is taken for it. */
                make_block(expected, p, at, found[FIELD_VARIANT]);
                if (memcmp(found, expected, length) == 0)
                        continue;
                *ret = (PatternMismatch){ .offset = p->offset + at, .length = length };
                memset((char *)expected + length, 0, sizeof(expected) - length);
                ret->fate = fate(found, length, p, at, expected);
                describe(ret, found, expected);
                memcpy(ret->found, found, sizeof(found));
                memcpy(ret->expected, expected, sizeof(expected));
                return false;
        }
        return true;
}

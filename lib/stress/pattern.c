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

static void describe(const uint64_t *found, const uint64_t *expected, size_t size, PatternMismatch *ret) {
        size_t bad = 0;

        while (bad < size - 1 && ((const char *)found)[bad] == ((const char *)expected)[bad])
                bad++;
        if (size >= HEADER_SIZE && found[FIELD_MAGIC] == PATTERN_MAGIC && header_sum(found) != found[FIELD_SUM])
                snprintf(ret->text, sizeof(ret->text), "torn header: sum %#" PRIx64 ", computed %#" PRIx64, found[FIELD_SUM],
                         header_sum(found));
        else if (bad < HEADER_SIZE)
                snprintf(ret->text, sizeof(ret->text), "%s is %#" PRIx64 ", expected %#" PRIx64, field_names[bad / sizeof(uint64_t)],
                         found[bad / sizeof(uint64_t)], expected[bad / sizeof(uint64_t)]);
        else
                snprintf(ret->text, sizeof(ret->text), "payload differs from byte %zu on: %#" PRIx64 ", expected %#" PRIx64, bad,
                         found[bad / sizeof(uint64_t)], expected[bad / sizeof(uint64_t)]);
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
                ret->offset = p->offset + at;
                describe(found, expected, length, ret);
                return false;
        }
        return true;
}

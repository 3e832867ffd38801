/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Pattern: the content of what is written. Every 4 KiB block describes itself (who wrote it, which file, where, in which cycle), so that a
 * block read back from anywhere says where it belongs. Most of a block is payload that depends on the seed and the variant only: it is
 * filled once, and a write stamps the headers. Host byte order: written and read on the same machine.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERN_BLOCK 4096

typedef struct Pattern {
        uint64_t seed;       /* of the payload */
        uint64_t owner;      /* who writes: slot on the board */
        uint64_t file;       /* number of the file */
        uint64_t generation; /* cycle */
        uint64_t offset;     /* in the file, of the first byte; multiple of PATTERN_BLOCK */
} Pattern;

/* What has become of a block. Names in pattern_fate_names, the first word of the text of a mismatch. */
typedef enum PatternFate {
        PATTERN_LOST,      /* nothing but zeros: never written, or its extent is gone */
        PATTERN_FLIPPED,   /* some bits differ */
        PATTERN_TORN,      /* a part of it is right */
        PATTERN_STALE,     /* whole, of the same place, and older */
        PATTERN_MISPLACED, /* whole, and of another place: file, offset, or who wrote it */
        PATTERN_FOREIGN,   /* nothing of ours */
        _PATTERN_FATE_MAX,
} PatternFate;

extern const char *const pattern_fate_names[_PATTERN_FATE_MAX];

typedef struct PatternMismatch {
        uint64_t offset; /* in the file, of the first wrong block */
        size_t length;   /* of the block: less than PATTERN_BLOCK where the file ends */
        PatternFate fate;
        char text[200];  /* what is wrong with it: expected and found */
        uint8_t found[PATTERN_BLOCK], expected[PATTERN_BLOCK];
} PatternMismatch;

/* Fills `size` bytes: payload and headers. A tail shorter than a block is the beginning of one. `buf` is 8-byte aligned. */
void pattern_fill(void *buf, size_t size, const Pattern *p);
/* Headers only, for a buffer filled before with the same seed. About 10 ns per block. */
void pattern_stamp(void *buf, size_t size, const Pattern *p);
/* True when all of `buf` is what pattern_fill() or pattern_stamp() made for *p; otherwise *ret names the first wrong block. */
bool pattern_check(const void *buf, size_t size, const Pattern *p, PatternMismatch *ret);

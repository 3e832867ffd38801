/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Wound: a block that a fault breaks, as it was before; and the means by which blocks are broken: each says how, tells whether the kernel has
 * mended one, and takes back what is left.
 */
#include <stdbool.h>
#include <stddef.h>

#include "target/disk-block.h"

typedef struct Wound {
        const char *path; /* of the device */
        uint64_t at;      /* where there */
        uint32_t bit;     /* which one is flipped, where bits are */
        DiskBlock was, spoiled;
        bool struck;
} Wound;

/* The named condition: the block is still broken. */
#define WOUND_OPEN 1

typedef struct Means {
        const char *needs; /* a sentence: what of a kernel on which it cannot strike */
        /* Breaks all blocks, in their order; `struck` says which were. 0 or a negative errno. Blocks. */
        int (*strike)(Wound *wounds, size_t n);
        /* What is on the device now. 0, WOUND_OPEN or a negative errno. Blocks. */
        int (*look)(const Wound *w, DiskBlock *ret);
        /* Takes back what has not been mended, after a failed strike too. 0 or a negative errno: something is still broken. Blocks. */
        int (*heal)(Wound *wounds, size_t n);
} Means;

extern const Means means_delay;       /* the device takes longer: no block changes */
extern const Means means_dust;        /* the device cannot read the block until it is written */
extern const Means means_fail;        /* the device fails to read and to write: no block changes */
extern const Means means_fail_writes; /* the device fails to write, and reads what it has */
extern const Means means_flip;        /* one bit of the block changes */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault: bits flip in one copy of some data. Scrub finds each block and repairs it, from another copy or from parity; where there is neither,
 * exactly these blocks cannot be read.
 */
#include <errno.h>

#include "base/macro.h"
#include "fault/fault.h"

#define BLOCKS_MAX 4

/* The pieces of one row are rebuilt from each other: only one may be damaged. */
static size_t how_many(FaultScene *s, const Chunk *c) {
        return chunk_n_parity(c) > 0 ? 1 : 1 + rng_below(&s->rng, BLOCKS_MAX);
}

static int choose(FaultScene *s, FaultPlan *p) {
        size_t first = rng_below(&s->rng, PREY_PIECES);
        uint64_t n, lost;
        unsigned copy;

        if (!fault_has_checksums(s))
                return FAULT_NOT_HERE;
        p->chunk = extent_map_find(&s->map, s->prey.logical[first]);
        if (!p->chunk)
                return -ENODATA;
        copy = (unsigned)rng_below(&s->rng, chunk_n_copies(p->chunk));
        n = how_many(s, p->chunk);
        for (size_t i = 0; p->n_blocks < n && i < PREY_PIECES; i++) {
                uint64_t logical = s->prey.logical[(first + i) % PREY_PIECES] + rng_below(&s->rng, PREY_PIECE / DISK_BLOCK) * DISK_BLOCK;
                if (extent_map_find(&s->map, logical) == p->chunk)
                        p->blocks[p->n_blocks++] = (FaultBlock){ logical, chunk_place(p->chunk, logical, copy), fault_bit(s, 0) };
        }
        n = p->n_blocks;
        lost = chunk_n_copies(p->chunk) + chunk_n_parity(p->chunk) > 1 ? 0 : n;
        p->expected[FAULT_CHECKSUMS] = n;
        p->expected[FAULT_CORRECTED] = p->expected[FAULT_REPAIRED] = n - lost;
        p->expected[FAULT_UNCORRECTABLE] = p->expected[FAULT_UNREADABLE] = p->expected[FAULT_AGAIN] = lost;
        return 0;
}

const Fault fault_data = {
        .name = "data",
        .help = "bits of one copy of some data",
        .means = &means_flip,
        .choose = choose,
};

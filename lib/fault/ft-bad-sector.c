/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault: sectors of one copy of some data cannot be read until they are written. Scrub counts each and writes it anew from another copy or from
 * parity; where there is neither, exactly these blocks cannot be read.
 *
 * Scrub reads a stripe at once, and counts all of its blocks when one fails (scrub.c, scrub_read_endio()): so a whole stripe is bad, all of it
 * the prey's.
 */
#include <errno.h>

#include "base/macro.h"
#include "fault/fault.h"
#include "target/layer.h"

#define STRIPE_BYTES PREY_PIECE
#define STRIPE_BLOCKS (STRIPE_BYTES / DISK_BLOCK)
_Static_assert(STRIPE_BLOCKS <= FAULT_BLOCKS_MAX, "a stripe fits in a plan");

static bool is_prey(const Prey *p, uint64_t logical) {
        for (size_t i = 0; i < PREY_PIECES; i++)
                if (logical >= p->logical[i] && logical < p->logical[i] + PREY_PIECE)
                        return true;
        return false;
}

/* The first stripe of the chunk from this piece on. False: not all of it is the prey's. */
static bool stripe_of(const FaultScene *s, const Chunk *c, size_t piece, uint64_t *ret) {
        uint64_t offset = s->prey.logical[piece] - c->logical;

        *ret = c->logical + (offset + STRIPE_BYTES - 1) / STRIPE_BYTES * STRIPE_BYTES;
        for (uint64_t at = *ret; at < *ret + STRIPE_BYTES; at += DISK_BLOCK)
                if (!is_prey(&s->prey, at) || extent_map_find(&s->map, at) != c)
                        return false;
        return true;
}

static bool find_stripe(FaultScene *s, const Chunk **ret_chunk, uint64_t *ret) {
        size_t first = rng_below(&s->rng, PREY_PIECES);

        for (size_t i = 0; i < PREY_PIECES; i++) {
                size_t piece = (first + i) % PREY_PIECES;
                *ret_chunk = extent_map_find(&s->map, s->prey.logical[piece]);
                if (*ret_chunk && stripe_of(s, *ret_chunk, piece, ret))
                        return true;
        }
        return false;
}

static int choose(FaultScene *s, FaultPlan *p) {
        uint64_t logical, lost;
        unsigned copy;

        if (!target_has_layers(s->target) || !layer_knows("dust"))
                return FAULT_NOT_HERE;
        if (!find_stripe(s, &p->chunk, &logical))
                return -ENODATA;
        copy = (unsigned)rng_below(&s->rng, chunk_n_copies(p->chunk));
        for (size_t i = 0; i < STRIPE_BLOCKS; i++, logical += DISK_BLOCK)
                p->blocks[p->n_blocks++] = (FaultBlock){ .logical = logical, .place = chunk_place(p->chunk, logical, copy) };
        lost = chunk_n_copies(p->chunk) + chunk_n_parity(p->chunk) > 1 ? 0 : STRIPE_BLOCKS;
        p->expected[FAULT_READ_ERRORS] = STRIPE_BLOCKS;
        p->expected[FAULT_CORRECTED] = p->expected[FAULT_REPAIRED] = STRIPE_BLOCKS - lost;
        p->expected[FAULT_UNCORRECTABLE] = p->expected[FAULT_UNREADABLE] = p->expected[FAULT_AGAIN] = lost;
        return 0;
}

const Fault fault_bad_sector = {
        .name = "bad-sector",
        .help = "sectors of one copy of some data that cannot be read",
        .means = &means_dust,
        .stats = 1U << BTRFS_DEV_STAT_READ_ERRS,
        .choose = choose,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault: a bit flips in the parity of a stripe with data. Scrub writes the parity anew and counts nothing (raid56.c, finish_parity_scrub()).
 */
#include <errno.h>

#include "base/macro.h"
#include "fault/fault.h"

static int choose(FaultScene *s, FaultPlan *p) {
        uint64_t logical = s->prey.logical[rng_below(&s->rng, PREY_PIECES)] + rng_below(&s->rng, PREY_PIECE / DISK_BLOCK) * DISK_BLOCK;
        unsigned n;

        p->chunk = extent_map_find(&s->map, logical);
        if (!p->chunk)
                return -ENODATA;
        n = chunk_n_parity(p->chunk);
        if (n == 0)
                return FAULT_NOT_HERE;
        p->blocks[p->n_blocks++] = (FaultBlock){
                .logical = logical,
                .place = chunk_place(p->chunk, logical, chunk_n_copies(p->chunk) + (unsigned)rng_below(&s->rng, n)),
                .bit = fault_bit(s, 0),
        };
        p->expected[FAULT_REPAIRED] = 1;
        return 0;
}

const Fault fault_parity = {
        .name = "parity",
        .help = "a bit of the parity of some data",
        .means = &means_flip,
        .choose = choose,
};

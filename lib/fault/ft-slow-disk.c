/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault: a device is slow. Nothing fails and nothing is counted, but a scrub of the device, and a commit, take as long as it does: one that is
 * done before has not read, or not written.
 */
#include <errno.h>

#include "base/macro.h"
#include "fault/fault.h"
#include "target/layer.h"

static int choose(FaultScene *s, FaultPlan *p) {
        uint64_t logical = s->prey.logical[rng_below(&s->rng, PREY_PIECES)];

        if (!target_has_layers(s->target) || !layer_knows("delay"))
                return FAULT_NOT_HERE;
        p->chunk = extent_map_find(&s->map, logical);
        if (!p->chunk)
                return -ENODATA;
        p->blocks[p->n_blocks++] = (FaultBlock){
                .logical = logical,
                .place = chunk_place(p->chunk, logical, (unsigned)rng_below(&s->rng, chunk_n_copies(p->chunk))),
        };
        p->least_ns = FAULT_DELAY_MS * NSEC_PER_MSEC;
        p->expected[FAULT_REPAIRED] = 1;
        return 0;
}

const Fault fault_slow_disk = {
        .name = "slow-disk",
        .help = "a slow disk",
        .means = &means_delay,
        .choose = choose,
};

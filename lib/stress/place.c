/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stress/place.h"

#include "base/macro.h"

void place_say(Slot *slot, const Chunk *c, uint64_t seen_ns) {
        GroupPlace place = {
                .logical = c->logical,
                .length = c->length,
                .flags = c->type,
                .seen_ns = seen_ns,
                .extent_length = c->extent_length,
                .n_extents = c->n_stripes,
        };

        for (unsigned i = 0; i < MIN_OF(c->n_stripes, BOARD_EXTENTS); i++) {
                place.extents[i].devid = c->stripes[i].devid;
                place.extents[i].physical = c->stripes[i].physical;
        }
        slot_place(slot, &place);
}

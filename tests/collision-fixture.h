/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What a collider sees, made up: removals, places and scrub windows.
 */
#include "base/macro.h"
#include "observe/collision.h"

static inline void remove_group(Collider *c, uint64_t time_ns, uint64_t logical) {
        collider_event(c, &(TraceEvent){ .kind = TRACE_GROUP_REMOVED, .time_ns = time_ns, .logical = logical, .length = 10, .flags = 1 });
}

static inline void put_place(Board *b, uint64_t seen_ns, uint64_t logical, uint64_t devid, uint64_t physical) {
        slot_place(&b->slots[20], &(GroupPlace){ .logical = logical, .length = 10, .seen_ns = seen_ns, .extent_length = 10, .n_extents = 1,
                                                 .extents[0] = { devid, physical } });
}

static inline void put_window(Board *b, unsigned slot, const ScrubWindow *w) {
        slot_window_open(&b->slots[slot], w->devid, w->start, w->end, w->begin_ns);
        if (w->finish_ns > 0)
                slot_window_close(&b->slots[slot], w->finish_ns);
}

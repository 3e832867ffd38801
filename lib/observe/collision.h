/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Collision: a block group removed while a scrub that has it in range is in flight. This counts them: removals from trace events on one
 * side, scrub windows and group places from the board on the other. No clock, no file: handed in, so it can be replayed.
 *
 * A removal whose place is known counts when a scrub of one of its devices, whose physical range meets the group's device extent, is in
 * flight at the removal's time. A removal whose place is not known counts only when every device of the target has a scrub of the whole
 * device in flight: never more than there were. A place serves one removal: logical addresses are used again, and the next group at the
 * same address lies elsewhere. What was overwritten before it was read (windows, places) makes fewer collisions, never more.
 *
 * How well it was aimed is measured beside: of a collision the time from the scrub's start, of a removal that missed the time to the nearest
 * scrub of the place, before or after. The moment at which a scrub reaches the group lies between its start and its end and is not seen.
 *
 * Memory is bounded: the last COLLIDER_WINDOWS windows of a slot, COLLIDER_PLACES places, COLLIDER_QUEUE removals between two steps;
 * removals beyond are counted, not decided.
 */
#include "base/macro.h"
#include "observe/board.h"
#include "observe/src-trace.h"

#define COLLIDER_HISTORY 8192 /* power of two, as the next two; seconds of removals: a finding is judged after a control scrub, while more go on */
#define COLLIDER_WINDOWS 4096
#define COLLIDER_PLACES 4096
#define COLLIDER_QUEUE 32768

#define NEAR_MISS_NS NSEC_PER_MSEC
/* An aimed scrub takes a millisecond on a fast machine and twenty on an emulated one; of one that takes a second hardly anything is near. */
#define NEARNESS_NS (10 * NSEC_PER_MSEC)

typedef struct Aim {
        Histogram collided; /* ns from the start of a scrub that had the group in range to its removal */
        Histogram missed;   /* ns from a removal to the nearest scrub that had its place in range */
        double nearness;    /* sum over both of NEARNESS_NS / (NEARNESS_NS + distance): a meeting at no distance counts 1, one of 10 ms a half */
} Aim;

typedef struct Removal {
        uint64_t time_ns, logical, length, flags;
        uint64_t distance_ns; /* of a removal that was placed: as in Aim; UINT64_MAX: no scrub near, or not known */
        bool collided;
        bool placed; /* `place` is known */
        GroupPlace place;
} Removal;

typedef struct Collider Collider;

int collider_new(Collider **ret, unsigned n_devices);
/* Its rings, some 4 MB, are written to for the first time in the course of minutes. After this they, and those of slots that come later, are memory
 * from the first moment: a run of weeks that lacks it ends at once, and what it holds stays as it is. */
void collider_bring_in(Collider *c);
void collider_free(Collider *c);
void collider_freep(Collider **c);
/* A TraceFunc. Removals are queued, commits update the generation, hits are counted. */
void collider_event(void *collider, const TraceEvent *event);
/* Drains windows and places from the board, then decides the queued removals. Call after the trace source has been stepped. */
void collider_step(Collider *c, const Board *b);

uint64_t collider_removals(const Collider *c);
uint64_t collider_collisions(const Collider *c);
uint64_t collider_hits(const Collider *c); /* see hit-probe.h */
const Aim *collider_aim(const Collider *c); /* lives as long as the collider */
uint64_t collider_generation(const Collider *c); /* of the newest commit seen; 0: none */
/* True when the block group that held the logical address was removed in a collision, since then. */
bool collider_has_collided(const Collider *c, uint64_t logical, uint64_t since_ns);
/* The removals decided with since_ns <= time_ns <= until_ns, oldest first; of more than max the newest. */
unsigned collider_history(const Collider *c, uint64_t since_ns, uint64_t until_ns, Removal *out, unsigned max);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * ScrubAim: which block groups of a device to scrub. A scrub reads all that is stored in its range, so a full group costs
 * seconds in which the groups that die are far away; the extent of a group that comes and goes costs the same on an empty 1 GiB loop file
 * as on a full 20 TB disk.
 *
 * Only groups that live: scrub walks the last commit, and finds the extents of groups there that have been removed since. Nothing can be
 * lost with those, but a new group that has got the logical address of one is then met in the middle of its making, which released kernels
 * do not survive (doc/findings, the new block group that is marked unused).
 */
#include "base/rng.h"
#include "target/extent-map.h"

typedef struct AimRange {
        uint64_t start, end; /* physical bytes of the device */
} AimRange;

/* How long a scrub of the group takes: scrub_aim_is_slow(). */
typedef enum AimPace {
        AIM_QUICK, /* where there are none, slow ones */
        AIM_SLOW,  /* where there are none, quick ones */
        AIM_ANY,
} AimPace;

typedef struct ScrubAim {
        uint64_t devid, types;     /* given: groups on this device, of one of these types (BTRFS_BLOCK_GROUP_*), … */
        uint64_t heavy;            /* … that did not hold more bytes than this when they were weighed, … */
        AimPace pace;              /* … and of these */
        uint64_t floor;            /* logical, behind the last heavy one: new groups get addresses above all there are, so they come here */
        uint64_t *light;           /* the others below it: logical addresses, ascending */
        size_t n_light;
        uint64_t oldest;           /* logical: the system group that was scrubbed last as the oldest … */
        unsigned scrubbed;         /* … and how often in a row */
        uint64_t settled;          /* logical, behind the last that has outlived that */
        AimRange *ranges;          /* their device extents as of the last look, neighbours joined: */
        size_t n_system, n_ranges; /* those with a system group that is not settled first */
        size_t allocated;
        ExtentMap map;
} ScrubAim;

#define SCRUB_AIM_NULL ((ScrubAim){ 0 })

/* Finds which groups of the whole target are heavy. Blocks; takes a tree search per group of the types. Returns 0, the kernel's result (see btrfs-ops.h) or
 * those of extent_map_read(); on failure what was found before stays. */
int scrub_aim_weigh(ScrubAim *a, const BtrfsOps *ops, int fd);
/* A striped group is walked in steps of 64 KiB, with a search and a wait in each, empty or not (scrub.c, scrub_simple_stripe() and
 * scrub_raid56_parity_stripe()): a long one takes a hundred times as long as one that is not striped. Pure. */
bool scrub_aim_is_slow(const Chunk *c);
/* Finds the extents of the others that are there now. Blocks; takes one tree search and one per light group below the floor, however many heavy
 * ones there are. Returns as above; on failure there are no ranges. */
int scrub_aim_look(ScrubAim *a, const BtrfsOps *ops, int fd);
/* Draws one of the ranges of the last look, three times of four one with a system group that is not settled, where there are any: the removals of
 * those are met most, and each scrub of a data group has the churn make another. False: there are none. */
bool scrub_aim_draw(const ScrubAim *a, Rng *rng, AimRange *ret);
/*
 * Where the oldest system group lies on this device: of those that die soonest the next. False: there is none, or none is asked for.
 *
 * Each scrub of a system group sets it read-only, which has the kernel make another one, and with the next commit the chunk tree leaves the
 * oldest. The cleaner takes groups in the order in which they became empty, passes by those that a scrub holds, and waits for a running commit
 * with the group that it has taken in its hand (btrfs_delete_unused_bgs()): a scrub that comes to just that group meanwhile waits for the end
 * of the commit, too, and then the group is gone.
 *
 * Of a group with two extents (dup) one scrub goes over both. The first has it die; when the scrub comes to the second, it is the cleaner's.
 */
bool scrub_aim_oldest(const ScrubAim *a, AimRange *ret);
/* The oldest is scrubbed. One that has been so often in a row, and is there still, is passed by from then on: where there are many chunks their tree
 * has leaves that no commit changes, and the group that these lie in stays. */
#define SCRUB_AIM_OUTLIVED 16
void scrub_aim_scrubbed(ScrubAim *a);
/* True when the group has a device extent in the range. Pure. */
bool scrub_aim_meets(const ScrubAim *a, const Chunk *c, const AimRange *range);
void scrub_aim_free(ScrubAim *a);

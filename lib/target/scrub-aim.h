/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * ScrubAim: which parts of a device to scrub. A scrub reads all that is stored in its range, so a full block group costs seconds in which
 * the groups that die are far away; a range without one costs the same on an empty 1 GiB loop file as on a full 20 TB disk. Space that
 * no group has is part of the ranges: groups come there.
 */
#include "target/extent-map.h"

typedef struct AimRange {
        uint64_t start, end; /* physical bytes of the device; end UINT64_MAX: to its end */
} AimRange;

typedef struct ScrubAim {
        uint64_t devid, heavy; /* given: on this device, groups that hold more bytes than this are left out */
        AimRange *ranges; /* what lies between the extents of heavy groups; ascending; one that is everything where there are none */
        size_t n_ranges;
        ExtentMap map;
} ScrubAim;

#define SCRUB_AIM_NULL ((ScrubAim){ 0 })

/* Reads where the heavy groups lie and makes the ranges between them. Blocks; takes a tree search
 * per group. Returns 0, the kernel's result (see btrfs-ops.h) or those of extent_map_read(); on failure the ranges are what they were. */
int scrub_aim_look(ScrubAim *a, const BtrfsOps *ops, int fd);
void scrub_aim_free(ScrubAim *a);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault: a bit flips in a superblock of a device. Scrub counts it and leaves it; the next commit writes all superblocks anew.
 */
#include "base/macro.h"
#include "fault/fault.h"

#define CHECKSUM_BYTES 32 /* of the field, of which most checksums are shorter */

/* Where they are (disk-io.c, btrfs_sb_offset()). */
static const uint64_t super_offsets[] = { 64 * KiB, 64 * MiB, 256 * GiB };

static int choose(FaultScene *s, FaultPlan *p) {
        const TargetDevice *d = &s->target->devices[rng_below(&s->rng, s->target->n_devices)];
        size_t n = 0;

        while (n < ELEMENTSOF(super_offsets) && super_offsets[n] + DISK_BLOCK <= d->size)
                n++;
        p->blocks[p->n_blocks++] = (FaultBlock){
                .place = { d->devid, super_offsets[rng_below(&s->rng, n)] },
                .bit = fault_bit(s, CHECKSUM_BYTES),
        };
        p->expected[FAULT_SUPERS] = p->expected[FAULT_REPAIRED] = 1;
        return 0;
}

const Fault fault_super = {
        .name = "super",
        .help = "a bit of a superblock",
        .means = &means_flip,
        .choose = choose,
        .renewed = true,
};

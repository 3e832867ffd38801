/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two faults: a device is gone for a while, or takes no writes, but is read, with what it had before. Meanwhile a file is written, committed and read;
 * then all is well with the device again. All goes on with the other copies, and a scrub of the device brings it up to date: at least the blocks of
 * that file, and what tree blocks and superblocks it has missed. Without copies on other devices nobody would live through it.
 *
 * What is read of a device that takes no writes is old, and only checksums and generations tell: it must come from another copy all the same.
 */
#include <errno.h>

#include "base/macro.h"
#include "fault/fault.h"
#include "target/layer.h"

#define MIRRORED (BTRFS_BLOCK_GROUP_RAID1 | BTRFS_BLOCK_GROUP_RAID1C3 | BTRFS_BLOCK_GROUP_RAID1C4 | BTRFS_BLOCK_GROUP_RAID10)

static bool is_mirrored(const FaultScene *s) {
        for (size_t i = 0; i < s->map.n_chunks; i++)
                if (!(s->map.chunks[i].type & MIRRORED))
                        return false;
        return s->map.n_chunks > 0;
}

static int choose(FaultScene *s, FaultPlan *p) {
        const TargetDevice *d = &s->target->devices[rng_below(&s->rng, s->target->n_devices)];

        if (!target_has_layers(s->target) || !layer_knows("flakey") || !is_mirrored(s) || !fault_has_checksums(s))
                return FAULT_NOT_HERE;
        /* Any block will do to see that the device is there again: of the first superblock, as it comes with each commit. */
        p->blocks[p->n_blocks++] = (FaultBlock){ .place = { d->devid, 64 * KiB } };
        p->whole = true;
        p->expected[FAULT_REPAIRED] = 1;
        p->at_least = 1U << FAULT_CHECKSUMS | 1U << FAULT_SUPERS | 1U << FAULT_CORRECTED;
        return 0;
}

/* Blocks of the prey that have a copy on the device. */
static uint64_t missed(const FaultScene *s, uint64_t devid) {
        uint64_t n = 0;

        for (size_t i = 0; i < PREY_PIECES; i++) {
                const Chunk *c = extent_map_find(&s->map, s->prey.logical[i]);
                for (unsigned copy = 0; c && copy < chunk_n_copies(c); copy++)
                        n += chunk_place(c, s->prey.logical[i], copy).devid == devid ? PREY_PIECE / DISK_BLOCK : 0;
        }
        return n;
}

static void suffer(FaultScene *s, FaultPlan *p) {
        p->expected[FAULT_CHECKSUMS] = missed(s, p->blocks[0].place.devid);
}

const Fault fault_write_error = {
        .name = "write-error",
        .help = "a device that fails to write for a while",
        .means = &means_fail_writes,
        .stats = 1U << BTRFS_DEV_STAT_WRITE_ERRS | 1U << BTRFS_DEV_STAT_FLUSH_ERRS,
        .choose = choose,
        .suffer = suffer,
        .renewed = true,
};

const Fault fault_device_loss = {
        .name = "device-loss",
        .help = "a device that is gone for a while",
        .means = &means_fail,
        .stats = 1U << BTRFS_DEV_STAT_WRITE_ERRS | 1U << BTRFS_DEV_STAT_READ_ERRS | 1U << BTRFS_DEV_STAT_FLUSH_ERRS,
        .choose = choose,
        .suffer = suffer,
        .renewed = true,
};

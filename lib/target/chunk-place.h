/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * ChunkPlace: on which device, and where there, a block of a chunk lies: each of its copies, or the parity that stands for one.
 * Source: fs/btrfs/volumes.c, btrfs_map_block(); stripes are 64 KiB (BTRFS_STRIPE_LEN) in every filesystem there is.
 */
#include "target/extent-map.h"

typedef struct ChunkPlace {
        uint64_t devid, physical;
} ChunkPlace;

/* How often the chunk keeps each block: 1 for SINGLE, RAID0, RAID5 and RAID6. Pure. */
unsigned chunk_n_copies(const Chunk *c);
/* Parity blocks of each stripe: 1 for RAID5, 2 for RAID6. Pure. */
unsigned chunk_n_parity(const Chunk *c);
/* The place of a logical address in the chunk: copy i, or for i from chunk_n_copies() on the parity of its stripe. Pure. */
ChunkPlace chunk_place(const Chunk *c, uint64_t logical, unsigned i);

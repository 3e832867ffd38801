/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/chunk-place.h"

#define STRIPE_BYTES (64 * KiB)

unsigned chunk_n_parity(const Chunk *c) {
        return c->type & BTRFS_BLOCK_GROUP_RAID6 ? 2 : c->type & BTRFS_BLOCK_GROUP_RAID5 ? 1 : 0;
}

unsigned chunk_n_copies(const Chunk *c) {
        if (c->type & BTRFS_BLOCK_GROUP_RAID10)
                return c->sub_stripes;
        if (c->type & (BTRFS_BLOCK_GROUP_DUP | BTRFS_BLOCK_GROUP_RAID1_MASK))
                return c->n_stripes;
        return 1;
}

ChunkPlace chunk_place(const Chunk *c, uint64_t logical, unsigned i) {
        uint64_t offset = logical - c->logical, data = chunk_data_stripes(c->type, c->n_stripes, c->sub_stripes);
        uint64_t row = offset / STRIPE_BYTES / data, column = offset / STRIPE_BYTES % data, stripe;

        if (chunk_n_parity(c) > 0) /* the parity moves on by a device with each row */
                stripe = (row + (i == 0 ? column : data + i - 1)) % c->n_stripes;
        else
                stripe = column * chunk_n_copies(c) + i;
        return (ChunkPlace){ c->stripes[stripe].devid, c->stripes[stripe].physical + row * STRIPE_BYTES + offset % STRIPE_BYTES };
}

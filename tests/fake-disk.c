/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake-disk.h"

#include <endian.h>

uint64_t fake_logical(size_t i) {
        return (i + 1) * GiB;
}

static uint64_t length_of(const FakeGroup *g) {
        return g->type & BTRFS_BLOCK_GROUP_RAID0 ? FAKE_RAID0_LENGTH : FAKE_GROUP_LENGTH;
}

static void stripe_make(struct btrfs_stripe *s, uint64_t devid, uint64_t physical) {
        *s = (struct btrfs_stripe){ .devid = htole64(devid), .offset = htole64(physical) };
}

/* Returns the bytes of the item. */
static uint32_t chunk_make(FakeDisk *d, size_t i, const FakeGroup *g) {
        unsigned n = 1;

        stripe_make(&d->chunks[i].chunk.stripe, g->stripes[0].devid, g->stripes[0].physical);
        for (; n < FAKE_STRIPES_MAX && g->stripes[n].devid != 0; n++)
                stripe_make(&d->chunks[i].more[n - 1], g->stripes[n].devid, g->stripes[n].physical);
        d->chunks[i].chunk.length = htole64(length_of(g));
        d->chunks[i].chunk.type = htole64(g->type);
        d->chunks[i].chunk.num_stripes = htole16((uint16_t)n);
        return (uint32_t)(sizeof(struct btrfs_chunk) + (n - 1) * sizeof(struct btrfs_stripe));
}

void fake_disk_make(FakeDisk *d, const FakeGroup *g, size_t n) {
        *d = (FakeDisk){ 0 };
        for (size_t i = 0; i < n; i++) {
                uint32_t length = chunk_make(d, i, &g[i]);

                d->chunk_items[i] = (FakeItem){
                        .header = { .objectid = BTRFS_FIRST_CHUNK_TREE_OBJECTID, .type = BTRFS_CHUNK_ITEM_KEY,
                                    .offset = fake_logical(i), .len = length },
                        .data = &d->chunks[i],
                };
                d->groups[i] = (struct btrfs_block_group_item){ .used = htole64(g[i].used), .flags = htole64(g[i].type) };
                d->group_items[i] = (FakeItem){
                        .header = { .objectid = fake_logical(i), .type = BTRFS_BLOCK_GROUP_ITEM_KEY,
                                    .offset = length_of(&g[i]), .len = sizeof(d->groups[i]) },
                        .data = &d->groups[i],
                };
        }
}

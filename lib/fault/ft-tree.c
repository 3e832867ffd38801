/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault: a bit flips in one copy of a tree block. Scrub finds the block and repairs it from another copy. Without another copy the filesystem
 * would be lost, not harmed: it is not struck then.
 *
 * The cleaner may free a tree block at any moment, and a commit that a scrub needs writes some of them elsewhere. Only one that is still there
 * after the scrub was there during it.
 */
#include <errno.h>

#include "base/macro.h"
#include "fault/fault.h"
#include "target/scrub-stats.h"

#define CHECKSUM_BYTES 32 /* of the header's field, of which most checksums are shorter */
#define METADATA_ITEM BTRFS_METADATA_ITEM_KEY

/* One of all that are found, each as likely. */
typedef struct Draw {
        Rng *rng;
        uint64_t n, logical;
} Draw;

static int block_found(void *userdata, const struct btrfs_ioctl_search_header *header, const void *item _unused_) {
        Draw *d = userdata;

        if (header->type == METADATA_ITEM && rng_below(d->rng, ++d->n) == 0)
                d->logical = header->objectid;
        return 0;
}

static int draw(FaultScene *s, uint64_t first, uint64_t last, Draw *ret) {
        const struct btrfs_ioctl_search_key key = {
                .tree_id = BTRFS_EXTENT_TREE_OBJECTID,
                .min_objectid = first, .max_objectid = last,
                .min_type = METADATA_ITEM, .max_type = METADATA_ITEM,
                .max_offset = UINT64_MAX, .max_transid = UINT64_MAX,
        };

        *ret = (Draw){ .rng = &s->rng };
        return s->ops->tree_search(s->fd, &key, block_found, ret);
}

static const Chunk *metadata_chunk(const ExtentMap *m) {
        for (size_t i = 0; i < m->n_chunks; i++)
                if (m->chunks[i].type & BTRFS_BLOCK_GROUP_METADATA)
                        return &m->chunks[i];
        return NULL;
}

static int choose(FaultScene *s, FaultPlan *p) {
        uint64_t sectors = s->target->nodesize / DISK_BLOCK, at;
        const Chunk *c = metadata_chunk(&s->map);
        Draw d;
        int r;

        if (!c || chunk_n_copies(c) < 2)
                return FAULT_NOT_HERE;
        r = draw(s, c->logical, c->logical + c->length - 1, &d);
        if (r < 0 || d.n == 0)
                return r < 0 ? r : -ENODATA;
        at = rng_below(&s->rng, sectors);
        p->chunk = c;
        p->blocks[p->n_blocks++] = (FaultBlock){
                .logical = d.logical,
                .place = chunk_place(c, d.logical + at * DISK_BLOCK, (unsigned)rng_below(&s->rng, chunk_n_copies(c))),
                .bit = fault_bit(s, at == 0 ? CHECKSUM_BYTES : 0),
        };
        p->expected[FAULT_CHECKSUMS] = p->expected[FAULT_CORRECTED] = scrub_counts_sectors() ? sectors : 1;
        p->expected[FAULT_REPAIRED] = 1;
        return 0;
}

static bool stays(FaultScene *s, const FaultPlan *p) {
        Draw d;

        return draw(s, p->blocks[0].logical, p->blocks[0].logical, &d) == 0 && d.n == 1;
}

const Fault fault_tree = {
        .name = "tree",
        .help = "a bit of one copy of a tree block",
        .means = &means_flip,
        .choose = choose,
        .stays = stays,
};

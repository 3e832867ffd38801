/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/extent-map.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* Profiles that spread one chunk's data over its stripes. */
#define STRIPED (BTRFS_BLOCK_GROUP_RAID0 | BTRFS_BLOCK_GROUP_RAID10 | BTRFS_BLOCK_GROUP_RAID5 | BTRFS_BLOCK_GROUP_RAID6)

uint64_t chunk_data_stripes(uint64_t type, uint64_t n_stripes, uint16_t sub_stripes) {
        uint64_t parity = 0;

        if (!(type & STRIPED))
                return 1;
        if (type & BTRFS_BLOCK_GROUP_RAID10)
                return MAX_OF(n_stripes / MAX_OF(sub_stripes, 1), UINT64_C(1));
        if (type & BTRFS_BLOCK_GROUP_RAID5)
                parity = 1;
        if (type & BTRFS_BLOCK_GROUP_RAID6)
                parity = 2;
        return n_stripes > parity ? n_stripes - parity : 1;
}

uint64_t chunk_extent_length(uint64_t length, uint64_t type, uint16_t n_stripes, uint16_t sub_stripes) {
        return length / chunk_data_stripes(type, n_stripes, sub_stripes);
}

static int reserve(ExtentMap *m) {
        size_t allocated = MAX_OF(m->allocated * 2, (size_t)64);
        Chunk *chunks;

        if (m->n_chunks < m->allocated)
                return 0;
        chunks = realloc(m->chunks, allocated * sizeof(*chunks));
        if (!chunks)
                return -ENOMEM;
        m->chunks = chunks;
        m->allocated = allocated;
        return 0;
}

static int chunk_parse(Chunk *c, uint64_t logical, const uint8_t *item, uint32_t len) {
        struct btrfs_chunk disk;
        struct btrfs_stripe stripe;
        uint16_t n_stripes;

        if (len < sizeof(disk))
                return -EBADMSG;
        memcpy(&disk, item, sizeof(disk)); /* the first stripe is part of it */
        n_stripes = le16toh(disk.num_stripes);
        if (n_stripes == 0 || len < sizeof(disk) + (n_stripes - 1) * sizeof(stripe))
                return -EBADMSG;
        *c = (Chunk){
                .logical = logical,
                .length = le64toh(disk.length),
                .type = le64toh(disk.type),
                .n_stripes = MIN_OF(n_stripes, EXTENT_MAP_STRIPES),
                .sub_stripes = le16toh(disk.sub_stripes),
        };
        c->extent_length = chunk_extent_length(c->length, c->type, n_stripes, c->sub_stripes);
        for (uint16_t i = 0; i < c->n_stripes; i++) {
                memcpy(&stripe, item + offsetof(struct btrfs_chunk, stripe) + i * sizeof(stripe), sizeof(stripe));
                c->stripes[i].devid = le64toh(stripe.devid);
                c->stripes[i].physical = le64toh(stripe.offset);
        }
        return 0;
}

typedef struct Reading {
        ExtentMap *map;
        int error;
} Reading;

static int chunk_found(void *userdata, const struct btrfs_ioctl_search_header *header, const void *item) {
        Reading *reading = userdata;
        ExtentMap *m = reading->map;

        /* A key range is a slice of one line of numbers: items of other types can lie in it. */
        if (header->type != BTRFS_CHUNK_ITEM_KEY)
                return 0;
        reading->error = reserve(m);
        if (reading->error == 0)
                reading->error = chunk_parse(&m->chunks[m->n_chunks], header->offset, item, header->len);
        if (reading->error < 0)
                return 1;
        m->n_chunks++;
        return 0;
}

int extent_map_add(ExtentMap *m, const BtrfsOps *ops, int fd, uint64_t first, uint64_t last) {
        const struct btrfs_ioctl_search_key key = {
                .tree_id = BTRFS_CHUNK_TREE_OBJECTID,
                .min_objectid = BTRFS_FIRST_CHUNK_TREE_OBJECTID,
                .max_objectid = BTRFS_FIRST_CHUNK_TREE_OBJECTID,
                .min_type = BTRFS_CHUNK_ITEM_KEY,
                .max_type = BTRFS_CHUNK_ITEM_KEY,
                .min_offset = first,
                .max_offset = last,
                .max_transid = UINT64_MAX,
        };
        Reading reading = { .map = m };
        int r = ops->tree_search(fd, &key, chunk_found, &reading);
        return r < 0 ? r : reading.error;
}

int extent_map_read(ExtentMap *m, const BtrfsOps *ops, int fd) {
        m->n_chunks = 0;
        return extent_map_add(m, ops, fd, 0, UINT64_MAX);
}

void extent_map_free(ExtentMap *m) {
        free(m->chunks);
        *m = EXTENT_MAP_NULL;
}

const Chunk *extent_map_find(const ExtentMap *m, uint64_t logical) {
        size_t low = 0, high = m->n_chunks;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const Chunk *c = &m->chunks[middle];
                if (logical < c->logical)
                        high = middle;
                else if (logical - c->logical >= c->length)
                        low = middle + 1;
                else
                        return c;
        }
        return NULL;
}

size_t extent_map_count(const ExtentMap *m, uint64_t type, uint64_t *ret_bytes) {
        size_t n = 0;

        *ret_bytes = 0;
        for (size_t i = 0; i < m->n_chunks; i++) {
                if ((m->chunks[i].type & type) != type)
                        continue;
                *ret_bytes += m->chunks[i].length;
                n++;
        }
        return n;
}

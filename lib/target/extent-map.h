/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * ExtentMap: which chunk lies where, from the chunk tree (type 228) by BTRFS_IOC_TREE_SEARCH_V2: logical range → device extents.
 * A snapshot of the *current* root; chunks come and go while it is read.
 */
#include "base/error.h"
#include "target/btrfs-ops.h"

#define EXTENT_MAP_STRIPES 16

typedef struct Chunk {
        uint64_t logical, length, type; /* BTRFS_BLOCK_GROUP_* */
        uint64_t extent_length;         /* bytes each device extent of it takes */
        uint16_t n_stripes, sub_stripes;
        struct {
                uint64_t devid, physical;
        } stripes[EXTENT_MAP_STRIPES];
} Chunk;

typedef struct ExtentMap {
        Chunk *chunks; /* sorted by logical */
        size_t n_chunks, allocated;
} ExtentMap;

#define EXTENT_MAP_NULL ((ExtentMap){ 0 })

/* Data stripes of a profile: RAID0 n, RAID10 n/sub, RAID1* and DUP 1, RAID5 n-1, RAID6 n-2, single 1; never 0. */
uint64_t chunk_data_stripes(uint64_t type, uint64_t n_stripes, uint16_t sub_stripes);
/* Bytes each device extent takes: length / data stripes. */
uint64_t chunk_extent_length(uint64_t length, uint64_t type, uint16_t n_stripes, uint16_t sub_stripes);

/* Replaces the content; keeps the memory for the next time. Returns the kernel's result (see btrfs-ops.h), -ENOMEM, or
 * -EBADMSG: an item too short for the chunk it says it is. On failure the map is what was read until then. */
int extent_map_read(ExtentMap *m, const BtrfsOps *ops, int fd);
/* Adds the chunks that start in [first, last], all above those that the map has. Returns as above. */
int extent_map_add(ExtentMap *m, const BtrfsOps *ops, int fd, uint64_t first, uint64_t last);
void extent_map_free(ExtentMap *m);
const Chunk *extent_map_find(const ExtentMap *m, uint64_t logical);
/* Number and bytes of chunks whose type has all bits of `type`. */
size_t extent_map_count(const ExtentMap *m, uint64_t type, uint64_t *ret_bytes);

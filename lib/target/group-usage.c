/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/group-usage.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

typedef struct Look {
        bool found;
        uint64_t used;
} Look;

static int group_found(void *userdata, const struct btrfs_ioctl_search_header *header, const void *item) {
        struct btrfs_block_group_item disk;
        Look *look = userdata;

        if (header->type != BTRFS_BLOCK_GROUP_ITEM_KEY || header->len < sizeof(disk))
                return 0;
        memcpy(&disk, item, sizeof(disk));
        look->used = le64toh(disk.used);
        look->found = true;
        return 1;
}

/* Its item is in the block group tree where there is one (a feature of mkfs, Linux 6.1), else in the extent tree. */
int group_usage_read(uint64_t *ret, const BtrfsOps *ops, int fd, const Chunk *c) {
        static const uint64_t trees[] = { BTRFS_BLOCK_GROUP_TREE_OBJECTID, BTRFS_EXTENT_TREE_OBJECTID };
        Look look = { 0 };

        *ret = 0;
        for (size_t i = 0; i < ELEMENTSOF(trees) && !look.found; i++) {
                struct btrfs_ioctl_search_key key = {
                        .tree_id = trees[i], .max_transid = UINT64_MAX,
                        .min_objectid = c->logical, .max_objectid = c->logical,
                        .min_type = BTRFS_BLOCK_GROUP_ITEM_KEY, .max_type = BTRFS_BLOCK_GROUP_ITEM_KEY,
                        .min_offset = c->length, .max_offset = c->length,
                };
                int r = ops->tree_search(fd, &key, group_found, &look);
                if (r < 0 && r != -ENOENT)
                        return r;
        }
        *ret = look.used;
        return look.found ? 0 : GROUP_UNKNOWN;
}

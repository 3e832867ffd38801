/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/empty-groups.h"

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
static int look_at(const BtrfsOps *ops, int fd, const Chunk *c, Look *look) {
        static const uint64_t trees[] = { BTRFS_BLOCK_GROUP_TREE_OBJECTID, BTRFS_EXTENT_TREE_OBJECTID };
        int r = 0;

        *look = (Look){ 0 };
        for (size_t i = 0; i < ELEMENTSOF(trees) && !look->found; i++) {
                struct btrfs_ioctl_search_key key = {
                        .tree_id = trees[i], .max_transid = UINT64_MAX,
                        .min_objectid = c->logical, .max_objectid = c->logical,
                        .min_type = BTRFS_BLOCK_GROUP_ITEM_KEY, .max_type = BTRFS_BLOCK_GROUP_ITEM_KEY,
                        .min_offset = c->length, .max_offset = c->length,
                };
                r = ops->tree_search(fd, &key, group_found, look);
                if (r < 0 && r != -ENOENT)
                        return r;
        }
        return r == -ENOENT ? 0 : r;
}

/* Of the data groups of one type and profile, those that are empty; all but one when all are. */
static int empty_of_type(EmptyGroups *ret, const ExtentMap *m, uint64_t type, const BtrfsOps *ops, int fd) {
        EmptyGroups empty = { 0 };
        size_t groups = 0;

        for (size_t i = 0; i < m->n_chunks; i++) {
                const Chunk *c = &m->chunks[i];
                Look look;
                int r;

                if (c->type != type)
                        continue;
                groups++;
                r = look_at(ops, fd, c, &look);
                if (r < 0)
                        return r;
                if (!look.found || look.used > 0)
                        continue;
                if (empty.n++ == 0) {
                        empty.logical = c->logical;
                        empty.length = c->length;
                }
        }
        if (empty.n > 0 && empty.n == groups)
                empty.n--;
        if (empty.n > 0 && ret->n == 0)
                *ret = empty;
        else
                ret->n += empty.n;
        return 0;
}

static bool is_first_of_type(const ExtentMap *m, size_t i) {
        for (size_t k = 0; k < i; k++)
                if (m->chunks[k].type == m->chunks[i].type)
                        return false;
        return true;
}

int empty_groups_find(EmptyGroups *ret, const BtrfsOps *ops, int fd) {
        _cleanup_(extent_map_free) ExtentMap m = EXTENT_MAP_NULL;
        int r = extent_map_read(&m, ops, fd);

        *ret = (EmptyGroups){ 0 };
        for (size_t i = 0; r == 0 && i < m.n_chunks; i++) {
                uint64_t type = m.chunks[i].type;
                if (type & BTRFS_BLOCK_GROUP_DATA && !(type & BTRFS_BLOCK_GROUP_METADATA) && is_first_of_type(&m, i))
                        r = empty_of_type(ret, &m, type, ops, fd);
        }
        return r;
}

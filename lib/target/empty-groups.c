/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/empty-groups.h"

#include "target/group-usage.h"

/* Of the data groups of one type and profile, those that are empty; all but one when all are. */
static int empty_of_type(EmptyGroups *ret, const ExtentMap *m, uint64_t type, const BtrfsOps *ops, int fd) {
        EmptyGroups empty = { 0 };
        size_t groups = 0;

        for (size_t i = 0; i < m->n_chunks; i++) {
                const Chunk *c = &m->chunks[i];
                uint64_t used;
                int r;

                if (c->type != type)
                        continue;
                groups++;
                r = group_usage_read(&used, ops, fd, c);
                if (r < 0)
                        return r;
                if (r == GROUP_UNKNOWN || used > 0)
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

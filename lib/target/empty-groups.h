/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * EmptyGroups: data block groups that hold nothing and that the kernel should have deleted, by BTRFS_IOC_TREE_SEARCH_V2. The answer is as
 * of the last commit: sync first.
 */
#include "target/extent-map.h"

typedef struct EmptyGroups {
        size_t n;
        uint64_t logical, length; /* of the first; undefined for n == 0 */
} EmptyGroups;

/* Empty data groups, but for one where all groups of a type and profile are empty: the kernel never deletes the last of them. Groups that
 * hold data and metadata mixed are not looked at, for the cleaner leaves them alone. Returns the kernel's result (see btrfs-ops.h), or
 * those of extent_map_read(). */
int empty_groups_find(EmptyGroups *ret, const BtrfsOps *ops, int fd);

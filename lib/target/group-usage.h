/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * GroupUsage: how much of a block group is in use, from its item, by BTRFS_IOC_TREE_SEARCH_V2. The answer is as of the last commit.
 */
#include "target/extent-map.h"

/* The named condition: the group has no item (any more, or yet). */
#define GROUP_UNKNOWN 1

/* Bytes in use of the block group of this chunk. Returns 0, GROUP_UNKNOWN (*ret is 0 then) or the kernel's negative errno. */
int group_usage_read(uint64_t *ret, const BtrfsOps *ops, int fd, const Chunk *c);

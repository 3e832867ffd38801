/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * FakeDisk: the chunk tree and the block group items of a filesystem of a few block groups, as answers for the scripted kernel.
 */
#include "base/macro.h"
#include "fake-btrfs.h"

#define FAKE_GROUPS_MAX 8
#define FAKE_GROUP_LENGTH (64 * MiB)
#define FAKE_RAID0_LENGTH GiB /* of groups of that profile */
#define FAKE_STRIPES_MAX 4

typedef struct FakeGroup {
        uint64_t type, used; /* BTRFS_BLOCK_GROUP_*; bytes */
        struct {
                uint64_t devid, physical;
        } stripes[FAKE_STRIPES_MAX]; /* until the first devid 0; at least one stripe */
} FakeGroup;

typedef struct FakeDisk {
        struct {
                struct btrfs_chunk chunk;
                struct btrfs_stripe more[FAKE_STRIPES_MAX - 1];
        } __attribute__((packed)) chunks[FAKE_GROUPS_MAX];
        struct btrfs_block_group_item groups[FAKE_GROUPS_MAX];
        FakeItem chunk_items[FAKE_GROUPS_MAX], group_items[FAKE_GROUPS_MAX];
} FakeDisk;

/* Group i lies at logical address fake_logical(i). */
uint64_t fake_logical(size_t i);
void fake_disk_make(FakeDisk *d, const FakeGroup *g, size_t n);

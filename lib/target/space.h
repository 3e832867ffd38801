/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Space: what the kernel counts of the space of the mounted target, by type of block group, in /sys/fs/btrfs/FSID/allocation.
 */
#include "target/target.h"

typedef enum SpaceType {
        SPACE_DATA,
        SPACE_METADATA,
        SPACE_SYSTEM,
        _SPACE_TYPE_MAX,
} SpaceType;

typedef enum SpaceCount {
        SPACE_TOTAL,    /* bytes of all block groups */
        SPACE_USED,
        SPACE_READONLY, /* free, in block groups that nothing may be allocated from; and where superblocks lie */
        SPACE_PINNED,   /* freed, to be used again after the commit */
        SPACE_MAY_USE,  /* promised to somebody; of metadata the global reserve is among it */
        _SPACE_COUNT_MAX,
} SpaceCount;

/* As in sysfs: "data", "bytes_used". */
extern const char *const space_type_names[_SPACE_TYPE_MAX];
extern const char *const space_count_names[_SPACE_COUNT_MAX];

typedef struct Space {
        uint64_t bytes[_SPACE_TYPE_MAX][_SPACE_COUNT_MAX];
        uint64_t global_reserve;
} Space;

/* The named condition: this kernel, or this filesystem (data and metadata mixed), does not have all of these files. */
#define SPACE_UNKNOWN 1

/* `root` prefixes /sys (tests; NULL or "": none). The counts are read one after the other: they belong together only where nothing happens.
 * Returns 0 or SPACE_UNKNOWN (*ret is unchanged then). */
int space_read(Space *ret, const Target *t, const char *root);
/* Somebody has the filesystem relocate, resize or replace: sysfs says so since Linux 5.10, and without that it is not known (false). A paused balance
 * counts. */
bool space_is_moved(const Target *t, const char *root);

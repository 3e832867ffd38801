/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Mkfs: makes the target's filesystem with mkfs.btrfs, the only program that knows how.
 */
#include <stdint.h>

#include "base/error.h"

#define MKFS_LABEL "scrubstress"

typedef struct MkfsOptions {
        const char *data_profile, *metadata_profile; /* as in config/profile.h */
        const char *checksum;                        /* "crc32c", "xxhash", "sha256", "blake2" */
        uint64_t nodesize;                           /* bytes */
} MkfsOptions;

/* `devices`: NULL-terminated, at most 16. Never forces: a device that already bears a filesystem is an error. Blocks, at most two minutes.
 * -ENOENT: no mkfs.btrfs; -EIO: it failed, its last line is in the sentence; -ETIMEDOUT: killed. */
int mkfs_btrfs(const char *const devices[], const MkfsOptions *options, Error *e);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What the two kinds of target, loop files (target.c) and disks (target-disks.c), have in common.
 */
#include "target/target.h"

/* mkfs on these names (NULL-terminated), as the configuration wants it. Results of mkfs_btrfs(). */
int target_format(const char *const devices[], const Config *c, Error *e);
/* Mounts the filesystem that is on these names, and nothing else. Sets t->mounted. */
int target_mount_devices(Target *t, const char *const devices[], const Config *c, Error *e);
/* The same, with a layer over each name where Layer= says so. */
int target_mount(Target *t, const char *const devices[], const Config *c, Error *e);
/* Fills in all that the mounted filesystem says about itself. */
int target_describe(Target *t, const BtrfsOps *ops, Error *e);

/* What target_check() asks of disks and target_make() does with them. */
int target_disks_check(const Config *c, const char *root, Error *e);
int target_disks_make(Target *t, const Config *c, Error *e);

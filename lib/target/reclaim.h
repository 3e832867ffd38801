/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Reclaim: the kernel's own relocation of block groups that have become nearly empty, switched on in sysfs: [Target] ReclaimThreshold= and
 * DynamicReclaim=. It is another way into relocation than a balance, from a worker of the kernel, and it excludes balances and replaces.
 */
#include "target/target.h"

/* The named condition: the kernel is too old, and *e says so. */
#define RECLAIM_MISSING 1

/* Of the mounted target, as the configuration wants it; does nothing when it wants nothing. `root` prefixes /sys (tests; NULL or "": none).
 * 0, RECLAIM_MISSING, or a negative errno with a sentence. */
int reclaim_set(const Target *t, const Config *c, const char *root, Error *e);

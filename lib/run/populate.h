/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Populate: data that stays. A real disk is never empty, and a stress that only works on an empty one proves little.
 */
#include "target/target.h"

/* Fills files of the directory "population" of the mounted target with [Target] Populate= bytes, as PopulateFill= says, and syncs. Written, they
 * are pattern. Blocks. 0, also when there is nothing to do, or a negative errno with a sentence. */
int populate(const Target *t, const Config *c, const BtrfsOps *ops, int root_fd, Error *e);

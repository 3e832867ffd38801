/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Power: that of the disks of a target with layers (target/layer.h). When it goes, what they have been given stays, and nothing that is written
 * from then on reaches any of them; the kernel is not told.
 *
 * Life: power_can_go() → power_cut() → nobody uses the target any more → target_hold() → target_unmount() → power_restore() → what is on the disks
 * is looked at → power_mount() → target_release().
 */
#include "target/target.h"

/* True when each disk has a layer, and the kernel dm-flakey. */
bool power_can_go(const Target *t);
/* Cuts it, on all disks in one moment: I/O is held back on all before the first one is cut, and what was in flight has ended. On failure all take
 * writes again. Whoever is killed in the middle leaves disks that wait, until power_restore() or the next layers_sweep(). Blocks shortly. */
int power_cut(const Target *t, Error *e);
/* Has all disks take writes again. Blocks shortly. */
int power_restore(const Target *t, Error *e);
/* Mounts what is on the disks of *t and describes it anew. Blocks. -EINVAL and the like are the kernel's answer to a filesystem that it does not
 * take any more. */
int power_mount(Target *t, const Config *c, const BtrfsOps *ops, Error *e);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * FilePlace: where a byte of a file lies: its logical address, from the extents of the file, and from there its place on each device.
 */
#include "target/btrfs-ops.h"

/* The logical address of the byte at `offset` of the file that is open on `fd`. Blocks. 0 or the kernel's negative errno; -ENODATA: it lies in no extent
 * that is written as it is (a hole, inline, compressed, preallocated). */
int file_place_find(uint64_t *ret, const BtrfsOps *ops, int fd, uint64_t offset);
/* "logical 30408704, devid 1 at 22020096, devid 2 at 1048576", or why it is not known. Blocks; never fails. */
void file_place_say(char *buf, size_t size, const BtrfsOps *ops, int fd, uint64_t offset);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Signatures: what is on a device, as libblkid sees it: filesystems, swap, RAID, LVM, LUKS, partition tables. Works on an open descriptor.
 */
#include <stdbool.h>

typedef struct Signatures {
        unsigned n;
        bool own;       /* nothing but a btrfs with our label: the target of an earlier run */
        char text[384]; /* "btrfs \"scrubstress\", gpt partition table"; "nothing" */
        char uuid[40];  /* of the first filesystem; "" */
} Signatures;

/* Reads. A negative errno: the device cannot be read, or what is on it is ambiguous in a way that libblkid gives up on. */
int signatures_read(Signatures *s, int fd);
/* Erases the magic bytes of all that signatures_read() would find, and syncs. The descriptor must be open for writing. */
int signatures_wipe(int fd);

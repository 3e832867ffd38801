/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Prey: a file that lies still while faults strike the target: what of it can be read, and is right, is what users of the filesystem see.
 */
#include <stdbool.h>

#include "target/btrfs-ops.h"

#define PREY_BYTES (512 * 1024)
#define PREY_PIECE (64 * 1024) /* a stripe of the devices at most, so that pieces of a striped chunk lie on different ones */
#define PREY_PIECES (PREY_BYTES / PREY_PIECE)

typedef struct Prey {
        int fd;
        uint64_t seed;                  /* of its content */
        uint64_t logical[PREY_PIECES];  /* of each piece */
} Prey;

#define PREY_NULL ((Prey){ .fd = -1 })

typedef struct PreyState {
        unsigned unreadable, wrong; /* blocks of 4 KiB */
        char text[200];             /* what is wrong with the first wrong one */
} PreyState;

/* Makes the file below root_fd, in place of one that an earlier, killed strike has left, writes it past the page cache and commits. Blocks. 0, or
 * the kernel's negative errno; -ENODATA: its extents are not found, or a piece lies in two of them. */
int prey_lay(Prey *p, const BtrfsOps *ops, int root_fd, uint64_t seed);
/* Reads all of it, past the page cache: each block is asked of the devices, and checked by the filesystem. Blocks. */
void prey_look(const Prey *p, PreyState *ret);
/* Deletes it and commits, which writes the superblocks. Blocks. The kernel's result. */
int prey_remove(Prey *p, const BtrfsOps *ops, int root_fd);
void prey_close(Prey *p);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * DeviceSpec: what [Target] Devices= and --target say the target is made of.
 *
 *   loop:SIZE      one sparse loop file        loop:SIZE*N    N of them
 *   /dev/… …       block devices, separated by blanks
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"

/* mkfs.btrfs 6.2 takes devices from 109 MiB on (measured: dup metadata on one device; a mirrored profile takes less). Twice that and a
 * little: room for the first groups that mkfs makes and for at least as much that can come and go. */
#define DEVICE_SIZE_MIN (256 * MiB)
#define DEVICE_SIZE_MAX (16 * TiB) /* the largest file of ext4 */
#define DEVICE_LOOPS_MAX 8         /* the board keeps as many device extents per block group */

#define DEVICE_DISKS_MAX 16
#define DEVICE_NAME_MAX 256        /* of a block device, with the NUL */

typedef enum DeviceKind {
        DEVICE_LOOP,
        DEVICE_BLOCK,
} DeviceKind;

typedef struct DeviceSpec {
        DeviceKind kind;
        unsigned n;    /* how many */
        uint64_t size; /* DEVICE_LOOP: bytes of each, cut to whole MiB */
} DeviceSpec;

/* -EINVAL: not of this grammar. -ERANGE: size or number out of bounds. Touches nothing. */
int device_spec_parse(const char *s, DeviceSpec *ret);
/* The words of a list, separated by blanks: how many; and a copy of the one at `index` (from 0), false: there are fewer, or it is longer
 * than any name of a device. */
unsigned device_words_count(const char *list);
bool device_words_get(const char *list, unsigned index, char word[static DEVICE_NAME_MAX]);

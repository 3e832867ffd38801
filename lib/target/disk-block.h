/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * DiskBlock: a block of a device of the mounted target, read and written below the filesystem, past all caches (O_DIRECT).
 */
#include <stdint.h>

#define DISK_BLOCK 4096

typedef struct DiskBlock {
        _Alignas(DISK_BLOCK) uint8_t bytes[DISK_BLOCK];
} DiskBlock;

/* `at`: bytes from the start of the device, a multiple of DISK_BLOCK. Block on the device. Return 0 or a negative errno; -EPERM when writing:
 * this kernel lets nobody write to mounted devices (CONFIG_BLK_DEV_WRITE_MOUNTED=n, or bdev_allow_write_mounted=0). */
int disk_block_read(DiskBlock *b, const char *path, uint64_t at);
int disk_block_write(const DiskBlock *b, const char *path, uint64_t at);

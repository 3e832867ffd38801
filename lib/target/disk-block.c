/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/disk-block.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/macro.h"

int disk_block_read(DiskBlock *b, const char *path, uint64_t at) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return -errno;
        n = pread(fd, b->bytes, DISK_BLOCK, (off_t)at);
        return n < 0 ? -errno : n == DISK_BLOCK ? 0 : -EIO;
}

int disk_block_write(const DiskBlock *b, const char *path, uint64_t at) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return -errno;
        n = pwrite(fd, b->bytes, DISK_BLOCK, (off_t)at);
        if (n >= 0 && n != DISK_BLOCK)
                return -EIO;
        return n < 0 || fsync(fd) < 0 ? -errno : 0;
}

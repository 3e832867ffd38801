/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fault/prey.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "stress/pattern.h"

#define PREY_FILE "prey"

static Pattern content(const Prey *p, uint64_t offset) {
        return (Pattern){ .seed = p->seed, .offset = offset };
}

static int write_all(const Prey *p) {
        _Alignas(PATTERN_BLOCK) uint8_t piece[PREY_PIECE];

        for (uint64_t at = 0; at < PREY_BYTES; at += sizeof(piece)) {
                Pattern pattern = content(p, at);
                ssize_t n;

                pattern_fill(piece, sizeof(piece), &pattern);
                n = pwrite(p->fd, piece, sizeof(piece), (off_t)at);
                if (n != sizeof(piece))
                        return n < 0 ? -errno : -EIO;
        }
        return 0;
}

static int extent_found(void *userdata, const struct btrfs_ioctl_search_header *header, const void *item) {
        struct btrfs_file_extent_item e;
        Prey *p = userdata;

        if (header->type != BTRFS_EXTENT_DATA_KEY || header->len < sizeof(e))
                return 0;
        memcpy(&e, item, sizeof(e));
        if (e.type != BTRFS_FILE_EXTENT_REG || e.compression != 0)
                return 0;
        for (size_t i = 0; i < PREY_PIECES; i++) {
                uint64_t at = i * PREY_PIECE;
                if (at >= header->offset && at + PREY_PIECE <= header->offset + le64toh(e.num_bytes))
                        p->logical[i] = le64toh(e.disk_bytenr) + le64toh(e.offset) + (at - header->offset);
        }
        return 0;
}

static int find_extents(Prey *p, const BtrfsOps *ops, int root_fd) {
        struct btrfs_ioctl_search_key key = {
                .min_type = BTRFS_EXTENT_DATA_KEY, .max_type = BTRFS_EXTENT_DATA_KEY, .max_offset = UINT64_MAX, .max_transid = UINT64_MAX,
        };
        struct stat st;
        int r;

        if (fstat(p->fd, &st) < 0)
                return -errno;
        key.min_objectid = key.max_objectid = st.st_ino;
        r = ops->tree_search(root_fd, &key, extent_found, p);
        for (size_t i = 0; r == 0 && i < PREY_PIECES; i++)
                if (p->logical[i] == 0)
                        r = -ENODATA;
        return r;
}

/* A file that is open for writing keeps the filesystem from being read-only. */
static int open_to_read(Prey *p, int root_fd) {
        prey_close(p);
        p->fd = openat(root_fd, PREY_FILE, O_RDONLY | O_DIRECT | O_CLOEXEC | O_NOFOLLOW);
        return p->fd < 0 ? -errno : 0;
}

int prey_lay(Prey *p, const BtrfsOps *ops, int root_fd, uint64_t seed) {
        int r;

        *p = PREY_NULL;
        p->seed = seed;
        unlinkat(root_fd, PREY_FILE, 0);
        p->fd = openat(root_fd, PREY_FILE, O_RDWR | O_CREAT | O_EXCL | O_DIRECT | O_CLOEXEC | O_NOFOLLOW, 0600);
        r = p->fd < 0 ? -errno : write_all(p);
        if (r == 0)
                r = open_to_read(p, root_fd);
        if (r == 0)
                r = ops->sync(root_fd);
        return r < 0 ? r : find_extents(p, ops, root_fd);
}

void prey_look(const Prey *p, PreyState *ret) {
        _Alignas(PATTERN_BLOCK) uint8_t buf[PATTERN_BLOCK];

        *ret = (PreyState){ 0 };
        for (uint64_t at = 0; at < PREY_BYTES; at += PATTERN_BLOCK) {
                Pattern block = content(p, at);
                PatternMismatch m;

                if (pread(p->fd, buf, PATTERN_BLOCK, (off_t)at) != PATTERN_BLOCK)
                        ret->unreadable++;
                else if (!pattern_check(buf, PATTERN_BLOCK, &block, &m) && ret->wrong++ == 0)
                        snprintf(ret->text, sizeof(ret->text), "block at %llu: %.150s", (unsigned long long)at, m.text);
        }
}

int prey_remove(Prey *p, const BtrfsOps *ops, int root_fd) {
        prey_close(p);
        return unlinkat(root_fd, PREY_FILE, 0) < 0 ? -errno : ops->sync(root_fd);
}

void prey_close(Prey *p) {
        closep(&p->fd);
        p->fd = -1;
}

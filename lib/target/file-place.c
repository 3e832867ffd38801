/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/file-place.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "target/chunk-place.h"

typedef struct Look {
        uint64_t offset, logical;
} Look;

static int extent_found(void *userdata, const struct btrfs_ioctl_search_header *header, const void *item) {
        struct btrfs_file_extent_item e;
        Look *look = userdata;

        if (header->type != BTRFS_EXTENT_DATA_KEY || header->len < sizeof(e))
                return 0;
        memcpy(&e, item, sizeof(e));
        if (look->offset < header->offset || look->offset - header->offset >= le64toh(e.num_bytes))
                return 0;
        if (e.type == BTRFS_FILE_EXTENT_REG && e.compression == 0 && e.disk_bytenr != 0)
                look->logical = le64toh(e.disk_bytenr) + le64toh(e.offset) + (look->offset - header->offset);
        return 1;
}

int file_place_find(uint64_t *ret, const BtrfsOps *ops, int fd, uint64_t offset) {
        struct btrfs_ioctl_search_key key = {
                .min_type = BTRFS_EXTENT_DATA_KEY, .max_type = BTRFS_EXTENT_DATA_KEY, .max_offset = offset, .max_transid = UINT64_MAX,
        };
        Look look = { .offset = offset };
        struct stat st;
        int r;

        if (fstat(fd, &st) < 0)
                return -errno;
        key.min_objectid = key.max_objectid = st.st_ino;
        r = ops->tree_search(fd, &key, extent_found, &look);
        *ret = look.logical;
        return r < 0 ? r : look.logical == 0 ? -ENODATA : 0;
}

static void say_copies(char *buf, size_t size, const Chunk *c, uint64_t logical) {
        for (unsigned i = 0; i < chunk_n_copies(c); i++) {
                const ChunkPlace place = chunk_place(c, logical, i);
                size_t n = strlen(buf);
                snprintf(buf + n, size - n, ", devid %" PRIu64 " at %" PRIu64, place.devid, place.physical);
        }
}

void file_place_say(char *buf, size_t size, const BtrfsOps *ops, int fd, uint64_t offset) {
        _cleanup_(extent_map_free) ExtentMap map = EXTENT_MAP_NULL;
        const Chunk *c = NULL;
        uint64_t logical;
        int r = file_place_find(&logical, ops, fd, offset);

        if (r < 0) {
                snprintf(buf, size, "its place on the devices is not known (%s)", r == -ENODATA ? "in no plain extent" : strerror(-r));
                return;
        }
        snprintf(buf, size, "logical %" PRIu64, logical);
        if (extent_map_read(&map, ops, fd) == 0)
                c = extent_map_find(&map, logical);
        if (c)
                say_copies(buf, size, c, logical);
}

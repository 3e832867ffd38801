/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/space.h"

#include <string.h>

#include "base/fs.h"

const char *const space_type_names[_SPACE_TYPE_MAX] = {
        [SPACE_DATA] = "data",
        [SPACE_METADATA] = "metadata",
        [SPACE_SYSTEM] = "system",
};

const char *const space_count_names[_SPACE_COUNT_MAX] = {
        [SPACE_TOTAL] = "total_bytes",
        [SPACE_USED] = "bytes_used",
        [SPACE_READONLY] = "bytes_readonly",
        [SPACE_PINNED] = "bytes_pinned",
        [SPACE_MAY_USE] = "bytes_may_use",
};

/* fs/btrfs/sysfs.c, space_info_attrs[] and allocation_attrs[]. */
int space_read(Space *ret, const Target *t, const char *root) {
        char path[160];
        Space s;

        for (SpaceType type = 0; type < _SPACE_TYPE_MAX; type++)
                for (SpaceCount count = 0; count < _SPACE_COUNT_MAX; count++) {
                        snprintf(path, sizeof(path), "/sys/fs/btrfs/%s/allocation/%s/%s", t->fsid_text, space_type_names[type],
                                 space_count_names[count]);
                        if (fs_read_u64(root, path, &s.bytes[type][count]) < 0)
                                return SPACE_UNKNOWN;
                }
        snprintf(path, sizeof(path), "/sys/fs/btrfs/%s/allocation/global_rsv_reserved", t->fsid_text);
        if (fs_read_u64(root, path, &s.global_reserve) < 0)
                return SPACE_UNKNOWN;
        *ret = s;
        return 0;
}

/* fs/btrfs/sysfs.c, btrfs_exclusive_operation_show(). */
bool space_is_moved(const Target *t, const char *root) {
        char path[160], what[32];

        snprintf(path, sizeof(path), "/sys/fs/btrfs/%s/exclusive_operation", t->fsid_text);
        return fs_read(root, path, what, sizeof(what)) > 0 && strcmp(what, "none") != 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/reclaim.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/fs.h"

typedef struct Tunable {
        const char *key, *file, *since;
        uint64_t value;
} Tunable;

static int set(const Target *t, const char *root, const Tunable *u, Error *e) {
        char path[160], text[24];
        int r;

        snprintf(path, sizeof(path), "/sys/fs/btrfs/%s/allocation/data/%s", t->fsid_text, u->file);
        snprintf(text, sizeof(text), "%" PRIu64, u->value);
        r = fs_write(root, path, text);
        if (r == -ENOENT) {
                error_set(e, EXIT_PASS, 0, "[Target] %s= has no effect: this kernel has no %s for data block groups in sysfs (Linux %s has), so "
                          "it relocates none by itself.", u->key, u->file, u->since);
                return RECLAIM_MISSING;
        }
        if (r < 0)
                return error_set(e, EXIT_ERROR, -r, "[Target] %s=: writing %s to %s failed: %s; mount /sys writeable, or leave the key out",
                                 u->key, text, path, strerror(-r));
        return 0;
}

/*
 * fs/btrfs/sysfs.c, space_info_attrs[]. The threshold of a type of block groups, 0 to 100, works without zoned devices since 5.19
 * (bb5a098d9791, ac2f1e63c65c, ef972e7b5ede); the file of the same name beside allocation/ is for zoned ones only. The dynamic one is of 6.11.
 * At most one of them is asked for (config_check()).
 */
int reclaim_set(const Target *t, const Config *c, const char *root, Error *e) {
        if (c->target.dynamic_reclaim)
                return set(t, root, &(Tunable){ "DynamicReclaim", "dynamic_reclaim", "6.11", 1 }, e);
        if (c->target.reclaim_threshold > 0)
                return set(t, root, &(Tunable){ "ReclaimThreshold", "bg_reclaim_threshold", "5.19", c->target.reclaim_threshold }, e);
        return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A folder that stands for /sys/fs/btrfs of a machine: what the kernel counts of a filesystem's space.
 */
#include <inttypes.h>
#include <string.h>

#include "base/fs.h"
#include "folder-fixture.h"
#include "target/space.h"

#define SYS_FSID "01234567-89ab-cdef-0123-456789abcdef"
#define SYS_ALLOCATION "/sys/fs/btrfs/" SYS_FSID "/allocation/"

typedef struct SysFolder {
        char root[32];
} SysFolder;

static inline void sys_folder_put(const SysFolder *f, const char *name, uint64_t number) {
        char path[200];
        FILE *file;

        snprintf(path, sizeof(path), "%s" SYS_ALLOCATION "%s", f->root, name);
        file = fopen(path, "we");
        assert_non_null(file);
        fprintf(file, "%" PRIu64 "\n", number);
        fclose(file);
}

static inline void sys_folder_set(const SysFolder *f, SpaceType type, SpaceCount count, uint64_t number) {
        char name[64];

        snprintf(name, sizeof(name), "%s/%s", space_type_names[type], space_count_names[count]);
        sys_folder_put(f, name, number);
}

static inline void sys_folder_set_reserve(const SysFolder *f, uint64_t number) {
        sys_folder_put(f, "global_rsv_reserved", number);
}

/* "none", "balance paused", … */
static inline void sys_folder_set_operation(const SysFolder *f, const char *what) {
        char path[200];
        FILE *file;

        snprintf(path, sizeof(path), "%s/sys/fs/btrfs/" SYS_FSID "/exclusive_operation", f->root);
        file = fopen(path, "we");
        assert_non_null(file);
        fprintf(file, "%s\n", what);
        fclose(file);
}

static inline void sys_folder_remove(const SysFolder *f, const char *name) {
        char path[200];

        snprintf(path, sizeof(path), "%s" SYS_ALLOCATION "%s", f->root, name);
        assert_int_equal(remove(path), 0);
}

/* A filesystem at rest, in which nothing is amiss: superblocks lie in one data group and one of metadata. */
static inline void sys_folder_fill(const SysFolder *f) {
        for (SpaceType type = 0; type < _SPACE_TYPE_MAX; type++)
                for (SpaceCount count = 0; count < _SPACE_COUNT_MAX; count++)
                        sys_folder_set(f, type, count, count == SPACE_TOTAL ? GiB : count == SPACE_USED ? MiB : 0);
        sys_folder_set(f, SPACE_DATA, SPACE_READONLY, 64 * KiB);
        sys_folder_set(f, SPACE_METADATA, SPACE_READONLY, 128 * KiB);
        sys_folder_set(f, SPACE_METADATA, SPACE_MAY_USE, 6 * MiB);
        sys_folder_set_reserve(f, 5 * MiB);
}

static inline int sys_folder_setup(void **state) {
        static SysFolder f;
        char path[160];

        f = (SysFolder){ .root = "/tmp/test-space-XXXXXX" };
        if (!mkdtemp(f.root))
                return -1;
        for (SpaceType type = 0; type < _SPACE_TYPE_MAX; type++) {
                snprintf(path, sizeof(path), "%s" SYS_ALLOCATION "%s", f.root, space_type_names[type]);
                if (fs_mkdir_p(path) < 0)
                        return -1;
        }
        sys_folder_fill(&f);
        *state = &f;
        return 0;
}

static inline int sys_folder_teardown(void **state) {
        return folder_remove(((SysFolder *)*state)->root);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <mntent.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/rng.h"
#include "fixture-target.h"
#include "target/extent-map.h"
#include "target/loop.h"

/* A new data group has the size that data_chunk_size says; likewise on one device, where a tenth is small. */
static void test_chunk_size_is_the_kernels(void **state) {
        static const struct {
                unsigned n;
                uint64_t size;
                const char *data;
                uint64_t expected; /* measured on 6.18 */
        } rows[] = {
                { 4, 1 * GiB, "single", 416 * MiB },
                { 1, 512 * MiB, "single", 64 * MiB },
                { 1, 2 * GiB, "single", 208 * MiB },
                { 4, 1 * GiB, "raid10", 416 * MiB },
                { 4, 1 * GiB, "raid0", 448 * MiB },
                { 2, 1 * GiB, "raid1", 208 * MiB },
        };
        Fixture *f = need_kernel(state);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                ExtentMap before = EXTENT_MAP_NULL, after = EXTENT_MAP_NULL;
                configure(f, rows[i].n, rows[i].size, rows[i].data, rows[i].n > 1 ? "raid1" : "single");
                make(f);
                int fd = root_fd(f);
                assert_int_equal(extent_map_read(&before, &btrfs_kernel_ops, fd), 0);
                uint64_t bytes, newest = 0;
                extent_map_count(&before, BTRFS_BLOCK_GROUP_DATA, &bytes);
                int file = openat(fd, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
                assert_int_equal(fallocate(file, 0, 0, (off_t)(bytes + 4 * MiB)), 0); /* more than mkfs made room for */
                assert_int_equal(btrfs_kernel_ops.sync(fd), 0);
                assert_int_equal(extent_map_read(&after, &btrfs_kernel_ops, fd), 0);
                for (size_t j = 0; j < after.n_chunks; j++)
                        if ((after.chunks[j].type & BTRFS_BLOCK_GROUP_DATA) && !extent_map_find(&before, after.chunks[j].logical))
                                newest = after.chunks[j].length;
                if (newest != f->target.data_chunk_size)
                        fail_msg("%ux%s: the kernel made %llu MiB, data_chunk_size is %llu MiB", rows[i].n, rows[i].data,
                                 (unsigned long long)(newest / MiB), (unsigned long long)(f->target.data_chunk_size / MiB));
                assert_int_equal(newest, rows[i].expected);
                assert_true(f->target.metadata_chunk_size > 0);
                close(file);
                extent_map_free(&before);
                extent_map_free(&after);
                unmount(f);
        }
}

#define FILE_EXTENTS 16

/* Logical addresses of the first extents of a file (which is what btrfs gives as physical ones). Returns how many, at least 1. */
static unsigned file_extents(int fd, uint64_t logical[static FILE_EXTENTS]) {
        uint64_t storage[(sizeof(struct fiemap) + FILE_EXTENTS * sizeof(struct fiemap_extent)) / sizeof(uint64_t)] = { 0 };
        struct fiemap *map = (struct fiemap *)storage;

        map->fm_length = UINT64_MAX;
        map->fm_extent_count = FILE_EXTENTS;
        assert_int_equal(ioctl(fd, FS_IOC_FIEMAP, map), 0);
        assert_true(map->fm_mapped_extents > 0);
        for (unsigned i = 0; i < map->fm_mapped_extents; i++)
                logical[i] = map->fm_extents[i].fe_physical;
        return map->fm_mapped_extents;
}

/* One extent of what cannot be compressed. */
static void write_random(int dir, const char *name) {
        static uint64_t block[MiB / sizeof(uint64_t)];
        int fd = openat(dir, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        Rng rng;

        rng_seed(&rng, 1, 1);
        for (size_t i = 0; i < ELEMENTSOF(block); i++)
                block[i] = rng_next(&rng);
        assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
        close(fd);
        assert_int_equal(btrfs_kernel_ops.sync(dir), 0);
}

static void test_extent_map_agrees_with_the_files(void **state) {
        Fixture *f = need_kernel(state);
        uint64_t extents[FILE_EXTENTS];
        ExtentMap m = EXTENT_MAP_NULL;

        configure(f, 4, 512 * MiB, "raid10", "raid1");
        make(f);
        int fd = root_fd(f);
        write_file(fd, "file", 4);
        int file = openat(fd, "file", O_RDONLY | O_CLOEXEC);
        unsigned n = file_extents(file, extents);
        assert_int_equal(extent_map_read(&m, &btrfs_kernel_ops, fd), 0);
        for (unsigned i = 0; i < n; i++) {
                const Chunk *c = extent_map_find(&m, extents[i]);
                assert_non_null(c);
                assert_true(c->type & BTRFS_BLOCK_GROUP_DATA);
        }
        uint64_t bytes = 0, allocated = 0, used = 0;
        for (size_t i = 0; i < m.n_chunks; i++)
                for (unsigned j = 0; j < m.chunks[i].n_stripes; j++)
                        allocated += m.chunks[i].extent_length;
        for (unsigned i = 0; i < f->target.n_devices; i++) {
                BtrfsDevice d;
                assert_int_equal(btrfs_kernel_ops.device_info(fd, f->target.devices[i].devid, &d), 0);
                used += d.bytes_used;
        }
        assert_int_equal(allocated, used); /* what the devices count as allocated is exactly the device extents of all chunks */
        assert_int_equal(extent_map_count(&m, BTRFS_BLOCK_GROUP_SYSTEM, &bytes), 1);
        extent_map_free(&m);
        close(file);
        unmount(f);
}

/* A clone has the extents of its source; a defragmented file has others, though it had one only. */
static void check_clone_and_defrag(int fd) {
        uint64_t before[FILE_EXTENTS], shared[FILE_EXTENTS], after[FILE_EXTENTS];
        int source, clone;

        write_random(fd, "source");
        source = openat(fd, "source", O_RDWR | O_CLOEXEC);
        clone = openat(fd, "clone", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(source >= 0 && clone >= 0);
        assert_int_equal(file_extents(source, before), 1);
        assert_int_equal(btrfs_kernel_ops.clone(clone, source), 0);
        assert_int_equal(file_extents(clone, shared), 1);
        assert_true(shared[0] == before[0]);
        assert_int_equal(btrfs_kernel_ops.clone(fd, source), -EISDIR);
        assert_int_equal(btrfs_kernel_ops.defrag(source), 0);
        assert_int_equal(btrfs_kernel_ops.sync(fd), 0);
        file_extents(source, after);
        assert_true(after[0] != before[0]);
        file_extents(clone, shared);
        assert_true(shared[0] == before[0]);
        assert_int_equal(btrfs_kernel_ops.defrag(-1), -EBADF);
        close(source);
        close(clone);
        assert_int_equal(unlinkat(fd, "source", 0), 0);
        assert_int_equal(unlinkat(fd, "clone", 0), 0);
}

static void test_the_ops_one_by_one(void **state) {
        Fixture *f = need_kernel(state);
        const BtrfsOps *ops = &btrfs_kernel_ops;
        BalanceFilter all = { .enabled = true, .usage_max = 100 }, few = { .enabled = true, .usage_max = 100, .limit = 1 }, off = { 0 };
        uint64_t completed = 99, transid = 0, trimmed = 0, values[BTRFS_DEV_STAT_VALUES_MAX];
        ScrubStats s;
        BtrfsDevice d;

        configure(f, 2, 512 * MiB, "single", "raid1");
        make(f);
        int fd = root_fd(f);
        write_file(fd, "file", 16);
        assert_int_equal(ops->balance(fd, &all, &off, &completed), 0);
        assert_true(completed >= 1);
        assert_int_equal(ops->balance(fd, &off, &few, &completed), 0);
        assert_int_equal(completed, 1);
        assert_int_equal(ops->balance_cancel(fd), -ENOTCONN);
        assert_int_equal(ops->balance_pause(fd), -ENOTCONN);
        assert_int_equal(ops->scrub_cancel(fd), -ENOTCONN);
        assert_int_equal(ops->scrub_progress(fd, 1, &s), -ENOTCONN);
        assert_int_equal(ops->scrub(fd, &(ScrubRange){ 77, 0, UINT64_MAX, false }, &s), -ENODEV);
        assert_int_equal(ops->scrub(fd, &(ScrubRange){ 1, 0, 1 * MiB, false }, &s), 0); /* before the first chunk */
        assert_int_equal(s.data_bytes_scrubbed + s.tree_bytes_scrubbed, 0);
        assert_int_equal(ops->device_info(fd, 77, &d), -ENODEV);
        assert_int_equal(ops->device_info(fd, 2, &d), 0);
        assert_string_equal(d.path, f->target.devices[1].path);
        assert_int_equal(ops->device_stats(fd, 2, values), 0);
        assert_int_equal(values[BTRFS_DEV_STAT_CORRUPTION_ERRS], 0);
        check_clone_and_defrag(fd);
        assert_int_equal(ops->subvol_create(fd, "sub"), 0);
        assert_int_equal(ops->subvol_create(fd, "sub"), -EEXIST);
        assert_int_equal(ops->subvol_snapshot(fd, fd, "sub"), -EEXIST);
        assert_int_equal(ops->subvol_snapshot(fd, fd, "snapshot"), 0);
        assert_int_equal(faccessat(fd, "snapshot/sub", F_OK, 0), 0); /* what was below */
        assert_int_equal(ops->subvol_delete(fd, "snapshot"), 0);
        assert_int_equal(ops->subvol_delete(fd, "sub"), 0);
        assert_int_equal(ops->subvol_delete(fd, "sub"), -ENOENT);
        assert_int_equal(ops->start_sync(fd, &transid), 0);
        assert_true(transid >= f->target.generation);
        assert_int_equal(ops->wait_sync(fd, transid), 0);
        assert_int_equal(ops->sync(fd), 0);
        assert_int_equal(ops->sync(-1), -EBADF);
        assert_int_equal(ops->trim(fd, &trimmed), 0);
        assert_true(trimmed > 0);
        assert_int_equal(ops->trim(-1, &trimmed), -EBADF);
        assert_int_equal(trimmed, 0);
        unmount(f);
}

static bool is_mounted_with(const Fixture *f, const char *option) {
        FILE *mounts = setmntent("/proc/self/mounts", "r");
        const struct mntent *m;
        bool found = false;

        assert_non_null(mounts);
        while ((m = getmntent(mounts)))
                found = found || (strcmp(m->mnt_dir, f->target.mount_point) == 0 && hasmntopt(m, option));
        endmntent(mounts);
        return found;
}

/* Options of the VFS are those of the last call, those of btrfs stay until they are changed; what cannot be is refused as a whole. */
static void test_remount(void **state) {
        Fixture *f = need_kernel(state);
        const BtrfsOps *ops = &btrfs_kernel_ops;

        configure(f, 1, 256 * MiB, "single", "single");
        make(f);
        int fd = root_fd(f);
        assert_int_equal(ops->remount(fd, "nodiscard,noatime,compress=zstd,commit=5,autodefrag"), 0);
        assert_true(is_mounted_with(f, "compress") && is_mounted_with(f, "commit=5") && is_mounted_with(f, "autodefrag"));
        assert_true(is_mounted_with(f, "noatime") && is_mounted_with(f, "rw"));
        assert_int_equal(ops->remount(fd, "noautodefrag,commit=30,compress=no,nodiscard,noatime"), 0);
        assert_false(is_mounted_with(f, "compress") || is_mounted_with(f, "commit") || is_mounted_with(f, "autodefrag"));
        assert_int_equal(ops->remount(fd, "noatime,commit=7,compress=nonsense"), -EINVAL);
        assert_false(is_mounted_with(f, "commit"));
        assert_int_equal(ops->remount(-1, "nodiscard"), -ENOENT);
        unmount(f);
}

/* With the answers of errno-policy.c that the kernel gives before it starts. */
static void test_replace(void **state) {
        _cleanup_(loop_close) Loop spare = LOOP_NULL;
        Fixture *f = need_kernel(state);
        const BtrfsOps *ops = &btrfs_kernel_ops;
        char long_path[BTRFS_DEVICE_PATH_NAME_MAX + 2];
        uint64_t device_state = 99;
        ScrubStats s;
        BtrfsDevice d;

        configure(f, 2, 512 * MiB, "single", "raid1");
        make(f);
        int fd = root_fd(f);
        write_file(fd, "file", 4);
        assert_int_equal(loop_create(&spare, f->images, 512 * MiB, 0, NULL), 0);
        assert_int_equal(ops->replace_cancel(fd), BTRFS_IOCTL_DEV_REPLACE_RESULT_NOT_STARTED);
        assert_int_equal(ops->replace_status(fd, &device_state), 0);
        assert_int_equal(device_state, BTRFS_IOCTL_DEV_REPLACE_STATE_NEVER_STARTED);
        assert_int_equal(ops->replace_start(fd, 77, spare.path), -ENOENT);
        assert_int_equal(ops->replace_start(fd, 1, f->target.devices[1].path), -EEXIST);
        memset(long_path, 'x', sizeof(long_path));
        long_path[sizeof(long_path) - 1] = 0;
        assert_int_equal(ops->replace_start(fd, 1, long_path), -ENAMETOOLONG);
        assert_int_equal(ops->replace_start(fd, 2, spare.path), 0);
        assert_int_equal(ops->replace_status(fd, &device_state), 0);
        assert_int_equal(device_state, BTRFS_IOCTL_DEV_REPLACE_STATE_FINISHED);
        assert_int_equal(ops->device_info(fd, 2, &d), 0);
        assert_string_equal(d.path, spare.path);
        assert_int_equal(ops->replace_cancel(fd), BTRFS_IOCTL_DEV_REPLACE_RESULT_NOT_STARTED);
        assert_int_equal(ops->scrub(fd, &(ScrubRange){ 2, 0, UINT64_MAX, false }, &s), 0);
        assert_int_equal(s.csum_errors, 0);
        loop_close(&spare);
        unmount(f);
}

static int count_item(void *userdata, const struct btrfs_ioctl_search_header *h, const void *item) {
        static struct btrfs_ioctl_search_header last;
        size_t *n = userdata;

        (void)item;
        if (*n > 0)
                assert_true(h->objectid > last.objectid || (h->objectid == last.objectid && (h->type > last.type ||
                            (h->type == last.type && h->offset > last.offset))));
        last = *h;
        ++*n;
        return 0;
}

/* More items than fit into one answer: none is lost, none comes twice, all in key order. */
static void test_search_through_many_items(void **state) {
        static const struct btrfs_ioctl_search_key key = { .tree_id = BTRFS_FS_TREE_OBJECTID, .max_objectid = UINT64_MAX,
                .max_type = UINT8_MAX, .max_offset = UINT64_MAX, .max_transid = UINT64_MAX };
        Fixture *f = need_kernel(state);
        size_t before = 0, after = 0;

        configure(f, 1, 256 * MiB, "single", "single");
        make(f);
        int fd = root_fd(f);
        assert_int_equal(btrfs_kernel_ops.sync(fd), 0);
        assert_int_equal(btrfs_kernel_ops.tree_search(fd, &key, count_item, &before), 0);
        for (int i = 0; i < 1000; i++) {
                char name[32];
                snprintf(name, sizeof(name), "file-%d", i);
                int file = openat(fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
                assert_true(file >= 0);
                close(file);
        }
        assert_int_equal(btrfs_kernel_ops.sync(fd), 0); /* directory items are delayed */
        assert_int_equal(btrfs_kernel_ops.tree_search(fd, &key, count_item, &after), 0);
        assert_int_equal(after - before, 4000); /* INODE_ITEM, INODE_REF, DIR_ITEM, DIR_INDEX each */
        unmount(f);
}

static void test_damage_is_seen(void **state) {
        Fixture *f = need_kernel(state);
        uint64_t extents[FILE_EXTENTS];
        ExtentMap m = EXTENT_MAP_NULL;
        ScrubStats s;
        char text[256], garbage[4096];

        configure(f, 1, 256 * MiB, "single", "dup");
        make(f);
        int fd = root_fd(f), device = open(f->target.devices[0].path, O_RDWR | O_CLOEXEC);
        if (device < 0) { /* 6.17 and newer: a mounted device cannot be opened for writing */
                unmount(f);
                print_message("this kernel protects mounted devices: %s\n", strerror(errno));
                skip();
        }
        write_file(fd, "file", 2);
        int file = openat(fd, "file", O_RDONLY | O_CLOEXEC);
        file_extents(file, extents);
        close(file);
        assert_int_equal(extent_map_read(&m, &btrfs_kernel_ops, fd), 0);
        const Chunk *c = extent_map_find(&m, extents[0]);
        memset(garbage, 0x5a, sizeof(garbage));
        assert_int_equal(pwrite(device, garbage, sizeof(garbage),
                                (off_t)(c->stripes[0].physical + extents[0] - c->logical)), sizeof(garbage));
        assert_int_equal(fsync(device), 0);
        close(device);
        assert_int_equal(btrfs_kernel_ops.scrub(fd, &(ScrubRange){ 1, 0, UINT64_MAX, false }, &s), 0);
        assert_false(scrub_stats_clean(&s, text, sizeof(text)));
        assert_string_equal(text, "csum_errors=1 uncorrectable_errors=1");
        extent_map_free(&m);
        unmount(f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                ROOT(test_chunk_size_is_the_kernels),
                ROOT(test_extent_map_agrees_with_the_files),
                ROOT(test_the_ops_one_by_one),
                ROOT(test_remount),
                ROOT(test_replace),
                ROOT(test_search_through_many_items),
                ROOT(test_damage_is_seen),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}

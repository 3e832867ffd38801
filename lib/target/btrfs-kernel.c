/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/btrfs-ops.h"

#include <btrfsutil.h>
#include <errno.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "base/macro.h"
#include "target/vfs-options.h"

#define SEARCH_BUFFER (64 * KiB)
#define SEARCH_BUFFER_MAX (16 * MiB) /* the kernel takes no more */
#define COMPRESS_LZO 2               /* enum btrfs_compression_type of fs/btrfs/compression.h */

static int call(int fd, unsigned long request, void *args) {
        int r = ioctl(fd, request, args);

        return r < 0 ? -errno : r;
}

static int kernel_scrub(int fd, const ScrubRange *range, ScrubStats *stats) {
        struct btrfs_ioctl_scrub_args args = {
                .devid = range->devid,
                .start = range->start,
                .end = range->end,
                .flags = range->readonly ? BTRFS_SCRUB_READONLY : 0,
        };
        int r = call(fd, BTRFS_IOC_SCRUB, &args);

        *stats = args.progress;
        return r;
}

static int kernel_scrub_cancel(int fd) {
        return call(fd, BTRFS_IOC_SCRUB_CANCEL, NULL);
}

static int kernel_scrub_progress(int fd, uint64_t devid, ScrubStats *stats) {
        struct btrfs_ioctl_scrub_args args = { .devid = devid };
        int r = call(fd, BTRFS_IOC_SCRUB_PROGRESS, &args);

        *stats = args.progress;
        return r;
}

static void balance_args(struct btrfs_balance_args *args, const BalanceFilter *filter) {
        /* The kernel's usage filter is "less than so many percent", except for 0: at 100 it would leave full groups out. */
        if (filter->usage_max < 100) {
                args->flags |= BTRFS_BALANCE_ARGS_USAGE;
                args->usage = filter->usage_max;
        }
        if (filter->limit > 0) {
                args->flags |= BTRFS_BALANCE_ARGS_LIMIT;
                args->limit = filter->limit;
        }
}

static int kernel_balance(int fd, const BalanceFilter *data, const BalanceFilter *metadata, uint64_t *completed) {
        struct btrfs_ioctl_balance_args args = { 0 };
        int r;

        if (data->enabled) {
                args.flags |= BTRFS_BALANCE_DATA;
                balance_args(&args.data, data);
        }
        if (metadata->enabled) {
                args.flags |= BTRFS_BALANCE_METADATA;
                balance_args(&args.meta, metadata);
        }
        r = call(fd, BTRFS_IOC_BALANCE_V2, &args);
        *completed = args.stat.completed;
        return r;
}

/* The argument of the ioctl is the command itself, not a pointer to it. */
static int balance_control(int fd, int command) {
        int r = ioctl(fd, BTRFS_IOC_BALANCE_CTL, command);

        return r < 0 ? -errno : r;
}

static int kernel_balance_cancel(int fd) {
        return balance_control(fd, BTRFS_BALANCE_CTL_CANCEL);
}

static int kernel_balance_pause(int fd) {
        return balance_control(fd, BTRFS_BALANCE_CTL_PAUSE);
}

static int kernel_replace_start(int fd, uint64_t devid, const char *target) {
        struct btrfs_ioctl_dev_replace_args args = {
                .cmd = BTRFS_IOCTL_DEV_REPLACE_CMD_START,
                .start = { .srcdevid = devid, .cont_reading_from_srcdev_mode = BTRFS_IOCTL_DEV_REPLACE_CONT_READING_FROM_SRCDEV_MODE_ALWAYS },
        };
        int r;

        if (strlen(target) >= sizeof(args.start.tgtdev_name))
                return -ENAMETOOLONG;
        strcpy((char *)args.start.tgtdev_name, target);
        r = call(fd, BTRFS_IOC_DEV_REPLACE, &args);
        return r != 0 ? r : (int)args.result;
}

static int kernel_replace_status(int fd, uint64_t *state) {
        struct btrfs_ioctl_dev_replace_args args = { .cmd = BTRFS_IOCTL_DEV_REPLACE_CMD_STATUS };
        int r = call(fd, BTRFS_IOC_DEV_REPLACE, &args);

        *state = args.status.replace_state;
        return r;
}

static int kernel_replace_cancel(int fd) {
        struct btrfs_ioctl_dev_replace_args args = { .cmd = BTRFS_IOCTL_DEV_REPLACE_CMD_CANCEL };
        int r = call(fd, BTRFS_IOC_DEV_REPLACE, &args);

        return r != 0 ? r : (int)args.result; /* -EROFS too comes in args.result */
}

/* libbtrfsutil says in its return value which call failed and in errno why. */
static int from_util(enum btrfs_util_error r) {
        return r == BTRFS_UTIL_OK ? 0 : -errno;
}

static int kernel_sync(int fd) {
        return from_util(btrfs_util_sync_fd(fd));
}

static int kernel_start_sync(int fd, uint64_t *transid) {
        return from_util(btrfs_util_start_sync_fd(fd, transid));
}

static int kernel_wait_sync(int fd, uint64_t transid) {
        return from_util(btrfs_util_wait_sync_fd(fd, transid));
}

static int kernel_subvol_create(int parent_fd, const char *name) {
        return from_util(btrfs_util_create_subvolume_fd(parent_fd, name, 0, NULL, NULL));
}

static int kernel_subvol_snapshot(int source_fd, int parent_fd, const char *name) {
        return from_util(btrfs_util_create_snapshot_fd2(source_fd, parent_fd, name, 0, NULL, NULL));
}

static int kernel_subvol_delete(int parent_fd, const char *name) {
        return from_util(btrfs_util_delete_subvolume_fd(parent_fd, name, 0));
}

static int kernel_trim(int fd, uint64_t *trimmed) {
        struct fstrim_range range = { .len = UINT64_MAX };
        int r = call(fd, FITRIM, &range);

        *trimmed = r == 0 ? range.len : 0; /* where the kernel does not get that far, .len is what we gave */
        return r;
}

static bool is_read_only(int fd) {
        struct statvfs fs;

        return fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_RDONLY;
}

/* fs/btrfs/super.c, btrfs_remount_rw(): what an abort has made read-only is not mounted read-write again, and the errno is that of an option
 * that is not known. */
static int kernel_remount(int fd, const char *options) {
        _cleanup_free_ char *fs = NULL;
        unsigned long flags;
        char path[32];
        int r = vfs_options_split(options, &flags, &fs);

        if (r < 0)
                return r;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        r = mount(NULL, path, NULL, MS_REMOUNT | flags, fs) < 0 ? -errno : 0;
        return r == -EINVAL && is_read_only(fd) ? -EROFS : r;
}

static int kernel_freeze(int fd) {
        return ioctl(fd, FIFREEZE, 0) < 0 ? -errno : 0;
}

static int kernel_thaw(int fd) {
        return ioctl(fd, FITHAW, 0) < 0 ? -errno : 0;
}

static int kernel_clone(int fd, int source_fd) {
        /* The argument is the descriptor itself, not a pointer to it. */
        int r = ioctl(fd, FICLONE, source_fd);

        return r < 0 ? -errno : r;
}

/* Without compression the kernel leaves an extent alone that has no neighbour to be merged with, however large extent_thresh is (5.4:
 * should_defrag_range(), 5.16 and newer: defrag_collect_targets()): a file that was written at once would stay where it is. With it all
 * extents are written again. What the churn writes cannot be compressed, so it is stored as it is; LZO finds that out fastest. */
static int kernel_defrag(int fd) {
        struct btrfs_ioctl_defrag_range_args args = {
                .len = UINT64_MAX,
                .flags = BTRFS_DEFRAG_RANGE_COMPRESS | BTRFS_DEFRAG_RANGE_START_IO,
                .extent_thresh = UINT32_MAX,
                .compress_type = COMPRESS_LZO,
        };

        return call(fd, BTRFS_IOC_DEFRAG_RANGE, &args);
}

static int kernel_device_info(int fd, uint64_t devid, BtrfsDevice *ret) {
        struct btrfs_ioctl_dev_info_args args = { .devid = devid };
        int r = call(fd, BTRFS_IOC_DEV_INFO, &args);

        if (r < 0)
                return r;
        *ret = (BtrfsDevice){ .devid = args.devid, .total_bytes = args.total_bytes, .bytes_used = args.bytes_used };
        snprintf(ret->path, sizeof(ret->path), "%.*s", (int)sizeof(ret->path) - 1, (const char *)args.path);
        return 0;
}

static int kernel_fs_info(int fd, struct btrfs_ioctl_fs_info_args *ret) {
        *ret = (struct btrfs_ioctl_fs_info_args){ .flags = BTRFS_FS_INFO_FLAG_CSUM_INFO | BTRFS_FS_INFO_FLAG_GENERATION };
        return call(fd, BTRFS_IOC_FS_INFO, ret);
}

static int kernel_device_stats(int fd, uint64_t devid, uint64_t values[static BTRFS_DEV_STAT_VALUES_MAX]) {
        struct btrfs_ioctl_get_dev_stats args = { .devid = devid, .nr_items = BTRFS_DEV_STAT_VALUES_MAX };
        int r = call(fd, BTRFS_IOC_GET_DEV_STATS, &args);

        if (r < 0)
                return r;
        for (size_t i = 0; i < BTRFS_DEV_STAT_VALUES_MAX; i++)
                values[i] = args.values[i];
        return 0;
}

/* The smallest key after `last`: a key is the number objectid·type·offset, with a type of 8 bits. False: there is none. */
static bool search_after(struct btrfs_ioctl_search_key *key, const struct btrfs_ioctl_search_header *last) {
        key->min_objectid = last->objectid;
        key->min_type = last->type;
        key->min_offset = last->offset + 1;
        if (key->min_offset != 0)
                return true;
        key->min_type++;
        if (key->min_type <= UINT8_MAX)
                return true;
        key->min_type = 0;
        key->min_objectid++;
        return key->min_objectid != 0;
}

/* Hands the found items on: 1 when `func` wants no more. *last is the last one's header, copied because headers are not aligned. */
static int search_items(const struct btrfs_ioctl_search_args_v2 *args, TreeItemFunc func, void *userdata,
                        struct btrfs_ioctl_search_header *last) {
        const uint8_t *p = args->buf;

        for (uint32_t i = 0; i < args->key.nr_items; i++) {
                memcpy(last, p, sizeof(*last));
                p += sizeof(*last);
                if (func(userdata, last, p) != 0)
                        return 1;
                p += last->len;
        }
        return 0;
}

static int kernel_tree_search(int fd, const struct btrfs_ioctl_search_key *key, TreeItemFunc func, void *userdata) {
        _cleanup_free_ struct btrfs_ioctl_search_args_v2 *args = NULL;
        struct btrfs_ioctl_search_key next = *key;
        struct btrfs_ioctl_search_header last;
        uint64_t size = SEARCH_BUFFER;

        for (;;) {
                int r;

                args = args ?: malloc(sizeof(*args) + size);
                if (!args)
                        return -ENOMEM;
                args->key = next;
                args->key.nr_items = UINT32_MAX;
                args->buf_size = size;
                r = call(fd, BTRFS_IOC_TREE_SEARCH_V2, args);
                if (r == -EOVERFLOW && args->buf_size > size && args->buf_size <= SEARCH_BUFFER_MAX) {
                        size = args->buf_size; /* what the next item needs */
                        free(TAKE_PTR(args));
                        continue;
                }
                if (r < 0)
                        return r;
                if (args->key.nr_items == 0 || search_items(args, func, userdata, &last) != 0 || !search_after(&next, &last))
                        return 0;
        }
}

const BtrfsOps btrfs_kernel_ops = {
        .scrub = kernel_scrub,
        .scrub_cancel = kernel_scrub_cancel,
        .scrub_progress = kernel_scrub_progress,
        .balance = kernel_balance,
        .balance_cancel = kernel_balance_cancel,
        .balance_pause = kernel_balance_pause,
        .replace_start = kernel_replace_start,
        .replace_status = kernel_replace_status,
        .replace_cancel = kernel_replace_cancel,
        .sync = kernel_sync,
        .start_sync = kernel_start_sync,
        .wait_sync = kernel_wait_sync,
        .subvol_create = kernel_subvol_create,
        .subvol_snapshot = kernel_subvol_snapshot,
        .subvol_delete = kernel_subvol_delete,
        .trim = kernel_trim,
        .remount = kernel_remount,
        .freeze = kernel_freeze,
        .thaw = kernel_thaw,
        .clone = kernel_clone,
        .defrag = kernel_defrag,
        .device_info = kernel_device_info,
        .fs_info = kernel_fs_info,
        .device_stats = kernel_device_stats,
        .tree_search = kernel_tree_search,
};

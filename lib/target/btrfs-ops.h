/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * BtrfsOps: the seam between us and the kernel under test. Every btrfs call of stressors and jobs goes through one const table:
 * btrfs_kernel_ops (the ioctls and libbtrfsutil) or, in tests, the scripted fake.
 *
 * Return values are the kernel's: 0, a negative errno, or a positive ioctl return (balance). They are data; the caller reports them.
 * `fd` is any open file of the mounted target, usually its root directory. Calls block as long as the kernel blocks.
 */
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <stdbool.h>
#include <stdint.h>

#include "target/scrub-stats.h"

/* The physical range [start, end) of a device; end UINT64_MAX: to its end. */
typedef struct ScrubRange {
        uint64_t devid, start, end;
        bool readonly;
} ScrubRange;

typedef struct BalanceFilter {
        bool enabled;
        uint8_t usage_max; /* percent: only groups used at most so much; 0 = empty ones */
        uint32_t limit;    /* at most so many groups; 0 = no limit */
} BalanceFilter;

typedef struct BtrfsDevice {
        uint64_t devid, total_bytes, bytes_used; /* bytes_used: allocated to chunks */
        char path[256];
} BtrfsDevice;

/* An item found by tree_search: `item` is only valid during the call. Return 0 to go on, 1 to stop. */
typedef int (*TreeItemFunc)(void *userdata, const struct btrfs_ioctl_search_header *header, const void *item);

typedef struct BtrfsOps {
        /* BTRFS_IOC_SCRUB. *stats is filled on success and on
         * failure (how far it came). Blocks until done or cancelled. Fatal signals cancel it only since 6.19. */
        int (*scrub)(int fd, const ScrubRange *range, ScrubStats *stats);
        int (*scrub_cancel)(int fd); /* all devices; -ENOTCONN: none running */
        int (*scrub_progress)(int fd, uint64_t devid, ScrubStats *stats);
        /* BTRFS_IOC_BALANCE_V2. *completed gets the number of groups relocated. A balance survives the death of its caller. */
        int (*balance)(int fd, const BalanceFilter *data, const BalanceFilter *metadata, uint64_t *completed);
        int (*balance_cancel)(int fd); /* waits until it has stopped; -ENOTCONN: none running, nor paused */
        int (*balance_pause)(int fd);  /* waits, too; no other begins until what is paused is cancelled; -ENOTCONN: none running */
        /* BTRFS_IOC_DEV_REPLACE. Blocks until done or cancelled. Returns an errno, a positive ioctl return (BTRFS_ERROR_DEV_*) or, when that
         * is 0, the positive BTRFS_IOCTL_DEV_REPLACE_RESULT_* of args.result. A replace survives the death of its caller. */
        int (*replace_start)(int fd, uint64_t devid, const char *target);
        int (*replace_status)(int fd, uint64_t *state); /* BTRFS_IOCTL_DEV_REPLACE_STATE_* */
        int (*replace_cancel)(int fd); /* BTRFS_IOCTL_DEV_REPLACE_RESULT_NOT_STARTED: none running */
        int (*sync)(int fd);           /* libbtrfsutil; commits and wakes the cleaner (BTRFS_IOC_SYNC) */
        int (*start_sync)(int fd, uint64_t *transid);
        int (*wait_sync)(int fd, uint64_t transid);
        int (*subvol_create)(int parent_fd, const char *name); /* libbtrfsutil */
        int (*subvol_snapshot)(int source_fd, int parent_fd, const char *name); /* writeable; commits */
        int (*subvol_delete)(int parent_fd, const char *name);
        /* FITRIM of the whole filesystem. *trimmed gets the number of bytes discarded, 0 on failure. Of signals only fatal ones end it. */
        int (*trim)(int fd, uint64_t *trimmed);
        /* mount(2) with MS_REMOUNT of the mount whose root directory fd is. All options of the VFS are set anew, so they must be among these;
         * those of btrfs that are not named stay. With ro -EBUSY: a file is open for writing. Without, -EROFS: an abort has made it read-only. */
        int (*remount)(int fd, const char *options);
        /* FIFREEZE: waits for what writes, and commits; whoever writes from now on waits for thaw (FITHAW; -EINVAL: it is not frozen), and so does who
         * unmounts. It outlasts who has frozen it. */
        int (*freeze)(int fd);
        int (*thaw)(int fd);
        int (*clone)(int fd, int source_fd); /* FICLONE: the file gets all extents of the source, shared */
        /* BTRFS_IOC_DEFRAG_RANGE: all extents of the file are written to another place. Their writing is begun, not waited for; a commit does. */
        int (*defrag)(int fd);
        int (*device_info)(int fd, uint64_t devid, BtrfsDevice *ret); /* -ENODEV: no such devid */
        int (*fs_info)(int fd, struct btrfs_ioctl_fs_info_args *ret);
        int (*device_stats)(int fd, uint64_t devid, uint64_t values[static BTRFS_DEV_STAT_VALUES_MAX]);
        /* BTRFS_IOC_TREE_SEARCH_V2 over all keys of [min, max] in the tree, in key order, in as many calls as it takes. */
        int (*tree_search)(int fd, const struct btrfs_ioctl_search_key *key, TreeItemFunc func, void *userdata);
} BtrfsOps;

extern const BtrfsOps btrfs_kernel_ops;

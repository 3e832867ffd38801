/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "judge/errno-policy.h"

#include <errno.h>

#include "base/macro.h"

/*
 * Sources: "scrub.c", "volumes.c", … are files of fs/btrfs; commits are of mainline. Not every row has been read again on 6.12 and 6.18: those
 * of the global reserve and of balance-cancel are from older source or from memory. Rows without a source are the plain meaning
 * of errno(3) for that system call.
 */

#define STOPPED (OBS_OURS | OBS_SIGNAL)

#define OK_WHEN(_op, _errno, _when, _why) \
        { .op = _op, .result = _errno, .when = _when, .grade = GRADE_EXPECT, .class = CLASS_ERRNO, .why = _why }
#define LINGERS(_op, _errno, _why) \
        { .op = _op, .result = _errno, .grade = GRADE_EXPECT, .class = CLASS_ERRNO, .lingers = true, .why = _why }
#define FOUND(_op, _errno, _class, _why) \
        { .op = _op, .result = _errno, .grade = GRADE_FINDING, .class = _class, .why = _why }
#define SUSPECT(_op, _errno, _class, _why) \
        { .op = _op, .result = _errno, .grade = GRADE_FINDING, .class = _class, .suspect = true, .why = _why }
#define HARDWARE(_op, _errno, _why) \
        { .op = _op, .result = _errno, .grade = GRADE_HW, .class = CLASS_IO_ERROR, .why = _why }
#define SETUP_OF(_op, _errno, _class, _why) \
        { .op = _op, .result = _errno, .grade = GRADE_SETUP, .class = _class, .why = _why }
#define SETUP(_op, _errno, _why) SETUP_OF(_op, _errno, CLASS_SETUP_ERRNO, _why)

/* Groups that mean the same wherever they appear. */

#define READ_ONLY(_op)                                                                                                        \
        { .op = _op, .result = EROFS, .grade = GRADE_CONSEQUENCE, .class = CLASS_ERRNO,                                       \
          .why = "the filesystem is read-only: a transaction was aborted before (BTRFS_FS_STATE_ERROR), look for the cause" }

#define CALLED(_op)                                                                                                           \
        SETUP(_op, EPERM, "not permitted: run as root with CAP_SYS_ADMIN"),                                                   \
        SETUP(_op, EBADF, "the file descriptor was not open: an error of scrubstress"),                                       \
        SETUP(_op, EFAULT, "the argument's address was bad: an error of scrubstress"),                                        \
        SETUP(_op, ENOTTY, "the kernel does not know this ioctl, or the target is not btrfs: use a newer kernel or another target")

#define CALLER(_op)                                                                                                           \
        CALLED(_op),                                                                                                          \
        SETUP(_op, EOPNOTSUPP, "the kernel does not support this on the target: use a newer kernel or other options")

#define INTERRUPTED(_op)                                                                                                      \
        OK_WHEN(_op, EINTR, STOPPED, "a signal arrived or we were stopping it"),                                              \
        OK_WHEN(_op, ECANCELED, STOPPED, "we had cancelled it")

#define NO_MEMORY(_op)                                                                                                        \
        OK_WHEN(_op, ENOMEM, OBS_INJECTED, "an allocation failed while a fault of ours was active"),                          \
        FOUND(_op, ENOMEM, CLASS_ERRNO, "an allocation failed without memory pressure of ours: minor, look at free memory first")

#define MEDIA(_op)                                                                                                            \
        OK_WHEN(_op, EIO, OBS_INJECTED, "I/O errors were being injected"),                                                    \
        HARDWARE(_op, EIO, "reading or writing the device failed: look at the device's error counters and its SMART log")

#define TREES(_op)                                                                                                            \
        OK_WHEN(_op, EUCLEAN, OBS_INJECTED, "corruption was being injected"),                                                 \
        FOUND(_op, EUCLEAN, CLASS_ERRNO, "the tree checker found damaged metadata: run btrfs check on the kept image")

/* Operations that end in a transaction commit: what aborts it comes back from them. */
#define COMMIT(_op)                                                                                                           \
        FOUND(_op, ENOSPC, CLASS_TRANSACTION_ABORT, "a commit ran out of space although unallocated space was left"),         \
        FOUND(_op, ENOENT, CLASS_TRANSACTION_ABORT, "a commit missed an item it must find"),                                  \
        FOUND(_op, EEXIST, CLASS_TRANSACTION_ABORT, "a commit found an item that must not exist"),                            \
        FOUND(_op, EFBIG, CLASS_TRANSACTION_ABORT, "the system chunk array is exhausted (b12de52896c0, eafa4fd0ad06)")

/* Operations on files. */
#define FILES(_op)                                                                                                            \
        CALLER(_op), INTERRUPTED(_op), NO_MEMORY(_op), READ_ONLY(_op), MEDIA(_op), TREES(_op),                                \
        SETUP(_op, EDQUOT, "a quota limit was hit: switch quotas off on the target"),                                         \
        OK_WHEN(_op, ETXTBSY, OBS_SWAPFILE, "an active swap file is not changed")

#define FILLS(_op) OK_WHEN(_op, ENOSPC, 0, "the filesystem is full: that is what filling ends in")
#define FREES(_op)                                                                                                            \
        OK_WHEN(_op, ENOSPC, OBS_NEAR_FULL, "cutting an extent needs metadata space, and the filesystem is nearly full"),     \
        FOUND(_op, ENOSPC, CLASS_ERRNO, "freeing space failed for want of space although unallocated space was left")

#define SCRUBS(_op)                                                                                                           \
        /* scrub.c, should_cancel_scrub(). 6.19+: -EINTR for a pending signal and for freezing or suspending. */              \
        INTERRUPTED(_op),                                                                                                     \
        SETUP(_op, EINTR, "interrupted by no signal of ours: a freeze or suspend (6.19+); do not suspend the machine during a run"), \
        /* 6.12: only a request to cancel makes it; callers of btrfs_scrub_cancel() are the ioctl, a remount to read-only, an abort, a replace \
         * and an unmount. The kernel's error would be a request that is never taken back: then every scrub fails. */         \
        LINGERS(_op, ECANCELED, "cancelled again and again, but not by us: somebody else does it, or the kernel never ends a cancel"), \
        /* scrub.c, btrfs_scrub_dev(): dev->scrub_ctx is set, or a replace is running. */                                     \
        OK_WHEN(_op, EINPROGRESS, OBS_OVERLAP | OBS_OURS, "a scrub of this device or a replace of ours was running"),         \
        LINGERS(_op, EINPROGRESS, "said to be running although nothing of ours is: a scrub of somebody else, or one never ended"), \
        OK_WHEN(_op, ENODEV, OBS_OVERLAP | OBS_INJECTED, "the device was being replaced or removed"),                         \
        HARDWARE(_op, ENODEV, "the device is missing: look at cabling and the kernel log"),                                   \
        READ_ONLY(_op), MEDIA(_op), TREES(_op), NO_MEMORY(_op), CALLER(_op),                                                  \
        /* scrub.c, scrub_enumerate_chunks(): -ENOSPC of btrfs_inc_block_group_ro() is swallowed but for RAID56 and replace. */ \
        FOUND(_op, ENOSPC, CLASS_ERRNO, "a block group could not be set read-only although unallocated space was left"),      \
        /* 195a49eaf655 (5.12): such groups are skipped; older kernels stop the scrub. */                                     \
        OK_WHEN(_op, ETXTBSY, OBS_SWAPFILE, "a block group holds an active swap file"),                                       \
        FOUND(_op, ETXTBSY, CLASS_ERRNO, "said to hold a swap file although there is none"),                                  \
        FOUND(_op, EFBIG, CLASS_TRANSACTION_ABORT, "the system chunk array is exhausted (b12de52896c0, eafa4fd0ad06)"),       \
        /* scrub.c, btrfs_scrub_dev(): btrfs_fs_closing(). */                                                                 \
        OK_WHEN(_op, EAGAIN, OBS_OURS, "the filesystem was being unmounted"),                                                 \
        FOUND(_op, EAGAIN, CLASS_ERRNO, "said to be unmounting although it was not")

#define SYNCS(_op) CALLER(_op), INTERRUPTED(_op), NO_MEMORY(_op), READ_ONLY(_op), MEDIA(_op), TREES(_op), COMMIT(_op)

const ErrnoRule errno_rules[] = {
        /* 020d5b7366fc: a chunk map that is gone must be taken as "deleted meanwhile". The same errno is the answer to extent tree v2
         * (ioctl.c, btrfs_ioctl_scrub()): hence the control scrub. */
        SUSPECT(OP_SCRUB, EINVAL, CLASS_SCRUB_RACE,
                "scrub met a block group that was being deleted and took it for an error (020d5b7366fc)"),
        SCRUBS(OP_SCRUB),

        /* scrub.c, btrfs_scrub_cancel(). */
        OK_WHEN(OP_SCRUB_CANCEL, ENOTCONN, 0, "there was no scrub to cancel"),
        CALLER(OP_SCRUB_CANCEL),

        SETUP_OF(OP_CONTROL_SCRUB, EINVAL, CLASS_SETUP_SCRUB,
                 "the control scrub fails on the quiesced target: scrub is not supported there (extent tree v2), or it is damaged"),
        SCRUBS(OP_CONTROL_SCRUB),

        /* volumes.c, __btrfs_balance(): -ENOSPC is the sum of "enospc errors during balance". */
        OK_WHEN(OP_BALANCE, ENOSPC, OBS_NEAR_FULL, "no room to relocate into: less than a chunk is unallocated"),
        FOUND(OP_BALANCE, ENOSPC, CLASS_ERRNO, "no room to relocate into although unallocated space was left"),
        /* volumes.c, btrfs_balance(): -EINVAL too when it starts while a cancel or pause is asked for, a fatal signal is pending, or the
         * filesystem is closing. */
        OK_WHEN(OP_BALANCE, EINVAL, STOPPED, "it started while it was being cancelled"),
        FOUND(OP_BALANCE, EINVAL, CLASS_BALANCE_EINVAL,
              "balance failed on a block group that had vanished before it was relocated (seen on 6.12.6, unable to find chunk map)"),
        INTERRUPTED(OP_BALANCE),
        FOUND(OP_BALANCE, ECANCELED, CLASS_ERRNO, "cancelled, but not by us: somebody else's balance cancel, or the kernel's error"),
        OK_WHEN(OP_BALANCE, EINPROGRESS, OBS_OVERLAP | OBS_OURS, "a balance of ours was running"),
        LINGERS(OP_BALANCE, EINPROGRESS, "said to be running although nothing of ours is: cancel it with btrfs balance cancel"),
        /* ioctl.c, btrfs_try_lock_balance(): BTRFS_ERROR_DEV_EXCL_RUN_IN_PROGRESS is 8 in uapi/linux/btrfs.h. */
        OK_WHEN(OP_BALANCE, -8, OBS_OVERLAP | OBS_OURS, "another exclusive operation of ours was running"),
        LINGERS(OP_BALANCE, -8, "an exclusive operation is said to be running although nothing of ours is"),
        OK_WHEN(OP_BALANCE, ENOTCONN, 0, "there was no balance to resume"),
        OK_WHEN(OP_BALANCE, ETXTBSY, OBS_SWAPFILE, "a block group holds an active swap file"),
        READ_ONLY(OP_BALANCE), MEDIA(OP_BALANCE), TREES(OP_BALANCE), NO_MEMORY(OP_BALANCE), CALLER(OP_BALANCE),
        FOUND(OP_BALANCE, ENOENT, CLASS_ERRNO, "relocation missed an item it must find"),
        FOUND(OP_BALANCE, EEXIST, CLASS_ERRNO, "relocation found an item that must not exist"),
        FOUND(OP_BALANCE, EFBIG, CLASS_TRANSACTION_ABORT, "the system chunk array is exhausted (b12de52896c0, eafa4fd0ad06)"),

        /* volumes.c, btrfs_cancel_balance(). */
        OK_WHEN(OP_BALANCE_CANCEL, ENOTCONN, 0, "there was no balance to cancel"),
        READ_ONLY(OP_BALANCE_CANCEL), CALLER(OP_BALANCE_CANCEL),

        /* args.result of uapi/linux/btrfs.h comes first: BTRFS_IOCTL_DEV_REPLACE_RESULT_{ALREADY_STARTED,SCRUB_INPROGRESS};
         * dev-replace.c, btrfs_dev_replace_start(), which makes the latter of the copy's -EINPROGRESS, and never NOT_STARTED. */
        OK_WHEN(OP_REPLACE, -2, 0, "a replace was running already"),
        OK_WHEN(OP_REPLACE, -3, 0, "a scrub was running"),
        OK_WHEN(OP_REPLACE, -8, OBS_OVERLAP | OBS_OURS, "another exclusive operation of ours was running"),
        LINGERS(OP_REPLACE, -8, "an exclusive operation is said to be running although nothing of ours is"),
        /* The copy is scrub.c, btrfs_scrub_dev(), with the race of 020d5b7366fc. The same errno is the answer to a spare that is smaller or of
         * another zone type (dev-replace.c, btrfs_init_dev_replace_tgtdev()), which ours never is, and to extent tree v2, where scrub fails
         * too: hence the control scrub. */
        SUSPECT(OP_REPLACE, EINVAL, CLASS_REPLACE_RACE,
                "device replace met a block group that was being deleted and took it for an error (020d5b7366fc)"),
        SETUP(OP_REPLACE, EEXIST, "the target device is part of the filesystem already: use a spare one"),
        SETUP(OP_REPLACE, ENOENT, "there is no such source device, or the target's path is wrong"),
        SETUP(OP_REPLACE, EBUSY, "the target device is in use: unmount it"),
        SETUP(OP_REPLACE, ENXIO, "the target device is gone"),
        SETUP(OP_REPLACE, ENOTBLK, "the target is not a block device"),
        SETUP(OP_REPLACE, ENAMETOOLONG, "the target device's path is too long"),
        FOUND(OP_REPLACE, ENOSPC, CLASS_ERRNO, "a block group could not be set read-only although unallocated space was left"),
        HARDWARE(OP_REPLACE, ENODEV, "a device is missing: look at cabling and the kernel log"),
        OK_WHEN(OP_REPLACE, ETXTBSY, OBS_SWAPFILE, "a block group holds an active swap file"),
        INTERRUPTED(OP_REPLACE), READ_ONLY(OP_REPLACE), MEDIA(OP_REPLACE), TREES(OP_REPLACE), NO_MEMORY(OP_REPLACE), CALLER(OP_REPLACE),

        SYNCS(OP_SYNC),
        SYNCS(OP_START_SYNC),
        SYNCS(OP_WAIT_SYNC),
        SYNCS(OP_FSYNC),
        SETUP(OP_FSYNC, EDQUOT, "a quota limit was hit: switch quotas off on the target"),

        FILES(OP_OPEN),
        FILLS(OP_OPEN),
        SETUP(OP_OPEN, EMFILE, "too many open files: raise the limit (ulimit -n)"),
        SETUP(OP_OPEN, ENFILE, "too many open files in the system: raise fs.file-max"),
        SETUP(OP_OPEN, EACCES, "not permitted: run as root"),

        FILES(OP_WRITE),
        FILLS(OP_WRITE),
        SETUP(OP_WRITE, EFBIG, "a file size limit was hit: raise it (ulimit -f)"),

        FILES(OP_READ),

        FILES(OP_FALLOCATE),
        FILLS(OP_FALLOCATE),
        SETUP(OP_FALLOCATE, EFBIG, "a file size limit was hit: raise it (ulimit -f)"),

        /* inode.c, __unlink_start_trans(): falls back to the global reserve, so it must not run out. */
        FILES(OP_UNLINK),
        FOUND(OP_UNLINK, ENOSPC, CLASS_ERRNO, "unlink ran out of space although it may use the global reserve"),

        FILES(OP_TRUNCATE),
        FREES(OP_TRUNCATE),
        SETUP(OP_TRUNCATE, EFBIG, "a file size limit was hit: raise it (ulimit -f)"),

        FILES(OP_PUNCH),
        FREES(OP_PUNCH),

        /* reflink.c, btrfs_clone(), reserves metadata only: data is shared. remap_range.c, generic_remap_checks(): -EINVAL for ranges that are not
         * of whole blocks or lie beyond the end, reflink.c for files of which only one has checksums; here it is all of one file, into
         * another of the same directory. */
        FILES(OP_CLONE),
        OK_WHEN(OP_CLONE, ENOSPC, OBS_NEAR_FULL, "sharing an extent needs metadata space, and the filesystem is nearly full"),
        FOUND(OP_CLONE, ENOSPC, CLASS_ERRNO, "sharing extents failed for want of metadata space although unallocated space was left"),
        FOUND(OP_CLONE, EINVAL, CLASS_ERRNO, "said to be invalid although it is all of one file, into another of the same directory"),
        SETUP(OP_CLONE, EFBIG, "a file size limit was hit: raise it (ulimit -f)"),

        /* defrag.c, defrag_one_range(): reserves data space as a write does. btrfs_defrag_file(): -EAGAIN for any pending signal
         * (btrfs_defrag_cancelled()), but when some of the file had been moved, success. */
        FILES(OP_DEFRAG),
        FILLS(OP_DEFRAG),
        OK_WHEN(OP_DEFRAG, EAGAIN, STOPPED, "a signal arrived or we were stopping it"),
        SETUP(OP_DEFRAG, EAGAIN, "interrupted by no signal of ours: a debugger, freeze or suspend; do not stop or suspend anything during a run"),

        FILES(OP_SUBVOL_CREATE),
        FILLS(OP_SUBVOL_CREATE),

        /* inode.c, btrfs_delete_subvolume(): may use the global reserve as unlink. */
        FILES(OP_SUBVOL_DELETE),
        FOUND(OP_SUBVOL_DELETE, ENOSPC, CLASS_ERRNO, "deleting a subvolume ran out of space although it may use the global reserve"),

        /* transaction.c, create_pending_snapshot(): in the middle of a commit, so that what fails there may abort it. */
        FILES(OP_SNAPSHOT), COMMIT(OP_SNAPSHOT),

        /* ioctl.c, btrfs_ioctl_fitrim(). 6.12 says EROFS with nologreplay only, which is not allowed, and does not look whether a transaction was
         * aborted; one that looks would mean that. */
        CALLED(OP_TRIM), READ_ONLY(OP_TRIM),
        SETUP(OP_TRIM, EOPNOTSUPP, "no device of the target can discard, or they are zoned: use others, or switch [Trim] Enabled= off"),
        /* extent-tree.c, btrfs_trim_free_extents(): mutex_lock_interruptible(), for which a freeze is a signal too. The -ERESTARTSYS at other places
         * (fatal signals; since 69313850dce3 also freezing) does not come back here: the task is dead, or the call is made again. */
        OK_WHEN(OP_TRIM, EINTR, STOPPED, "a signal arrived or we were stopping it"),
        SETUP(OP_TRIM, EINTR, "interrupted by no signal of ours: a freeze or suspend; do not suspend the machine during a run"),
        /* free-space-cache.c, do_trimming(), through volumes.c, btrfs_get_chunk_map(): block-group.c, btrfs_remove_block_group(), leaves the map
         * of a group that is frozen. Our range is never the other reason. */
        FOUND(OP_TRIM, EINVAL, CLASS_ERRNO, "the chunk map of a block group was gone although the trim had frozen the group (04216820fe83)"),
        /* Also where the free space of a group could not be read: block-group.c, btrfs_caching_ctl_wait_done(). */
        NO_MEMORY(OP_TRIM), MEDIA(OP_TRIM),
        /* extent-tree.c, btrfs_issue_discard(): unlike reads and writes a discard returns what the device said; block/blk-core.c, blk_errors[]. */
        HARDWARE(OP_TRIM, ENODEV, "the device has gone offline: look at cabling and the kernel log"),
        HARDWARE(OP_TRIM, ENODATA, "a device failed to discard: look at its SMART log"),
        HARDWARE(OP_TRIM, ENOLINK, "a device could not be reached to discard: look at cabling and the kernel log"),
        HARDWARE(OP_TRIM, ETIMEDOUT, "a device did not discard in time: look at the kernel log"),
        HARDWARE(OP_TRIM, EREMOTEIO, "a device refused to discard: look at the kernel log, or switch [Trim] Enabled= off"),

        CALLER(OP_TREE_SEARCH), INTERRUPTED(OP_TREE_SEARCH), NO_MEMORY(OP_TREE_SEARCH), MEDIA(OP_TREE_SEARCH), TREES(OP_TREE_SEARCH),
        /* ioctl.c, search_ioctl(): the buffer is smaller than the first item. */
        SETUP(OP_TREE_SEARCH, EOVERFLOW, "the buffer was too small for one item: an error of scrubstress"),

        CALLER(OP_MOUNT), INTERRUPTED(OP_MOUNT), NO_MEMORY(OP_MOUNT), READ_ONLY(OP_MOUNT), MEDIA(OP_MOUNT), TREES(OP_MOUNT),
        SETUP(OP_MOUNT, EINVAL, "an option or feature of the target is not supported by this kernel: look at the kernel log"),
        SETUP(OP_MOUNT, EBUSY, "a device of the target is in use: unmount it"),
        SETUP(OP_MOUNT, ENODEV, "this kernel has no btrfs: load the module"),
        SETUP(OP_MOUNT, ENOENT, "the device or the mount point does not exist"),
        SETUP(OP_MOUNT, ENOTBLK, "the target is not a block device"),
        SETUP(OP_MOUNT, ENXIO, "the device is gone"),
        SETUP(OP_MOUNT, EACCES, "the device is write-protected"),
        SETUP(OP_MOUNT, EEXIST, "another mounted filesystem has the same fsid"),

        /* super.c, btrfs_reconfigure() (before 6.8: btrfs_remount()); fs/super.c, reconfigure_super(). Nothing in them waits for a signal, and that
         * data could not be written out is not told. EROFS is lib/target/btrfs-kernel.c's. */
        CALLER(OP_REMOUNT), NO_MEMORY(OP_REMOUNT), READ_ONLY(OP_REMOUNT),
        SETUP(OP_REMOUNT, EINVAL, "a mount option is not supported by this kernel: look at the kernel log, and leave it out of [Remount] Options="),
        SETUP(OP_REMOUNT, EBUSY, "the target is frozen, but not by us: thaw it (fsfreeze --unfreeze)"),
        SETUP(OP_REMOUNT, EACCES, "a device is write-protected"),
        SETUP(OP_REMOUNT, ENOENT, "/proc/self/fd does not show the target: mount /proc"),

        CALLER(OP_UMOUNT), INTERRUPTED(OP_UMOUNT),
        SETUP(OP_UMOUNT, EBUSY, "something still holds the target: a worker that is stuck, or a process of somebody else"),
        SETUP(OP_UMOUNT, EINVAL, "it is not a mount point"),
        SETUP(OP_UMOUNT, ENOENT, "the mount point does not exist"),

        /* fs/super.c, freeze_super() and thaw_super(), with a commit in between. */
        CALLER(OP_FREEZE), NO_MEMORY(OP_FREEZE), READ_ONLY(OP_FREEZE), MEDIA(OP_FREEZE), TREES(OP_FREEZE), COMMIT(OP_FREEZE),
        SETUP(OP_FREEZE, EBUSY, "the target is frozen already, but not by us: thaw it (fsfreeze --unfreeze)"),
        SETUP(OP_FREEZE, EINVAL, "the target has been thawed, but not by us: leave it alone (fsfreeze)"),
};
const size_t n_errno_rules = ELEMENTSOF(errno_rules);

static const ErrnoRule rule_ok = { .grade = GRADE_OK, .why = "success" };
static const ErrnoRule rule_unexpected = {
        .grade = GRADE_FINDING,
        .class = CLASS_ERRNO,
        .why = "nothing in the kernel's source makes this operation return that",
};

/* First row of op, or n_errno_rules. */
static size_t group_of(Operation op) {
        size_t low = 0, high = n_errno_rules;

        while (low < high) {
                size_t middle = (low + high) / 2;
                if (errno_rules[middle].op < op)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

const ErrnoRule *errno_rule(Operation op, int result, uint32_t flags) {
        if (result == 0)
                return &rule_ok;
        for (size_t i = group_of(op); i < n_errno_rules && errno_rules[i].op == op; i++) {
                const ErrnoRule *r = &errno_rules[i];
                if (r->result == -result && (r->when == 0 || (r->when & flags)))
                        return r;
        }
        return &rule_unexpected;
}

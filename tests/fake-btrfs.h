/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * FakeBtrfs: BtrfsOps whose answers are a script. "Scrub on devid 2 answers -EINVAL the third time" is written
 *
 *         static const FakeRule script[] = {
 *                 { .call = FAKE_SCRUB, .devid = 2, .nth = 3, .result = -EINVAL },
 *                 { .call = FAKE_SCRUB, .optional = true },
 *         };
 *         fake_btrfs_begin(script, ELEMENTSOF(script));
 *         … the code under test, with &fake_btrfs_ops …
 *         assert_int_equal(fake_btrfs_count(FAKE_SCRUB), 3);
 *         fake_btrfs_end();
 *
 * The first rule that applies to a call answers it. A call that no rule applies to fails the test there and then (in a forked child: it
 * answers -ENOSYS and fake_btrfs_end() in the parent fails). A rule that was not used, or not as often as it says, fails
 * fake_btrfs_end(), unless it is optional. Script, counts and log live in memory shared with forked children.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/btrfs-ops.h"

typedef enum FakeCall {
        FAKE_SCRUB = 1, /* 0 is no call, so that a rule without one is an error */
        FAKE_SCRUB_CANCEL,
        FAKE_SCRUB_PROGRESS,
        FAKE_BALANCE,
        FAKE_BALANCE_CANCEL,
        FAKE_BALANCE_PAUSE,
        FAKE_REPLACE_START,
        FAKE_REPLACE_STATUS,
        FAKE_REPLACE_CANCEL,
        FAKE_SYNC,
        FAKE_START_SYNC,
        FAKE_WAIT_SYNC,
        FAKE_SUBVOL_CREATE,
        FAKE_SUBVOL_DELETE,
        FAKE_SUBVOL_SNAPSHOT,
        FAKE_TRIM,
        FAKE_REMOUNT,
        FAKE_FREEZE,
        FAKE_THAW,
        FAKE_CLONE,
        FAKE_DEFRAG,
        FAKE_DEVICE_INFO,
        FAKE_FS_INFO,
        FAKE_DEVICE_STATS,
        FAKE_TREE_SEARCH,
        _FAKE_CALL_MAX,
} FakeCall;

typedef struct FakeItem {
        struct btrfs_ioctl_search_header header; /* .len: bytes of data */
        const void *data;
} FakeItem;

typedef struct FakeRule {
        FakeCall call;
        /* Which calls it applies to. */
        uint64_t devid;     /* 0: any */
        const char *name;   /* subvolume; replace_start: target; remount: options; NULL: any */
        uint64_t tree;      /* tree_search: key's tree_id; 0: any */
        unsigned nth;       /* from the nth call on of this call, devid and name (1 = first); 0: from the first */
        unsigned times;     /* so often and no more; 0: exactly once when nth is given, otherwise without limit */
        bool optional;      /* need not be used */
        /* What it answers. */
        int result;
        uint64_t delay_ns;
        ScrubStats stats;   /* scrub, scrub_progress: also when result is negative, as the kernel does */
        uint64_t number;    /* balance: completed; start_sync: transid; replace_status: state; trim: bytes */
        const BtrfsDevice *device;                       /* device_info */
        const struct btrfs_ioctl_fs_info_args *fs_info;  /* fs_info */
        const uint64_t *values;                          /* device_stats: BTRFS_DEV_STAT_VALUES_MAX of them; NULL: zeros */
        const FakeItem *items;                           /* tree_search: those of the key's tree range are handed on, in this order */
        size_t n_items;
        void (*hook)(void *userdata); /* runs after the delay, before the answer: "while the call is in the kernel" */
        void *userdata;
} FakeRule;

typedef struct FakeRecord {
        FakeCall call;
        int fd, result;
        int source_fd;       /* clone */
        uint64_t devid;      /* scrub, scrub_progress, replace_start, device_info, device_stats */
        uint64_t start, end; /* scrub */
        bool readonly;       /* scrub */
        BalanceFilter data, metadata;
        uint64_t transid;    /* wait_sync */
        char name[128];      /* subvol_*, replace_start; remount: options */
        struct btrfs_ioctl_search_key key; /* tree_search */
} FakeRecord;

extern const BtrfsOps fake_btrfs_ops;

/* The script must live until fake_btrfs_end(). A begin without an end in between (a failed test) starts anew. */
void fake_btrfs_begin(const FakeRule *script, size_t n_rules);
void fake_btrfs_end(void);

unsigned fake_btrfs_count(FakeCall call);
/* Counted from the log: calls beyond its 4096 records are not. */
unsigned fake_btrfs_count_devid(FakeCall call, uint64_t devid);
/* The i-th call of all (0 = first), or NULL: there were fewer, or it is beyond the log's 4096 records. */
const FakeRecord *fake_btrfs_record(size_t i);
/* The last call of this kind, or NULL. */
const FakeRecord *fake_btrfs_last(FakeCall call);
const char *fake_call_name(FakeCall call);

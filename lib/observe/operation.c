/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/operation.h"

#include <string.h>

#include "base/macro.h"

static const char *const names[_OP_MAX] = {
        [OP_NONE] = "none",
        [OP_SCRUB] = "scrub",
        [OP_SCRUB_CANCEL] = "scrub-cancel",
        [OP_CONTROL_SCRUB] = "control-scrub",
        [OP_BALANCE] = "balance",
        [OP_BALANCE_CANCEL] = "balance-cancel",
        [OP_REPLACE] = "replace",
        [OP_SYNC] = "sync",
        [OP_START_SYNC] = "start-sync",
        [OP_WAIT_SYNC] = "wait-sync",
        [OP_FSYNC] = "fsync",
        [OP_OPEN] = "open",
        [OP_WRITE] = "write",
        [OP_READ] = "read",
        [OP_FALLOCATE] = "fallocate",
        [OP_UNLINK] = "unlink",
        [OP_TRUNCATE] = "truncate",
        [OP_PUNCH] = "punch",
        [OP_CLONE] = "clone",
        [OP_DEFRAG] = "defrag",
        [OP_SUBVOL_CREATE] = "subvol-create",
        [OP_SUBVOL_DELETE] = "subvol-delete",
        [OP_SNAPSHOT] = "snapshot",
        [OP_TRIM] = "trim",
        [OP_TREE_SEARCH] = "tree-search",
        [OP_MOUNT] = "mount",
        [OP_REMOUNT] = "remount",
        [OP_UMOUNT] = "umount",
        [OP_FREEZE] = "freeze",
};

const char *operation_name(Operation op) {
        return (unsigned)op < _OP_MAX ? names[op] : "unknown";
}

int operation_from_name(const char *name) {
        for (int op = 0; op < _OP_MAX; op++)
                if (strcmp(names[op], name) == 0)
                        return op;
        return -1;
}

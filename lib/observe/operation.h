/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Operation: one table of the things we ask the kernel to do. Names in reports, JSON, metrics and observation files come from it.
 */
#include <stddef.h>

typedef enum Operation {
        OP_NONE,
        OP_SCRUB,
        OP_SCRUB_CANCEL,
        OP_CONTROL_SCRUB, /* the scrub of the quiesced target; answers whether an -EINVAL was the race */
        OP_BALANCE,
        OP_BALANCE_CANCEL,
        OP_REPLACE,
        OP_SYNC,
        OP_START_SYNC,
        OP_WAIT_SYNC,
        OP_FSYNC,
        OP_OPEN,
        OP_WRITE,
        OP_READ,
        OP_FALLOCATE,
        OP_UNLINK,
        OP_TRUNCATE,
        OP_PUNCH,
        OP_CLONE,
        OP_DEFRAG,
        OP_SUBVOL_CREATE,
        OP_SUBVOL_DELETE,
        OP_SNAPSHOT,
        OP_TRIM,
        OP_TREE_SEARCH,
        OP_MOUNT,
        OP_REMOUNT,
        OP_UMOUNT,
        OP_FREEZE,
        _OP_MAX,
} Operation;

/* "scrub", "start-sync", …; stable, part of the JSON schema. Never NULL. */
const char *operation_name(Operation op);
/* -1 when there is none of that name. */
int operation_from_name(const char *name);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * SpaceWatch: space that is kept from use though nothing holds it any more, looked for at quiet moments of the target, when nothing is written
 * to it. Plain data without pointers: it lives from one look to the next.
 *
 * At a quiet moment no block group is read-only but for what mount and superblocks make so, nothing is pinned longer than for a commit, and no
 * data space is promised. What is promised of metadata, beside the global reserve, must not grow from one moment to the next without end.
 */
#include <stdbool.h>

#include "target/space.h"

typedef struct SpaceWatch {
        bool begun;
        bool readonly[_SPACE_TYPE_MAX];         /* some groups of the type were read-only at the first look: that is not looked at */
        unsigned rises;                         /* looks in a row at which more metadata was promised than ever before */
        uint64_t promised_first, promised_most; /* bytes of metadata */
} SpaceWatch;

#define SPACE_WATCH_NULL ((SpaceWatch){ 0 })

typedef struct SpaceLook {
        const Target *target;
        const BtrfsOps *ops;
        int fd;           /* any of the target */
        const char *root; /* prefixes /sys (tests; NULL or "": none) */
        uint64_t wait_ns; /* what has not changed for so long, over a commit every 50 ms and two at least, is there to stay */
} SpaceLook;

/* Sync first, and begin before the stress: the first look tells of nothing. Returns how many bytes are kept, and says so in `text`, which gets
 * numbers and names as in sysfs; 0: none that is sure. Blocks, only where there is something, for wait_ns, four times that if it must, and as long
 * as commits take. Where a commit fails, or sysfs does not have the numbers, nothing is said. */
uint64_t space_watch_look(SpaceWatch *w, const SpaceLook *look, char *text, size_t size);

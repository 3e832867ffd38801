/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Strike: one fault that strikes, from the choice of its blocks to what came of it, laid beside what had to.
 */
#include "fault/fault.h"
#include "observe/observation.h"

typedef enum StrikeEnd {
        STRIKE_MET,      /* what had to come came, and nothing else */
        STRIKE_MISSED,   /* fewer errors were counted */
        STRIKE_EXCESS,   /* more */
        STRIKE_OTHER,    /* as many, but elsewhere, not repaired, not readable, or come again */
        STRIKE_BROKEN,   /* after a power cut: what was promised is gone, or the filesystem damaged */
        STRIKE_WRONG,    /* data was read wrong without an error */
        STRIKE_VOID,     /* what was struck had moved: nothing can be said */
        STRIKE_HINDERED, /* an operation failed on the way: `op`, `result` */
        STRIKE_NOT_HERE, /* the fault does not apply to this target */
        _STRIKE_END_MAX,
} StrikeEnd;

/* Plain data without pointers. */
typedef struct Strike {
        StrikeEnd end;
        unsigned n_blocks;
        uint64_t devid, physical, logical; /* of the first block */
        uint64_t expected[_FAULT_COUNT_MAX], seen[_FAULT_COUNT_MAX];
        Operation op;           /* STRIKE_HINDERED: what failed … */
        int result;             /* … and how, as the kernel said */
        char text[OBS_TEXT_MAX]; /* what was struck and what is not as it had to be */
} Strike;

typedef struct StrikeOrder {
        const Fault *fault;
        const Target *target;
        const BtrfsOps *ops;
        int root_fd;
        bool replaces; /* replaces are asked for ([Replace] Enabled=) */
        uint64_t seed; /* of all that is chosen at random */
} StrikeOrder;

/* What seen and expected differ in is appended to the text. */
void strike_say_differences(Strike *k);

/* Strikes the mounted target, in which nothing else may happen meanwhile. Blocks: writes and deletes a file, scrubs the chunk that was struck
 * (or only superblocks) twice. What the kernel has not repaired is put back as it was, whatever happened. Negative, with a sentence: a reason of
 * ours, such as a kernel that lets nobody write to mounted devices; nothing was struck then. */
int strike_run(Strike *ret, const StrikeOrder *order, Error *e);

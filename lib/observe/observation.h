/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Observation: something seen, never what it means. Stressors, jobs and sources make them, the judge reads them.
 * Plain data, fixed size, sent whole over a SEQPACKET socket. Its text form (one line) is what evidence folders and tests/replay hold:
 * a field report becomes a test by saving a file.
 */
#include <stdint.h>

#include "base/error.h"
#include "observe/operation.h"
#include "observe/smart.h"

typedef enum ObservationKind {
        OBS_RESULT,   /* an operation returned: `op`, `result` */
        OBS_CONTROL,  /* a control scrub ended: `result` 0 = passed on every device; `devid` of the first that failed */
        OBS_COUNTERS, /* a scrub returned 0 but its counters are not clean or do not add up: `text` names them, `count` errors */
        OBS_KMSG,     /* a kernel-log line: `text`; the `logical` address that it names */
        OBS_STUCK,    /* a worker is in `op` beyond its deadline: `text` has wchan and stack, `count` the milliseconds */
        OBS_DIED,     /* a worker ended that should not have: `result` = wait status, `text` its name */
        OBS_DEVSTAT,  /* a device error counter grew: `text` names it, `count` by how much */
        OBS_HEALTH,   /* a counter of a disk's own health grew: `counter`, `count` by how much; `text` says of which disk, from what to what */
        OBS_EMPTY_GROUPS, /* `count` empty data block groups that the kernel should have deleted; `logical`, `length` of the first; `text` */
        OBS_SPACE,    /* `count` bytes of the quiesced target are kept from use though nothing holds them: `text` says which */
        OBS_CHECK,    /* btrfs check found errors in the target, which was unmounted in good order: `text` is the first; `result` its exit status */
        OBS_MISCOMPARE, /* data read back is not what was written: `logical` = file offset, `text` names file and block */
        OBS_KERNEL_DIED, /* the machine went down under an earlier start, and the kernel has left why: `text` is what it said */
        OBS_FAULT,    /* a fault of ours has struck `count` blocks, the first on `devid` at `physical`, and what came of it is not what had to:
                       * `result` is a FaultMiss, `text` says what was struck and what differs */
        OBS_DEVICE,   /* a device that is to become one of the target's: `text` is its name as the kernel log has it ("loop7") */
        OBS_NOTE,     /* worth a line in the report, never a finding: `text` */
        _OBS_MAX,
} ObservationKind;

/* How it differs. */
typedef enum FaultMiss {
        FAULT_MISSED = 1, /* fewer errors were noticed than there are */
        FAULT_EXCESS,     /* more */
        FAULT_OTHERWISE,  /* as many, but at another place, not repaired, not readable, or come again */
        FAULT_BROKEN,     /* what fsync(2) had promised is gone, or the filesystem damaged */
} FaultMiss;

/* What was known to hold when it was seen. Facts, not judgements. */
typedef enum ObservationFlag {
        OBS_OURS = 1 << 0,      /* we had cancelled, paused or were stopping this operation */
        OBS_SIGNAL = 1 << 1,    /* a signal was pending */
        OBS_NEAR_FULL = 1 << 2, /* unallocated space below the headroom rule (2 x metadata chunk x copies) */
        OBS_OVERLAP = 1 << 3,   /* another of our operations that excludes this one was in flight */
        OBS_SWAPFILE = 1 << 4,  /* there is an active swap file on the target */
        OBS_INJECTED = 1 << 5,  /* a fault of ours is active that explains errors */
        OBS_COLLIDED = 1 << 6,  /* the block group at `logical` was removed while a scrub had it in range, a moment before */
        OBS_DISCARDS = 1 << 7,  /* freed blocks were being discarded: a scrub may have read some of them */
} ObservationFlag;

#define OBS_TEXT_MAX 400
#define OBS_LINE_MAX 2048 /* the text form of any observation fits */

typedef struct Observation {
        uint64_t time_ns; /* CLOCK_MONOTONIC, when it was seen */
        ObservationKind kind;
        Operation op;
        int32_t result;     /* 0, negative errno of the kernel under test, or a positive ioctl return (balance: BTRFS_ERROR_DEV_*) */
        uint32_t flags;     /* ObservationFlag */
        uint32_t worker;    /* slot index + 1; 0: not a worker */
        uint32_t counter;   /* HealthCounter + 1; 0: none */
        uint64_t devid;     /* 0: none */
        uint64_t physical;  /* scrub: progress.last_physical */
        uint64_t logical;
        uint64_t length;
        uint64_t count;
        uint64_t begin_ns;  /* when the operation began; 0: not an operation */
        char text[OBS_TEXT_MAX];
} Observation;

const char *observation_kind_name(ObservationKind kind);
/* The bit of an ObservationFlag by its name ("near-full"), which is `length` long; 0: there is none. And the name of a bit; NULL: it has none. */
uint32_t observation_flag(const char *name, size_t length);
const char *observation_flag_name(uint32_t bit);

/* One line without newline, key=value, in the order of the struct, zero fields left out, text last and escaped (\n, \\, \xHH):
 *   "1234567890 result op=scrub errno=EINVAL flags=ours,overlap devid=2 physical=4096 text=..."
 * The result is errno=NAME, or result=+8, result=0 (kinds result and control), result=-600 (an errno without a name).
 * Returns the length or -ENOSPC. */
int observation_print(const Observation *o, char *buf, size_t size);
/* The inverse; keys in any order but text last; one newline at the end is allowed.
 * Empty lines and lines that start with '#' are -ENODATA; bad ones -EINVAL with the reason in `e`. */
int observation_parse(const char *line, Observation *ret, Error *e);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Fault: something broken on purpose; the plug-in contract. A fault chooses blocks of the devices, and says beforehand what must come of it
 * that its means break them; strike.c has them broken, scrubs, reads and compares. Or it does something to the filesystem as a whole, under which
 * nothing may break. To add one: write lib/fault/ft-NAME.c with a const Fault
 * at its bottom; add one line each to fault.h (extern), registry.c and lib/lib.am, and its name to fault_names in config/key.c.
 */
#include "base/cgroup.h"
#include "base/rng.h"
#include "fault/prey.h"
#include "fault/wound.h"
#include "observe/operation.h"
#include "target/chunk-place.h"
#include "target/target.h"

#define FAULT_BLOCKS_MAX 16
#define FAULT_DELAY_MS 50 /* of each read and write of a slow device */

/* What is counted when a fault has struck. Names in fault_count_names, part of the text of findings. */
typedef enum FaultCount {
        FAULT_CHECKSUMS,     /* checksum and verify errors, by scrubs of the devices that were struck: which of the two a tree block with a wrong
                              * checksum counts as has changed between kernels */
        FAULT_SUPERS,        /* likewise: superblock errors */
        FAULT_READ_ERRORS,   /* likewise */
        FAULT_CORRECTED,     /* likewise */
        FAULT_UNCORRECTABLE, /* likewise */
        FAULT_ELSEWHERE,     /* errors, by scrubs of the other devices */
        FAULT_REPAIRED,      /* blocks that are on the device as they were, after scrubs and a commit */
        FAULT_UNREADABLE,    /* blocks of the prey that cannot be read then */
        FAULT_WRONG,         /* blocks of the prey that read wrong: never */
        FAULT_AGAIN,         /* errors of any kind, by a second scrub of all devices */
        FAULT_LOST,          /* files that fsync(2) had promised, and that are not there as they were after a power cut */
        FAULT_DAMAGED,       /* looks of btrfs check that found the filesystem damaged then, and mounts that failed */
        FAULT_THROUGH,       /* writes that came through to a filesystem that was closed to them */
        FAULT_LATE,          /* operations that did not come to an end, or not go on, when they had to */
        FAULT_ODD,           /* operations that answered otherwise than they had to */
        FAULT_QUICK,         /* scrubs of the devices that were struck, and commits, that took less time than they had to */
        _FAULT_COUNT_MAX,
} FaultCount;

extern const char *const fault_count_names[_FAULT_COUNT_MAX];

/* Where faults strike: the mounted target, in which nothing else happens meanwhile. */
typedef struct FaultScene {
        const Target *target;
        const BtrfsOps *ops;
        int fd; /* its root directory */
        bool replaces; /* an act may replace devices */
        Rng rng;
        Prey prey;
        ExtentMap map; /* as of the commit of the prey */
        Operation op;  /* what an act has failed with */
        const TargetDevice *device; /* of the target, … */
        const char *spare;          /* … and the path of one that is not: what an act is about */
        const Cgroup *group;        /* … and that whose processes it limits, … */
        uint64_t limited_bytes;     /* … and what they write and read */
} FaultScene;

typedef struct FaultBlock {
        uint64_t logical; /* of its chunk; 0: of none */
        ChunkPlace place;
        uint32_t bit;     /* which one is flipped, where bits are */
} FaultBlock;

typedef struct FaultPlan {
        size_t n_blocks;
        FaultBlock blocks[FAULT_BLOCKS_MAX];
        const Chunk *chunk; /* in the scene's map: holds all of them, and is what is scrubbed; NULL: no chunk does */
        bool whole;         /* all of the devices is scrubbed instead */
        uint64_t least_ns;  /* that a scrub of a device that was struck takes, and a commit */
        uint64_t expected[_FAULT_COUNT_MAX];
        unsigned at_least;  /* of which of these more may come: bits by FaultCount */
} FaultPlan;

/* The named condition: it does not apply to this target. */
#define FAULT_NOT_HERE 1

typedef struct Fault {
        const char *name, *help;
        bool cuts_power; /* of all devices, under the stress, and nothing else: what comes of it is looked at by run/outage.h; all below is unused */
        bool limits;     /* by a control group below ours, see base/cgroup.h */
        /* Does something to the filesystem as a whole, takes it back, and counts what must not be (FAULT_THROUGH, FAULT_LATE, FAULT_ODD). Leaves the
         * prey where it is. Blocks. Returns as choose() does; what the kernel has refused goes to the scene's `op`. NULL: it is a fault of blocks. */
        int (*act)(FaultScene *s, uint64_t seen[static _FAULT_COUNT_MAX]);
        const Means *means; /* by which the blocks are broken */
        /* Returns 0, FAULT_NOT_HERE, -ENODATA (this time there is nothing to strike: where the prey lies is chance), or the kernel's negative
         * errno. */
        int (*choose)(FaultScene *s, FaultPlan *p);
        /* For a device that is broken while it is written to, and whole when it is scrubbed. The prey has been laid anew meanwhile: says what must come
         * of it. NULL: it is broken until the kernel mends it. */
        void (*suffer)(FaultScene *s, FaultPlan *p);
        /* True when what was chosen is still in its place, so that the expectation holds. NULL: it cannot move. */
        bool (*stays)(FaultScene *s, const FaultPlan *p);
        unsigned stats; /* which error counters of devices grow by it, beside those of wrong content: bits by BTRFS_DEV_STAT_* */
        bool renewed; /* a commit writes the block anew, with another content: that too repairs it */
} Fault;

extern const Fault fault_bad_sector;
extern const Fault fault_cancel;
extern const Fault fault_data;
extern const Fault fault_device_loss;
extern const Fault fault_freeze;
extern const Fault fault_io_limit;
extern const Fault fault_memory_limit;
extern const Fault fault_parity;
extern const Fault fault_power_cut;
extern const Fault fault_read_only;
extern const Fault fault_slow_disk;
extern const Fault fault_super;
extern const Fault fault_tree;
extern const Fault fault_write_error;

/* In the order of the bits of [Fault] Faults=, sorted by name. */
extern const Fault *const faults[];
extern const size_t n_faults;

#define FAULTS_MAX 16

/* False: nobody can tell old or wrong data from what was written. */
bool fault_has_checksums(const FaultScene *s);
/* A random bit of a block, not among its first `spared` bytes. */
uint32_t fault_bit(FaultScene *s, uint32_t spared);

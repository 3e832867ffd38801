/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Target: the btrfs filesystem under stress and the devices it is made of. Plain data without pointers: it is made by a job (a child
 * process) and lives in memory shared with the supervisor.
 *
 * Life: target_check() (touches nothing) → target_make() in a job: images and loop devices, or consent to take disks; mkfs, mount →
 * workers → target_unmount() in a job.
 * The mount holds the loop devices, by way of their layers where there are any; they vanish with it. All of it happens in the supervisor's private mount namespace.
 */
#include <limits.h>
#include <sys/types.h>

#include "base/error.h"
#include "config/config.h"
#include "target/btrfs-ops.h"
#include "target/identity.h"

#define TARGET_DEVICES_MAX 16

typedef struct TargetDevice {
        uint64_t devid, size;
        char path[64];
        char below[64]; /* the device under its layer; "": it has none */
        uint64_t stats_at_start[BTRFS_DEV_STAT_VALUES_MAX]; /* error counters when the target was made, … */
        uint64_t stats[BTRFS_DEV_STAT_VALUES_MAX];          /* … and at the last look */
} TargetDevice;

/* By BTRFS_DEV_STAT_*: "write", "read", "flush", "corruption", "generation"; stable, part of the JSON schema. */
extern const char *const device_stat_names[BTRFS_DEV_STAT_VALUES_MAX];

/* A block device that was taken, with consent. */
typedef struct TargetDisk {
        char path[256]; /* as configured */
        Identity identity;
} TargetDisk;

typedef struct Target {
        pid_t owner;    /* while it lives nobody else sweeps the layers away; 0: who makes the target */
        unsigned makes; /* how often it has been made: a layer of the last time may take a moment to go */
        bool mounted;
        unsigned n_disks; /* 0: on loop devices of our own */
        TargetDisk disks[TARGET_DEVICES_MAX];
        char mount_point[PATH_MAX];
        char mount_options[256]; /* as the kernel shows them in /proc/self/mountinfo */
        char image_directory[PATH_MAX];
        uint8_t fsid[16];
        char fsid_text[37];
        unsigned n_devices;
        TargetDevice devices[TARGET_DEVICES_MAX];
        uint64_t data_chunk_size;     /* bytes of a data block group as mkfs or the kernel makes them on this target; 0: not known yet */
        uint64_t metadata_chunk_size;
        uint64_t populated;           /* bytes of data that stays and that can be read back: stress/population.h */
        uint64_t generation;          /* at mount */
        uint32_t nodesize, sectorsize;
} Target;

/* The words of ImageDirectories=, as a NULL-terminated list. */
typedef struct TargetDirectories {
        char text[CONFIG_STRING_MAX];
        const char *paths[16];
} TargetDirectories;

void target_directories(TargetDirectories *d, const Config *c);

/* unshare(CLONE_NEWNS) and MS_REC|MS_SLAVE, once, in the supervisor, before anything is mounted. -EPERM: not root. */
int target_enter_namespace(Error *e);

/* All that can be known to be wrong before anything is touched: root, btrfs in the kernel (or a module of it) and alive, loop control,
 * mkfs.btrfs, image directory and room, or the interlocks of the disks; mount point. What the configuration alone can say is
 * config_check()'s. `root` prefixes /proc, /sys, /lib/modules and /dev (tests; NULL or "": none). Sentences name the remedy. */
int target_check(const Config *c, const char *root, Error *e);
/* Sets device_size to the size of the largest disk, for deadlines and room; nothing for loop files. After target_check(). */
void target_learn(Config *c);
/* Blocks (mkfs). On failure nothing is left behind. A *t that was made before in this run must be handed in again: its disks have to be
 * the same devices still. -EPERM with EXIT_REFUSED: an interlock said no, nothing was written. */
int target_make(Target *t, const Config *c, Error *e);
/* Syncs and unmounts; blocks. Returns a negative errno with a sentence (EBUSY names who). A failed sync is not one: an aborted filesystem
 * cannot be synced and must be unmounted all the same. Then waits shortly until the loop devices are gone, unless the caller itself has
 * one open; -EBUSY when they stay: unmounted, but something holds them. A target that is not mounted is success. */
int target_unmount(Target *t, Error *e);
/* True when each device has a layer (target/layer.h). */
bool target_has_layers(const Target *t);
/* A replace gives a devid another device: asks the kernel for the path of each. One that it does not tell stays as it was. Blocks shortly. */
void target_learn_paths(Target *t, const BtrfsOps *ops, int fd);

/* Keeps the devices of a target, and what lies below them, while it is not mounted; one that cannot be opened is not kept. */
typedef struct TargetHold {
        unsigned n;
        int fds[TARGET_DEVICES_MAX];
} TargetHold;

void target_hold(TargetHold *h, const Target *t);
void target_release(TargetHold *h);
/* Of a target that is not mounted: what is in the page cache of its devices, and of those below its layers, is read anew, as the layers may have been
 * written to past it. Where one cannot be opened it is left as it is: who reads it will say so. Blocks shortly. */
void target_drop_pages(const Target *t);
/* Opens the root directory of the mounted target. The caller owns the fd. -ENODEV: what is at the mount point is not the target (so that
 * nobody stresses the filesystem below it). */
int target_open(const Target *t, Error *e);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * DeviceUses: which block devices the system uses, and for what, by their numbers: mounts of every mount namespace that /proc shows,
 * members of mounted btrfs filesystems (whose mounts have numbers of their own), swap, and the disks that the system itself stands on.
 * `root` prefixes /proc and /sys (tests; NULL or "": none).
 */
#include <stddef.h>

typedef enum DeviceUseKind {
        USE_MOUNTED = 1 << 0,
        USE_SWAP = 1 << 1,
        USE_SYSTEM = 1 << 2, /* below /, /boot and the like: by way of partitions, LVM, md, dm-crypt too */
} DeviceUseKind;

typedef struct DeviceUse {
        unsigned major, minor;
        DeviceUseKind kind;
        char text[192]; /* "mounted on /srv"; without the device */
} DeviceUse;

typedef struct DeviceUses {
        DeviceUse *uses;
        size_t n, allocated;
} DeviceUses;

#define DEVICE_USES_NULL ((DeviceUses){ 0 })

/* A snapshot. `paths`: further directories (NULL-terminated, or NULL) whose disks count as the system's. -ENOMEM; -errno when our own mounts,
 * those of the first process (a /proc that hides it hides others) or the list of swaps cannot be read: then nothing can be said about any
 * device. */
int device_uses_read(DeviceUses *u, const char *root, const char *const *paths);
void device_uses_free(DeviceUses *u);
/* The first of these kinds (a mask), or NULL. */
const DeviceUse *device_uses_find(const DeviceUses *u, unsigned major, unsigned minor, unsigned kinds);
/* The name of a device that is built on this one (LVM, md, dm, bcache). 1: there is one. 0: none. */
int device_holder(const char *root, unsigned major, unsigned minor, char *buf, size_t size);
/* Calls func for each partition until it returns other than 0, and returns that. A negative errno: the device cannot be looked at. */
int device_partitions(const char *root, unsigned major, unsigned minor,
                      int (*func)(void *userdata, unsigned major, unsigned minor), void *userdata);

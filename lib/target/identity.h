/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Identity: what the kernel says a block device is, read from sysfs by its number, never by a name. `root` prefixes /sys and /dev (tests;
 * NULL or "": none).
 */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Identity {
        unsigned major, minor;
        char name[32];          /* the kernel's, of this boot: "nvme0n1" */
        uint64_t size;          /* bytes */
        bool partition, read_only;
        char serial[256];       /* "": the kernel knows none; blanks inside are '_', as udev writes them */
        char serial_source[32]; /* where it is from: the attribute of sysfs */
        char wwid[192];         /* "": none */
        char model[64];         /* "": none */
        char link[256];         /* the first of its names in /dev/disk/by-id; "": none */
} Identity;

/* A partition has the serial, wwid and model of its disk. Does not block. -ENOENT: no such device. */
int identity_read(Identity *i, const char *root, unsigned major, unsigned minor);
/* Still the same device: number, size and serial? */
bool identity_same(const Identity *a, const Identity *b);

/* Calls func for each whole device that has a size, ordered by name. Stops at its first negative return and forwards that. */
int identity_each(const char *root, int (*func)(void *userdata, unsigned major, unsigned minor), void *userdata);
/* "259:0" from the file at root/path. -EINVAL, or the errno of reading it. */
int identity_read_number(const char *root, const char *path, unsigned *major, unsigned *minor);

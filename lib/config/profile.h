/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Profile: the block group profiles of btrfs, what each needs and what it leaves room for.
 */
#include <stddef.h>
#include <stdint.h>

typedef struct Profile {
        const char *name;     /* as mkfs.btrfs and `btrfs balance` write it */
        unsigned min_devices; /* of mkfs.btrfs and kernel since 5.15; before, raid0 took 2 and raid10 took 4 */
        unsigned copies;      /* of each byte */
        unsigned parity;      /* devices' worth of each stripe */
} Profile;

extern const Profile profiles[];
extern const size_t n_profiles;

/* NULL: no such profile. */
const Profile *profile_find(const char *name);
/* Bytes that fit on n devices of `size` bytes, n >= min_devices. */
uint64_t profile_capacity(const Profile *p, unsigned n_devices, uint64_t size);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/profile.h"

#include <string.h>

#include "base/macro.h"

const Profile profiles[] = {
        { "single", 1, 1, 0 },  { "dup", 1, 2, 0 },     { "raid0", 1, 1, 0 },   { "raid1", 2, 2, 0 }, { "raid1c3", 3, 3, 0 },
        { "raid1c4", 4, 4, 0 }, { "raid10", 2, 2, 0 },  { "raid5", 2, 1, 1 },   { "raid6", 3, 1, 2 },
};
const size_t n_profiles = ELEMENTSOF(profiles);

const Profile *profile_find(const char *name) {
        for (size_t i = 0; i < n_profiles; i++)
                if (strcmp(profiles[i].name, name) == 0)
                        return &profiles[i];
        return NULL;
}

uint64_t profile_capacity(const Profile *p, unsigned n_devices, uint64_t size) {
        return (n_devices - p->parity) * size / p->copies;
}

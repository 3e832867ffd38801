/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/load-profile.h"

#include <string.h>

#include "base/macro.h"

static const char *const race_values[] = { NULL };

/* A removal is met by the scrub of every device that has an extent of the group, so more copies on more devices are more hits per removal:
 * 0.7 against 0.25 with the defaults (6.12 with the race put back, emulated), at fewer removals. */
static const char *const wide_values[] = {
        "Target.Devices=loop:1GiB*8",
        "Target.MetadataProfile=raid1c4",
        "Churn.FileSize=64KiB",
        "Churn.BlockSize=64KiB",
        "Scrub.Aim=no",
        NULL,
};

/* The shape in which the cleaner of an unmodified 6.12 was seen to fail: one large device, groups allocated and emptied in bursts. */
static const char *const burst_values[] = {
        "Target.Devices=loop:2GiB",
        "Target.DataProfile=single",
        "Target.MetadataProfile=single",
        "Target.MountOptions=nodiscard",
        "Churn.Fill=fallocate",
        "Churn.FileSize=180MiB",
        "Churn.Files=4",
        "Sync.Workers=0",
        "Balance.Enabled=no",
        "Scrub.Aim=no",
        NULL,
};

/* A scrub or balance in flight refuses the replace. Without scrubs, which set groups read-only, small files use one data group for ever: a
 * file larger than a group makes groups die (a tenth of the device, 112 MiB). Allocated, not written, for what it holds is copied. */
static const char *const replace_values[] = {
        "Target.Devices=loop:1GiB",
        "Target.MetadataProfile=single",
        "Churn.Fill=fallocate",
        "Churn.FileSize=130MiB",
        "Replace.Enabled=yes",
        "Scrub.Enabled=no",
        "Balance.Enabled=no",
        NULL,
};

const LoadProfile load_profiles[] = {
        { "race", "Small written files on four devices, a sync loop, a scrub per device, aimed at block groups that live: the "
                  "most hits, and clear of the bug of released kernels that burst is for, as far as a load can be.", race_values },
        { "wide", "The same on eight devices with four copies of metadata: fewer removals, but each is met by several scrubs. Needs Linux "
                  "5.5 and 8 GiB for the images.", wide_values },
        { "replace", "A device is replaced by a spare, again and again, while block groups come and go, with neither scrub nor balance in "
                     "the way: the race as device replace meets it.", replace_values },
        { "burst", "Large files allocated and emptied all at once on one device: many block groups die together. Not for a machine "
                   "that is needed: this load alone has broken released kernels (an assertion in the cleaner, aborted transactions).",
          burst_values },
};
const size_t n_load_profiles = ELEMENTSOF(load_profiles);

const LoadProfile *load_profile_find(const char *name) {
        for (size_t i = 0; i < n_load_profiles; i++)
                if (strcmp(load_profiles[i].name, name) == 0)
                        return &load_profiles[i];
        return NULL;
}

const char *load_profile_value(const LoadProfile *p, const char *section, const char *name) {
        size_t n = strlen(section), m = strlen(name);

        for (const char *const *v = p->values; *v; v++)
                if (strncmp(*v, section, n) == 0 && (*v)[n] == '.' && strncmp(*v + n + 1, name, m) == 0 && (*v)[n + 1 + m] == '=')
                        return *v + n + 1 + m + 1;
        return NULL;
}

char *load_profile_origin(const LoadProfile *p, char buf[static LOAD_PROFILE_ORIGIN_MAX]) {
        snprintf(buf, LOAD_PROFILE_ORIGIN_MAX, "profile %s", p->name);
        return buf;
}

bool load_profile_is_origin(const char *origin) {
        char buf[LOAD_PROFILE_ORIGIN_MAX];

        for (size_t i = 0; i < n_load_profiles; i++)
                if (strcmp(load_profile_origin(&load_profiles[i], buf), origin) == 0)
                        return true;
        return false;
}

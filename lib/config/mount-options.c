/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/mount-options.h"

#include <stddef.h>
#include <string.h>

#include "base/macro.h"

#define BETWEEN ", \t"

static const RefusedOption refused_options[] = {
        { "bind", "the target is mounted afresh" },
        { "degraded", "it would hide a lost device" },
        { "device", "the devices are those of Devices=, no others may be drawn in" },
        { "fatal_errors=panic", "it would crash the machine at the first transaction abort" },
        { "loop", "the loop devices are made before the mount" },
        { "move", "the target is mounted afresh" },
        { "nologreplay", "it needs a read-only mount, and the stressors have to write" },
        { "norecovery", "it needs a read-only mount, and the stressors have to write" },
        { "offset", "the loop devices are made before the mount" },
        { "rbind", "the target is mounted afresh" },
        { "remount", "the target is mounted afresh" },
        { "rescue", "it needs a read-only mount, and the stressors have to write" },
        { "ro", "the stressors have to write" },
        { "sizelimit", "the loop devices are made before the mount" },
        { "subvol", "the stressors work on the top-level subvolume" },
        { "subvolid", "the stressors work on the top-level subvolume" },
};

const RefusedOption *mount_options_refused(const char *list) {
        for (const char *p = list + strspn(list, BETWEEN); *p; p += strspn(p, BETWEEN)) {
                size_t whole = strcspn(p, BETWEEN), name = MIN_OF(strcspn(p, "="), whole);
                for (size_t i = 0; i < ELEMENTSOF(refused_options); i++) {
                        const char *option = refused_options[i].option;
                        size_t n = strchr(option, '=') ? whole : name;
                        if (strlen(option) == n && strncmp(option, p, n) == 0)
                                return &refused_options[i];
                }
                p += whole;
        }
        return NULL;
}

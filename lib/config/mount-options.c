/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/mount-options.h"

#include <stdio.h>
#include <string.h>

#include "base/macro.h"

#define BLANKS " \t"
#define BETWEEN "," BLANKS

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

/*
 * What fs/btrfs/super.c lets a remount change (read in 6.12, the names also in the table before 6.8; discard=async came with 5.6), and by which
 * option it goes back to its default; others have none (user_subvol_rm_allowed), depend on the devices (ssd), or act at a mount only.
 * Options of the VFS are not walked: a remount sets all of them at once.
 */
static const struct {
        const char *name;
        bool negated; /* there is a "no" of it */
        const char *undo;
} changeable[] = {
        { "autodefrag", true, "noautodefrag" },
        { "barrier", true, "barrier" },
        { "commit", false, "commit=30" },
        { "compress", false, "compress=no" },
        { "compress-force", false, "compress=no" },
        { "datacow", true, "datasum" }, /* nodatacow takes checksums away too, and datasum brings back both */
        { "datasum", true, "datasum" },
        { "defaults", false, NULL },    /* no option: mount(8) drops it, and a set of it alone is MountOptions= as it is */
        { "discard", true, "nodiscard" },
        { "flushoncommit", true, "noflushoncommit" },
        { "treelog", true, "treelog" },
};

/* Index of the option of n bytes, with its value and "no", or -1. */
static int find_changeable(const char *option, size_t n) {
        size_t length = MIN_OF(strcspn(option, "="), n);

        for (size_t i = 0; i < ELEMENTSOF(changeable); i++) {
                const char *name = changeable[i].name;
                size_t no = changeable[i].negated && length > 2 && strncmp(option, "no", 2) == 0 ? 2 : 0;
                if (strlen(name) == length - no && strncmp(name, option + no, length - no) == 0)
                        return (int)i;
        }
        return -1;
}

bool mount_options_set(const char *sets, size_t i, char *set, size_t size) {
        const char *p = sets + strspn(sets, BLANKS);

        for (; i > 0 && *p; i--) {
                p += strcspn(p, BLANKS);
                p += strspn(p, BLANKS);
        }
        return *p && (size_t)snprintf(set, size, "%.*s", (int)strcspn(p, BLANKS), p) < size;
}

const char *mount_options_fixed(const char *sets, size_t *n) {
        for (const char *p = sets + strspn(sets, BETWEEN); *p; p += strspn(p, BETWEEN)) {
                *n = strcspn(p, BETWEEN);
                if (find_changeable(p, *n) < 0)
                        return p;
                p += *n;
        }
        return NULL;
}

void mount_options_describe(char *buf, size_t size) {
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(changeable) && n < size; i++)
                n += (size_t)snprintf(buf + n, size - n, "%s%s%s", i == 0 ? "" : i == ELEMENTSOF(changeable) - 1 ? " and " : ", ",
                                      changeable[i].negated ? "[no]" : "", changeable[i].name);
}

void mount_options_undo(const char *sets, char undo[static MOUNT_UNDO_MAX]) {
        bool changed[ELEMENTSOF(changeable)] = { false };
        size_t n = 0;

        for (const char *p = sets + strspn(sets, BETWEEN); *p; p += strspn(p, BETWEEN)) {
                int i = find_changeable(p, strcspn(p, BETWEEN));
                if (i >= 0)
                        changed[i] = true;
                p += strcspn(p, BETWEEN);
        }
        undo[0] = 0;
        for (size_t i = 0; i < ELEMENTSOF(changeable) && n < MOUNT_UNDO_MAX; i++)
                if (changed[i] && changeable[i].undo)
                        n += (size_t)snprintf(undo + n, MOUNT_UNDO_MAX - n, "%s,", changeable[i].undo);
}

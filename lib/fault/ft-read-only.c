/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault: the filesystem is mounted read-only for a while. Nothing can be made on it then, no commit comes, a scrub that may repair is refused, and
 * all can be read; afterwards it can be written to as before.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "base/macro.h"
#include "fault/fault.h"

#define QUIET_NS (100 * NSEC_PER_MSEC)
#define QUIET_LOOKS 3
#define TRIES 3
#define NEW_FILE "read-only"

/* A remount sets all options of the VFS anew. */
static void remount_options(char *ret, size_t size, const char *mode, const char *mounted) {
        static const char *const kept[] = { "noatime", "relatime", "nodiratime", "lazytime", "nosuid", "nodev", "noexec", "sync", "dirsync" };
        size_t n = (size_t)snprintf(ret, size, "%s", mode);

        for (size_t i = 0; i < ELEMENTSOF(kept) && n < size; i++) {
                const char *at = strstr(mounted, kept[i]);
                size_t length = strlen(kept[i]);
                if (at && (at == mounted || at[-1] == ',') && (at[length] == ',' || !at[length]))
                        n += (size_t)snprintf(ret + n, size - n, ",%s", kept[i]);
        }
}

static int remount(const FaultScene *s, const char *mode) {
        char options[128];

        remount_options(options, sizeof(options), mode, s->target->mount_options);
        return s->ops->remount(s->fd, options);
}

/* 0 when a file can be made; it is gone again. */
static int make_file(const FaultScene *s) {
        _cleanup_close_ int fd = openat(s->fd, NEW_FILE, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
                return -errno;
        return unlinkat(s->fd, NEW_FILE, 0) < 0 ? -errno : 0;
}

static int scrub(const FaultScene *s) {
        const ScrubRange range = { .devid = s->target->devices[0].devid, .end = 1 };
        ScrubStats stats = { 0 };

        return s->ops->scrub(s->fd, &range, &stats);
}

static uint64_t generation(const FaultScene *s) {
        struct btrfs_ioctl_fs_info_args info = { .flags = BTRFS_FS_INFO_FLAG_GENERATION };

        return s->ops->fs_info(s->fd, &info) == 0 ? info.generation : 0;
}

/* Once may be the end of what was under way. */
static bool commits_go_on(const FaultScene *s) {
        for (unsigned i = 0; i < QUIET_LOOKS; i++) {
                uint64_t before = generation(s);

                clock_sleep_ns(QUIET_NS);
                if (generation(s) == before)
                        return false;
        }
        return true;
}

static void look_while_closed(FaultScene *s, uint64_t *seen) {
        PreyState state;

        seen[FAULT_THROUGH] += make_file(s) != -EROFS;
        seen[FAULT_ODD] += scrub(s) != -EROFS;
        seen[FAULT_THROUGH] += commits_go_on(s);
        prey_look(&s->prey, &state);
        seen[FAULT_UNREADABLE] += state.unreadable;
        seen[FAULT_WRONG] += state.wrong;
}

/* One that has failed may have left it half done. */
static int remount_back(const FaultScene *s) {
        int r = -EROFS;

        for (unsigned i = 0; i < TRIES && r < 0; i++)
                r = remount(s, "rw");
        return r;
}

/* -EBUSY: somebody has a file open for writing. */
static int act(FaultScene *s, uint64_t seen[static _FAULT_COUNT_MAX]) {
        int r = remount(s, "ro"), back;

        s->op = OP_REMOUNT;
        if (r == -EBUSY)
                return -ENODATA;
        if (r == 0)
                look_while_closed(s, seen);
        back = remount_back(s);
        if (r < 0 || back < 0)
                return r < 0 ? r : back;
        s->op = OP_OPEN;
        return make_file(s);
}

const Fault fault_read_only = {
        .name = "read-only",
        .help = "a remount read-only and back",
        .act = act,
};

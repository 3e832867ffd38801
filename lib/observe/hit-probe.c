/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/hit-probe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"

/* What btrfs_unfreeze_block_group() calls for a group that was removed, and a scrub for nothing else. The first since 6.8 (7dc66abb5a47). */
static const char *const functions[] = { "btrfs_remove_chunk_map", "btrfs_remove_free_space_cache", "__btrfs_remove_free_space_cache" };

char *hit_probe_system(const char *instance, char buf[static HIT_SYSTEM_MAX]) {
        snprintf(buf, HIT_SYSTEM_MAX, "%s", instance);
        for (char *p = buf; *p; p++)
                if (*p == '-')
                        *p = '_';
        return buf;
}

/* Without O_TRUNC, which would remove the probes of everybody: the kernel adds the line to those it has. */
static int open_events(const char *tracing) {
        char path[PATH_MAX];
        int fd;

        snprintf(path, sizeof(path), "%s/kprobe_events", tracing);
        fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int hit_probe_add(const char *tracing, const char *system) {
        _cleanup_close_ int fd = open_events(tracing);
        char line[HIT_SYSTEM_MAX + 64];

        if (fd < 0)
                return fd;
        for (size_t i = 0; i < ELEMENTSOF(functions); i++) {
                snprintf(line, sizeof(line), "p:%s/" HIT_EVENT " %s\n", system, functions[i]);
                if (write(fd, line, strlen(line)) > 0)
                        return 0;
        }
        return -EOPNOTSUPP;
}

/* Of an event that is not there the kernel says ENOENT. */
int hit_probe_remove(const char *tracing, const char *system) {
        _cleanup_close_ int fd = open_events(tracing);
        char line[HIT_SYSTEM_MAX + 64];

        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        snprintf(line, sizeof(line), "-:%s/" HIT_EVENT "\n", system);
        return write(fd, line, strlen(line)) < 0 && errno != ENOENT ? -errno : 0;
}

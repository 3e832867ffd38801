/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/users.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <string.h>

#include "base/fs.h"
#include "base/macro.h"

#define USERS_NAMED 4

static void closedirp(DIR **d) {
        if (*d)
                closedir(*d);
}

/* Is the link's target `path` or below? */
static bool link_below(const char *link, const char *path) {
        char target[PATH_MAX];
        size_t length = strlen(path);
        ssize_t n = readlink(link, target, sizeof(target) - 1);

        if (n < 0)
                return false;
        target[n] = 0;
        return strncmp(target, path, length) == 0 && (target[length] == 0 || target[length] == '/');
}

static bool process_uses(const char *pid, const char *path) {
        char name[PATH_MAX];
        _cleanup_(closedirp) DIR *d = NULL;
        struct dirent *entry;

        snprintf(name, sizeof(name), "/proc/%.16s/cwd", pid);
        if (link_below(name, path))
                return true;
        snprintf(name, sizeof(name), "/proc/%.16s/root", pid);
        if (link_below(name, path))
                return true;
        snprintf(name, sizeof(name), "/proc/%.16s/fd", pid);
        d = opendir(name);
        while (d && (entry = readdir(d))) {
                snprintf(name, sizeof(name), "/proc/%.16s/fd/%.32s", pid, entry->d_name);
                if (link_below(name, path))
                        return true;
        }
        return false;
}

void users_of(const char *path, char *buf, size_t size) {
        _cleanup_(closedirp) DIR *d = opendir("/proc");
        struct dirent *entry;
        size_t have = 0;
        unsigned n = 0;

        while (d && (entry = readdir(d)) && n < USERS_NAMED && have < size) {
                char name[64], comm[32];
                if (!isdigit((unsigned char)entry->d_name[0]) || !process_uses(entry->d_name, path))
                        continue;
                snprintf(name, sizeof(name), "/proc/%.16s/comm", entry->d_name);
                if (fs_read(NULL, name, comm, sizeof(comm)) < 0)
                        strcpy(comm, "a process");
                have += (size_t)snprintf(buf + have, size - have, "%s%s (pid %.16s)", n++ ? ", " : "", comm, entry->d_name);
        }
        if (n == 0)
                snprintf(buf, size, "something that /proc does not show (a file mapped into memory, another mount namespace, the kernel)");
}

bool user_is_self(const char *path) {
        return process_uses("self", path);
}

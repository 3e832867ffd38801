/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macro.h"

int fs_read(const char *root, const char *path, char *buf, size_t size) {
        char full[PATH_MAX];
        _cleanup_close_ int fd = -1;
        size_t have = 0;

        if (snprintf(full, sizeof(full), "%s%s", root ?: "", path) >= (int)sizeof(full))
                return -ENAMETOOLONG;
        fd = open(full, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        while (have < size - 1) {
                ssize_t n = read(fd, buf + have, size - 1 - have);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                have += (size_t)n;
        }
        while (have > 0 && buf[have - 1] == '\n')
                have--;
        buf[have] = 0;
        return (int)have;
}

int fs_read_u64(const char *root, const char *path, uint64_t *ret) {
        char buf[64], *end;
        int r = fs_read(root, path, buf, sizeof(buf));

        if (r < 0)
                return r;
        errno = 0;
        *ret = strtoull(buf, &end, 0);
        return end == buf || errno ? -EINVAL : 0;
}

int fs_write(const char *root, const char *path, const char *text) {
        char full[PATH_MAX];
        _cleanup_close_ int fd = -1;
        ssize_t n;

        if (snprintf(full, sizeof(full), "%s%s", root ?: "", path) >= (int)sizeof(full))
                return -ENAMETOOLONG;
        fd = open(full, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        n = write(fd, text, strlen(text));
        if (n < 0)
                return -errno;
        return (size_t)n == strlen(text) ? 0 : -EIO;
}

int fs_mkdir_p(const char *path) {
        char partial[PATH_MAX];

        if (strlen(path) >= sizeof(partial))
                return -ENAMETOOLONG;
        strcpy(partial, path);
        for (char *p = partial + 1;; p++) {
                char c = *p;
                if (c != '/' && c != 0)
                        continue;
                *p = 0;
                if (mkdir(partial, 0755) < 0 && errno != EEXIST)
                        return -errno;
                if (c == 0)
                        return 0;
                *p = c;
        }
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/populate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/units.h"
#include "stress/writer.h"

#define DIRECTORY "population"
#define FILE_BYTES (64 * MiB)
#define BLOCK_BYTES (1 * MiB)
#define DEPTH 4

static int write_file(Writer *w, int dir_fd, uint64_t i, uint64_t size) {
        _cleanup_close_ int fd = -1;
        char name[24];

        snprintf(name, sizeof(name), "%llu", (unsigned long long)i);
        fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        return fd < 0 ? -errno : writer_write(w, fd, size, &(Pattern){ .file = i });
}

static int write_all(Writer *w, int dir_fd, uint64_t bytes) {
        for (uint64_t i = 0, done = 0; done < bytes; i++, done += FILE_BYTES) {
                int r = write_file(w, dir_fd, i, MIN_OF(bytes - done, FILE_BYTES));
                if (r < 0)
                        return r;
        }
        return 0;
}

int populate(const Target *t, const Config *c, const BtrfsOps *ops, int root_fd, Error *e) {
        const WriterShape shape = { .engine = c->churn.engine, .block_size = BLOCK_BYTES, .depth = DEPTH };
        _cleanup_(writer_freep) Writer *w = NULL;
        _cleanup_close_ int dir_fd = -1;
        char size[UNITS_MAX];
        int r;

        if (c->target.populate == 0)
                return 0;
        r = writer_new(&w, &shape, e);
        if (r < 0)
                return r;
        if (mkdirat(root_fd, DIRECTORY, 0700) == 0)
                dir_fd = openat(root_fd, DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        r = dir_fd < 0 ? -errno : write_all(w, dir_fd, c->target.populate);
        if (r == 0)
                r = ops->sync(root_fd);
        if (r < 0)
                return error_set(e, EXIT_ERROR, -r, "Cannot write %s of data that stays to %s: %s; lower [Target] Populate= or look at the "
                                 "kernel log.", units_human_size(c->target.populate, size), t->mount_point, strerror(-r));
        return 0;
}

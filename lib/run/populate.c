/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/populate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/units.h"
#include "stress/population.h"

#define SPARSE_FILE_BYTES GiB        /* a data block group on devices of some size */
/* Of each: more than an aimed scrub takes for the churn's (CHURN_SLACK in budget.c), and than a balance by Balance.UsageData=5 relocates. */
#define SPARSE_KEPT_BYTES (64 * MiB)

static int write_all(Writer *w, int dir_fd, uint64_t bytes) {
        for (uint64_t i = 0; i < population_files(bytes); i++) {
                _cleanup_close_ int fd = population_open(dir_fd, i, O_WRONLY | O_CREAT | O_EXCL);
                const Pattern pattern = population_pattern(i);
                int r = fd < 0 ? fd : writer_write(w, fd, population_file_size(bytes, i), &pattern);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int allocate_all(int dir_fd, uint64_t bytes) {
        for (uint64_t i = 0, done = 0; done < bytes; i++, done += SPARSE_FILE_BYTES) {
                _cleanup_close_ int fd = population_open(dir_fd, i, O_WRONLY | O_CREAT | O_EXCL);
                if (fd < 0)
                        return fd;
                if (fallocate(fd, 0, 0, (off_t)MIN_OF(bytes - done, SPARSE_FILE_BYTES)) < 0)
                        return -errno;
        }
        return 0;
}

/* Only when all are allocated: the next would take the room that this makes, and no group of its own. */
static int punch_all(int dir_fd, uint64_t bytes) {
        for (uint64_t i = 0, done = 0; done < bytes; i++, done += SPARSE_FILE_BYTES) {
                _cleanup_close_ int fd = population_open(dir_fd, i, O_WRONLY);
                if (fd < 0)
                        return fd;
                if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, SPARSE_KEPT_BYTES, SPARSE_FILE_BYTES - SPARSE_KEPT_BYTES) < 0)
                        return -errno;
        }
        return 0;
}

static int fill_sparsely(int dir_fd, uint64_t bytes) {
        int r = allocate_all(dir_fd, bytes);

        return r < 0 ? r : punch_all(dir_fd, bytes);
}

int populate(const Target *t, const Config *c, const BtrfsOps *ops, int root_fd, Error *e) {
        _cleanup_(writer_freep) Writer *w = NULL;
        _cleanup_close_ int dir_fd = -1;
        char size[UNITS_MAX];
        int r = 0;

        if (c->target.populate == 0)
                return 0;
        if (c->target.populate_fill == POPULATE_WRITE)
                r = population_writer(&w, c->churn.engine, e);
        if (r < 0)
                return r;
        if (mkdirat(root_fd, POPULATION_DIRECTORY, 0700) == 0)
                dir_fd = openat(root_fd, POPULATION_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        r = dir_fd < 0 ? -errno : w ? write_all(w, dir_fd, c->target.populate) : fill_sparsely(dir_fd, c->target.populate);
        if (r == 0)
                r = ops->sync(root_fd);
        if (r < 0)
                return error_set(e, EXIT_ERROR, -r, "Cannot write %s of data that stays to %s: %s; lower [Target] Populate= or look at the "
                                 "kernel log.", units_human_size(c->target.populate, size), t->mount_point, strerror(-r));
        return 0;
}

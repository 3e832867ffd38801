/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>

#include "stress/churn.h"

static int unlink_file(Worker *w, Churn *s, unsigned i) {
        char name[CHURN_NAME_MAX];

        worker_begin(w, OP_UNLINK);
        return worker_end(w, unlinkat(churn_files_fd(s), churn_file_name(i, name), 0) < 0 ? -errno : 0, NULL);
}

static int truncate_file(Worker *w, Churn *s, unsigned i) {
        _cleanup_close_ int fd = churn_open_file(w, s, i);

        if (fd < 0)
                return fd;
        worker_begin(w, OP_TRUNCATE);
        return worker_end(w, ftruncate(fd, 0) < 0 ? -errno : 0, NULL);
}

static int punch_file(Worker *w, Churn *s, unsigned i) {
        _cleanup_close_ int fd = churn_open_file(w, s, i);
        uint64_t size = w->config->churn.file_size;

        if (fd < 0)
                return fd;
        worker_begin(w, OP_PUNCH);
        return worker_end(w, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)size) < 0 ? -errno : 0, NULL);
}

/* The subvolume goes with all its files at once, so there is nothing to do per file. */
static const struct {
        ChurnEmpty way;
        int (*empty_file)(Worker *w, Churn *s, unsigned i);
} ways[] = {
        { EMPTY_UNLINK, unlink_file },
        { EMPTY_TRUNCATE, truncate_file },
        { EMPTY_PUNCH, punch_file },
        { EMPTY_SUBVOLUME, NULL },
};

ChurnEmpty churn_pick_way(Worker *w) {
        unsigned enabled = w->config->churn.empty;
        uint64_t skip = rng_below(&w->rng, (uint64_t)__builtin_popcount(enabled));

        for (size_t i = 0; i < ELEMENTSOF(ways); i++)
                if ((enabled & ways[i].way) && skip-- == 0)
                        return ways[i].way;
        return EMPTY_UNLINK;
}

static int delete_subvolume(Worker *w, Churn *s) {
        int r;

        if (s->subvolume_fd >= 0)
                close(TAKE_FD(s->subvolume_fd));
        worker_begin(w, OP_SUBVOL_DELETE);
        r = worker_end(w, w->ops->subvol_delete(s->dir_fd, CHURN_SUBVOLUME), NULL);
        if (r != 0)
                return r;
        s->subvolume = false;
        s->filled = 0;
        return 0;
}

static int empty_files(Worker *w, Churn *s) {
        for (size_t i = 0; i < ELEMENTSOF(ways); i++)
                for (; ways[i].way == s->way && s->filled > 0; s->filled--) {
                        int r = ways[i].empty_file(w, s, s->filled - 1);
                        if (r < 0)
                                return r;
                }
        return 0;
}

int churn_empty(Worker *w, Churn *s) {
        return s->subvolume ? delete_subvolume(w, s) : empty_files(w, s);
}

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
        uint64_t size = s->file_size;

        if (fd < 0)
                return fd;
        worker_begin(w, OP_PUNCH);
        return worker_end(w, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)size) < 0 ? -errno : 0, NULL);
}

/* What is written elsewhere takes room once more until the commit; there is no time for it when the phase has changed, and it is written as well. */
static bool may_write(Worker *w, const Churn *s) {
        return !worker_should_yield(w) && board_may_write(w->board) && churn_has_room(w, s);
}

/* The new data goes elsewhere, and the extents that it replaces die with the commit. The file stays, full of what the next cycle overwrites. */
static int overwrite_file(Worker *w, Churn *s, unsigned i) {
        _cleanup_close_ int fd = -1;

        if (!may_write(w, s)) {
                s->way = EMPTY_UNLINK;
                return unlink_file(w, s, i);
        }
        fd = churn_open_file(w, s, i);
        return fd < 0 ? fd : churn_write_file(w, s, fd, i);
}

static int clone_file(Worker *w, Churn *s, unsigned i, unsigned second) {
        _cleanup_close_ int source_fd = churn_open_file(w, s, i), fd = -1;

        if (source_fd < 0)
                return source_fd;
        fd = churn_open_file(w, s, second);
        if (fd < 0)
                return fd;
        s->named = MAX_OF(s->named, second + 1);
        worker_begin(w, OP_CLONE);
        return worker_end(w, w->ops->clone(fd, source_fd), NULL);
}

/*
 * The extents die when the second file goes. The commit before that brings its reference into the extent tree: within one transaction it
 * would come and go in memory only (delayed-ref.c, merge_ref()). The second file has the number after the last; one that could not be
 * unlinked is used again or removed with all that is named, for file i is gone, whatever becomes of it.
 */
static int reflink_file(Worker *w, Churn *s, unsigned i) {
        unsigned second = (unsigned)w->config->churn.files;
        int r = clone_file(w, s, i, second);

        if (r == 0)
                r = unlink_file(w, s, i);
        if (r != 0)
                return r;
        if (!worker_should_yield(w))
                churn_commit(w);
        unlink_file(w, s, second);
        return 0;
}

static int move_file(Worker *w, Churn *s, unsigned i) {
        _cleanup_close_ int fd = churn_open_file(w, s, i);

        if (fd < 0)
                return fd;
        worker_begin(w, OP_DEFRAG);
        return worker_end(w, w->ops->defrag(fd), NULL);
}

/* The old extents die with the commit in the middle, the new ones with the one at the end. */
static int defrag_file(Worker *w, Churn *s, unsigned i) {
        if (may_write(w, s)) {
                int r = move_file(w, s, i);
                if (r == 0)
                        r = churn_commit(w);
                if (r != 0)
                        return r;
        }
        return unlink_file(w, s, i);
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
        { EMPTY_OVERWRITE, overwrite_file },
        { EMPTY_REFLINK, reflink_file },
        { EMPTY_DEFRAG, defrag_file },
};

ChurnEmpty churn_pick_way(Worker *w) {
        unsigned enabled = w->config->churn.empty & (board_may_write(w->board) ? ~0U : ~(unsigned)EMPTY_WRITES);
        uint64_t skip = enabled ? rng_below(&w->rng, (uint64_t)__builtin_popcount(enabled)) : 0;

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

/* The way may change from one file to the next. */
static int empty_file(Worker *w, Churn *s, unsigned file) {
        for (size_t i = 0; i < ELEMENTSOF(ways); i++)
                if (ways[i].way == s->way && ways[i].empty_file)
                        return ways[i].empty_file(w, s, file);
        return unlink_file(w, s, file);
}

static int empty_files(Worker *w, Churn *s) {
        for (; s->filled > 0; s->filled--) {
                int r = empty_file(w, s, s->filled - 1);
                if (r < 0)
                        return r;
        }
        return 0;
}

int churn_empty(Worker *w, Churn *s) {
        /* So that what was there before is not taken for what was written. */
        if (s->way == EMPTY_OVERWRITE)
                s->generation++;
        return s->subvolume ? delete_subvolume(w, s) : empty_files(w, s);
}

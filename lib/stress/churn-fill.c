/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>

#include "stress/churn.h"

char *churn_file_name(unsigned i, char buf[static CHURN_NAME_MAX]) {
        snprintf(buf, CHURN_NAME_MAX, "%u", i);
        return buf;
}

int churn_open_file(Worker *w, Churn *s, unsigned i) {
        char name[CHURN_NAME_MAX];
        int fd, r;

        worker_begin(w, OP_OPEN);
        fd = openat(churn_files_fd(s), churn_file_name(i, name), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        r = worker_end(w, fd < 0 ? -errno : 0, NULL);
        return r < 0 ? r : fd;
}

bool churn_has_room(Worker *w, const Churn *s) {
        uint64_t unallocated = budget_unallocated(w->target, w->ops, w->root_fd);
        bool room = budget_room(&s->budget, unallocated, w->config->churn.file_size);

        if (atomic_load(&w->board->near_full) == room)
                atomic_store(&w->board->near_full, !room);
        return room;
}

int churn_write_file(Worker *w, Churn *s, int fd, unsigned i) {
        const Pattern p = { .owner = w->index, .file = i, .generation = s->generation };
        int r;

        worker_begin(w, OP_WRITE);
        r = writer_write(s->writer, fd, s->file_size, &p);
        atomic_fetch_add_explicit(&w->slot->bytes_written, s->writer->written, memory_order_relaxed);
        return worker_end(w, r, &(Observation){ .logical = s->writer->written, .length = s->file_size });
}

static int allocate_file(Worker *w, const Churn *s, int fd) {
        worker_begin(w, OP_FALLOCATE);
        return worker_end(w, fallocate(fd, 0, 0, (off_t)s->file_size) < 0 ? -errno : 0,
                          &(Observation){ .length = s->file_size });
}

static int fill_file(Worker *w, Churn *s, unsigned i) {
        _cleanup_close_ int fd = churn_open_file(w, s, i);

        if (fd < 0)
                return fd;
        s->filled = i + 1;
        if (s->subvolume_fd < 0)
                s->named = MAX_OF(s->named, i + 1);
        return s->fill == FILL_WRITE ? churn_write_file(w, s, fd, i) : allocate_file(w, s, fd);
}

ChurnFill churn_pick_fill(Worker *w, ChurnEmpty way) {
        if (!board_may_write(w->board))
                return FILL_FALLOCATE;
        if (w->config->churn.fill != FILL_MIXED)
                return w->config->churn.fill;
        if (way & EMPTY_WRITES)
                return FILL_WRITE;
        return rng_below(&w->rng, 2) == 0 ? FILL_WRITE : FILL_FALLOCATE;
}

int churn_fill(Worker *w, Churn *s) {
        for (unsigned i = 0; i < s->files && !worker_should_yield(w); i++) {
                int r;
                if (i > 0 && (!churn_has_room(w, s) || (s->fill == FILL_WRITE && !board_may_write(w->board))))
                        return 0;
                r = fill_file(w, s, i);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "stress/churn.h"
#include "stress/miscompare.h"

int churn_verify_prepare(Worker *w, Churn *s) {
        if (w->config->churn.verify_every == 0)
                return 0;
        s->read_buffer = aligned_alloc(PATTERN_BLOCK, w->config->churn.block_size);
        return s->read_buffer ? 0 : -ENOMEM;
}

static void say_miscompare(Worker *w, const Churn *s, int fd, const Pattern *p, const PatternMismatch *m) {
        char name[64];

        snprintf(name, sizeof(name), "%s/%s%" PRIu64 ", cycle %" PRIu64, s->directory, s->subvolume_fd >= 0 ? CHURN_SUBVOLUME "/" : "", p->file,
                 p->generation);
        miscompare_say(w, fd, name, m);
}

/* How much could be read of the `size` bytes at `offset`: less where the file ends. */
static ssize_t read_block(Worker *w, const Churn *s, int fd, size_t size, uint64_t offset) {
        size_t done = 0;
        ssize_t n = 1;

        /* So that the devices are asked, not the page cache; dirty pages stay. */
        posix_fadvise(fd, (off_t)offset, (off_t)size, POSIX_FADV_DONTNEED);
        worker_begin(w, OP_READ);
        while (done < size && n != 0) {
                n = pread(fd, s->read_buffer + done, size - done, (off_t)(offset + done));
                if (n < 0 && errno != EINTR)
                        return worker_end(w, -errno, &(Observation){ .logical = offset + done, .length = size - done });
                done += n > 0 ? (size_t)n : 0;
        }
        worker_end(w, 0, NULL);
        return (ssize_t)done;
}

static int verify_block(Worker *w, const Churn *s, int fd, const Pattern *p) {
        size_t size = (size_t)MIN_OF(w->config->churn.block_size, s->file_size - p->offset);
        ssize_t n = read_block(w, s, fd, size, p->offset);
        PatternMismatch m;

        if (n < 0)
                return (int)n;
        if ((size_t)n < size) {
                m = (PatternMismatch){ .offset = p->offset, .fate = PATTERN_LOST };
                snprintf(m.text, sizeof(m.text), "%s: the file ends %zu bytes into a block of %zu", pattern_fate_names[m.fate], (size_t)n, size);
        } else if (pattern_check(s->read_buffer, size, p, &m)) {
                return 0;
        }
        say_miscompare(w, s, fd, p, &m);
        return 0;
}

static int verify_file(Worker *w, Churn *s, unsigned i) {
        Pattern p = { .seed = s->writer->shape.seed, .owner = w->index, .file = i, .generation = s->generation };
        _cleanup_close_ int fd = -1;

        for (; p.offset < s->file_size && !worker_should_yield(w); p.offset += w->config->churn.block_size) {
                int r;
                if (rng_below(&w->rng, w->config->churn.verify_every) != 0)
                        continue;
                if (fd < 0)
                        fd = churn_open_file(w, s, i);
                r = fd < 0 ? fd : verify_block(w, s, fd, &p);
                if (r < 0)
                        return r;
        }
        return 0;
}

int churn_verify(Worker *w, Churn *s, unsigned n) {
        if (!s->read_buffer || s->fill != FILL_WRITE)
                return 0;
        for (unsigned i = 0; i < n && !worker_should_yield(w); i++) {
                int r = verify_file(w, s, i);
                if (r < 0)
                        return r;
        }
        return 0;
}

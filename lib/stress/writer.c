/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stress/writer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "stress/ring.h"

void *writer_stamp(Writer *w, unsigned slot, uint64_t offset, size_t length, const Pattern *p) {
        void *buffer = w->buffers + slot * w->shape.block_size;
        Pattern block = *p;

        block.offset = offset;
        block.seed = w->shape.seed;
        pattern_stamp(buffer, length, &block);
        return buffer;
}

static int pwrite_block(Writer *w, int fd, uint64_t offset, const uint8_t *buffer, size_t length) {
        for (size_t done = 0; done < length;) {
                ssize_t n = pwrite(fd, buffer + done, length - done, (off_t)(offset + done));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                done += (size_t)n;
                w->written += (uint64_t)n;
        }
        return 0;
}

static int pwrite_write(Writer *w, int fd, uint64_t length, const Pattern *p) {
        for (uint64_t offset = 0; offset < length; offset += w->shape.block_size) {
                size_t n = (size_t)MIN_OF(length - offset, (uint64_t)w->shape.block_size);
                int r = pwrite_block(w, fd, offset, writer_stamp(w, 0, offset, n, p), n);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int pread_block(Writer *w, int fd, const WriterRead *read, uint64_t offset, size_t length) {
        size_t done = 0;
        ssize_t n = 1;

        while (done < length && n != 0) {
                n = pread(fd, w->buffers + done, length - done, (off_t)(offset + done));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                done += (size_t)n;
        }
        read->sink(read->userdata, w->buffers, offset, length, done);
        return 0;
}

static int pread_read(Writer *w, int fd, const WriterRead *read) {
        for (uint64_t done = 0; done < read->length; done += w->shape.block_size) {
                int r = pread_block(w, fd, read, read->offset + done, (size_t)MIN_OF(read->length - done, (uint64_t)w->shape.block_size));
                if (r < 0)
                        return r;
        }
        return 0;
}

static const WriterEngine engine_pwrite = {
        .name = "pwrite",
        .write = pwrite_write,
        .read = pread_read,
};

/* For each [Churn] Engine=: the engine, and what does the work where that cannot be had. */
static const WriterEngine *const choices[_ENGINE_MAX][2] = {
        [ENGINE_AUTO] = { &engine_ring, &engine_pwrite },
        [ENGINE_URING] = { &engine_ring },
        [ENGINE_PWRITE] = { &engine_pwrite },
};

static int choose_engine(Writer *w, Error *e) {
        const WriterEngine *const *choice = choices[w->shape.engine];
        int why = choice[0]->open ? choice[0]->open(w) : 0;

        if (why == 0) {
                w->engine = choice[0];
                return 0;
        }
        if (!choice[1])
                return error_set(e, EXIT_ERROR, -why, "Cannot write with %s: %s. %s or set [Churn] Engine=auto.", choice[0]->name,
                                 strerror(-why), choice[0]->remedy);
        w->engine = choice[1];
        error_set(e, EXIT_PASS, 0, "%s cannot be used here (%s): writing with %s instead.", choice[0]->name, strerror(-why),
                  choice[1]->name);
        return WRITER_FELL_BACK;
}

int writer_new(Writer **ret, const WriterShape *shape, Error *e) {
        _cleanup_(writer_freep) Writer *w = NULL;
        int r;

        if (shape->block_size == 0 || shape->block_size % PATTERN_BLOCK != 0 || shape->depth == 0)
                return error_set(e, EXIT_USAGE, EINVAL,
                                 "[Churn] BlockSize=%zu, Depth=%u: set a multiple of %u bytes and a depth of at least 1.",
                                 shape->block_size, shape->depth, PATTERN_BLOCK);
        w = calloc(1, sizeof(*w));
        if (w)
                w->buffers = aligned_alloc(PATTERN_BLOCK, shape->depth * shape->block_size);
        if (!w || !w->buffers)
                return error_set(e, EXIT_ERROR, ENOMEM, "No memory for %u buffers of %zu bytes: lower [Churn] BlockSize= or Depth=.",
                                 shape->depth, shape->block_size);
        w->shape = *shape;
        for (unsigned slot = 0; slot < shape->depth; slot++)
                pattern_fill(w->buffers + slot * shape->block_size, shape->block_size, &(Pattern){ .seed = shape->seed });
        r = choose_engine(w, e);
        if (r >= 0)
                *ret = TAKE_PTR(w);
        return r;
}

void writer_free(Writer *w) {
        if (!w)
                return;
        if (w->engine && w->engine->close)
                w->engine->close(w);
        free(w->buffers);
        free(w);
}

void writer_freep(Writer **w) {
        writer_free(*w);
}

int writer_write(Writer *w, int fd, uint64_t length, const Pattern *p) {
        w->written = 0;
        return w->engine->write(w, fd, length, p);
}

int writer_read(Writer *w, int fd, const WriterRead *read) {
        return w->engine->read(w, fd, read);
}

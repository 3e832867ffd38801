/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stress/ring.h"

#include <errno.h>
#include <liburing.h>
#include <sys/uio.h>

#define RETRIES_MAX 64 /* of one request, for -EINTR and -EAGAIN */

/* A request per buffer: a block of the file, of which `done` bytes have been written, or read. */
typedef struct Request {
        uint64_t offset;
        size_t length, done;
        unsigned retries;
} Request;

typedef struct Ring {
        struct io_uring uring;
        int fd;
        uint64_t next, end; /* of the file: the first byte not yet asked for, and the last + 1 */
        const Pattern *pattern; /* of what is written, … */
        const WriterRead *read; /* … or what is read; the other is NULL */
        unsigned in_flight;
        int result;         /* the first failure of the file */
        int broken;         /* the ring itself failed with requests in flight: it is not used any more */
        Request requests[];
} Ring;

static int ring_open(Writer *w) {
        _cleanup_free_ Ring *ring = calloc(1, sizeof(*ring) + w->shape.depth * sizeof(Request));
        _cleanup_free_ struct iovec *iov = calloc(w->shape.depth, sizeof(*iov));
        int r;

        if (!ring || !iov)
                return -ENOMEM;
        r = io_uring_queue_init(w->shape.depth, &ring->uring, 0);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < w->shape.depth; i++)
                iov[i] = (struct iovec){ w->buffers + i * w->shape.block_size, w->shape.block_size };
        r = io_uring_register_buffers(&ring->uring, iov, w->shape.depth);
        if (r < 0) {
                io_uring_queue_exit(&ring->uring);
                return r;
        }
        w->state = TAKE_PTR(ring);
        return 0;
}

static void ring_close(Writer *w) {
        Ring *ring = w->state;

        io_uring_queue_exit(&ring->uring);
        free(ring);
}

/* What is left of the request in `slot`. There are as many entries as slots, so there is always one. */
static void submit(Writer *w, Ring *ring, unsigned slot) {
        const Request *q = &ring->requests[slot];
        struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);

        uint8_t *at = w->buffers + slot * w->shape.block_size + q->done;
        unsigned left = (unsigned)(q->length - q->done);

        if (ring->read)
                io_uring_prep_read_fixed(sqe, ring->fd, at, left, q->offset + q->done, (int)slot);
        else
                io_uring_prep_write_fixed(sqe, ring->fd, at, left, q->offset + q->done, (int)slot);
        io_uring_sqe_set_data64(sqe, slot);
        ring->in_flight++;
}

static void submit_next(Writer *w, Ring *ring, unsigned slot) {
        size_t length = (size_t)MIN_OF(ring->end - ring->next, (uint64_t)w->shape.block_size);

        if (length == 0 || ring->result < 0)
                return;
        if (ring->pattern)
                writer_stamp(w, slot, ring->next, length, ring->pattern);
        ring->requests[slot] = (Request){ .offset = ring->next, .length = length };
        ring->next += length;
        submit(w, ring, slot);
}

/* All of it has been written or read, or there is no more of it. */
static void finish(Writer *w, Ring *ring, unsigned slot) {
        const Request *q = &ring->requests[slot];

        if (ring->read)
                ring->read->sink(ring->read->userdata, w->buffers + slot * w->shape.block_size, q->offset, q->length, q->done);
        submit_next(w, ring, slot);
}

static void complete(Writer *w, Ring *ring, const struct io_uring_cqe *cqe) {
        unsigned slot = (unsigned)cqe->user_data;
        Request *q = &ring->requests[slot];
        int r = cqe->res;

        ring->in_flight--;
        if (r == 0 && ring->read)
                return finish(w, ring, slot); /* the file ends */
        if (r == 0)
                r = -EIO; /* nothing written and no reason given: not to be tried for ever */
        if ((r == -EINTR || r == -EAGAIN) && q->retries++ < RETRIES_MAX)
                r = 0;
        if (r < 0) {
                if (ring->result == 0)
                        ring->result = r;
                return;
        }
        q->done += (size_t)r;
        w->written += ring->read ? 0 : (uint64_t)r;
        if (q->done == q->length)
                finish(w, ring, slot);
        else if (ring->result == 0)
                submit(w, ring, slot);
}

/* What is between next and end. */
static int run(Writer *w, Ring *ring) {
        if (ring->broken < 0)
                return ring->broken;
        ring->result = 0;
        for (unsigned slot = 0; slot < w->shape.depth; slot++)
                submit_next(w, ring, slot);
        while (ring->in_flight > 0) {
                struct io_uring_cqe *cqe;
                int r = io_uring_submit_and_wait(&ring->uring, 1);

                if (r < 0 && r != -EINTR && r != -EAGAIN)
                        return ring->broken = r;
                while (io_uring_peek_cqe(&ring->uring, &cqe) == 0) {
                        struct io_uring_cqe done = *cqe;
                        io_uring_cqe_seen(&ring->uring, cqe);
                        complete(w, ring, &done);
                }
        }
        return ring->result;
}

static int ring_write(Writer *w, int fd, uint64_t length, const Pattern *p) {
        Ring *ring = w->state;

        ring->fd = fd;
        ring->next = 0;
        ring->end = length;
        ring->pattern = p;
        ring->read = NULL;
        return run(w, ring);
}

static int ring_read(Writer *w, int fd, const WriterRead *read) {
        Ring *ring = w->state;

        ring->fd = fd;
        ring->next = read->offset;
        ring->end = read->offset + read->length;
        ring->pattern = NULL;
        ring->read = read;
        return run(w, ring);
}

const WriterEngine engine_ring = {
        .name = "io_uring",
        .remedy = "Allow it (sysctl kernel.io_uring_disabled=0, the seccomp filter of the container, ulimit -l)",
        .open = ring_open,
        .write = ring_write,
        .read = ring_read,
        .close = ring_close,
};

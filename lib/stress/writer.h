/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Writer: writes a file full of pattern, block by block, so many requests in flight. Two engines behind one interface: io_uring with
 * registered buffers (ring.c) and plain pwrite, for where io_uring is switched off.
 */
#include "base/error.h"
#include "config/config.h"
#include "stress/pattern.h"

typedef struct Writer Writer;

typedef struct WriterEngine {
        const char *name;   /* "io_uring", "pwrite" */
        const char *remedy; /* where it cannot be had: what to do, without the full stop; NULL: it always can */
        /* 0 or a negative errno: the engine cannot be had here. May be NULL, like close. */
        int (*open)(Writer *w);
        int (*write)(Writer *w, int fd, uint64_t length, const Pattern *p);
        void (*close)(Writer *w);
} WriterEngine;

typedef struct WriterShape {
        ChurnEngine engine;
        size_t block_size; /* bytes per request; multiple of PATTERN_BLOCK */
        unsigned depth;    /* requests in flight, and buffers */
        uint64_t seed;     /* of the payload; overrides that of the patterns written */
} WriterShape;

struct Writer {
        const WriterEngine *engine;
        WriterShape shape;
        uint8_t *buffers; /* depth x block_size, filled with payload */
        uint64_t written; /* bytes of the last writer_write(), also when it failed */
        void *state;      /* the engine's own */
};

/* The named condition of writer_new(). */
#define WRITER_FELL_BACK 1

/* 0; WRITER_FELL_BACK: ENGINE_AUTO, io_uring is not to be had and *e says why, pwrite does the work; or a negative errno with a sentence:
 * ENGINE_URING and no io_uring, a block size that is no multiple of PATTERN_BLOCK (EXIT_USAGE), no memory. */
int writer_new(Writer **ret, const WriterShape *shape, Error *e);
void writer_free(Writer *w);
void writer_freep(Writer **w);

/* Writes `length` bytes from offset 0 on, as pattern_fill() makes them for *p per block of block_size (p->offset is not looked at).
 * Returns 0 or the kernel's negative errno of the first request that failed; then some blocks before and behind it may have been written.
 * Short writes and EINTR are continued. Blocks. */
int writer_write(Writer *w, int fd, uint64_t length, const Pattern *p);

/* For engines: buffer `slot`, its headers stamped for the block at `offset`. */
void *writer_stamp(Writer *w, unsigned slot, uint64_t offset, size_t length, const Pattern *p);

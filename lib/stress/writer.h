/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Writer: writes a file full of pattern, or reads one, block by block, so many requests in flight. Two engines behind one interface: io_uring with
 * registered buffers (ring.c) and plain pwrite, for where io_uring is switched off.
 */
#include "base/error.h"
#include "config/config.h"
#include "stress/pattern.h"

typedef struct Writer Writer;

/* Given a block that was read: of the `length` bytes asked for at `offset` of the file there were `got`. */
typedef void (*WriterSink)(void *userdata, const void *block, uint64_t offset, size_t length, size_t got);

/* What is read, and who gets it. */
typedef struct WriterRead {
        uint64_t offset, length;
        WriterSink sink;
        void *userdata;
} WriterRead;

typedef struct WriterEngine {
        const char *name;   /* "io_uring", "pwrite" */
        const char *remedy; /* where it cannot be had: what to do, without the full stop; NULL: it always can */
        /* 0 or a negative errno: the engine cannot be had here. May be NULL, like close. */
        int (*open)(Writer *w);
        int (*write)(Writer *w, int fd, uint64_t length, const Pattern *p);
        int (*read)(Writer *w, int fd, const WriterRead *read);
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

/* Reads these bytes of the file, in blocks of block_size (the buffers and so each request are aligned, as O_DIRECT wants it), and hands on
 * each as it comes, in any order. A writer that has read does not write any more: its payload is gone. Returns as writer_write(); blocks. */
int writer_read(Writer *w, int fd, const WriterRead *read);

/* For engines: buffer `slot`, its headers stamped for the block at `offset`. */
void *writer_stamp(Writer *w, unsigned slot, uint64_t offset, size_t length, const Pattern *p);

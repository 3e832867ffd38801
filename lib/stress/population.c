/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stress/population.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define BLOCK_BYTES (256 * KiB)
#define DEPTH 4

static uint64_t large_files(uint64_t bytes) {
        return (bytes + POPULATION_FILE_BYTES - 1) / POPULATION_FILE_BYTES;
}

uint64_t population_files(uint64_t bytes) {
        return large_files(bytes) + (bytes <= POPULATION_SMALL_LIMIT);
}

uint64_t population_file_size(uint64_t bytes, uint64_t i) {
        if (i == large_files(bytes))
                return POPULATION_SMALL_BYTES;
        return MIN_OF(bytes - i * POPULATION_FILE_BYTES, POPULATION_FILE_BYTES);
}

Pattern population_pattern(uint64_t i) {
        return (Pattern){ .file = i };
}

int population_open(int dir_fd, uint64_t i, int flags) {
        char name[24];
        int fd;

        snprintf(name, sizeof(name), "%llu", (unsigned long long)i);
        fd = openat(dir_fd, name, O_CLOEXEC | O_NOFOLLOW | flags, 0600);
        return fd < 0 ? -errno : fd;
}

int population_writer(Writer **ret, ChurnEngine engine, Error *e) {
        return writer_new(ret, &(WriterShape){ .engine = engine, .block_size = BLOCK_BYTES, .depth = DEPTH }, e);
}

typedef struct Reading {
        const PopulationReader *reader;
        int fd;
        uint64_t file;
} Reading;

static void block_read(void *userdata, const void *block, uint64_t offset, size_t length, size_t got) {
        const Reading *r = userdata;
        Pattern pattern = population_pattern(r->file);
        PatternMismatch m;
        char name[64];

        pattern.offset = offset;
        if (got < length) {
                m = (PatternMismatch){ .offset = offset + got, .fate = PATTERN_LOST };
                snprintf(m.text, sizeof(m.text), "%s: the file ends here", pattern_fate_names[m.fate]);
        } else if (pattern_check(block, got, &pattern, &m)) {
                return;
        }
        snprintf(name, sizeof(name), POPULATION_DIRECTORY "/%llu", (unsigned long long)r->file);
        r->reader->func(r->reader->userdata, r->fd, name, &m);
}

/* Past the page cache; a filesystem that knows no way past it (tmpfs before 6.6: of tests) has nothing behind it, either. */
static int open_to_read(int dir_fd, uint64_t i) {
        int fd = population_open(dir_fd, i, O_RDONLY | O_DIRECT);

        return fd == -EINVAL ? population_open(dir_fd, i, O_RDONLY) : fd;
}

int population_read(PopulationReader *r, uint64_t length) {
        uint64_t size = population_file_size(r->bytes, r->file);
        _cleanup_close_ int fd = open_to_read(r->dir_fd, r->file);
        Reading reading = { .reader = r, .fd = fd, .file = r->file };
        const WriterRead read = { .offset = r->offset, .length = MIN_OF(length, size - r->offset), .sink = block_read, .userdata = &reading };

        r->offset += read.length;
        if (r->offset == size || fd < 0) { /* or there is nothing of it */
                r->file = (r->file + 1) % population_files(r->bytes);
                r->offset = 0;
        }
        return fd < 0 ? fd : writer_read(r->writer, fd, &read);
}

void population_reader_close(PopulationReader *r) {
        if (r->dir_fd >= 0)
                close(r->dir_fd);
        writer_free(r->writer);
        *r = POPULATION_READER_NULL;
}

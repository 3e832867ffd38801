/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fault/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/rng.h"
#include "stress/pattern.h"

#define DIRECTORY "witness"
#define BLOCKS_MAX 16
#define SYNC_EVERY 8 /* so often by a commit of the whole filesystem; between two, fsync(2) writes the log tree, which is replayed at the mount */

typedef struct File {
        char name[16];
        size_t size;
        _Alignas(PATTERN_BLOCK) uint8_t content[BLOCKS_MAX * PATTERN_BLOCK];
} File;

/* All of a file follows from the seed and its number. */
static void file_make(File *f, uint64_t seed, uint32_t i) {
        const Pattern pattern = { .seed = seed, .file = i };
        Rng rng;

        rng_seed(&rng, seed, i);
        snprintf(f->name, sizeof(f->name), "%u", i);
        f->size = 1 + rng_below(&rng, sizeof(f->content));
        pattern_fill(f->content, f->size, &pattern);
}

static int file_write(const File *f, int dir_fd) {
        _cleanup_close_ int fd = openat(dir_fd, f->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        ssize_t n;

        if (fd < 0)
                return -errno;
        n = write(fd, f->content, f->size);
        if (n != (ssize_t)f->size)
                return n < 0 ? -errno : -EIO;
        return fsync(fd) < 0 ? -errno : 0;
}

static int open_directory(int root_fd) {
        int fd = openat(root_fd, DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

        return fd < 0 ? -errno : fd;
}

int witness_write(Witness *w, int root_fd) {
        _cleanup_close_ int dir_fd = mkdirat(root_fd, DIRECTORY, 0700) < 0 ? -errno : open_directory(root_fd);
        File f;
        int r = MIN_OF(dir_fd, 0);

        for (uint32_t i = 0; i < WITNESS_FILES_MAX && r == 0; i++) {
                file_make(&f, w->seed, i);
                r = file_write(&f, dir_fd);
                if (r == 0 && i % SYNC_EVERY == SYNC_EVERY - 1)
                        r = syncfs(root_fd) < 0 ? -errno : 0;
                if (r == 0)
                        atomic_store(&w->promised, i + 1);
        }
        return r;
}

/* The number of bytes that can be read of it, at most its size; negative errno. */
static ssize_t file_read(const File *f, int dir_fd, uint8_t *buffer) {
        _cleanup_close_ int fd = openat(dir_fd, f->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        size_t have = 0;
        ssize_t n = 1;

        if (fd < 0)
                return -errno;
        while (have < f->size && n > 0) {
                n = read(fd, buffer + have, f->size - have);
                if (n < 0)
                        return -errno;
                have += (size_t)n;
        }
        return (ssize_t)have;
}

static void look_at(WitnessState *s, const File *f, int dir_fd) {
        uint8_t buffer[sizeof(f->content)];
        ssize_t have = file_read(f, dir_fd, buffer);
        bool lost = have < (ssize_t)f->size;

        if (!lost && memcmp(buffer, f->content, f->size) == 0)
                return;
        if (s->lost + s->wrong == 0)
                snprintf(s->text, sizeof(s->text), "file %s of %zu bytes: %s", f->name, f->size,
                         have < 0 ? strerror((int)-have) : lost ? "its end is missing" : "other bytes than were written");
        s->lost += lost;
        s->wrong += !lost;
}

void witness_look(uint64_t seed, uint32_t promised, int root_fd, WitnessState *ret) {
        _cleanup_close_ int dir_fd = open_directory(root_fd);
        File f;

        *ret = (WitnessState){ 0 };
        for (uint32_t i = 0; i < promised; i++) {
                file_make(&f, seed, i);
                look_at(ret, &f, dir_fd);
        }
}

int witness_remove(int root_fd) {
        _cleanup_close_ int dir_fd = open_directory(root_fd);
        char name[16];

        if (dir_fd < 0)
                return dir_fd == -ENOENT ? 0 : dir_fd;
        for (uint32_t i = 0; i < WITNESS_FILES_MAX; i++) {
                snprintf(name, sizeof(name), "%u", i);
                if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
                        return -errno;
        }
        return unlinkat(root_fd, DIRECTORY, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults: one who writes is short of memory, or of I/O, by the limits of a control group, beside scrubs and commits that are not. The first waits
 * for the page cache with each page, the second holds up the commits of all others, who wait for what it has begun; nothing may fail of it, no
 * operation may stay away, and all that was written must read back right.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/units.h"
#include "fault/busy.h"
#include "stress/pattern.h"

#define LIMITED_FILE "limited"
#define IO_FILE_BYTES (4 * MiB) /* a job that is killed leaves it to the unmount, at the same pace */
#define MEMORY_FILE_BYTES (48 * MiB)
#define PIECE_BYTES (256 * KiB)
#define MEMORY_BYTES (24 * MiB) /* one who is over it by a large part sleeps for seconds with each call */
#define IO_BYTES_PER_S (8 * MiB) /* of each device, and of reads and writes each */
#define PATIENCE_NS (120 * NSEC_PER_SEC)
#define OTHERS_PATIENCE_NS (10 * NSEC_PER_SEC)
#define WRONG (-EILSEQ) /* what was written reads otherwise: no answer of the kernel's */
#define ONCE 1          /* it has come to its end, and is well */
#define NOT_LIMITED 2   /* it is not in the group */

static Pattern content(uint64_t offset) {
        return (Pattern){ .offset = offset };
}

static int open_limited(const FaultScene *s, int flags) {
        int fd = openat(s->fd, LIMITED_FILE, flags | O_CLOEXEC | O_NOFOLLOW, 0600);

        return fd < 0 ? -errno : fd;
}

/* One who is short of memory may come to write or read a part of what he asks for. Returns how much, which is less only where a file ends. */
static ssize_t move_piece(int fd, uint8_t *piece, bool write_it) {
        size_t done = 0;
        ssize_t n = 1;

        while (done < PIECE_BYTES && n > 0) {
                n = write_it ? write(fd, piece + done, PIECE_BYTES - done) : read(fd, piece + done, PIECE_BYTES - done);
                if (n < 0)
                        return -errno;
                done += (size_t)n;
        }
        return (ssize_t)done;
}

static int write_all(const FaultScene *s) {
        _cleanup_close_ int fd = open_limited(s, O_WRONLY | O_CREAT | O_TRUNC);
        _cleanup_free_ uint8_t *piece = malloc(PIECE_BYTES);

        if (fd < 0 || !piece)
                return fd < 0 ? fd : -ENOMEM;
        for (uint64_t at = 0; at < s->limited_bytes; at += PIECE_BYTES) {
                const Pattern pattern = content(at);
                ssize_t n;

                pattern_fill(piece, PIECE_BYTES, &pattern);
                n = move_piece(fd, piece, true);
                if (n < (ssize_t)PIECE_BYTES)
                        return n < 0 ? (int)n : -EIO;
        }
        return fsync(fd) < 0 ? -errno : 0;
}

/* What is still in the page cache goes: the devices are asked. */
static int read_all(const FaultScene *s) {
        _cleanup_close_ int fd = open_limited(s, O_RDONLY);
        _cleanup_free_ uint8_t *piece = malloc(PIECE_BYTES);
        PatternMismatch unused;

        if (fd < 0 || !piece)
                return fd < 0 ? fd : -ENOMEM;
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        for (uint64_t at = 0; at < s->limited_bytes; at += PIECE_BYTES) {
                const Pattern pattern = content(at);
                ssize_t n = move_piece(fd, piece, false);

                if (n < 0)
                        return (int)n;
                if (n < (ssize_t)PIECE_BYTES || !pattern_check(piece, PIECE_BYTES, &pattern, &unused))
                        return WRONG;
        }
        return 0;
}

static int write_limited(const FaultScene *s) {
        return cgroup_enter(s->group) < 0 ? NOT_LIMITED : write_all(s) ?: ONCE;
}

static int read_limited(const FaultScene *s) {
        return cgroup_enter(s->group) < 0 ? NOT_LIMITED : read_all(s) ?: ONCE;
}

static int commit_once(const FaultScene *s) {
        return futimens(s->fd, NULL) < 0 ? -errno : s->ops->sync(s->fd);
}

static int scrub_once(const FaultScene *s) {
        const ScrubRange range = { .devid = s->target->devices[0].devid, .end = 1 };
        ScrubStats stats = { 0 };

        return s->ops->scrub(s->fd, &range, &stats);
}

/* What one of them has failed with is an answer of the kernel's like any other. */
static int failed(FaultScene *s, const Busy *b, Operation op) {
        int r = busy_result(b);

        if (r < 0)
                s->op = op;
        return MIN_OF(r, 0);
}

/* How long one who is limited takes is for the limit and the disk to say; but he dies when he is killed. */
static int give_up(Busy *b, uint64_t *seen) {
        child_kill(&b->child, SIGKILL);
        if (busy_ended(b, OTHERS_PATIENCE_NS))
                return -ENODATA;
        seen[FAULT_LATE]++;
        return 0;
}

static int do_limited(FaultScene *s, int (*once)(const FaultScene *s), Operation op, uint64_t *seen) {
        Busy b;
        int r = busy_start(&b, s, once);

        if (r < 0)
                return -ENODATA; /* for want of processes or memory: it does not strike this time */
        if (!busy_ended(&b, PATIENCE_NS))
                r = give_up(&b, seen);
        else if (busy_result(&b) == WRONG)
                seen[FAULT_WRONG]++;
        else if (busy_result(&b) == NOT_LIMITED || busy_result(&b) == -ENOMEM) /* that is the limit */
                r = -ENODATA;
        else
                r = failed(s, &b, op);
        busy_stop(&b);
        return r;
}

static bool goes_on(Busy *b) {
        uint64_t before = busy_done(b), begin = clock_mono_ns();

        while (busy_done(b) == before && !busy_ended(b, NSEC_PER_MSEC))
                if (clock_mono_ns() - begin >= OTHERS_PATIENCE_NS)
                        return false;
        return true;
}

static int run(FaultScene *s, uint64_t *seen) {
        Busy commits = BUSY_NULL, scrubs = BUSY_NULL;
        int r = -ENODATA;

        if (busy_start(&commits, s, commit_once) == 0 && busy_start(&scrubs, s, scrub_once) == 0) {
                r = do_limited(s, write_limited, OP_WRITE, seen);
                if (r == 0 && seen[FAULT_LATE] == 0)
                        r = do_limited(s, read_limited, OP_READ, seen);
                seen[FAULT_LATE] += !goes_on(&commits) + !goes_on(&scrubs);
                r = r ?: failed(s, &commits, OP_SYNC) ?: failed(s, &scrubs, OP_SCRUB);
        }
        busy_stop(&scrubs);
        busy_stop(&commits);
        unlinkat(s->fd, LIMITED_FILE, 0);
        return r;
}

/* Of this run, and of each kind of limit its own: one that could not be removed has another's. */
static int make_group(Cgroup *ret, const Target *t, const char *controller) {
        char name[64];

        snprintf(name, sizeof(name), "scrubstress-%d-%s", (int)t->owner, controller);
        return cgroup_make(ret, NULL, name, controller);
}

/* memory.high, above which the kernel reclaims and slows down, and not memory.max: for that it kills, and says so in its log. */
static int limit_memory(const Cgroup *g) {
        char limit[24];

        snprintf(limit, sizeof(limit), "%llu", (unsigned long long)MEMORY_BYTES);
        return cgroup_set(g, "/memory.high", limit);
}

/* What is written to a loop device counts for whoever writes to it (drivers/block/loop.c, since 5.13), and what lies in memory and nowhere else cannot be
 * reclaimed: he would wait for ever. */
static bool lies_in_memory(const Target *t) {
        struct statfs fs;

        return t->image_directory[0] && statfs(t->image_directory, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

static unsigned long long limits_met(const Cgroup *g) {
        unsigned long long met = 0;

        cgroup_count(g, "/memory.events", "high", &met);
        return met;
}

static int act_short_of_memory(FaultScene *s, uint64_t seen[static _FAULT_COUNT_MAX]) {
        unsigned long long before;
        Cgroup group;
        int r = FAULT_NOT_HERE;

        if (lies_in_memory(s->target))
                return FAULT_NOT_HERE;
        if (make_group(&group, s->target, "memory") == 0 && limit_memory(&group) == 0) {
                before = limits_met(&group);
                s->group = &group;
                s->limited_bytes = MEMORY_FILE_BYTES;
                r = run(s, seen);
                if (r == 0 && limits_met(&group) == before) /* it has not struck */
                        r = -ENODATA;
        }
        cgroup_remove(&group);
        return r;
}

/* Limits are set for whole devices: of a partition, the disk that it is on. 0 or a negative errno. */
static int device_number(const char *path, char *ret, size_t size) {
        char name[64];
        struct stat st;

        if (stat(path, &st) < 0)
                return -errno;
        snprintf(name, sizeof(name), "/sys/dev/block/%u:%u/partition", major(st.st_rdev), minor(st.st_rdev));
        if (access(name, F_OK) < 0) {
                snprintf(ret, size, "%u:%u", major(st.st_rdev), minor(st.st_rdev));
                return 0;
        }
        snprintf(name, sizeof(name), "/sys/dev/block/%u:%u/../dev", major(st.st_rdev), minor(st.st_rdev));
        return MIN_OF(fs_read(NULL, name, ret, size), 0);
}

static int limit_devices(const Cgroup *g, const Target *t) {
        char number[24], limit[128];
        int r = 0;

        for (unsigned i = 0; i < t->n_devices && r == 0; i++) {
                r = device_number(t->devices[i].path, number, sizeof(number));
                snprintf(limit, sizeof(limit), "%s rbps=%llu wbps=%llu", number, (unsigned long long)IO_BYTES_PER_S,
                         (unsigned long long)IO_BYTES_PER_S);
                if (r == 0)
                        r = cgroup_set(g, "/io.max", limit);
        }
        return r;
}

/* Done sooner than the limit allows: it has not struck. What all devices together may do in a second is the most there can be. */
static int act_short_of_io(FaultScene *s, uint64_t seen[static _FAULT_COUNT_MAX]) {
        uint64_t begin, least_ns = IO_FILE_BYTES / s->target->n_devices * NSEC_PER_SEC / IO_BYTES_PER_S;
        Cgroup group;
        int r = FAULT_NOT_HERE;

        if (make_group(&group, s->target, "io") == 0 && limit_devices(&group, s->target) == 0) {
                begin = clock_mono_ns();
                s->group = &group;
                s->limited_bytes = IO_FILE_BYTES;
                r = run(s, seen);
                if (r == 0 && clock_mono_ns() - begin < least_ns)
                        r = -ENODATA;
        }
        cgroup_remove(&group);
        return r;
}

const Fault fault_memory_limit = {
        .name = "memory-limit",
        .help = "a writer that is short of memory",
        .limits = true,
        .act = act_short_of_memory,
};

const Fault fault_io_limit = {
        .name = "io-limit",
        .help = "a writer that is short of I/O",
        .limits = true,
        .act = act_short_of_io,
};

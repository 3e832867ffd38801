/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault: the filesystem is frozen for a while, under writes and scrubs, as it is for a snapshot of the disk below. Nothing is written then, whoever
 * wants to waits, and all can be read; when it is thawed both go on.
 *
 * A freeze outlasts whoever has frozen, and a frozen filesystem is never unmounted, so somebody else thaws it when we are killed: the guard, who
 * outlives all of us but a SIGKILL to each.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/clock.h"
#include "base/fs.h"
#include "fault/busy.h"

#define WRITTEN_FILE "frozen"
#define BEFORE_MIN_NS (10 * NSEC_PER_MSEC)
#define BEFORE_SPAN_NS (90 * NSEC_PER_MSEC)
#define SETTLE_NS (50 * NSEC_PER_MSEC) /* for who has come back from the kernel just before to say so */
#define QUIET_NS (150 * NSEC_PER_MSEC)
#define PATIENCE_NS (10 * NSEC_PER_SEC)
#define GUARD_MS 60000

typedef struct Guard {
        Child child;
        int fd, ends[2]; /* of a pipe: that its writing end is closed is what the guard waits for */
        const BtrfsOps *ops;
} Guard;

static int watch(void *arg) {
        const Guard *g = arg;
        struct pollfd p = { .fd = g->ends[0], .events = POLLIN };

        prctl(PR_SET_PDEATHSIG, 0);
        for (int signal = SIGHUP; signal <= SIGTERM; signal++)
                sigaction(signal, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
        close(g->ends[1]);
        poll(&p, 1, GUARD_MS);
        g->ops->thaw(g->fd); /* -EINVAL: it is thawed */
        return 0;
}

static int guard_start(Guard *g, const FaultScene *s) {
        int r;

        *g = (Guard){ .child = CHILD_NULL, .fd = s->fd, .ops = s->ops };
        if (pipe2(g->ends, O_CLOEXEC) < 0)
                return -errno;
        r = child_fork(&g->child, "ss:guard", watch, g);
        close(g->ends[0]);
        if (r < 0)
                close(g->ends[1]);
        return r;
}

static void guard_stop(Guard *g) {
        int status;

        close(g->ends[1]);
        child_wait(&g->child, PATIENCE_NS, &status);
}

static int write_once(const FaultScene *s) {
        _cleanup_close_ int fd = openat(s->fd, WRITTEN_FILE, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        return fd < 0 || pwrite(fd, "written", sizeof("written"), 0) < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int scrub_once(const FaultScene *s) {
        const ScrubRange range = { .devid = s->target->devices[0].devid, .end = 1 };
        ScrubStats stats = { 0 };

        return s->ops->scrub(s->fd, &range, &stats);
}

/* Sectors that have been written to the device since it is there; 0: not known. */
static uint64_t sectors_written(const char *path) {
        char name[64], text[256];
        uint64_t sectors = 0;
        struct stat st;

        if (stat(path, &st) < 0)
                return 0;
        snprintf(name, sizeof(name), "/sys/dev/block/%u:%u/stat", major(st.st_rdev), minor(st.st_rdev));
        if (fs_read(NULL, name, text, sizeof(text)) > 0)
                sscanf(text, "%*u %*u %*u %*u %*u %*u %" SCNu64, &sectors);
        return sectors;
}

/* What would show a write: those of the devices, the commits, and who was to wait. */
static uint64_t activity(const FaultScene *s, const Busy *writes, const Busy *scrubs) {
        struct btrfs_ioctl_fs_info_args info = { .flags = BTRFS_FS_INFO_FLAG_GENERATION };
        uint64_t sum = busy_done(writes) + busy_done(scrubs);

        if (s->ops->fs_info(s->fd, &info) == 0)
                sum += info.generation;
        for (unsigned i = 0; i < s->target->n_devices; i++)
                sum += sectors_written(s->target->devices[i].path);
        return sum;
}

static void look_while_frozen(FaultScene *s, const Busy *writes, const Busy *scrubs, uint64_t *seen) {
        uint64_t before;
        PreyState state;

        clock_sleep_ns(SETTLE_NS);
        before = activity(s, writes, scrubs);
        clock_sleep_ns(QUIET_NS);
        prey_look(&s->prey, &state);
        seen[FAULT_THROUGH] += activity(s, writes, scrubs) != before;
        seen[FAULT_UNREADABLE] += state.unreadable;
        seen[FAULT_WRONG] += state.wrong;
}

/* Counts those that do not, or have failed. */
static uint64_t count_stuck(Busy *b) {
        uint64_t before = busy_done(b), begin = clock_mono_ns();

        while (busy_done(b) == before && !busy_ended(b, NSEC_PER_MSEC) && clock_mono_ns() - begin < PATIENCE_NS)
                ;
        return busy_done(b) == before;
}

static int freeze(FaultScene *s, Busy *writes, Busy *scrubs, uint64_t *seen) {
        Guard guard;
        int r = guard_start(&guard, s);

        if (r < 0)
                return r;
        r = s->ops->freeze(s->fd);
        if (r == 0) {
                look_while_frozen(s, writes, scrubs, seen);
                r = s->ops->thaw(s->fd);
        }
        guard_stop(&guard);
        if (r == 0)
                seen[FAULT_LATE] += count_stuck(writes) + count_stuck(scrubs);
        return r;
}

static int act(FaultScene *s, uint64_t seen[static _FAULT_COUNT_MAX]) {
        Busy writes = BUSY_NULL, scrubs = BUSY_NULL;
        int r = busy_start(&writes, s, write_once);

        if (r == 0)
                r = busy_start(&scrubs, s, scrub_once);
        if (r == 0) {
                clock_sleep_ns(BEFORE_MIN_NS + rng_below(&s->rng, BEFORE_SPAN_NS));
                r = freeze(s, &writes, &scrubs, seen);
        }
        busy_stop(&scrubs);
        busy_stop(&writes);
        unlinkat(s->fd, WRITTEN_FILE, 0);
        return r;
}

const Fault fault_freeze = {
        .name = "freeze",
        .help = "a freeze of the filesystem",
        .op = OP_FREEZE,
        .act = act,
};

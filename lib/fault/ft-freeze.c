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
#include <sys/socket.h>
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
        int fd, ends[2]; /* of a pair of sockets, ours and the guard's */
        const BtrfsOps *ops;
} Guard;

/* Says that it is there, and waits for our word that all is well, or our end. */
static int watch(void *arg) {
        const Guard *g = arg;
        struct pollfd p = { .fd = g->ends[1], .events = POLLIN };
        char word = 0;

        prctl(PR_SET_PDEATHSIG, 0);
        for (int signal = SIGHUP; signal <= SIGTERM; signal++)
                sigaction(signal, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
        close(g->ends[0]);
        if (write(g->ends[1], &word, 1) != 1)
                return 1;
        poll(&p, 1, GUARD_MS);
        if (recv(g->ends[1], &word, 1, MSG_DONTWAIT) != 1)
                g->ops->thaw(g->fd);
        return 0;
}

/* `well`: it is not frozen, or not by us. */
static void guard_stop(Guard *g, bool well) {
        char word = 0;
        int status;

        if (well && send(g->ends[0], &word, 1, MSG_NOSIGNAL) != 1)
                child_kill(&g->child, SIGKILL);
        close(g->ends[0]);
        child_wait(&g->child, PATIENCE_NS, &status);
}

/* Without one nothing is frozen: -ENODATA, for want of processes or descriptors. */
static int guard_start(Guard *g, const FaultScene *s) {
        char word;

        *g = (Guard){ .child = CHILD_NULL, .fd = s->fd, .ops = s->ops };
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, g->ends) < 0)
                return -ENODATA;
        if (child_fork(&g->child, "ss:guard", watch, g) < 0) {
                close(g->ends[0]);
                close(g->ends[1]);
                return -ENODATA;
        }
        close(g->ends[1]);
        if (read(g->ends[0], &word, 1) == 1)
                return 0;
        guard_stop(g, true);
        return -ENODATA;
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

/* What would show a write: those of the devices, and the commits. */
static uint64_t written(const FaultScene *s) {
        struct btrfs_ioctl_fs_info_args info;
        uint64_t sum = s->ops->fs_info(s->fd, &info) == 0 ? info.generation : 0;

        for (unsigned i = 0; i < s->target->n_devices; i++)
                sum += sectors_written(s->target->devices[i].path);
        return sum;
}

/* Once: it has come back from the kernel before, and only now gets to count it. */
static bool goes_on(const Busy *b, uint64_t before) {
        return busy_done(b) > before + 1;
}

static void look_while_frozen(FaultScene *s, const Busy *writes, const Busy *scrubs, uint64_t *seen) {
        uint64_t n_writes, n_scrubs, before;
        PreyState state;

        clock_sleep_ns(SETTLE_NS);
        before = written(s);
        n_writes = busy_done(writes);
        n_scrubs = busy_done(scrubs);
        clock_sleep_ns(QUIET_NS);
        prey_look(&s->prey, &state);
        seen[FAULT_THROUGH] += (written(s) != before) + goes_on(writes, n_writes) + goes_on(scrubs, n_scrubs);
        seen[FAULT_UNREADABLE] += state.unreadable;
        seen[FAULT_WRONG] += state.wrong;
}

/* True when it comes back from the kernel, whatever it says. */
static bool comes_back(Busy *b) {
        uint64_t before = busy_done(b), begin = clock_mono_ns();

        while (busy_done(b) == before && !busy_ended(b, NSEC_PER_MSEC) && clock_mono_ns() - begin < PATIENCE_NS)
                ;
        return busy_done(b) != before || busy_result(b) != 0;
}

static int freeze(FaultScene *s, Busy *writes, Busy *scrubs, uint64_t *seen) {
        Guard guard;
        int r = guard_start(&guard, s);

        if (r < 0)
                return r;
        s->op = OP_FREEZE;
        r = s->ops->freeze(s->fd);
        if (r < 0) {
                guard_stop(&guard, true);
                return r;
        }
        look_while_frozen(s, writes, scrubs, seen);
        r = s->ops->thaw(s->fd);
        guard_stop(&guard, r == 0);
        seen[FAULT_LATE] += !comes_back(writes) + !comes_back(scrubs);
        return r;
}

/* What one of them has failed with is an answer of the kernel's like any other. */
static int failed(FaultScene *s, const Busy *b, Operation op) {
        int r = busy_result(b);

        if (r < 0)
                s->op = op;
        return r;
}

static int act(FaultScene *s, uint64_t seen[static _FAULT_COUNT_MAX]) {
        Busy writes = BUSY_NULL, scrubs = BUSY_NULL;
        int r = -ENODATA; /* for want of processes or memory */

        if (busy_start(&writes, s, write_once) == 0 && busy_start(&scrubs, s, scrub_once) == 0) {
                clock_sleep_ns(BEFORE_MIN_NS + rng_below(&s->rng, BEFORE_SPAN_NS));
                r = freeze(s, &writes, &scrubs, seen);
                if (r == 0)
                        r = failed(s, &writes, OP_FSYNC) ?: failed(s, &scrubs, OP_SCRUB);
        }
        busy_stop(&scrubs);
        busy_stop(&writes);
        unlinkat(s->fd, WRITTEN_FILE, 0);
        return r;
}

const Fault fault_freeze = {
        .name = "freeze",
        .help = "a freeze of the filesystem",
        .act = act,
};

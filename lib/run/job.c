/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/units.h"
#include "run/job-internal.h"
#include "run/populate.h"
#include "stress/budget.h"
#include "target/power.h"
#include "target/reclaim.h"
#include "target/replace-wake.h"

#define CHECK_TIMEOUT_NS (600 * NSEC_PER_SEC)
#define STRIKE_TRIES 5
#define CANCEL_POLL_NS (10 * NSEC_PER_MSEC)
#define WAKE_AGAIN_NS (2 * NSEC_PER_SEC)

/* A block group being filled, one dying, and one that a scrub has replaced or a balance relocates into. */
#define GROUPS_IN_FLIGHT 3

/* A churn that never has room for a file would be no stress, however green the end, and a filesystem at its headroom from the start aborts
 * sooner or later for want of metadata space (kernel 6.18, one device of 256 MiB: within 4 s). */
static int check_room(Job *j, int fd) {
        char unallocated_text[UNITS_MAX], headroom_text[UNITS_MAX], need_text[UNITS_MAX];
        uint64_t unallocated, need;
        Budget b;

        if (j->config->churn.workers == 0)
                return 0;
        budget_make(&b, j->config, &j->desk->target);
        unallocated = budget_unallocated(&j->desk->target, j->ops, fd);
        need = MAX_OF(j->config->churn.file_size, GROUPS_IN_FLIGHT * j->desk->target.data_chunk_size);
        if (budget_room(&b, unallocated, need))
                return 0;
        return error_set(&j->desk->error, EXIT_ERROR, ENOSPC,
                         "The target is too small: %s are unallocated after mkfs, but the churn needs %s beside a headroom of %s "
                         "for metadata. Take larger or more devices (--target), or smaller files (Churn.FileSize).",
                         units_human_size(unallocated, unallocated_text), units_human_size(need * b.data_copies, need_text),
                         units_human_size(b.headroom, headroom_text));
}

static int fill_and_check(Job *j) {
        _cleanup_close_ int fd = j->open_target(&j->desk->target, &j->desk->error);
        int r = fd < 0 ? fd : populate(&j->desk->target, j->config, j->ops, fd, &j->desk->error);

        j->desk->target.populated = r == 0 && j->config->target.populate_fill == POPULATE_WRITE ? j->config->target.populate : 0;
        return r < 0 ? r : check_room(j, fd);
}

int job_mounted(Job *j) {
        Error e = ERROR_NULL;
        int r;

        j->desk->space_watch = SPACE_WATCH_NULL;
        j->desk->told_empty = (EmptyGroups){ 0 };
        r = reclaim_set(&j->desk->target, j->config, NULL, &e);
        if (r < 0)
                j->desk->error = e;
        if (r == RECLAIM_MISSING)
                snprintf(j->desk->note, sizeof(j->desk->note), "%.255s", e.sentence);
        return MIN_OF(r, 0);
}

static int do_make(Job *j) {
        Error unmounting = ERROR_NULL;
        int r;

        r = target_make(&j->desk->target, j->config, &j->desk->error);
        if (r < 0)
                return r;
        j->desk->power_goes = power_can_go(&j->desk->target);
        r = job_mounted(j);
        if (r == 0)
                r = fill_and_check(j);
        if (r < 0)
                target_unmount(&j->desk->target, &unmounting); /* what fails here ends with the namespace; the first error counts */
        return r;
}

/* What scrubs that read discarded blocks make grow too, so that one of the others says more. */
static bool tells_less(unsigned stat) {
        return stat >= BTRFS_DEV_STAT_CORRUPTION_ERRS;
}

static void look_at_device(Job *j, int fd, TargetDevice *d, unsigned explained) {
        uint64_t now[BTRFS_DEV_STAT_VALUES_MAX];
        Observation *o = &j->desk->devstat;

        if (j->ops->device_stats(fd, d->devid, now) != 0)
                return;
        for (unsigned i = 0; i < BTRFS_DEV_STAT_VALUES_MAX; i++) {
                if (now[i] > d->stats[i] && !(explained & 1U << i) &&
                    (o->kind != OBS_DEVSTAT || (tells_less(j->desk->devstat_index) && !tells_less(i)))) {
                        j->desk->devstat_index = i;
                        *o = (Observation){ .time_ns = clock_mono_ns(), .kind = OBS_DEVSTAT, .devid = d->devid };
                        o->count = now[i] - d->stats[i];
                        snprintf(o->text, sizeof(o->text), "%s errors of %.64s grew from %llu to %llu", device_stat_names[i], d->path,
                                 (unsigned long long)d->stats[i], (unsigned long long)now[i]);
                }
                d->stats[i] = now[i];
        }
}

void job_look_at_devices(Job *j, int fd, unsigned explained) {
        Target *t = &j->desk->target;

        for (unsigned i = 0; i < t->n_devices && fd >= 0; i++)
                look_at_device(j, fd, &t->devices[i], explained);
}

void job_learn_paths(Job *j) {
        Target *t = &j->desk->target;
        _cleanup_close_ int fd = j->config->replace.enabled && t->mounted ? j->open_target(t, NULL) : -1;

        if (fd >= 0)
                target_learn_paths(t, j->ops, fd);
}

/* From before it can be cancelled until it has come to its end (fs/btrfs/sysfs.c, btrfs_exclusive_operation_show()). */
static bool is_replacing(const Job *j) {
        char path[160], what[32];

        snprintf(path, sizeof(path), "/sys/fs/btrfs/%s/exclusive_operation", j->desk->target.fsid_text);
        return fs_read(j->sys_root, path, what, sizeof(what)) > 0 && strcmp(what, "device replace") == 0;
}

/* True when a replace was cancelled or has not come to its end yet. */
static bool cancel_replace(Job *j, int fd) {
        uint64_t state = BTRFS_IOCTL_DEV_REPLACE_STATE_NEVER_STARTED;

        if (!j->config->replace.enabled)
                return false;
        return j->ops->replace_cancel(fd) == 0 || is_replacing(j) ||
               (j->ops->replace_status(fd, &state) == 0 && state == BTRFS_IOCTL_DEV_REPLACE_STATE_STARTED);
}

/* Beside the cancel: a replace may go to sleep in it. */
static int go_on_waking(void *fd) {
        child_close_others(*(int *)fd);
        for (;;) {
                clock_sleep_ns(WAKE_AGAIN_NS);
                replace_wake(*(int *)fd);
        }
        return 0;
}

static void cancel_all(Job *j, int fd) {
        for (unsigned quiet = 0; quiet < 3;) {
                int s = j->ops->scrub_cancel(fd), b = j->ops->balance_cancel(fd);
                quiet = cancel_replace(j, fd) || s == 0 || b == 0 ? 0 : quiet + 1;
                clock_sleep_ns(CANCEL_POLL_NS);
        }
}

/* A balance or replace survives the death of its caller, and one that we cancel may be followed by the next of a worker that has not yet
 * seen the phase: cancel until there is nothing to cancel. */
static int do_cancel(Job *j) {
        _cleanup_close_ int fd = j->open_target(&j->desk->target, &j->desk->error);
        Child waker = CHILD_NULL;
        int status;

        if (fd < 0)
                return fd;
        if (j->config->replace.enabled) {
                replace_wake(fd);
                child_fork(&waker, "ss:wake", go_on_waking, &fd); /* without one it is as it was */
        }
        cancel_all(j, fd);
        child_kill(&waker, SIGKILL);
        child_wait(&waker, NSEC_PER_SEC, &status);
        return 0;
}

/* What a strike leaves in the error counters is its doing, but for what a device fails to do that it has not told to. */
static int do_fault(Job *j) {
        JobDesk *d = j->desk;
        _cleanup_close_ int fd = j->open_target(&d->target, &d->error);
        StrikeOrder order = { .fault = faults[j->fault], .target = &d->target, .ops = j->ops, .root_fd = fd, .seed = j->seed,
                              .replaces = j->config->replace.enabled };
        unsigned broken = order.fault->stats | 1U << BTRFS_DEV_STAT_CORRUPTION_ERRS | 1U << BTRFS_DEV_STAT_GENERATION_ERRS;
        unsigned explained = order.fault->act ? 0 : broken;
        int r = fd < 0 ? fd : 0;

        job_learn_paths(j);
        d->striking = true;
        d->strike.end = STRIKE_VOID;
        /* What the stress has left to the cleaner moves tree blocks for a while. */
        for (unsigned i = 0; r == 0 && i < STRIKE_TRIES && d->strike.end == STRIKE_VOID; i++, order.seed++)
                r = strike_run(&d->strike, &order, &d->error);
        job_learn_paths(j);
        job_look_at_devices(j, fd, explained);
        d->striking = r < 0;
        return r;
}

/* A run that is stopped has no control scrub at its end, which would look. Stopped in the middle of a strike, what it counted is nobody's fault. */
static void look_at_last(Job *j) {
        Target *t = &j->desk->target;
        _cleanup_close_ int fd = t->mounted && !j->desk->striking && !j->desk->dark ? j->open_target(t, NULL) : -1;

        job_look_at_devices(j, fd, 0);
}

/* In the dark, or when the job that cuts the power was killed, disks may wait: no I/O would ever end. */
static int do_unmount(Job *j) {
        if (j->desk->dark)
                power_restore(&j->desk->target, NULL);
        job_learn_paths(j);
        look_at_last(j);
        return target_unmount(&j->desk->target, &j->desk->error);
}

void job_check_devices(Job *j) {
        const char *argv[] = { "btrfs", "check", "--readonly", "--force", j->desk->target.devices[0].path, NULL };

        /* It scans all devices. Below a layer it finds the same filesystem as in it, and an older superblock of that, which an earlier scan has left in
         * the page cache, would be an error ("cannot scan: File exists"). */
        target_drop_pages(&j->desk->target);
        j->desk->check_status = child_run(argv, CHECK_TIMEOUT_NS, j->desk->output, sizeof(j->desk->output));
}

/* It exits with 1 for whatever keeps it from looking, too: a device that is gone, a feature that it does not know, no memory. What it says of a filesystem
 * that it has opened, or cannot open because of what is in it: */
bool job_check_has_looked(const JobDesk *d) {
        static const char *const seen[] = { "Checking filesystem on", "] checking ", "verify failed", "superblock" };

        if (d->check_status < 0 || d->check_status >= 126)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(seen); i++)
                if (strstr(d->output, seen[i]))
                        return true;
        return d->check_status == 0;
}

const char *job_check_first_error(const JobDesk *d, int *ret_length) {
        const char *line = strstr(d->output, "ERROR") ?: d->output;

        *ret_length = (int)strcspn(line, "\n");
        return line;
}

/* The mount holds the loop devices: to check them after it is gone, hold them here for that while. */
static int do_retire(Job *j) {
        TargetHold hold;
        int r;

        job_learn_paths(j);
        target_hold(&hold, &j->desk->target);
        r = target_unmount(&j->desk->target, &j->desk->error);
        if (r == 0)
                job_check_devices(j);
        target_release(&hold);
        return r;
}

static void say_damage(JobDesk *d) {
        int length;
        const char *error = job_check_first_error(d, &length);

        d->check = (Observation){ .time_ns = clock_mono_ns(), .kind = OBS_CHECK, .result = d->check_status, .count = 1 };
        snprintf(d->check.text, sizeof(d->check.text), "%.*s", length, error);
}

static void say_no_look(JobDesk *d) {
        int length;
        const char *error = job_check_first_error(d, &length);

        snprintf(d->note, sizeof(d->note), "btrfs check could not look at the target at its end (status %d: %.*s): see that btrfs-progs are there, have memory "
                 "and time, and that no other device seems to hold this filesystem.", d->check_status, MIN_OF(length, 60), error);
}

static int do_finish(Job *j) {
        JobDesk *d = j->desk;
        bool was_mounted = d->target.mounted;
        TargetHold hold;
        int r;

        job_learn_paths(j);
        target_hold(&hold, &d->target);
        r = do_unmount(j);
        if (r == 0 && was_mounted) {
                job_check_devices(j);
                if (!job_check_has_looked(d))
                        say_no_look(d);
                else if (d->check_status != 0)
                        say_damage(d);
        }
        target_release(&hold);
        return r;
}

static const struct {
        const char *name;
        int (*run)(Job *j);
} jobs[_JOB_MAX] = {
        [JOB_NONE] = { "nothing", NULL },
        [JOB_MAKE] = { "make the target", do_make },
        [JOB_CONTROL] = { "run the control scrub", control_run },
        [JOB_CANCEL] = { "cancel scrub, balance and replace", do_cancel },
        [JOB_UNMOUNT] = { "unmount the target", do_unmount },
        [JOB_FINISH] = { "unmount and check the target", do_finish },
        [JOB_RETIRE] = { "unmount and check the lost target", do_retire },
        [JOB_FAULT] = { "have a fault strike", do_fault },
        [JOB_CUT] = { "cut the power of the target", outage_begin },
        [JOB_POWER_UP] = { "mount the target after the power cut", outage_end },
};

const char *job_name(JobKind kind) {
        return kind < _JOB_MAX ? jobs[kind].name : "unknown";
}

JobDesk *job_desk_new(void) {
        void *p = mmap(NULL, sizeof(JobDesk), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        return p == MAP_FAILED ? NULL : p;
}

void job_desk_free(JobDesk *d) {
        if (d)
                munmap(d, sizeof(*d));
}

static int job_main(void *arg) {
        Job *j = arg;

        /* A terminal sends SIGINT to the whole group; only the supervisor decides, and when it dies the death signal comes. */
        signal(SIGINT, SIG_IGN);
        signal(SIGTERM, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        child_close_others(-1);
        j->desk->result = jobs[j->kind].run(j);
        return 0;
}

int job_start(Job *j, JobKind kind, uint64_t now_ns, uint64_t timeout_ns, Error *e) {
        int r;

        j->desk->result = 0;
        j->desk->error = ERROR_NULL;
        j->desk->check_status = -ECANCELED; /* until it has looked */
        j->desk->output[0] = j->desk->note[0] = 0;
        j->desk->devstat = j->desk->empty = j->desk->space = j->desk->population = j->desk->check = (Observation){ 0 };
        j->kind = kind;
        r = child_fork(&j->child, "ss:job", job_main, j);
        if (r < 0) {
                j->kind = JOB_NONE;
                return error_set(e, EXIT_ERROR, -r, "Cannot start the job to %s: %s.", job_name(kind), strerror(-r));
        }
        j->deadline_ns = now_ns + timeout_ns;
        return 0;
}

void job_freeze(const Job *j) {
        child_kill(&j->child, SIGSTOP);
}

void job_abandon(Job *j) {
        if (!job_busy(j))
                return;
        child_kill(&j->child, SIGKILL);
        if (j->child.pidfd >= 0)
                close(j->child.pidfd);
        j->child = CHILD_NULL;
        j->kind = JOB_NONE;
}

int job_poll(Job *j, uint64_t now_ns, Error *e) {
        JobKind kind = j->kind;
        int status = 0, r;

        r = child_reap(&j->child, &status);
        if (r == 0 && now_ns < j->deadline_ns)
                return 0;
        j->kind = JOB_NONE;
        if (r == 0) {
                j->kind = kind;
                job_abandon(j);
                return error_set(e, EXIT_ERROR, ETIMEDOUT, "The job to %s did not end in time and was killed.", job_name(kind));
        }
        if (status != 0)
                return error_set(e, EXIT_ERROR, ECHILD, "The job to %s died (wait status %#x).", job_name(kind), status);
        if (j->desk->result < 0 && e)
                *e = j->desk->error;
        return j->desk->result < 0 ? j->desk->result : 1;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two jobs of a power cut, with the death of all workers between them. What fsync(2) promises is kept apart from what it does not: only files
 * whose fsync has come back before the power goes are looked for.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "run/job-internal.h"
#include "target/power.h"

/* Until the power goes: long against a commit, so that it is met at any point of one. */
#define LIGHT_MIN_NS (50 * NSEC_PER_MSEC)
#define LIGHT_SPAN_NS (450 * NSEC_PER_MSEC)
#define WITNESS_END_NS (10 * NSEC_PER_SEC)

typedef struct Writing {
        Witness *witness;
        int root_fd;
} Writing;

static int write_on(void *arg) {
        Writing *w = arg;

        child_close_others(w->root_fd);
        return witness_write(w->witness, w->root_fd) < 0;
}

static int cut_beside_witness(Job *j, int root_fd) {
        JobDesk *d = j->desk;
        Child child = CHILD_NULL;
        int r, status;
        Rng rng;

        rng_seed(&rng, j->seed, 0);
        d->witness.seed = j->seed;
        atomic_store(&d->witness.promised, 0);
        r = child_fork(&child, "ss:witness", write_on, &(Writing){ &d->witness, root_fd });
        if (r < 0)
                return error_set(&d->error, EXIT_ERROR, -r, "Cannot start the process that writes until the power goes: %s. Check the limit of processes "
                                 "(TasksMax=, ulimit -u).", strerror(-r));
        clock_sleep_ns(LIGHT_MIN_NS + rng_below(&rng, LIGHT_SPAN_NS));
        d->promised = atomic_load(&d->witness.promised);
        d->dark = true; /* whoever kills us in the middle is to restore it */
        r = power_cut(&d->target, &d->error);
        d->dark = r == 0;
        child_kill(&child, SIGKILL);
        child_wait(&child, WITNESS_END_NS, &status);
        return r;
}

int outage_begin(Job *j) {
        JobDesk *d = j->desk;
        _cleanup_close_ int fd = j->open_target(&d->target, &d->error);
        int r;

        if (fd < 0)
                return fd;
        r = witness_remove(fd); /* of an outage that was killed */
        if (r < 0)
                return error_set(&d->error, EXIT_ERROR, -r, "What an earlier power cut has left on the target (the directory witness) cannot be removed: %s. "
                                 "The kernel log may say why (dmesg); start again.", strerror(-r));
        return cut_beside_witness(j, fd);
}

static void look_at_promises(Job *j, int root_fd) {
        Strike *k = &j->desk->strike;
        WitnessState state;

        witness_look(j->desk->witness.seed, j->desk->promised, root_fd, &state);
        k->seen[FAULT_LOST] = state.lost;
        k->seen[FAULT_WRONG] = state.wrong;
        if (state.text[0])
                snprintf(k->text, sizeof(k->text), "%s; ", state.text);
}

static bool found_something(const Strike *k) {
        return k->seen[FAULT_WRONG] + k->seen[FAULT_LOST] + k->seen[FAULT_DAMAGED] > 0;
}

/* A damaged filesystem is not used further: the next cut would accuse the same damage again. */
static int conclude(Job *j) {
        Strike *k = &j->desk->strike;
        size_t n = strlen(k->text);
        int length;
        const char *error = job_check_first_error(j->desk, &length);

        snprintf(k->text + n, sizeof(k->text) - n, "the power of all devices: %u files had been made durable before", k->n_blocks);
        strike_say_differences(k);
        n = strlen(k->text);
        if (j->desk->check_status != 0)
                snprintf(k->text + n, sizeof(k->text) - n, "; btrfs check: %.*s", length, error);
        k->end = k->seen[FAULT_WRONG] > 0                             ? STRIKE_WRONG
                 : k->seen[FAULT_LOST] + k->seen[FAULT_DAMAGED] > 0 ? STRIKE_BROKEN
                 : k->n_blocks == 0                                   ? STRIKE_VOID
                                                                      : STRIKE_MET;
        if (k->end == STRIKE_MET || k->end == STRIKE_VOID || j->config->run.on_finding == ON_FINDING_HOLD)
                return 0;
        return target_unmount(&j->desk->target, &j->desk->error);
}

/* What the kernel answers to a filesystem that it does not take any more; not what the machine lacks. */
static bool is_the_kernels(int r) {
        return r == -EINVAL || r == -EIO || r == -EUCLEAN || r == -EROFS || r == -ENOENT || r == -EEXIST || r == -ENOSPC;
}

static int mount_and_look(Job *j) {
        JobDesk *d = j->desk;
        _cleanup_close_ int fd = -1;
        int r = power_mount(&d->target, j->config, j->ops, &d->error);

        if (is_the_kernels(r) && !d->target.mounted) {
                d->strike.seen[FAULT_DAMAGED]++;
                snprintf(d->strike.text, sizeof(d->strike.text), "%.200s; ", d->error.sentence);
                return 0;
        }
        if (r == 0)
                r = job_mounted(j);
        if (r == 0)
                r = fd = j->open_target(&d->target, &d->error);
        if (r < 0)
                return r;
        while (j->ops->balance_cancel(fd) == 0) /* the mount has resumed it; then there is none: -ENOTCONN */
                ;
        look_at_promises(j, fd);
        r = witness_remove(fd);
        if (r < 0)
                return error_set(&d->error, EXIT_ERROR, -r, "What the power cut has left on the target (the directory witness) cannot be removed: %s. The "
                                 "kernel log may say why (dmesg); start again.", strerror(-r));
        return 0;
}

int outage_end(Job *j) {
        JobDesk *d = j->desk;
        const char *error;
        int length;
        TargetHold hold;
        int r;

        d->strike = (Strike){ .end = STRIKE_VOID, .n_blocks = d->promised };
        target_hold(&hold, &d->target);
        r = target_unmount(&d->target, &d->error);
        if (r == 0)
                r = power_restore(&d->target, &d->error);
        if (r == 0) {
                d->dark = false;
                job_check_devices(j);
                error = job_check_first_error(d, &length);
                d->strike.seen[FAULT_DAMAGED] = job_check_has_looked(d) && d->check_status != 0;
                if (!job_check_has_looked(d))
                        r = error_set(&d->error, EXIT_ERROR, EIO, "btrfs check could not look at the target after the power cut (status %d: %.*s): see that "
                                      "btrfs-progs are there, have memory and time, and that no other device seems to hold this filesystem.", d->check_status,
                                      length, error);
                r = r < 0 ? r : mount_and_look(j);
        }
        target_release(&hold);
        if (r == 0 || found_something(&d->strike))
                return conclude(j);
        return r;
}

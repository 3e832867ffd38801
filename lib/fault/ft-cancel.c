/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault: a scrub, a balance or a replace is cancelled in its middle, or the balance paused. It must end with -ECANCELED, leave nothing that runs, or
 * what was paused and nothing else, and nothing broken.
 */
#include <errno.h>

#include "base/clock.h"
#include "fault/busy.h"
#include "target/loop.h"
#include "target/replace-wake.h"

#define PATIENCE_NS (30 * NSEC_PER_SEC)
#define WAKE_NS (2 * NSEC_PER_SEC)
#define MIDDLE_NS (2 * NSEC_PER_MSEC)

static int scrub_once(const FaultScene *s) {
        const ScrubRange range = { .devid = s->device->devid, .end = UINT64_MAX };
        ScrubStats stats = { 0 };

        return s->ops->scrub(s->fd, &range, &stats);
}

/* Of metadata, for the prey is to stay where it is. -EINVAL: a cancel is still asked for (volumes.c, btrfs_balance()). What is positive: something
 * else of its kind runs, which the kernel may do by itself (reclaim). */
static int balance_once(const FaultScene *s) {
        const BalanceFilter metadata = { .enabled = true, .usage_max = 100, .limit = 1 }, none = { 0 };
        uint64_t completed;
        int r = s->ops->balance(s->fd, &none, &metadata, &completed);

        return r == -EINVAL ? 0 : r > 0 ? -EBUSY : r;
}

/* One that has come to its end has made the spare a device of the filesystem, and there is none for another. */
static int replace_once(const FaultScene *s) {
        int r = s->ops->replace_start(s->fd, s->device->devid, s->spare);

        return r >= 0 ? -EBUSY : r;
}

static int cancel_replace(const FaultScene *s) {
        int r = s->ops->replace_cancel(s->fd);

        return r == BTRFS_IOCTL_DEV_REPLACE_RESULT_NOT_STARTED ? -ENOTCONN : r;
}

static int cancel_scrub(const FaultScene *s) {
        return s->ops->scrub_cancel(s->fd);
}

static int cancel_balance(const FaultScene *s) {
        return s->ops->balance_cancel(s->fd);
}

/* A cancel waits for the end of what it cancels, for as long as that takes; so it has a process of its own. -ENOTCONN: that had just ended by
 * itself, and the next is the one to cancel. */
static int cancel_in_its_middle(const FaultScene *s, int (*cancel)(const FaultScene *s)) {
        int r;

        clock_sleep_ns(clock_mono_ns() % MIDDLE_NS);
        r = cancel(s);
        return r == -ENOTCONN ? 0 : r;
}

static int pause_balance(const FaultScene *s) {
        return s->ops->balance_pause(s->fd);
}

static int cancel_scrub_once(const FaultScene *s) {
        return cancel_in_its_middle(s, cancel_scrub);
}

static int cancel_balance_once(const FaultScene *s) {
        return cancel_in_its_middle(s, cancel_balance);
}

static int pause_balance_once(const FaultScene *s) {
        return cancel_in_its_middle(s, pause_balance);
}

static int cancel_replace_once(const FaultScene *s) {
        return cancel_in_its_middle(s, cancel_replace);
}

static const struct {
        int (*once)(const FaultScene *s);
        int (*cancel_once)(const FaultScene *s);
        int (*cancel)(const FaultScene *s);
        Operation op, cancel_op;
        bool stays; /* until it is cancelled after all */
        bool may_sleep; /* for ever: see target/replace-wake.h */
} kinds[] = {
        { .once = scrub_once, .cancel_once = cancel_scrub_once, .cancel = cancel_scrub, .op = OP_SCRUB, .cancel_op = OP_SCRUB_CANCEL },
        { .once = balance_once, .cancel_once = cancel_balance_once, .cancel = cancel_balance, .op = OP_BALANCE, .cancel_op = OP_BALANCE_CANCEL },
        { .once = balance_once, .cancel_once = pause_balance_once, .cancel = cancel_balance, .op = OP_BALANCE, .cancel_op = OP_BALANCE_CANCEL,
          .stays = true },
        { .once = replace_once, .cancel_once = cancel_replace_once, .cancel = cancel_replace, .op = OP_REPLACE, .cancel_op = OP_REPLACE,
          .may_sleep = true }, /* the last: only where replaces are asked for, as released kernels may hang of them */
};

/* What it ended with, or what the cancels failed with. */
static int judge(FaultScene *s, size_t kind, int result, int cancel_result) {
        s->op = kinds[kind].cancel_op;
        if (cancel_result < 0)
                return cancel_result;
        s->op = kinds[kind].op;
        if (result == -EBUSY || result == -ENOSPC) /* nothing was cancelled */
                return -ENODATA;
        return result == -ECANCELED ? 0 : result;
}

/* A replace wants a device to copy to, which is made where the others were: of loop devices, without a layer, which a device that it has copied to
 * would lack. False: there is none. */
static bool make_spare(FaultScene *s, Loop *spare) {
        Error e = ERROR_NULL;

        if (!s->target->image_directory[0] || target_has_layers(s->target) ||
            loop_create(spare, s->target->image_directory, s->device->size, 0, &e) < 0)
                return false;
        s->spare = spare->path;
        return true;
}

/* In a process of its own: where more than a wake-up is missing, it hangs too. */
static int wake_once(const FaultScene *s) {
        clock_sleep_ns(WAKE_NS);
        replace_wake(s->fd);
        return 0;
}

/* One that has come late, or never, may wait in the kernel for ever: nothing more is asked of it. */
static int strike(FaultScene *s, size_t kind, uint64_t seen[static _FAULT_COUNT_MAX]) {
        Busy work = BUSY_NULL, cancels = BUSY_NULL, wakes = BUSY_NULL;
        int result = 0, cancel_result = 0, r = 0;
        bool ended;

        if (busy_start(&work, s, kinds[kind].once) < 0 || busy_start(&cancels, s, kinds[kind].cancel_once) < 0 ||
            (kinds[kind].may_sleep && busy_start(&wakes, s, wake_once) < 0)) {
                r = -ENODATA; /* for want of processes or memory: it does not strike this time */
        } else {
                ended = busy_ended(&work, PATIENCE_NS);
                seen[FAULT_LATE] += !ended;
                result = busy_result(&work);
                cancel_result = busy_result(&cancels);
        }
        busy_stop(&wakes);
        busy_stop(&cancels);
        busy_stop(&work);
        if (r < 0 || seen[FAULT_LATE] > 0)
                return r;
        r = judge(s, kind, result, cancel_result);
        if (r == 0 && kinds[kind].stays)
                seen[FAULT_ODD] += kinds[kind].cancel(s) != 0;
        if (r == 0)
                seen[FAULT_ODD] += kinds[kind].cancel(s) != -ENOTCONN;
        return r;
}

/* One that holds some of the block group of the prey: a scrub of one that holds nothing is over before it can be cancelled. NULL: it is gone. */
static const TargetDevice *device_of_prey(FaultScene *s) {
        const Chunk *c = extent_map_find(&s->map, s->prey.logical[0]);
        uint64_t devid = c ? c->stripes[rng_below(&s->rng, c->n_stripes)].devid : 0;

        for (unsigned i = 0; i < s->target->n_devices; i++)
                if (s->target->devices[i].devid == devid)
                        return &s->target->devices[i];
        return NULL;
}

static int act(FaultScene *s, uint64_t seen[static _FAULT_COUNT_MAX]) {
        size_t kind = rng_below(&s->rng, s->replaces ? ELEMENTSOF(kinds) : ELEMENTSOF(kinds) - 1);
        Loop spare = LOOP_NULL;
        int r;

        s->device = device_of_prey(s);
        if (!s->device || (kinds[kind].once == replace_once && !make_spare(s, &spare)))
                return -ENODATA;
        r = strike(s, kind, seen);
        if (spare.fd >= 0)
                loop_close(&spare);
        return r;
}

const Fault fault_cancel = {
        .name = "cancel",
        .help = "a scrub, balance or replace cancelled, or a balance paused, in its middle",
        .act = act,
};

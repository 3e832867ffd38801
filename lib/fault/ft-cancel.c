/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault: a scrub or a balance is cancelled in its middle, or the balance paused. It must end with -ECANCELED, leave nothing that runs, or what was
 * paused and nothing else, and nothing broken.
 */
#include <errno.h>

#include "base/clock.h"
#include "fault/busy.h"

#define PATIENCE_NS (30 * NSEC_PER_SEC)
#define MIDDLE_NS (2 * NSEC_PER_MSEC)

static int scrub_once(const FaultScene *s) {
        const ScrubRange range = { .devid = s->target->devices[0].devid, .end = UINT64_MAX };
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

static const struct {
        int (*once)(const FaultScene *s);
        int (*cancel_once)(const FaultScene *s);
        int (*cancel)(const FaultScene *s);
        Operation op, cancel_op;
        bool stays; /* until it is cancelled after all */
} kinds[] = {
        { scrub_once, cancel_scrub_once, cancel_scrub, OP_SCRUB, OP_SCRUB_CANCEL, false },
        { balance_once, cancel_balance_once, cancel_balance, OP_BALANCE, OP_BALANCE_CANCEL, false },
        { balance_once, pause_balance_once, cancel_balance, OP_BALANCE, OP_BALANCE_CANCEL, true },
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

/* One that has come late, or never, may wait in the kernel for ever: nothing more is asked of it. */
static int act(FaultScene *s, uint64_t seen[static _FAULT_COUNT_MAX]) {
        size_t kind = rng_below(&s->rng, ELEMENTSOF(kinds));
        Busy work = BUSY_NULL, cancels = BUSY_NULL;
        int result = 0, cancel_result = 0, r = 0;
        bool ended;

        if (busy_start(&work, s, kinds[kind].once) < 0 || busy_start(&cancels, s, kinds[kind].cancel_once) < 0) {
                r = -ENODATA; /* for want of processes or memory: it does not strike this time */
        } else {
                ended = busy_ended(&work, PATIENCE_NS);
                seen[FAULT_LATE] += !ended;
                result = busy_result(&work);
                cancel_result = busy_result(&cancels);
        }
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

const Fault fault_cancel = {
        .name = "cancel",
        .help = "a scrub or balance cancelled, or paused, in its middle",
        .act = act,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault: a scrub or a balance is cancelled in its middle. It must end with -ECANCELED, leave nothing that runs, and nothing broken.
 */
#include <errno.h>

#include "base/clock.h"
#include "fault/busy.h"

#define PATIENCE_NS (10 * NSEC_PER_SEC)
#define MIDDLE_NS (2 * NSEC_PER_MSEC)

static int scrub_once(const FaultScene *s) {
        const ScrubRange range = { .devid = s->target->devices[0].devid, .end = UINT64_MAX };
        ScrubStats stats = { 0 };

        return s->ops->scrub(s->fd, &range, &stats);
}

/* Of metadata, for the prey is to stay where it is. -EINVAL: a cancel is still asked for (volumes.c, btrfs_balance()). */
static int balance_once(const FaultScene *s) {
        const BalanceFilter metadata = { .enabled = true, .usage_max = 100, .limit = 1 }, none = { 0 };
        uint64_t completed;
        int r = s->ops->balance(s->fd, &none, &metadata, &completed);

        return r == -EINVAL ? 0 : MIN_OF(r, 0);
}

static int cancel_scrub(const FaultScene *s) {
        return s->ops->scrub_cancel(s->fd);
}

static int cancel_balance(const FaultScene *s) {
        return s->ops->balance_cancel(s->fd);
}

static const struct {
        int (*once)(const FaultScene *s);
        int (*cancel)(const FaultScene *s);
} kinds[] = { { scrub_once, cancel_scrub }, { balance_once, cancel_balance } };

/* One may come to its end just before the cancel does, and then the next is the one to cancel. Returns what a cancel failed with, or 0. */
static int cancel_until_ended(FaultScene *s, size_t kind, Busy *b, bool *ret_ended) {
        uint64_t begin = clock_mono_ns();
        int r;

        do {
                clock_sleep_ns(rng_below(&s->rng, MIDDLE_NS));
                r = kinds[kind].cancel(s);
                if (r < 0 && r != -ENOTCONN)
                        return r;
                *ret_ended = busy_ended(b, NSEC_PER_MSEC);
        } while (!*ret_ended && clock_mono_ns() - begin < PATIENCE_NS);
        return 0;
}

static int act(FaultScene *s, uint64_t seen[static _FAULT_COUNT_MAX]) {
        size_t kind = rng_below(&s->rng, ELEMENTSOF(kinds));
        bool ended = false;
        int r, result;
        Busy b;

        r = busy_start(&b, s, kinds[kind].once);
        if (r < 0)
                return r;
        r = cancel_until_ended(s, kind, &b, &ended);
        result = busy_result(&b);
        busy_stop(&b);
        if (r < 0)
                return r;
        if (result == -ENOSPC) /* the balance had no room: nothing was cancelled */
                return -ENODATA;
        seen[FAULT_LATE] += !ended;
        seen[FAULT_ODD] += ended && result != -ECANCELED;
        seen[FAULT_ODD] += kinds[kind].cancel(s) != -ENOTCONN;
        return 0;
}

const Fault fault_cancel = {
        .name = "cancel",
        .help = "a scrub or balance cancelled in its middle",
        .op = OP_SCRUB_CANCEL,
        .act = act,
};

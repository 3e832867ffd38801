/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stressor: balances with usage filters, in bursts with rests between. A running balance holds reclaim_bgs_lock, which the cleaner only
 * tries for: a balance without rests stops all removals by the cleaner.
 */
#include "base/clock.h"
#include "stress/budget.h"
#include "stress/stressor.h"

typedef struct Balance {
        uint64_t due_ns; /* when the next burst is; 0: to be said */
} Balance;

static unsigned balance_instances(const Config *c, unsigned n_devices _unused_) {
        return c->balance.enabled ? 1 : 0;
}

/* At most it relocates all there is. The size of devices that are not loops of ours is not in the configuration: raise
 * OperationDeadline=. */
static uint64_t balance_deadline_ns(const Config *c) {
        return c->run.operation_deadline_ns + budget_walk_ns(c->target.n_devices * c->target.device_size);
}

static int balance_once(Worker *w) {
        const BalanceFilter data = { .enabled = true, .usage_max = (uint8_t)w->config->balance.usage_data };
        const BalanceFilter metadata = { .enabled = true, .usage_max = (uint8_t)w->config->balance.usage_metadata };
        uint64_t completed = 0;
        int r;

        atomic_fetch_add(&w->board->balances_in_flight, 1);
        worker_begin(w, OP_BALANCE);
        r = w->ops->balance(w->root_fd, &data, &metadata, &completed);
        atomic_fetch_sub(&w->board->balances_in_flight, 1);
        return worker_end(w, r, &(Observation){ .count = completed });
}

/* The rest comes first: the race is met soonest while nobody holds that lock. A pause does not begin it anew. */
static int balance_step(Worker *w) {
        Balance *s = w->state;
        uint64_t now = clock_mono_ns();

        if (s->due_ns == 0)
                s->due_ns = now + worker_knob(w, KNOB_BALANCE_REST);
        if (now < s->due_ns)
                worker_rest(w, s->due_ns - now);
        if (worker_should_yield(w) || clock_mono_ns() < s->due_ns)
                return 0;
        s->due_ns = 0;
        for (uint64_t i = 0; i < w->config->balance.burst && !worker_should_yield(w); i++)
                if (balance_once(w) != 0)
                        break;
        return 0;
}

/* A balance survives its caller: one that was interrupted goes on without us. Usually there is none: -ENOTCONN, as the policy expects. */
static void balance_cleanup(Worker *w) {
        worker_begin(w, OP_BALANCE_CANCEL);
        worker_end(w, w->ops->balance_cancel(w->root_fd), NULL);
}

const Stressor stressor_balance = {
        .name = "balance",
        .help = "relocates block groups by usage filter, in bursts with rests",
        .state_size = sizeof(Balance),
        .instances = balance_instances,
        .deadline_ns = balance_deadline_ns,
        .step = balance_step,
        .cleanup = balance_cleanup,
};

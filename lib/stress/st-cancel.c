/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stressor: cancels the scrubs that are in flight, which begin again at once. A scrub that is cancelled lets go of its block group in the
 * middle, by another way out than one that ends; and a cancel waits for scrubs to stop, so it must come back.
 */
#include "base/clock.h"
#include "stress/stressor.h"

static unsigned cancel_instances(const Config *c, unsigned n_devices _unused_) {
        return c->cancel.enabled && c->scrub.enabled ? 1 : 0;
}

static uint64_t cancel_deadline_ns(const Config *c) {
        return c->run.operation_deadline_ns;
}

/* The scrubs may come back before the cancel does. */
static int cancel_step(Worker *w) {
        int r;

        atomic_fetch_add(&w->board->cancels_in_flight, 1);
        worker_begin(w, OP_SCRUB_CANCEL);
        r = w->ops->scrub_cancel(w->root_fd);
        atomic_store(&w->board->cancelled_ns, clock_mono_ns());
        atomic_fetch_sub(&w->board->cancels_in_flight, 1);
        worker_end(w, r, NULL);
        worker_rest(w, w->config->cancel.rest_ns);
        return 0;
}

const Stressor stressor_cancel = {
        .name = "cancel",
        .help = "cancels scrubs in flight",
        .instances = cancel_instances,
        .deadline_ns = cancel_deadline_ns,
        .step = cancel_step,
};

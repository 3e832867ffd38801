/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stressor: trims the whole target (FITRIM). It freezes each block group while it discards its free space, as a scrub does, so that the chunk
 * of one that is removed meanwhile stays until the trim lets go (04216820fe83); then it discards what is unallocated, under the mutex that
 * chunks are made and removed under. Free space being discarded counts as reserved, and the cleaner passes such a group by.
 */
#include "stress/budget.h"
#include "stress/stressor.h"

static unsigned trim_instances(const Config *c, unsigned n_devices _unused_) {
        return c->trim.enabled ? 1 : 0;
}

/* All devices from end to end; a device that only pretends to discard is no slower than one that writes. */
static uint64_t trim_deadline_ns(const Config *c) {
        return c->run.operation_deadline_ns + budget_walk_ns(c->target.n_devices * c->target.device_size);
}

static int trim_step(Worker *w) {
        uint64_t trimmed;

        worker_begin(w, OP_TRIM);
        worker_end(w, w->ops->trim(w->root_fd, &trimmed), NULL);
        worker_rest(w, w->config->trim.rest_ns);
        return 0;
}

const Stressor stressor_trim = {
        .name = "trim",
        .help = "discards the free space of the whole target",
        .instances = trim_instances,
        .deadline_ns = trim_deadline_ns,
        .step = trim_step,
};

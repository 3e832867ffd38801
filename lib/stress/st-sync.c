/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stressor: commits in a tight loop. BTRFS_IOC_SYNC wakes the cleaner at its end, so that emptied block groups are deleted now and not at
 * the next commit interval; START_SYNC with WAIT_SYNC commits without waking it.
 */
#include "stress/budget.h"
#include "stress/stressor.h"

static unsigned sync_instances(const Config *c, unsigned n_devices _unused_) {
        return (unsigned)c->sync.workers;
}

/* A commit also waits for the data that the churn has written since the last one. */
static uint64_t sync_deadline_ns(const Config *c) {
        return c->run.operation_deadline_ns + budget_walk_ns(c->churn.workers * c->churn.files * c->churn.file_size);
}

static int sync_whole(Worker *w) {
        worker_begin(w, OP_SYNC);
        return worker_end(w, w->ops->sync(w->root_fd), NULL);
}

static int sync_start_wait(Worker *w) {
        uint64_t transid = 0;
        int r;

        worker_begin(w, OP_START_SYNC);
        r = worker_end(w, w->ops->start_sync(w->root_fd, &transid), NULL);
        if (r != 0)
                return r;
        worker_begin(w, OP_WAIT_SYNC);
        return worker_end(w, w->ops->wait_sync(w->root_fd, transid), NULL);
}

static int sync_step(Worker *w) {
        SyncMode mode = w->config->sync.mode;

        if (mode == SYNC_MIXED)
                mode = rng_below(&w->rng, 2) == 0 ? SYNC_SYNC : SYNC_START_WAIT;
        if (mode == SYNC_START_WAIT)
                sync_start_wait(w);
        else
                sync_whole(w);
        worker_rest(w, worker_knob(w, KNOB_SYNC_REST));
        return 0;
}

const Stressor stressor_sync = {
        .name = "sync",
        .help = "commits transactions and wakes the cleaner",
        .instances = sync_instances,
        .deadline_ns = sync_deadline_ns,
        .step = sync_step,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stressor: takes a snapshot of the whole target, holds it for a moment, and deletes it. While there is one, what the churn unlinks keeps its
 * block group: groups then die when the cleaner drops the snapshot, many extents at once and from another place in the kernel
 * (btrfs_drop_snapshot()), and metadata groups come and go with them.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "stress/budget.h"
#include "stress/stressor.h"

#define SNAPSHOT "snapshot"

typedef struct Snapshot {
        bool taken;
} Snapshot;

static unsigned snapshot_instances(const Config *c, unsigned n_devices _unused_) {
        return c->snapshot.enabled ? 1 : 0;
}

/* To take one commits, with all data that the churn has written since the last commit. */
static uint64_t snapshot_deadline_ns(const Config *c) {
        return c->run.operation_deadline_ns + budget_walk_ns(c->churn.workers * c->churn.files * c->churn.file_size);
}

/* One that is there already is that of a worker that was killed. */
static int snapshot_prepare(Worker *w) {
        Snapshot *s = w->state;

        s->taken = faccessat(w->root_fd, SNAPSHOT, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
        return 0;
}

/* One that is gone is told, and need not be deleted again. */
static void delete(Worker *w, Snapshot *s) {
        int r;

        worker_begin(w, OP_SUBVOL_DELETE);
        r = worker_end(w, w->ops->subvol_delete(w->root_fd, SNAPSHOT), NULL);
        s->taken = r != 0 && r != -ENOENT;
}

static void take(Worker *w, Snapshot *s) {
        worker_begin(w, OP_SNAPSHOT);
        s->taken = worker_end(w, w->ops->subvol_snapshot(w->root_fd, w->root_fd, SNAPSHOT), NULL) == 0;
}

static int snapshot_step(Worker *w) {
        Snapshot *s = w->state;

        if (!s->taken)
                take(w, s);
        worker_rest(w, w->config->snapshot.hold_ns);
        if (s->taken)
                delete(w, s);
        worker_rest(w, w->config->snapshot.rest_ns);
        return 0;
}

static void snapshot_cleanup(Worker *w) {
        Snapshot *s = w->state;

        if (s->taken)
                delete(w, s);
}

const Stressor stressor_snapshot = {
        .name = "snapshot",
        .help = "takes snapshots and deletes them",
        .state_size = sizeof(Snapshot),
        .instances = snapshot_instances,
        .deadline_ns = snapshot_deadline_ns,
        .prepare = snapshot_prepare,
        .step = snapshot_step,
        .cleanup = snapshot_cleanup,
};

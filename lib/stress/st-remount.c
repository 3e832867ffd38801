/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stressor: mounts the target again with other options, a set of them after the other. A remount writes out all data, resizes the pools of
 * threads, wakes the transaction kthread at its new interval, waits for defragmentation to end and, with discard, moves unused block groups
 * from one list to another, all beside scrubs and removals. Never read-only: that would end scrub, balance and cleaner.
 *
 * Each set is added to MountOptions=: what another set has changed is back at what MountOptions= says.
 */
#include <stdio.h>
#include <string.h>

#include "config/mount-options.h"
#include "stress/budget.h"
#include "stress/stressor.h"

/* Kernels from 6.2 on choose it themselves where the devices can discard, so MountOptions= need not name it. */
#define ASYNC "discard=async"

typedef struct Remount {
        char undo[MOUNT_UNDO_MAX];
        size_t next;  /* set */
        bool changed; /* the options may be others than those of MountOptions= */
} Remount;

static unsigned remount_instances(const Config *c, unsigned n_devices _unused_) {
        return c->remount.enabled ? 1 : 0;
}

/* As sync: it waits for the data that the churn has written. */
static uint64_t remount_deadline_ns(const Config *c) {
        return c->run.operation_deadline_ns + budget_walk_ns(c->churn.workers * c->churn.files * c->churn.file_size);
}

static int remount_prepare(Worker *w) {
        Remount *s = w->state;

        mount_options_undo(w->config->remount.options, s->undo);
        return 0;
}

/* Later options win. An empty set: MountOptions= as it is. What fails changes nothing, but for what it wrote. */
static int mount_again(Worker *w, const char *set) {
        const Remount *s = w->state;
        char options[MOUNT_UNDO_MAX + sizeof(ASYNC) + 2 * CONFIG_STRING_MAX];
        Observation o = { 0 };

        snprintf(options, sizeof(options), "%s%s%s%s%s", s->undo, strstr(w->target->mount_options, ASYNC) ? ASYNC "," : "",
                 w->config->target.mount_options, set[0] ? "," : "", set);
        snprintf(o.text, sizeof(o.text), "with %.*s", (int)sizeof(o.text) - 6, options);
        worker_begin(w, OP_REMOUNT);
        return worker_end(w, w->ops->remount(w->root_fd, options), &o);
}

static int remount_step(Worker *w) {
        const Config *c = w->config;
        Remount *s = w->state;
        char set[CONFIG_STRING_MAX] = "";

        if (!mount_options_set(c->remount.options, s->next, set, sizeof(set))) {
                s->next = 0;
                mount_options_set(c->remount.options, s->next, set, sizeof(set));
        }
        s->next++;
        s->changed = true;
        mount_again(w, set);
        worker_rest(w, c->remount.rest_ns);
        return 0;
}

static void remount_cleanup(Worker *w) {
        const Remount *s = w->state;

        if (s->changed)
                mount_again(w, "");
}

const Stressor stressor_remount = {
        .name = "remount",
        .help = "changes mount options of the target",
        .state_size = sizeof(Remount),
        .instances = remount_instances,
        .deadline_ns = remount_deadline_ns,
        .prepare = remount_prepare,
        .step = remount_step,
        .cleanup = remount_cleanup,
};

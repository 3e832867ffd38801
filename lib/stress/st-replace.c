/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stressor: replaces the devices in turn by a spare; the device that was replaced is the next spare. A replace walks the block groups of
 * its source as a scrub does (scrub.c, btrfs_scrub_dev() with is_dev_replace), with the same race against their removal.
 *
 * The spare is a loop device of this worker alone: its open file keeps it, and when the worker is gone, kill -9 included, so is the device.
 * A replaced device is let go by the kernel, so it is opened before.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "stress/budget.h"
#include "stress/stressor.h"
#include "target/loop.h"

typedef struct Replace {
        Loop spare;
        unsigned next; /* index of the device to replace */
} Replace;

static unsigned replace_instances(const Config *c, unsigned n_devices _unused_) {
        return c->replace.enabled ? 1 : 0;
}

/* One pass over one device, and the copy of what it holds. */
static uint64_t replace_deadline_ns(const Config *c) {
        return c->run.operation_deadline_ns + 2 * budget_walk_ns(c->target.device_size);
}

/* The kernel log will speak of the spare as it does of the target's devices. */
static void say_spare(Worker *w, const Replace *s) {
        const char *base = strrchr(s->spare.path, '/');
        Observation o = { .kind = OBS_DEVICE };

        snprintf(o.text, sizeof(o.text), "%s", base ? base + 1 : s->spare.path);
        worker_observe(w, &o);
}

static int replace_prepare(Worker *w) {
        Replace *s = w->state;
        Error e = ERROR_NULL;
        int r = loop_create(&s->spare, w->target->image_directory, w->config->target.device_size, 0, &e);

        if (r < 0)
                worker_note(w, "No spare device to replace others with: %s", e.sentence);
        else
                say_spare(w, s);
        return r;
}

/* Which device has the devid now, opened so that it outlives being replaced. */
static int open_device(Worker *w, uint64_t devid, Loop *ret) {
        BtrfsDevice d;
        int r = w->ops->device_info(w->root_fd, devid, &d);

        if (r < 0)
                return r;
        snprintf(ret->path, sizeof(ret->path), "%.*s", (int)sizeof(ret->path) - 1, d.path);
        ret->fd = open(d.path, O_RDONLY | O_CLOEXEC);
        return ret->fd < 0 ? -errno : 0;
}

/* The window is that of the whole call: the kernel does not tell when its walk begins and ends between the commits. */
static int replace_one(Worker *w, uint64_t devid, const char *path) {
        int r;

        atomic_fetch_add(&w->board->replaces_in_flight, 1);
        worker_begin(w, OP_REPLACE);
        slot_window_open(w->slot, devid, 0, UINT64_MAX, clock_mono_ns());
        r = w->ops->replace_start(w->root_fd, devid, path);
        slot_window_close(w->slot, clock_mono_ns());
        atomic_fetch_sub(&w->board->replaces_in_flight, 1);
        return worker_end(w, r, &(Observation){ .devid = devid });
}

static int replace_step(Worker *w) {
        Replace *s = w->state;
        uint64_t devid = w->target->devices[s->next].devid;
        Loop source = LOOP_NULL;
        int r = open_device(w, devid, &source);

        if (r == 0 && replace_one(w, devid, s->spare.path) == 0) {
                Loop replaced = s->spare;
                s->spare = source;
                source = replaced; /* the filesystem holds it now */
        }
        loop_close(&source);
        s->next = (s->next + 1) % w->target->n_devices;
        worker_rest(w, w->config->replace.rest_ns);
        return r;
}

static void replace_cleanup(Worker *w) {
        Replace *s = w->state;

        if (s->spare.path[0])
                loop_close(&s->spare);
}

const Stressor stressor_replace = {
        .name = "replace",
        .help = "replaces the devices in turn by a spare one",
        .state_size = sizeof(Replace),
        .instances = replace_instances,
        .deadline_ns = replace_deadline_ns,
        .prepare = replace_prepare,
        .step = replace_step,
        .cleanup = replace_cleanup,
};

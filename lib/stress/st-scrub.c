/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stressor: scrubs one device from end to end, in a loop; one worker per device, because the kernel runs one scrub per device and devices
 * in parallel. Its windows on the board are what collisions are counted against.
 */
#include "base/clock.h"
#include "stress/budget.h"
#include "stress/stressor.h"

static unsigned scrub_instances(const Config *c, unsigned n_devices) {
        return c->scrub.enabled ? n_devices : 0;
}

/* One pass over one device. The size of devices that are not loops of ours is not in the configuration: raise OperationDeadline=. */
static uint64_t scrub_deadline_ns(const Config *c) {
        return c->run.operation_deadline_ns + budget_walk_ns(c->target.loop_size);
}

static int scrub_step(Worker *w) {
        const ScrubRange range = {
                .devid = w->target->devices[w->instance].devid,
                .end = UINT64_MAX,
                .readonly = w->config->scrub.readonly,
        };
        Observation o = { .devid = range.devid };
        ScrubStats stats = { 0 };
        int r;

        worker_begin(w, OP_SCRUB);
        slot_window_open(w->slot, range.devid, range.start, range.end, clock_mono_ns());
        r = w->ops->scrub(w->root_fd, &range, &stats);
        slot_window_close(w->slot, clock_mono_ns());
        o.physical = stats.last_physical;
        worker_end(w, r, &o);
        if (r == 0 && !scrub_stats_clean(&stats, o.text, sizeof(o.text))) {
                o.kind = OBS_COUNTERS;
                o.op = OP_SCRUB;
                o.count = scrub_stats_errors(&stats);
                worker_observe(w, &o);
        }
        worker_rest(w, w->config->scrub.rest_ns);
        return 0;
}

const Stressor stressor_scrub = {
        .name = "scrub",
        .help = "scrubs one device from end to end, one worker per device",
        .instances = scrub_instances,
        .deadline_ns = scrub_deadline_ns,
        .step = scrub_step,
};

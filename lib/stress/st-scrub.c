/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stressor: scrubs one device, in a loop; one worker per device, because the kernel runs one scrub per device and devices in parallel.
 * Its windows on the board are what collisions are counted against.
 *
 * A scrub goes over block groups that live, are of the types asked for and not full of data which stays (Aim=, Groups=), looked for each
 * time anew: groups come and go.
 */
#include "base/clock.h"
#include "stress/budget.h"
#include "stress/place.h"
#include "stress/stressor.h"
#include "target/scrub-aim.h"

#define WEIGH_INTERVAL_NS NSEC_PER_SEC
#define NOTHING_THERE_REST_NS (500 * NSEC_PER_USEC)
#define QUICK_PER_SLOW 9 /* of the time */

typedef struct Scrub {
        ScrubAim aim;
        uint64_t weighed_ns, looked_ns, whole_ns; /* when; 0: not yet */
        uint64_t slow_end_ns, slow_ns;            /* of the last scrub of a group that takes long: when it ended, and how long it took */
} Scrub;

static unsigned scrub_instances(const Config *c, unsigned n_devices) {
        return c->scrub.enabled ? n_devices : 0;
}

/* One pass over one device. The size of devices that are not loops of ours is not in the configuration: raise OperationDeadline=. */
static uint64_t scrub_deadline_ns(const Config *c) {
        return c->run.operation_deadline_ns + budget_walk_ns(c->target.device_size);
}

static uint64_t kernel_types(unsigned groups) {
        return (groups & GROUP_DATA ? BTRFS_BLOCK_GROUP_DATA : 0) | (groups & GROUP_METADATA ? BTRFS_BLOCK_GROUP_METADATA : 0) |
               (groups & GROUP_SYSTEM ? BTRFS_BLOCK_GROUP_SYSTEM : 0);
}

static void weigh(Worker *w, Scrub *s) {
        s->weighed_ns = clock_mono_ns();
        s->aim.devid = w->target->devices[w->instance].devid;
        s->aim.types = kernel_types(w->config->scrub.groups);
        s->aim.heavy = budget_churn_bytes(w->config);
        worker_begin(w, OP_TREE_SEARCH);
        worker_end(w, scrub_aim_weigh(&s->aim, w->ops, w->root_fd), NULL);
}

static int look(Worker *w, Scrub *s) {
        if (s->weighed_ns == 0)
                weigh(w, s);
        s->looked_ns = clock_mono_ns();
        s->aim.pace = s->looked_ns - s->slow_end_ns >= QUICK_PER_SLOW * s->slow_ns ? AIM_SLOW : AIM_QUICK;
        worker_begin(w, OP_TREE_SEARCH);
        return worker_end(w, scrub_aim_look(&s->aim, w->ops, w->root_fd), NULL);
}

static bool whole_is_due(const Worker *w, const Scrub *s) {
        uint64_t interval = w->config->scrub.whole_interval_ns;

        return !w->config->scrub.aim || (interval > 0 && clock_mono_ns() - s->whole_ns >= interval);
}

/* Of the groups in the range. Many live too short for the churn to see them: a system group that a scrub has made goes with the next commit. */
static void say_places(Worker *w, const Scrub *s, const AimRange *range) {
        for (size_t i = 0; i < s->aim.map.n_chunks; i++)
                if (scrub_aim_meets(&s->aim, &s->aim.map.chunks[i], range))
                        place_say(w->slot, &s->aim.map.chunks[i], s->looked_ns);
}

/* From one commit to the next the scrubs of all devices go to the group that dies next; to the one after, they leave it to the cleaner, which
 * takes none that a scrub holds. */
static bool draw(Worker *w, Scrub *s, AimRange *ret) {
        bool together = atomic_load_explicit(&w->board->commits, memory_order_relaxed) % 2 == 1;

        if (!together || !scrub_aim_oldest(&s->aim, ret))
                return scrub_aim_draw(&s->aim, &w->rng, ret);
        scrub_aim_scrubbed(&s->aim);
        s->aim.pace = AIM_QUICK; /* whatever turn it was, a system group is none of those */
        return true;
}

/* False: there is nothing to scrub, or nobody knows where; that a look has failed is told. */
static bool pick_range(Worker *w, Scrub *s, ScrubRange *range) {
        AimRange drawn;

        *range = (ScrubRange){ .devid = w->target->devices[w->instance].devid, .end = UINT64_MAX, .readonly = w->config->scrub.readonly };
        if (whole_is_due(w, s)) {
                s->whole_ns = clock_mono_ns();
                s->aim.pace = AIM_QUICK; /* how long it takes says nothing of slow groups */
                return true;
        }
        if (look(w, s) != 0 || !draw(w, s, &drawn))
                return false;
        range->start = drawn.start;
        range->end = drawn.end;
        say_places(w, s, &drawn);
        return true;
}

/* An aimed scrub that met much data: groups have filled up since, or were moved by a balance. */
static void weigh_again(Worker *w, Scrub *s, const ScrubStats *stats) {
        if (w->config->scrub.aim && stats->data_bytes_scrubbed > budget_churn_bytes(w->config) &&
            clock_mono_ns() - s->weighed_ns >= WEIGH_INTERVAL_NS)
                weigh(w, s);
}

/* A tenth of the time goes to groups that take long, whatever that is here. */
static void note_slow(const Worker *w, Scrub *s) {
        if (!w->config->scrub.aim || s->aim.pace != AIM_SLOW)
                return;
        s->slow_end_ns = clock_mono_ns();
        s->slow_ns = s->slow_end_ns - w->begin_ns;
}

static int scrub_step(Worker *w) {
        Observation o = { 0 };
        ScrubStats stats = { 0 };
        ScrubRange range;
        int r;

        if (!pick_range(w, w->state, &range)) {
                worker_rest(w, MAX_OF(worker_knob(w, KNOB_SCRUB_REST), NOTHING_THERE_REST_NS));
                return 0;
        }
        o.devid = range.devid;
        worker_begin(w, OP_SCRUB);
        slot_window_open(w->slot, range.devid, range.start, range.end, clock_mono_ns());
        r = w->ops->scrub(w->root_fd, &range, &stats);
        slot_window_close(w->slot, clock_mono_ns());
        note_slow(w, w->state);
        o.physical = stats.last_physical;
        worker_end(w, r, &o);
        if (r == 0 && !scrub_stats_clean(&stats, o.text, sizeof(o.text))) {
                o.kind = OBS_COUNTERS;
                o.op = OP_SCRUB;
                o.count = scrub_stats_errors(&stats);
                worker_observe(w, &o);
        }
        weigh_again(w, w->state, &stats);
        worker_rest(w, worker_knob(w, KNOB_SCRUB_REST));
        return 0;
}

static void scrub_cleanup(Worker *w) {
        Scrub *s = w->state;

        scrub_aim_free(&s->aim);
}

const Stressor stressor_scrub = {
        .name = "scrub",
        .help = "scrubs one device, one worker per device",
        .state_size = sizeof(Scrub),
        .instances = scrub_instances,
        .deadline_ns = scrub_deadline_ns,
        .step = scrub_step,
        .cleanup = scrub_cleanup,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a run asks its disks how they fare. */
#include "run/run-internal.h"

void run_health_made(Run *r) {
        health_watch_learn(r->health, &r->desk->target);
        r->report.health = health_watch_n(r->health) > 0 ? health_watch_disks(r->health) : NULL;
        health_watch_ask(r->health, HEALTH_LOOK_ALL, r->now_ns);
}

void run_health_end(Run *r) {
        health_watch_ask(r->health, HEALTH_LOOK_ALL, r->now_ns);
}

bool run_health_busy(const Run *r) {
        return health_watch_busy(r->health);
}

static bool is_due(const Run *r, HealthLook look, uint64_t interval_ns) {
        return interval_ns > 0 && r->now_ns >= health_watch_asked_ns(r->health, look) + interval_ns;
}

void run_health(Run *r) {
        health_watch_poll(r->health, r->now_ns, run_observe, r);
        if (r->state == RUN_STRESS && is_due(r, HEALTH_LOOK_ALL, r->config.health.smart_interval_ns))
                health_watch_ask(r->health, HEALTH_LOOK_ALL, r->now_ns);
}

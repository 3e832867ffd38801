/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a run asks its disks how they fare. */
#include "run/run-internal.h"

#define WARMTH_NS (30 * NSEC_PER_SEC)
#define COOLER 5         /* degrees C below the limit, where the stress goes on */
#define HEAT_NOTES_MAX 5 /* of a run of weeks in a hot room */

void run_health_made(Run *r) {
        health_watch_learn(r->health, &r->desk->target);
        r->report.health = health_watch_n(r->health) > 0 ? health_watch_disks(r->health) : NULL;
        health_watch_ask(r->health, HEALTH_LOOK_ALL, r->now_ns);
}

void run_health_end(Run *r) {
        health_watch_ask(r->health, HEALTH_LOOK_ALL, r->now_ns);
}

/* 0 too when there is none. */
static int keep_document(const Finding *f, const char *when, const char *disk, const char *document) {
        char name[sizeof("smart-before-.json") + sizeof(((Identity *)NULL)->name)];

        snprintf(name, sizeof(name), "smart-%s-%s.json", when, disk);
        return document ? evidence_add(f, name, document) : 0;
}

void run_health_evidence(Run *r, const Finding *f) {
        HealthDocuments d;

        if (f->class != CLASS_HEALTH || !health_watch_documents(r->health, f->devid, &d))
                return;
        if (keep_document(f, "before", d.name, d.before) < 0 || keep_document(f, "after", d.name, d.now) < 0)
                run_note(r, "What smartctl said of /dev/%s could not be kept in the evidence folder of its finding.", d.name);
}

bool run_health_busy(const Run *r) {
        return health_watch_busy(r->health);
}

static bool is_due(const Run *r, HealthLook look, uint64_t interval_ns) {
        return interval_ns > 0 && r->now_ns >= health_watch_asked_ns(r->health, look) + interval_ns;
}

void run_health(Run *r) {
        health_watch_poll(r->health, r->now_ns, run_observe, r);
        if (r->state != RUN_STRESS && r->state != RUN_COOLING)
                return;
        if (is_due(r, HEALTH_LOOK_ALL, r->config.health.smart_interval_ns))
                health_watch_ask(r->health, HEALTH_LOOK_ALL, r->now_ns);
        else if (r->config.health.temperature_limit > 0 && is_due(r, HEALTH_LOOK_WARMTH, WARMTH_NS))
                health_watch_ask(r->health, HEALTH_LOOK_WARMTH, r->now_ns);
}

bool run_health_hot(Run *r) {
        uint64_t limit = r->config.health.temperature_limit, warmest;
        const char *name;

        warmest = health_watch_warmest(r->health, &name);
        if (limit == 0 || warmest < limit)
                return false;
        r->report.coolings++;
        if (r->report.coolings <= HEAT_NOTES_MAX)
                run_note(r, "/dev/%s has %llu degrees C, the limit is %llu (TemperatureLimit=): the stress pauses until it is %u below it.%s", name,
                         (unsigned long long)warmest, (unsigned long long)limit, COOLER,
                         r->report.coolings == HEAT_NOTES_MAX ? " Later pauses are only counted." : "");
        return true;
}

bool run_health_cooled(const Run *r) {
        const char *name;

        return r->config.health.temperature_limit == 0 ||
               health_watch_warmest(r->health, &name) + COOLER <= r->config.health.temperature_limit;
}

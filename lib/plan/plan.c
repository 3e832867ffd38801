/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/units.h"
#include "config/device-spec.h"
#include "plan/pairs.h"

static void add_workers(Plan *p, const Stressor *s, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                PlanWorker *w = &p->workers[p->n_workers++];
                *w = (PlanWorker){ .stressor = s, .instance = i };
                snprintf(w->name, sizeof(w->name), "%s/%u", s->name, i + 1);
        }
}

int plan_make(Plan *p, const Config *c, uint64_t fallback_seed, Error *e) {
        uint64_t wanted = 0;

        *p = (Plan){ .seed = c->run.seed ?: fallback_seed, .n_devices = c->target.n_devices };
        for (size_t i = 0; i < n_stressors; i++)
                wanted += stressors[i]->instances(c, p->n_devices);
        if (wanted == 0)
                return error_set(e, EXIT_USAGE, EINVAL, "No stressor is switched on, so there is nothing to run; "
                                 "set Enabled=yes or Workers=1 or more in at least one of [Churn], [Sync], [Balance], [Scrub], [Replace], "
                                 "[Remount], [Snapshot], [Trim]");
        if (wanted > BOARD_SLOTS)
                return error_set(e, EXIT_USAGE, EINVAL, "The configuration asks for %" PRIu64 " workers, but a run has room for %d; "
                                 "lower Workers= in [Churn] or [Sync], or use fewer devices (one scrub worker each)", wanted, BOARD_SLOTS);
        for (size_t i = 0; i < n_stressors; i++)
                add_workers(p, stressors[i], stressors[i]->instances(c, p->n_devices));
        return c->run.pair_time_ns > 0 ? pairs_make(&(Pairs){ 0 }, p, c->run.pair_time_ns, 0, e) : 0;
}

unsigned plan_count(const Plan *p, const Stressor *s) {
        unsigned n = 0;

        for (unsigned i = 0; i < p->n_workers; i++)
                n += p->workers[i].stressor == s;
        return n;
}

static void print_disks(const Plan *p, const Config *c, FILE *f) {
        char path[DEVICE_NAME_MAX] = "", serial[DEVICE_NAME_MAX] = "";

        fprintf(f, "target      a new btrfs on %u disk%s; everything on %s is lost\n", p->n_devices, p->n_devices == 1 ? "" : "s",
                p->n_devices == 1 ? "it" : "them");
        for (unsigned i = 0; i < p->n_devices; i++) {
                device_words_get(c->target.devices, i, path);
                device_words_get(c->target.wipe, i, serial);
                fprintf(f, "  device %-2u %s, if its serial is %s and every interlock agrees\n", i + 1, path, serial);
        }
}

static void print_loops(const Plan *p, const Config *c, FILE *f) {
        char size[UNITS_MAX];

        fprintf(f, "target      a new btrfs on %u loop device%s of its own, gone after the run\n", p->n_devices,
                p->n_devices == 1 ? "" : "s");
        units_format_size(c->target.device_size, size);
        for (unsigned i = 1; i <= p->n_devices; i++)
                fprintf(f, "  device %-2u sparse image of %s without a name, on a free loop device\n", i, size);
        for (unsigned i = p->n_devices; i < config_n_images(c); i++)
                fprintf(f, "  spare     another of %s, to replace devices with\n", size);
        fprintf(f, "  images    in the first with room for all: %s\n", c->target.image_directories);
}

static void print_target(const Plan *p, const Config *c, FILE *f) {
        char node[UNITS_MAX];

        (c->target.disks ? print_disks : print_loops)(p, c, f);
        fprintf(f, "  mkfs      data %s, metadata %s, nodesize %s, checksum %s\n", c->target.data_profile, config_metadata_profile(c),
                units_format_size(c->target.nodesize, node), c->target.checksum);
        fprintf(f, "  mount     on %s, in a mount namespace that only this run sees\n", c->target.mount_point);
        fprintf(f, "  options   %s\n", c->target.mount_options);
}

static void print_workers(const Plan *p, FILE *f) {
        fprintf(f, "workers     %u, a process each\n", p->n_workers);
        for (unsigned i = 0; i < p->n_workers; i++)
                fprintf(f, "  %-9s %s\n", p->workers[i].name, p->workers[i].stressor->help);
}

static void print_pairs(const Plan *p, const Config *c, FILE *f) {
        char time[UNITS_MAX];
        Pairs pairs;

        if (c->run.pair_time_ns == 0 || pairs_make(&pairs, p, c->run.pair_time_ns, 0, NULL) < 0)
                return;
        fprintf(f, "pairs       %u, each for %s, then again; churn, sync and verify run all the time\n", pairs.n,
                units_format_duration(c->run.pair_time_ns, time));
        for (unsigned i = 0; i < pairs.n; i++)
                fprintf(f, "  %-9u %s x %s\n", i + 1, pairs.list[i].first->name, pairs.list[i].second->name);
}

void plan_print(const Plan *p, const Config *c, FILE *f) {
        char duration[UNITS_MAX];

        fprintf(f, "This run would do the following.\n\n");
        print_target(p, c, f);
        print_workers(p, f);
        print_pairs(p, c, f);
        fprintf(f, "duration    %s%s\n", config_duration(c) ? units_format_duration(config_duration(c), duration) : "until it is stopped",
                c->soak.duration_ns ? ", over all starts of the soak" : "");
        fprintf(f, "seed        %" PRIu64, p->seed);
        if (!c->run.seed)
                fprintf(f, " (from the kernel; --seed %" PRIu64 " makes the same choices again)", p->seed);
        fprintf(f, "\npressure    fewer than %" PRIu64 " collisions make the verdict INCONCLUSIVE\n", c->run.min_collisions);
        fprintf(f, "evidence    a folder per finding below %s\n", c->run.evidence_directory);
        fprintf(f, "\nNothing was touched.\n");
}

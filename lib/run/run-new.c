/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/run.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "report/kernel-info.h"
#include "run/known-files.h"
#include "run/run-internal.h"

static void make_run_id(char id[static RUN_ID_MAX]) {
        uint8_t b[16] = { 0 };

        if (getrandom(b, sizeof(b), 0) != sizeof(b))
                memcpy(b, &(uint64_t){ clock_real_ns() }, sizeof(uint64_t));
        b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* RFC 4122, version 4 */
        b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
        snprintf(id, RUN_ID_MAX, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4],
                 b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static void init_report(Run *r, const char *version) {
        Report *p = &r->report;

        p->version = version;
        report_kernel(p->kernel, sizeof(p->kernel), p->taint, sizeof(p->taint), "");
        make_run_id(p->run_id);
        p->started_real_ns = clock_real_ns();
        p->started_mono_ns = clock_mono_ns();
        p->duration_asked_ns = config_duration(&r->config);
        p->config = &r->config;
        p->plan = &r->plan;
        p->target = &r->desk->target;
        p->board = r->board;
        p->judge = r->judge;
        p->notes = r->note_list;
        p->verdict = EXIT_ERROR;
}

static int allocate(Run *r, Error *e) {
        JudgePolicy policy = { .confirm_max = 3, .known = &r->known };

        r->board = board_new();
        r->desk = job_desk_new();
        if (!r->board || !r->desk || judge_new(&r->judge, &policy) < 0)
                return error_set(e, EXIT_ERROR, ENOMEM, "Not enough memory to start.");
        if (health_watch_new(&r->health, "") < 0)
                return error_set(e, EXIT_ERROR, ENOMEM, "Not enough memory to start.");
        r->desk->target.owner = getpid(); /* the jobs that make it die at once */
        r->job.desk = r->desk;
        r->job.ops = &btrfs_kernel_ops;
        r->job.board = r->board;
        r->job.open_target = target_open;
        r->crew = (Crew){ .board = r->board, .plan = &r->plan, .config = &r->config, .target = &r->desk->target,
                          .ops = &btrfs_kernel_ops, .open_target = target_open, .socket = -1 };
        return 0;
}

static void note_known_races(Run *r) {
        for (size_t i = 0; i < r->known.n; i++)
                if (known_issue_hides_race(r->known.issues[i]))
                        run_note(r, "%.150s calls the race known that this run is for: it will not fail the run.", r->known.issues[i]->origin);
}

int run_new(Run **ret, const Config *config, const char *version, const RunListener *listener, Error *e) {
        _cleanup_(run_freep) Run *r = calloc(1, sizeof(Run));
        int k;

        if (!r)
                return error_set(e, EXIT_ERROR, ENOMEM, "Not enough memory to start.");
        r->config = *config;
        r->listener = *listener;
        r->instance = INSTANCE_NULL;
        r->kmsg = KMSG_SOURCE_NULL;
        r->keeper = KEEPER_NULL;
        r->job = JOB_NULL;
        r->crew = CREW_NULL;
        k = plan_make(&r->plan, &r->config, rng_random_seed(), e);
        if (k < 0 || (k = known_files_load(&r->known, "", e)) < 0 || (k = target_check(&r->config, "", e)) < 0 ||
            (k = evidence_check(r->config.run.evidence_directory, e)) < 0)
                return k;
        target_learn(&r->config);
        k = instance_lock(&r->instance, "", r->config.run.instance, e);
        if (k < 0 || (k = target_enter_namespace(e)) < 0 || (k = allocate(r, e)) < 0)
                return k;
        init_report(r, version);
        note_known_races(r);
        run_fault_settle(r);
        k = run_open_sources(r, e);
        /* Last: what fails after it would be a crash of the soak. */
        if (k < 0 || (k = run_soak_begin(r, e)) < 0)
                return k;
        run_begin(r);
        *ret = TAKE_PTR(r);
        return 0;
}

int run_reconfigure(Run *r, const Config *config, Error *e) {
        Plan plan;
        int k;

        if (r->state == RUN_HOLDING)
                return error_set(e, EXIT_USAGE, EBUSY, "The run is held at a finding, and a new configuration would make the target again; end it and "
                                 "start another.");
        k = plan_make(&plan, config, r->plan.seed, e);
        if (k < 0)
                return k;
        if (plan.n_devices != r->plan.n_devices)
                return error_set(e, EXIT_USAGE, EINVAL, "The number of devices cannot change while a run is on (%u, asked for %u); "
                                 "restart instead.", r->plan.n_devices, plan.n_devices);
        if (r->config.soak.duration_ns > 0 || config->soak.duration_ns > 0)
                return error_set(e, EXIT_USAGE, EINVAL, "A soak has one configuration from its begin to its end; restart instead: with the new "
                                 "configuration another soak begins.");
        if (strcmp(config->run.instance, r->config.run.instance) != 0 || config->observe.trace != r->config.observe.trace ||
            config->observe.kmsg != r->config.observe.kmsg)
                return error_set(e, EXIT_USAGE, EINVAL, "Run.Instance and [Observe] cannot change while a run is on; restart instead.");
        r->replaced = r->config.replace.enabled;
        r->config = *config;
        target_learn(&r->config);
        plan.seed = r->plan.seed;
        r->plan = plan;
        r->report.duration_asked_ns = config_duration(&r->config);
        r->reconfigured = true;
        return 0;
}

void run_free(Run *r) {
        if (!r)
                return;
        if (r->board && r->crew.plan) {
                crew_kill(&r->crew);
                crew_close(&r->crew);
        }
        job_abandon(&r->job);
        health_watch_free(r->health);
        run_close_sources(r);
        run_soak_close(r);
        judge_free(r->judge);
        known_issues_free(&r->known);
        board_free(r->board);
        job_desk_free(r->desk);
        instance_unlock(&r->instance);
        free(r);
}

void run_freep(Run **r) {
        run_free(*r);
}

void run_stop(Run *r) {
        r->stop = true;
}

RunState run_state(const Run *r) {
        return r->state;
}

const Report *run_report(const Run *r) {
        return &r->report;
}

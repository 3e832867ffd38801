/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Case: starts of a soak, each a run without a target and without workers, with a ledger in a directory of its own; for the tests of what a run does
 * with its ledger.
 */
#include <string.h>
#include <sys/stat.h>

#include "folder-fixture.h"
#include "ledger/ledger-internal.h"
#include "made-up-report.h"
#include "run/run-internal.h"

typedef struct Case {
        Config config;
        char directory[64];
        unsigned starts;
        char notes[4096];
        unsigned findings; /* told */
        Run *run;
} Case;

static inline void set(Case *c, const char *key, const char *value) {
        char assignment[256];
        Error e = ERROR_NULL;

        snprintf(assignment, sizeof(assignment), "%s=%s", key, value);
        if (config_set(&c->config, assignment, &e) < 0 || config_check(&c->config, &e) < 0)
                fail_msg("%s", e.sentence);
}

static inline int set_up(void **state) {
        Case *c = calloc(1, sizeof(*c));

        assert_non_null(c);
        strcpy(c->directory, "/tmp/test-run-soak-XXXXXX");
        assert_non_null(mkdtemp(c->directory));
        config_init(&c->config);
        set(c, "Soak.LedgerDirectory", c->directory);
        set(c, "Run.EvidenceDirectory", c->directory);
        set(c, "Soak.Duration", "1h");
        *state = c;
        return 0;
}

static inline int tear_down(void **state) {
        Case *c = *state;

        run_free(c->run);
        assert_int_equal(folder_remove(c->directory), 0);
        free(c);
        return 0;
}

static inline void on_note(void *userdata, const char *sentence) {
        Case *c = userdata;
        size_t n = strlen(c->notes);

        snprintf(c->notes + n, sizeof(c->notes) - n, "%s\n", sentence);
}

static inline void on_finding(void *userdata, const Finding *f _unused_, const Report *r _unused_) {
        ((Case *)userdata)->findings++;
}

/* As run_new() makes it, without what needs root. */
static inline Run *make_run(Case *c) {
        Run *r = calloc(1, sizeof(*r));
        Report *p;

        assert_non_null(r);
        r->config = c->config;
        r->listener = (RunListener){ .userdata = c, .note = on_note, .finding = on_finding };
        r->instance = INSTANCE_NULL;
        r->kmsg = KMSG_SOURCE_NULL;
        r->keeper = KEEPER_NULL;
        r->job = JOB_NULL;
        r->crew = CREW_NULL;
        r->board = board_new();
        r->desk = job_desk_new();
        assert_true(r->board && r->desk);
        assert_int_equal(health_watch_new(&r->health, ""), 0);
        assert_int_equal(judge_new(&r->judge, &(JudgePolicy){ .confirm_max = 3 }), 0);
        assert_int_equal(plan_make(&r->plan, &r->config, 1000 + ++c->starts, NULL), 0);
        r->plan.n_workers = 0; /* nobody works but the test */
        r->crew.plan = &r->plan;
        r->crew.board = r->board;
        assert_int_equal(collider_new(&r->collider, 4), 0);
        p = &r->report;
        *p = (Report){ .version = "0.1.0", .kernel = "6.18.44 x86_64", .started_real_ns = MADE_UP_REAL + c->starts * 3600 * NSEC_PER_SEC,
                       .started_mono_ns = MADE_UP_MONO, .config = &r->config, .plan = &r->plan, .board = r->board, .judge = r->judge,
                       .notes = r->note_list, .verdict = EXIT_ERROR };
        p->target = &r->desk->target;
        p->duration_asked_ns = config_duration(&r->config);
        snprintf(p->run_id, sizeof(p->run_id), "run-%u", c->starts);
        r->now_ns = MADE_UP_MONO;
        return r;
}

/* Another start; what the one before did not end is killed. */
static inline Run *start(Case *c) {
        Error e = ERROR_NULL;

        run_free(c->run);
        c->notes[0] = 0;
        c->findings = 0;
        c->run = make_run(c);
        if (run_soak_begin(c->run, &e) < 0)
                fail_msg("%s", e.sentence);
        return c->run;
}

static inline void stress(Run *r, uint64_t seconds) {
        for (uint64_t i = 0; i < seconds; i++) {
                r->now_ns += NSEC_PER_SEC;
                r->report.totals.stress_ns += NSEC_PER_SEC;
                r->report.totals.time_ns = r->now_ns;
                run_soak(r);
        }
}

static inline void find(Run *r, Operation op) {
        Observation o = { .kind = OBS_RESULT, .op = op, .result = -EUCLEAN, .time_ns = r->now_ns, .begin_ns = r->now_ns };

        judge_feed(r->judge, &o);
        judge_tick(r->judge, r->now_ns + NSEC_PER_SEC);
        run_tell_findings(r);
}

static inline void assert_noted(const Case *c, const char *part) {
        if (!strstr(c->notes, part))
                fail_msg("\"%s\" does not say \"%s\"", c->notes, part);
}

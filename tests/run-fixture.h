/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A run without a target, from the stress on, with a worker that does nothing: for the tests of its states. What needs root is left out.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "fake-btrfs.h"
#include "folder-fixture.h"
#include "run/run-internal.h"

static inline int idle_step(Worker *w) {
        worker_rest(w, NSEC_PER_MSEC);
        return 0;
}

static inline uint64_t idle_deadline(const Config *c _unused_) {
        return UINT64_MAX;
}

static inline int open_tmp(const Target *t _unused_, Error *e _unused_) {
        return open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* `root` stands for the machine of the health watch; one disk, nvme0n1. */
static inline void make_run(Run *r, const Stressor *s, const char *root) {
        const JudgePolicy policy = { .confirm_max = 3 };
        Target *t;

        config_init(&r->config);
        r->config.health.smart_interval_ns = 0;
        r->board = board_new();
        r->desk = job_desk_new();
        assert_int_equal(judge_new(&r->judge, &policy), 0);
        assert_int_equal(collider_new(&r->collider, 1), 0);
        assert_int_equal(health_watch_new(&r->health, root), 0);
        r->instance = INSTANCE_NULL;
        r->kmsg = KMSG_SOURCE_NULL;
        r->keeper = KEEPER_NULL;
        r->job = JOB_NULL;
        r->job.desk = r->desk;
        r->job.ops = &fake_btrfs_ops;
        r->job.board = r->board;
        r->job.open_target = open_tmp;
        r->job.cleaner_wait_ns = 0;
        r->plan = (Plan){ .seed = 1, .n_devices = 1, .n_workers = 1, .workers = { { .stressor = s, .name = "idle/1" } } };
        r->crew = (Crew){ .board = r->board, .plan = &r->plan, .config = &r->config, .target = &r->desk->target, .ops = &fake_btrfs_ops,
                          .open_target = open_tmp, .socket = -1 };
        r->report = (Report){ .version = "test", .config = &r->config, .plan = &r->plan, .target = &r->desk->target, .board = r->board,
                              .judge = r->judge, .notes = r->note_list };
        t = &r->desk->target;
        t->n_disks = t->n_devices = 1;
        t->devices[0].devid = 1;
        strcpy(t->devices[0].path, "/dev/nvme0n1");
        strcpy(t->disks[0].identity.name, "nvme0n1");
        health_watch_learn(r->health, t);
}

/* What the control scrub and the end may ask of the kernel. */
static inline void fake_kernel_begin(void) {
        static const FakeRule script[] = {
                { .call = FAKE_SYNC, .optional = true }, { .call = FAKE_SCRUB, .optional = true },
                { .call = FAKE_TREE_SEARCH, .optional = true }, { .call = FAKE_DEVICE_STATS, .optional = true },
                { .call = FAKE_SCRUB_CANCEL, .optional = true, .result = -ENOTCONN },
                { .call = FAKE_BALANCE_CANCEL, .optional = true, .result = -ENOTCONN },
        };

        fake_btrfs_begin(script, ELEMENTSOF(script));
}

/* With it goes the folder that stands for its machine. */
static inline void end_run(Run *r, const char *root) {
        run_free(r);
        fake_btrfs_end();
        folder_remove(root);
}

/* The workers run. */
static inline void begin_stress(Run *r) {
        Error e = ERROR_NULL;

        assert_int_equal(crew_spawn(&r->crew, &e), 0);
        r->state = RUN_STRESS;
        r->now_ns = r->last_step_ns = r->entered_ns = clock_mono_ns();
}

/* A run with a worker that does nothing, and a folder: the machine's, and its evidence's. */
typedef struct RunPlace {
        char root[32];
        Run *run;
} RunPlace;

static inline int run_place_setup(void **state) {
        static const Stressor idle = { .name = "idle", .step = idle_step, .deadline_ns = idle_deadline };
        RunPlace *p = calloc(1, sizeof(*p));

        strcpy(p->root, "/tmp/test-run-XXXXXX");
        assert_non_null(mkdtemp(p->root));
        p->run = calloc(1, sizeof(*p->run));
        make_run(p->run, &idle, p->root);
        strcpy(p->run->config.run.evidence_directory, p->root);
        strcpy(p->run->report.run_id, "run-1");
        fake_kernel_begin();
        *state = p;
        return 0;
}

static inline int run_place_teardown(void **state) {
        RunPlace *p = *state;

        end_run(p->run, p->root);
        free(p);
        return 0;
}

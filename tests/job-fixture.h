/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A job for the scripted kernel (fake-btrfs.h), on a target of three devices.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "base/clock.h"
#include "fake-btrfs.h"
#include "run/job.h"

static inline int job_open_tmp(const Target *t _unused_, Error *e _unused_) {
        return open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static inline int job_setup(void **state) {
        static const Config no_config;
        Job *j = calloc(1, sizeof(*j));

        *j = JOB_NULL;
        j->desk = job_desk_new();
        j->board = board_new();
        j->ops = &fake_btrfs_ops;
        j->config = &no_config;
        j->open_target = job_open_tmp;
        j->desk->target.n_devices = 3;
        for (unsigned i = 0; i < 3; i++) {
                j->desk->target.devices[i].devid = i + 1;
                snprintf(j->desk->target.devices[i].path, sizeof(j->desk->target.devices[i].path), "/dev/loop%u", i + 40);
        }
        *state = j;
        return 0;
}

static inline int job_teardown(void **state) {
        Job *j = *state;

        job_abandon(j);
        job_desk_free(j->desk);
        board_free(j->board);
        free(j);
        return 0;
}

/* Starts it and waits for its end: the result of job_poll(), with the sentence checked when it is an error. */
static inline int job_run_to_end(Job *j, JobKind kind) {
        Error e = ERROR_NULL;
        int r;

        assert_int_equal(job_start(j, kind, clock_mono_ns(), 5 * NSEC_PER_SEC, &e), 0);
        assert_true(job_busy(j));
        while ((r = job_poll(j, clock_mono_ns(), &e)) == 0)
                clock_sleep_ns(NSEC_PER_MSEC);
        assert_false(job_busy(j));
        if (r < 0)
                assert_string_equal(e.sentence, j->desk->error.sentence);
        return r;
}

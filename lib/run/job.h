/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Job: something done once to the target that may block in the kernel: a child process with a deadline. The supervisor starts it and
 * looks whether it has ended; its answer is in memory shared with it.
 *
 * Life: JOB_NULL → job_start() → job_poll() until it is not 0 → the answer → job_start() of the next.
 */
#include <stdbool.h>

#include "base/child.h"
#include "fault/strike.h"
#include "fault/witness.h"
#include "observe/board.h"
#include "observe/observation.h"
#include "target/empty-groups.h"
#include "target/space-watch.h"
#include "target/target.h"

typedef enum JobKind {
        JOB_NONE,
        JOB_MAKE,    /* images, loop devices, mkfs, mount: target_make() */
        JOB_CONTROL, /* sync, then scrub every device, one after the other: the control scrub. For suspects less */
        JOB_CANCEL,  /* cancel scrub, balance and replace and wait until none of them runs */
        JOB_UNMOUNT, /* target_unmount() */
        JOB_FINISH,  /* of a target that is well: as JOB_UNMOUNT, then btrfs check --readonly on the devices */
        JOB_RETIRE,  /* of a lost target: unmount, btrfs check --readonly on the devices, let them go */
        JOB_FAULT,   /* strike_run() */
        JOB_CUT,     /* outage_begin() */
        JOB_POWER_UP, /* outage_end() */
        _JOB_MAX,
} JobKind;

const char *job_name(JobKind kind);

/* Where scrubs have failed that a control scrub is to decide. */
typedef struct Suspects {
        unsigned n;
        struct {
                uint64_t devid, physical; /* how far it came, which is where it failed or the end of the extent before */
        } places[TARGET_DEVICES_MAX]; /* the last one of each device */
        bool anywhere; /* one has failed that does not say where */
} Suspects;

/* Shared with the job; reset by job_start(), but for the target and what is known of its space and its empty groups. */
typedef struct JobDesk {
        Target target;
        int result;   /* 0 or a negative errno of ours, with `error` */
        Error error;
        Observation control; /* JOB_CONTROL: OBS_CONTROL */
        Observation devstat; /* JOB_CONTROL, JOB_UNMOUNT: OBS_DEVSTAT for the first device error counter that grew; kind OBS_RESULT: none did */
        unsigned devstat_index; /* of BTRFS_DEV_STAT_*: which one `devstat` is of */
        Observation empty;   /* JOB_CONTROL: OBS_EMPTY_GROUPS when the kernel keeps empty data groups; kind OBS_RESULT: it does not */
        EmptyGroups told_empty; /* those that `empty` has told of since JOB_MAKE; n == 0: none */
        SpaceWatch space_watch; /* begins with JOB_MAKE */
        Observation space;   /* JOB_CONTROL: OBS_SPACE when the kernel keeps space from use; kind OBS_RESULT: it does not */
        char note[256];      /* JOB_MAKE: what the run has to do without, a sentence; empty: nothing */
        Observation population; /* JOB_CONTROL: OBS_MISCOMPARE, the first of `count` requests (of 256 KiB at most) for data that stays which read otherwise
                                 * than was written; OBS_RESULT: the first read that failed; time_ns 0: all of it is right */
        uint64_t verified;   /* JOB_CONTROL: bytes of data that stays, all of which were read and are right; 0: not read, or not right */
        Observation check;   /* JOB_FINISH: OBS_CHECK when btrfs check found errors; kind OBS_RESULT: it did not */
        char output[8192];   /* JOB_FINISH, JOB_RETIRE, JOB_POWER_UP: what btrfs check said */
        Strike strike;       /* JOB_FAULT, JOB_POWER_UP */
        Witness witness;     /* JOB_CUT to JOB_POWER_UP */
        uint32_t promised;   /* what it had promised when the power went */
        bool dark;           /* likewise: the power is off, or about to be */
        bool power_goes;     /* JOB_MAKE: power_can_go() */
        bool striking;       /* JOB_FAULT has not come to its end: what it broke may be broken still */
        int check_status;    /* as `output`: exit status of btrfs check; negative errno: it could not be run, -ECANCELED: or has not come to its end */
} JobDesk;

typedef struct Job {
        JobKind kind;
        Child child;
        uint64_t deadline_ns; /* CLOCK_MONOTONIC */
        size_t fault;         /* JOB_FAULT, JOB_CUT: index in faults[], … */
        uint64_t seed;        /* … and of what it chooses */
        bool last;            /* JOB_CONTROL: the stress has ended; all data that stays is read too */
        const Suspects *suspects; /* JOB_CONTROL: what it is to decide, for which the groups that the stress uses and these places do; NULL: the whole
                                   * target */
        uint64_t cleaner_wait_ns; /* likewise: how long the cleaner may take to delete empty block groups */
        const char *sys_root; /* prefixes /sys (tests; NULL: none) */
        JobDesk *desk;
        const Config *config;
        Board *board; /* what is read wrong goes there */
        const BtrfsOps *ops;
        int (*open_target)(const Target *t, Error *e); /* target_open(), or a test's */
} Job;

#define JOB_NULL ((Job){ .child = CHILD_NULL, .cleaner_wait_ns = 5 * NSEC_PER_SEC })

JobDesk *job_desk_new(void);
void job_desk_free(JobDesk *d);

/* Does not block. timeout_ns from now_ns; a job beyond it is killed. */
int job_start(Job *j, JobKind kind, uint64_t now_ns, uint64_t timeout_ns, Error *e);
/* 0: still at it. 1: ended, answer on the desk. Negative, with a sentence: it failed for a reason of ours, died, or was killed at its
 * deadline (-ETIMEDOUT); a task stuck in the kernel stays behind. */
int job_poll(Job *j, uint64_t now_ns, Error *e);
/* SIGSTOP to a job that runs; what ends it is job_abandon(). */
void job_freeze(const Job *j);
/* Kills a job that runs and forgets it; nothing when none does. */
void job_abandon(Job *j);
static inline bool job_busy(const Job *j) { return j->kind != JOB_NONE; }

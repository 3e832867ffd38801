/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Crew: the worker processes of a run, seen from the supervisor: spawned by the plan, watched, ended. The supervisor never waits for a
 * worker: it looks at heartbeats on the board and at who has ended. Pause, resume and stop are the board's phase (board_set_phase).
 *
 * Life: CREW_NULL, fill in the six pointers → crew_spawn() → crew_receive(), crew_watch() … → crew_alive() == 0 → crew_close().
 */
#include "base/child.h"
#include "observe/source.h"
#include "plan/plan.h"

typedef struct CrewMember {
        Child child;
        uint64_t stuck_begin_ns; /* begin of the operation already reported as stuck */
} CrewMember;

typedef struct Crew {
        Board *board;
        const Plan *plan; /* of the next crew_spawn() … */
        Plan spawned;     /* … and of the last: a new configuration is there before its workers are */
        const Config *config;
        const Target *target;
        const BtrfsOps *ops;
        int (*open_target)(const Target *t, Error *e); /* target_open(), or a test's */
        bool killed; /* crew_kill() was called: who dies of SIGKILL now has died of us */
        bool frozen; /* between crew_freeze() and crew_thaw() */
        uint64_t thawed_ns; /* when it was let go; 0: never */
        int socket; /* supervisor's end: the workers' observations; -1 before spawn */
        CrewMember members[BOARD_SLOTS];
} Crew;

#define CREW_NULL ((Crew){ .socket = -1 })

/* Sets PHASE_RUN and forks every worker of the plan. On failure those already forked are killed. Does not block. */
int crew_spawn(Crew *c, Error *e);
/* Hands on the observations of the workers that have come. Does not block. */
void crew_receive(Crew *c, ObserveFunc func, void *userdata);
/* Looks for workers that have ended (OBS_DIED; with `expected` only those that ended badly, and not of our own SIGKILL) and for operations beyond their deadline
 * (OBS_STUCK with wchan and kernel stack, once per operation). */
void crew_watch(Crew *c, uint64_t now_ns, bool expected, ObserveFunc func, void *userdata);
/* Ended workers count as paused. */
bool crew_all_paused(const Crew *c);
/* True for a worker that has not been seen to end. */
bool crew_has(const Crew *c, pid_t pid);
unsigned crew_alive(const Crew *c);
/* SIGSTOP: each worker stands still as soon as it is back from the kernel. Nobody is stuck meanwhile. */
void crew_freeze(Crew *c);
/* SIGCONT, if they are frozen; deadlines of operations under way begin anew. */
void crew_thaw(Crew *c, uint64_t now_ns);
/* SIGKILL to those that are left. */
void crew_kill(Crew *c);
/* Forgets the workers, whatever they do, and closes the socket. */
void crew_close(Crew *c);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Crew: the worker processes of a run, seen from the supervisor: spawned by the plan, paused, resumed, stopped, watched. The supervisor
 * never waits for a worker: it looks at heartbeats on the board and at pidfds.
 *
 * Life: crew_spawn() → crew_pause()/crew_resume() … → crew_stop() → crew_ended() turns true, or crew_kill().
 */
#include "base/child.h"
#include "observe/source.h"
#include "plan/plan.h"

typedef struct CrewMember {
        Child child;
        bool stuck_reported;
        uint64_t stuck_begin_ns; /* op_begin_ns of the operation reported as stuck */
} CrewMember;

typedef struct Crew {
        Board *board;
        const Plan *plan;
        const Config *config;
        const Target *target;
        int socket; /* supervisor's end: workers' observations; -1 before spawn */
        CrewMember members[BOARD_SLOTS];
} Crew;

#define CREW_NULL ((Crew){ .socket = -1 })

/* Forks every worker of the plan. On failure those already forked are killed. */
int crew_spawn(Crew *c, Board *b, const Plan *p, const Config *config, const Target *t, Error *e);
/* Reads observations of the workers without blocking. */
void crew_receive(Crew *c, ObserveFunc func, void *userdata);
/* Looks for ended workers (OBS_DIED unless `expected`) and for operations beyond their deadline (OBS_STUCK, with wchan and kernel stack). */
void crew_watch(Crew *c, uint64_t now_ns, bool expected, ObserveFunc func, void *userdata);
bool crew_all_paused(const Crew *c); /* ended workers count as paused */
unsigned crew_alive(const Crew *c);
void crew_kill(Crew *c);             /* SIGKILL to those left */
void crew_close(Crew *c);            /* forgets them; closes the socket */

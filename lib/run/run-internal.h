/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The inside of a Run, shared by run.c (the machine), run-watch.c (what it sees and tells) and the other run-*.c. Nobody else but a test
 * includes this.
 */
#include "base/instance.h"
#include "ledger/ledger.h"
#include "observe/last-boot.h"
#include "observe/src-kmsg.h"
#include "plan/pairs.h"
#include "plan/tuner.h"
#include "run/health.h"
#include "run/run.h"

struct Run {
        Config config;
        Plan plan;
        Board *board;
        JobDesk *desk;
        Job job;
        Crew crew;
        Judge *judge;
        KnownIssues known;   /* the judge's */
        Collider *collider;
        TraceSource *trace;
        KmsgSource kmsg;
        Keeper keeper;
        HealthWatch *health;
        Instance instance;
        History kmsg_history, observations;
        RunListener listener;

        RunState state;
        uint64_t entered_ns; /* when `state` was entered */
        uint64_t now_ns, last_step_ns, near_full_ns; /* near_full_ns: a churn was at the headroom then; 0: never */
        bool stop;           /* asked for by the user */
        bool urgent;         /* the end may take at most 10 s */
        bool stuck;          /* what workers wait for, or an oops has left locked, an unmount would wait for too */
        bool sound;          /* the last control scrub has come to its end: what btrfs check finds then is for the judge */
        bool completed;      /* the asked-for time is over */
        bool powering_up;    /* retiring with JOB_POWER_UP */
        bool replaced;       /* the configuration before had replaces: devices may have moved */
        bool reconfigured;   /* evicting for a new configuration, not for a lost target */
        bool refused;        /* an interlock said no before anything was written */
        bool cancel_tried, killed;
        RunState paused_for; /* what the workers pause for */
        bool suspected;      /* the control scrub under way answers suspects */
        Suspects suspects;   /* since the last that did */
        uint64_t control_ns; /* time under stress when the last pause for a control scrub of the whole target began */
        unsigned asked;      /* JudgeAsk not yet served */
        size_t findings_told;
        uint64_t findings_before; /* that fail the run, of earlier starts of the soak */
        Tuner tuner;
        double tuned_score;    /* when the tuner was last fed */
        Pairs pairs;
        Rng fault_rng;
        uint64_t fault_ns, struck_ns; /* time under stress, and CLOCK_MONOTONIC, of the last strike */
        Ledger *ledger;      /* NULL: the run is no soak */
        Soak soak;           /* as it was when this start began; its totals are what earlier starts have counted */
        uint64_t sampled_ns; /* for the ledger */
        LastBoot last_boot;  /* of the start before, when the machine went down under it */

        char notes[RUN_NOTES_MAX][256];
        const char *note_list[RUN_NOTES_MAX];
        Report report;
};

/* run.c: into the first state. */
void run_begin(Run *r);

/* run-watch.c */
void run_note(Run *r, const char *format, ...) _printf_(2, 3);
/* An ObserveFunc: history, then the judge. */
void run_observe(void *run, const Observation *o);
/* What a control scrub has seen beside its answer. */
void run_observe_asides(Run *r);
/* The answer of a control scrub that no suspect waits for: anything but a clean pass is an observation like any other. True: clean. */
bool run_control_is_clean(Run *r);
/* That of one that decides suspects. */
void run_answer_suspects(Run *r);
/* By ControlInterval=. */
bool run_control_due(const Run *r);
int run_open_sources(Run *r, Error *e);
void run_close_sources(Run *r);
/* Receives all there is, counts, lets the judge decide and tells new findings. */
void run_watch(Run *r);
/* Saves evidence of findings that have none and tells of them. */
void run_tell_findings(Run *r);
/* The lost target has been checked: counts it. False: there were too many. */
bool run_lost(Run *r);
/* How long it may take to write all the data that stays, or to scrub it on one device after the other. */
uint64_t run_walk_ns(const Run *r);
/* Those that fail the run, as of now. */
uint64_t run_failing_findings(const Run *r);
/* What btrfs check said of the lost target goes to the evidence of the finding that was met last. */
void run_keep_check(Run *r);
void run_conclude(Run *r);

/* run-health.c; on loop files they do nothing. A target has been made: its disks are asked, and to be waited for before the stress. */
void run_health_made(Run *r);
bool run_health_busy(const Run *r);
/* Takes answers, and asks when it is time. */
void run_health(Run *r);
/* A disk has reached TemperatureLimit=: noted and counted, for each pause once. */
bool run_health_hot(Run *r);
/* The hottest is far enough below it. */
bool run_health_cooled(const Run *r);
/* The last look. */
void run_health_end(Run *r);
/* What smartctl has printed of the disk, before and after, goes to the evidence of a finding on its health. */
void run_health_evidence(Run *r, const Finding *f);

/* run-check.c. Whether the target that a new configuration replaces may be checked: with the power off, or what a fault broke still broken, damage
 * would be ours; and where a replace may have moved a device, which the new configuration does not say, the check could look at another. */
bool run_may_check(const Run *r);
/* Who wants the run to end does not wait for the check, nor for one that does not come to its end: it ends with the job. */
bool run_check_can_be_left(const Run *r);
/* The target was unmounted, and perhaps checked: what came of that. */
void run_finished(Run *r);

/* run-block.c: what was read wrong, and what it should be, goes to the evidence of a miscompare. */
void run_block_evidence(Run *r, const Finding *f);
/* At the end: those that were read after it had been told. */
void run_blocks(Run *r);

/* run-fault.c; with [Fault] Enabled=no they do nothing but for this: sees to it that a fault can limit processes, where that is ours to do. Before
 * anything is forked. */
void run_fault_settle(Run *r);
/* Begins anew, with the first fault. */
void run_fault_begin(Run *r);
/* The target has been made: which faults it takes. */
void run_fault_made(Run *r);
bool run_fault_due(const Run *r);
/* The next one cuts the power. */
bool run_fault_cuts(const Run *r);
/* Chooses the next and starts it. */
void run_fault_strike(Run *r);
/* It has struck: what came of it is counted, and observed where it is not what had to. */
void run_fault_struck(Run *r);
/* What the kernel logs now may be its doing. */
bool run_fault_explains(const Run *r);

/* run-hold.c; without OnFinding=hold they do nothing. There is a finding of this start, and workers that it can be held with. */
bool run_hold_due(const Run *r);
/* Then it stops them: before the evidence is written, which takes its time. */
void run_hold_still(Run *r);
/* Stops the job under way too, and tells of the finding. */
void run_hold(Run *r);
/* After each step in which it is held. */
void run_hold_step(Run *r);

/* run-tune.c; with Tune=no they do nothing. Begins anew, with the settings asked for. */
void run_tune_begin(Run *r);
/* The stress goes on after a pause, in which nothing was scored. */
void run_tune_resume(Run *r);
/* So long was stressed since the last step. */
void run_tune(Run *r, uint64_t ns);
void run_tune_end(Run *r);

/* run-soak.c; without a soak they do nothing. Before the first state: run id, seed, totals and findings of what is carried on. */
int run_soak_begin(Run *r, Error *e);
/* After each step; every LEDGER_SAMPLE_NS it writes. */
void run_soak(Run *r);
/* The one in row i of the judge, before and after its evidence is saved. */
void run_soak_finding(Run *r, size_t i);
void run_soak_devices(Run *r);
/* The target was lost, and has been checked. */
void run_soak_incident(Run *r);
/* The tuner has settled. */
void run_soak_choice(Run *r);
/* After the verdict: adds what is left of the soak to its sentence. */
void run_soak_conclude(Run *r);
void run_soak_close(Run *r);

/* run-last-boot.c; does nothing but in the first start of a soak after a reboot. Files are below `root`. Blocks (last_boot_read()). */
void run_last_boot(Run *r, const char *root);
/* The log of the dead kernel goes to the evidence of the finding on its death. */
void run_last_boot_evidence(Run *r, const Finding *f);

/* run-pairs.c; with PairTime=0 they do nothing. Begins anew, with the first pair of the plan. */
void run_pairs_begin(Run *r);
/* The stress goes on after a pause. */
void run_pairs_resume(Run *r);
/* After each step under stress, and after the totals. */
void run_pairs(Run *r);
/* One that is told for the first time. */
void run_pairs_finding(Run *r, const Finding *f);

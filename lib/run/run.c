/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/run.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "run/run-internal.h"

#define MAKE_TIMEOUT_NS (300 * NSEC_PER_SEC)
#define CONTROL_TIMEOUT_NS (3600 * NSEC_PER_SEC)
#define RETIRE_TIMEOUT_NS (740 * NSEC_PER_SEC) /* an unmount (UNMOUNT_TIMEOUT_NS), and a check (CHECK_TIMEOUT_NS in job.c) */
#define PAUSE_CANCEL_NS (2 * NSEC_PER_SEC)   /* a step that lasts longer than this is a long scrub or balance: cancel it */
#define PAUSE_TIMEOUT_NS (60 * NSEC_PER_SEC)
#define COOLING_TIMEOUT_NS (3600 * NSEC_PER_SEC)
#define STRIKE_TIMEOUT_NS (3600 * NSEC_PER_SEC) /* four scrubs of a block group on every device, or of whole devices */
#define CUT_TIMEOUT_NS (60 * NSEC_PER_SEC)
#define END_KILL_NS (4 * NSEC_PER_SEC)       /* of the 10 s that a stop may take: workers to end by themselves … */
#define END_LEAVE_NS (5 * NSEC_PER_SEC)      /* … then killed … */
#define UNMOUNT_URGENT_NS (4 * NSEC_PER_SEC) /* … and this to unmount. */
#define EXAMINE_URGENT_NS NSEC_PER_SEC
#define UNMOUNT_TIMEOUT_NS (120 * NSEC_PER_SEC)

static void enter(Run *r, RunState s);

/* Ours or the environment's failure: the run ends with this sentence. The first one counts. */
static void fail(Run *r, const Error *e, RunState next) {
        if (!r->report.error[0]) {
                snprintf(r->report.error, sizeof(r->report.error), "%s", e->sentence);
                r->refused = e->exit == EXIT_REFUSED && r->report.stress_mono_ns == 0; /* later, it is no longer true that nothing was written */
        }
        enter(r, next);
}

static void start_job(Run *r, JobKind kind, uint64_t timeout_ns) {
        Error e = ERROR_NULL;

        r->job.config = &r->config;
        if (job_start(&r->job, kind, r->now_ns, timeout_ns, &e) < 0)
                fail(r, &e, RUN_DONE);
}

static void learn_target(Run *r) {
        char names[TARGET_DEVICES_MAX][64];
        const Target *t = &r->desk->target;

        for (unsigned i = 0; i < t->n_devices; i++) {
                const char *base = strrchr(t->devices[i].path, '/');
                snprintf(names[i], sizeof(names[i]), "%s", base ? base + 1 : t->devices[i].path);
        }
        judge_set_devices(r->judge, (const char (*)[64])names, t->n_devices);
}

/* True when the job has ended well. One that failed ends the run, by way of `next`. */
static bool job_is_done(Run *r, RunState next) {
        Error e = ERROR_NULL;
        int k = job_poll(&r->job, r->now_ns, &e);

        if (k < 0)
                fail(r, &e, next);
        return k > 0;
}

static void step_making(Run *r) {
        if (!job_is_done(r, RUN_DONE))
                return;
        learn_target(r);
        run_soak_devices(r);
        if (r->desk->note[0])
                run_note(r, "%s", r->desk->note);
        run_health_made(r);
        run_fault_made(r);
        enter(r, RUN_PREFLIGHT);
}

static void step_preflight(Run *r) {
        const Observation *o = &r->desk->control;
        Error e = ERROR_NULL;
        char name[16];

        /* How the disks are before the stress. */
        if (run_health_busy(r) || !job_is_done(r, RUN_UNMOUNTING))
                return;
        if (!run_control_is_clean(r) && r->report.stress_mono_ns == 0) {
                error_set(&e, EXIT_ERROR, EINVAL,
                          "The target fails the control scrub before any stress (devid %llu: %s%s%s), so nothing can be concluded from "
                          "it. Look at the kernel log and choose other profiles, features or devices.",
                          (unsigned long long)o->devid, o->result ? errno_name(-o->result, name) : o->text,
                          o->result && o->text[0] ? ", " : "", o->result ? o->text : "");
                return fail(r, &e, RUN_UNMOUNTING);
        }
        if (crew_spawn(&r->crew, &e) < 0)
                return fail(r, &e, RUN_UNMOUNTING);
        enter(r, RUN_STRESS);
}

/* For what it is time; RUN_STRESS: for nothing else. */
static RunState due(Run *r) {
        if (r->asked & JUDGE_CONFIRM || run_control_due(r))
                return RUN_CONFIRMING;
        if (run_health_hot(r))
                return RUN_COOLING;
        if (!run_fault_due(r))
                return RUN_STRESS;
        return run_fault_cuts(r) ? RUN_CUTTING : RUN_STRIKING;
}

static void step_stress(Run *r) {
        uint64_t asked = config_duration(&r->config);
        static const Error none_left = { EXIT_ERROR, "All workers have ended; see the kernel log and the notes for what ended them." };

        r->report.totals.stress_ns += r->now_ns - r->last_step_ns;
        run_tune(r, r->now_ns - r->last_step_ns);
        run_pairs(r);
        if (asked > 0 && r->report.totals.stress_ns >= asked) {
                r->completed = true;
                return enter(r, RUN_STOPPING);
        }
        /* What there was to hold for has gone with the start that found it. */
        if (r->config.run.on_finding != ON_FINDING_CONTINUE && r->report.totals.findings > 0) {
                r->completed = true;
                return enter(r, RUN_STOPPING);
        }
        if (r->reconfigured || r->asked & JUDGE_REMAKE)
                return enter(r, RUN_EVICTING);
        if (crew_alive(&r->crew) == 0)
                return fail(r, &none_left, RUN_UNMOUNTING);
        r->paused_for = due(r);
        if (r->paused_for != RUN_STRESS) /* the power goes when it goes */
                enter(r, r->paused_for == RUN_CUTTING ? RUN_CUTTING : RUN_PAUSING);
}

static void resume(Run *r) {
        if (run_hold_due(r)) /* by what the pause has brought to light */
                return enter(r, RUN_HOLDING);
        atomic_store(&r->board->cancelling, false);
        board_set_phase(r->board, PHASE_RUN);
        enter(r, RUN_STRESS);
}

static const char *lost_by_not_pausing(RunState paused_for) {
        return paused_for == RUN_COOLING    ? "the disks could not cool down"
               : paused_for == RUN_STRIKING ? "no fault could strike"
                                            : "no control scrub could be run";
}

static void step_pausing(Run *r) {
        uint64_t since = r->now_ns - r->entered_ns;
        Error e = ERROR_NULL;

        if (job_busy(&r->job)) {
                job_poll(&r->job, r->now_ns, &e);
        } else if (crew_all_paused(&r->crew)) {
                enter(r, r->reconfigured ? RUN_EVICTING : r->paused_for);
        } else if (since > PAUSE_CANCEL_NS && !r->cancel_tried) {
                r->cancel_tried = true;
                atomic_store(&r->board->cancelling, true);
                start_job(r, JOB_CANCEL, PAUSE_TIMEOUT_NS);
        } else if (since > PAUSE_TIMEOUT_NS) {
                run_note(r, "The workers did not pause within %llu s, so %s.", (unsigned long long)(PAUSE_TIMEOUT_NS / NSEC_PER_SEC),
                         lost_by_not_pausing(r->paused_for));
                resume(r);
        }
}

static void step_confirming(Run *r) {
        Error e = ERROR_NULL;
        int k = job_poll(&r->job, r->now_ns, &e);

        if (k == 0)
                return;
        if (k < 0)
                run_note(r, "%s A suspect stays unconfirmed.", e.sentence);
        else if (r->suspected)
                run_answer_suspects(r);
        else
                run_control_is_clean(r);
        resume(r);
}

static void step_cooling(Run *r) {
        r->report.cooling_ns += r->now_ns - r->last_step_ns;
        if (r->reconfigured || r->asked & JUDGE_REMAKE)
                return enter(r, RUN_EVICTING);
        if (r->asked & JUDGE_CONFIRM)
                return enter(r, RUN_CONFIRMING);
        if (run_health_cooled(r) || crew_alive(&r->crew) == 0)
                return resume(r);
        if (r->now_ns - r->entered_ns > COOLING_TIMEOUT_NS) {
                run_note(r, "The disks have not cooled down within %llu min: the run ends here. Look at their cooling, or raise "
                         "TemperatureLimit=.", (unsigned long long)(COOLING_TIMEOUT_NS / NSEC_PER_SEC / 60));
                enter(r, RUN_STOPPING);
        }
}

static void step_striking(Run *r) {
        if (!job_is_done(r, RUN_STOPPING))
                return;
        run_fault_struck(r);
        resume(r);
}

static void step_cutting(Run *r) {
        if (job_is_done(r, RUN_STOPPING))
                enter(r, RUN_EVICTING);
}

/* True when no worker is left, or when those left ignore SIGKILL (stuck in the kernel) and time is up. */
static bool workers_gone(Run *r) {
        uint64_t since = r->now_ns - r->entered_ns;
        Error e = ERROR_NULL;

        if (job_busy(&r->job))
                job_poll(&r->job, r->now_ns, &e);
        if (crew_alive(&r->crew) == 0 && !job_busy(&r->job))
                return true;
        if (since > END_KILL_NS && !r->killed) {
                r->killed = true;
                crew_kill(&r->crew);
        }
        return since > END_LEAVE_NS && !job_busy(&r->job);
}

static void step_evicting(Run *r) {
        unsigned left;

        if (!workers_gone(r))
                return;
        left = crew_alive(&r->crew);
        crew_receive(&r->crew, run_observe, r);
        crew_close(&r->crew);
        if (left > 0) {
                Error e;

                r->stuck = true;
                error_set(&e, EXIT_ERROR, EBUSY, "%u workers are stuck in the kernel and do not die, so the target cannot be made again. "
                          "Save the kernel log and reboot.", left);
                return fail(r, &e, RUN_DONE);
        }
        enter(r, r->urgent || r->stuck ? RUN_UNMOUNTING : RUN_RETIRING);
}

/* Nothing of the target is left but its disks, if it is on disks. */
static RunState after_target(const Run *r) {
        return r->report.health ? RUN_EXAMINING : RUN_DONE;
}

/* The target is there again, as a power cut has left it; one that is damaged is not mounted, and made anew. */
static void step_powering_up(Run *r) {
        r->powering_up = false;
        judge_remade(r->judge, r->now_ns);
        r->asked &= ~(unsigned)JUDGE_REMAKE;
        run_fault_struck(r);
        if (!r->desk->target.mounted) { /* why is a finding, whose evidence is to say what btrfs check said */
                judge_decide(r->judge);
                run_tell_findings(r);
        }
        enter(r, r->desk->target.mounted ? RUN_PREFLIGHT : run_lost(r) ? RUN_MAKING : after_target(r));
}

static void step_retiring(Run *r) {
        if (!job_is_done(r, RUN_DONE))
                return;
        if (r->powering_up)
                return step_powering_up(r);
        if (!r->reconfigured && !run_lost(r))
                return enter(r, after_target(r));
        /* The old workers have gone: knobs and benches are those of the new ones. */
        if (r->reconfigured) {
                run_finished(r);
                run_tune_begin(r);
                run_pairs_begin(r);
                run_fault_begin(r);
        }
        r->reconfigured = r->desk->dark = false;
        r->asked = 0;
        judge_remade(r->judge, r->now_ns);
        enter(r, RUN_MAKING);
}

static void step_stopping(Run *r) {
        unsigned left;

        if (!workers_gone(r))
                return;
        crew_receive(&r->crew, run_observe, r);
        left = crew_alive(&r->crew);
        r->stuck |= left > 0;
        if (left > 0)
                run_note(r, "%u workers are stuck in the kernel and did not end.", left);
        crew_close(&r->crew);
        enter(r, r->stuck || r->urgent || r->report.error[0] || r->asked & JUDGE_REMAKE ? RUN_UNMOUNTING : RUN_FINAL);
}

static void step_final(Run *r) {
        if (!job_is_done(r, RUN_UNMOUNTING))
                return;
        /* A suspect may still wait for its answer; then this is the control scrub that gives it. */
        if (r->asked & JUDGE_CONFIRM)
                run_answer_suspects(r);
        else
                run_control_is_clean(r);
        r->asked = 0;
        r->sound = !r->reconfigured;
        r->report.bytes_verified = r->desk->verified;
        enter(r, RUN_UNMOUNTING);
}

static void step_unmounting(Run *r) {
        if (run_check_can_be_left(r))
                job_abandon(&r->job);
        else if (!job_is_done(r, RUN_DONE))
                return;
        run_finished(r);
        enter(r, after_target(r));
}

static void step_examining(Run *r) {
        if (!run_health_busy(r) || (r->urgent && r->now_ns - r->entered_ns > EXAMINE_URGENT_NS))
                enter(r, RUN_DONE);
}

static void enter_stress(Run *r) {
        if (r->report.stress_mono_ns == 0)
                r->report.stress_mono_ns = r->now_ns;
        r->last_step_ns = r->now_ns;
        run_tune_resume(r);
        run_pairs_resume(r);
}

static void enter_making(Run *r) {
        start_job(r, JOB_MAKE, MAKE_TIMEOUT_NS + run_walk_ns(r));
}

static void enter_control(Run *r) {
        r->suspected = r->asked & JUDGE_CONFIRM;
        r->job.suspects = r->state == RUN_CONFIRMING && r->suspected && r->suspects.n > 0 && !r->suspects.anywhere ? &r->suspects : NULL;
        r->asked &= ~(unsigned)(r->state == RUN_CONFIRMING ? JUDGE_CONFIRM : 0);
        r->job.last = r->state == RUN_FINAL && !r->reconfigured;
        start_job(r, JOB_CONTROL, CONTROL_TIMEOUT_NS + (r->job.last ? 4 : 3) * run_walk_ns(r));
}

static void enter_pausing(Run *r) {
        r->cancel_tried = false;
        if (r->paused_for == RUN_CONFIRMING && !(r->asked & JUDGE_CONFIRM)) /* that of a suspect does not go over the whole target */
                r->control_ns = r->report.totals.stress_ns;
        board_set_phase(r->board, PHASE_PAUSE);
}

static void enter_striking(Run *r) {
        run_fault_strike(r);
        start_job(r, JOB_FAULT, STRIKE_TIMEOUT_NS + 4 * run_walk_ns(r));
}

/* Each stands still as soon as it is back from the kernel, and what it has not yet synced is lost. */
static void enter_cutting(Run *r) {
        run_fault_strike(r);
        crew_freeze(&r->crew);
        start_job(r, JOB_CUT, CUT_TIMEOUT_NS);
}

static void enter_end(Run *r) {
        r->killed = r->desk->dark;
        if (r->killed)
                crew_kill(&r->crew);
        atomic_store(&r->board->cancelling, true);
        board_set_phase(r->board, PHASE_STOP);
        /* After that: no worker that was frozen makes a step more. */
        crew_thaw(&r->crew, r->now_ns);
        if (crew_alive(&r->crew) > 0)
                start_job(r, JOB_CANCEL, END_LEAVE_NS);
}

static void enter_retiring(Run *r) {
        r->powering_up = r->desk->dark && !r->reconfigured;
        start_job(r, r->powering_up ? JOB_POWER_UP : !r->reconfigured ? JOB_RETIRE : run_may_check(r) ? JOB_FINISH : JOB_UNMOUNT,
                  r->stuck ? UNMOUNT_URGENT_NS : RETIRE_TIMEOUT_NS);
}

static void enter_unmounting(Run *r) {
        if (r->sound && r->config.run.check && !r->urgent && !r->stuck)
                start_job(r, JOB_FINISH, RETIRE_TIMEOUT_NS);
        else
                start_job(r, JOB_UNMOUNT, r->urgent || r->stuck ? UNMOUNT_URGENT_NS : UNMOUNT_TIMEOUT_NS);
}

static void enter_examining(Run *r) {
        run_health_end(r);
}

static void enter_done(Run *r) {
        run_conclude(r);
}

static const struct {
        const char *name;
        void (*enter)(Run *r);
        void (*step)(Run *r);
} states[_RUN_STATE_MAX] = {
        [RUN_MAKING] = { "making the target", enter_making, step_making },
        [RUN_PREFLIGHT] = { "control scrub before the stress", enter_control, step_preflight },
        [RUN_STRESS] = { "stress", enter_stress, step_stress },
        [RUN_PAUSING] = { "pausing", enter_pausing, step_pausing },
        [RUN_CONFIRMING] = { "control scrub", enter_control, step_confirming },
        [RUN_COOLING] = { "cooling down", NULL, step_cooling },
        [RUN_STRIKING] = { "a fault strikes", enter_striking, step_striking },
        [RUN_CUTTING] = { "the power goes", enter_cutting, step_cutting },
        [RUN_HOLDING] = { "held at a finding", run_hold, run_hold_step },
        [RUN_EVICTING] = { "ending the workers to make the target again", enter_end, step_evicting },
        [RUN_RETIRING] = { "unmounting the old target", enter_retiring, step_retiring },
        [RUN_STOPPING] = { "ending the workers", enter_end, step_stopping },
        [RUN_FINAL] = { "last control scrub", enter_control, step_final },
        [RUN_UNMOUNTING] = { "unmounting", enter_unmounting, step_unmounting },
        [RUN_EXAMINING] = { "reading the health of the disks", enter_examining, step_examining },
        [RUN_DONE] = { "done", enter_done, NULL },
};

const char *run_state_name(RunState s) {
        return s < _RUN_STATE_MAX ? states[s].name : "unknown";
}

static void enter(Run *r, RunState s) {
        r->state = s;
        r->entered_ns = r->now_ns;
        if (states[s].enter)
                states[s].enter(r);
        /* Entering may have moved on (a job that could not start); then that state has been told. */
        if (r->state == s && r->listener.state)
                r->listener.state(r->listener.userdata, s, &r->report);
}

/* In whatever state: workers and jobs of that state are ended first. */
static void end_now(Run *r) {
        switch (r->state) {
        case RUN_STRESS:
        case RUN_PAUSING:
        case RUN_CONFIRMING:
        case RUN_COOLING:
        case RUN_STRIKING:
        case RUN_HOLDING:
                job_abandon(&r->job);
                enter(r, RUN_STOPPING);
                break;
        case RUN_MAKING:
        case RUN_PREFLIGHT:
        case RUN_FINAL:
                job_abandon(&r->job);
                enter(r, RUN_UNMOUNTING);
                break;
        case RUN_RETIRING:
                job_abandon(&r->job);
                enter(r, RUN_DONE);
                break;
        default:
                break;
        }
}

static void obey_stop(Run *r) {
        r->urgent = true;
        if (r->state == RUN_UNMOUNTING)
                r->job.deadline_ns = MIN_OF(r->job.deadline_ns, r->now_ns + UNMOUNT_URGENT_NS);
        end_now(r);
}

/* Whatever waits for what the dead task held, waits for ever: a control scrub too, and an unmount. */
static void give_up(Run *r) {
        r->stuck = true;
        run_note(r, "The kernel oopsed, and what the dead task held is held for ever: the run ends here. Save the kernel log and reboot.");
        end_now(r);
}

void run_step(Run *r, uint64_t now_ns) {
        r->now_ns = now_ns;
        if (r->state == RUN_DONE)
                return;
        run_watch(r);
        if (r->stop && !r->urgent)
                obey_stop(r);
        else if (run_hold_due(r))
                enter(r, RUN_HOLDING);
        else if (judge_oopsed(r->judge) && !r->stuck && r->state != RUN_HOLDING)
                give_up(r);
        else
                states[r->state].step(r);
        r->last_step_ns = now_ns;
        if (r->state != RUN_DONE)
                run_soak(r);
}

void run_begin(Run *r) {
        r->now_ns = r->last_step_ns = clock_mono_ns();
        run_tune_begin(r);
        run_pairs_begin(r);
        run_fault_begin(r);
        enter(r, RUN_MAKING);
}

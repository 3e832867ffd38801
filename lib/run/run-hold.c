/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run that is held at its first finding for a debugger (OnFinding=hold): a pause like the others, but nobody finishes anything. Workers and the
 * job under way are stopped where they are, what the judge asks for has to wait, and what ends it is the signal that ends the run.
 */
#include <unistd.h>

#include "run/run-internal.h"

bool run_hold_due(const Run *r) {
        if (r->config.run.on_finding != ON_FINDING_HOLD || run_failing_findings(r) <= r->findings_before)
                return false;
        return r->state == RUN_STRESS || r->state == RUN_PAUSING || r->state == RUN_CONFIRMING || r->state == RUN_COOLING;
}

void run_hold_still(Run *r) {
        if (run_hold_due(r))
                crew_freeze(&r->crew);
}

/* The first that no earlier start has left. */
static const Finding *held_at(const Run *r) {
        uint64_t before = r->findings_before;

        for (size_t i = 0; i < judge_n_findings(r->judge); i++) {
                const Finding *f = judge_finding(r->judge, i);
                if (finding_fails(f) && before-- == 0)
                        return f;
        }
        return NULL;
}

/* What it was asked for is answered: as with OnFinding=stop nothing was cut short. The phase is for workers that somebody else continues (systemd
 * does when it stops a service): they finish what is in their hands, and what the stop signal has interrupted counts as ours. */
void run_hold(Run *r) {
        crew_freeze(&r->crew);
        board_set_phase(r->board, PHASE_PAUSE);
        job_freeze(&r->job);
        r->completed = true;
        r->report.held = (Held){ .at = held_at(r), .pid = getpid(), .workers = crew_alive(&r->crew) };
        run_tell_findings(r);
}

void run_hold_step(Run *r) {
        r->report.held.ns += r->now_ns - r->last_step_ns;
}

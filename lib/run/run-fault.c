/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults in a run: one after the other strikes the paused target. */
#include <string.h>

#include "base/cgroup.h"
#include "run/run-internal.h"

#define FAULT_STREAM 0xfa /* of the run's seed */
/* Lines of the kernel log may be read so long after the strike that they speak of. */
#define LATE_NS (2 * NSEC_PER_SEC)

static bool takes_part(const Run *r, size_t i) {
        return r->config.fault.faults & 1U << i && !r->report.faults[i].not_here;
}

static bool any_left(const Run *r) {
        for (size_t i = 0; i < n_faults; i++)
                if (takes_part(r, i))
                        return true;
        return false;
}

static bool limits_are_asked(const Run *r) {
        for (size_t i = 0; i < n_faults; i++)
                if (faults[i]->limits && r->config.fault.enabled && takes_part(r, i))
                        return true;
        return false;
}

/* Whether or not they are asked for: a reload may ask for them, when there are processes that this would leave where they are. */
void run_fault_settle(Run *r) {
        int k = cgroup_settle(NULL);

        if (k < 0 && limits_are_asked(r))
                run_note(r, "Faults that limit memory or I/O are left out: no control group is handed to this process (%s); "
                         "run it as the service, or by systemd-run --scope --property=Delegate=yes.", strerror(-k));
}

void run_fault_begin(Run *r) {
        rng_seed(&r->fault_rng, r->plan.seed, FAULT_STREAM);
        r->job.fault = n_faults - 1;
        for (size_t i = 0; i < n_faults; i++)
                r->report.faults[i].not_here = r->report.faults[i].applied = false;
}

/* Workers are stopped for a cut: not to learn that there is none. */
void run_fault_made(Run *r) {
        for (size_t i = 0; i < n_faults; i++)
                if (faults[i]->cuts_power)
                        r->report.faults[i].not_here = !r->desk->power_goes;
}

bool run_fault_due(const Run *r) {
        return r->config.fault.enabled && r->report.totals.stress_ns >= r->fault_ns + r->config.fault.interval_ns && any_left(r);
}

/* There is one. */
static size_t next(const Run *r) {
        size_t i = r->job.fault;

        do
                i = (i + 1) % n_faults;
        while (!takes_part(r, i));
        return i;
}

bool run_fault_cuts(const Run *r) {
        return faults[next(r)]->cuts_power;
}

void run_fault_strike(Run *r) {
        r->job.fault = next(r);
        r->job.seed = rng_next(&r->fault_rng);
        r->fault_ns = r->report.totals.stress_ns;
}

bool run_fault_explains(const Run *r) {
        bool at_it = r->state == RUN_STRIKING || r->state == RUN_CUTTING || r->powering_up || r->desk->dark || r->desk->striking;

        return (at_it && !faults[r->job.fault]->act) || /* an act breaks no block */ (r->struck_ns > 0 && r->now_ns < r->struck_ns + LATE_NS);
}

static void observe(Run *r, const Strike *k, ObservationKind kind, Operation op, int result) {
        Observation o = { .time_ns = r->now_ns, .kind = kind, .op = op, .result = result, .devid = k->devid, .physical = k->physical,
                          .logical = k->logical, .count = k->n_blocks };

        snprintf(o.text, sizeof(o.text), "%s", k->text);
        run_observe(r, &o);
}

/* A replace that was not cancelled in time has changed one. The kernel log goes on to name the filesystem by the device that it was mounted by, so
 * the old names stay. */
static void say_devices(Run *r) {
        const Target *t = &r->desk->target;

        for (unsigned i = 0; i < t->n_devices && r->config.replace.enabled; i++) {
                Observation o = { .time_ns = r->now_ns, .kind = OBS_DEVICE };
                snprintf(o.text, sizeof(o.text), "%s", basename(t->devices[i].path));
                run_observe(r, &o);
        }
}

void run_fault_struck(Run *r) {
        const Strike *k = &r->desk->strike;
        FaultTally *t = &r->report.faults[r->job.fault];

        if (!faults[r->job.fault]->act)
                r->struck_ns = r->now_ns;
        run_observe_asides(r);
        say_devices(r);
        /* One that has struck before does apply; a group of another profile that comes and goes does not put it out for good. */
        t->not_here = k->end == STRIKE_NOT_HERE && !t->applied;
        if (t->not_here) {
                r->fault_ns -= r->config.fault.interval_ns; /* the turn is that of the next; it was due, so there is as much */
                return;
        }
        t->applied = true;
        t->struck++;
        t->blocks += k->n_blocks;
        t->met += k->end == STRIKE_MET;
        t->void_ += k->end == STRIKE_VOID || k->end == STRIKE_HINDERED || k->end == STRIKE_NOT_HERE;
        if (k->end == STRIKE_HINDERED)
                observe(r, k, OBS_RESULT, k->op, k->result);
        else if (k->end == STRIKE_WRONG)
                observe(r, k, OBS_MISCOMPARE, OP_READ, 0);
        else if (k->end == STRIKE_MISSED)
                observe(r, k, OBS_FAULT, OP_SCRUB, FAULT_MISSED);
        else if (k->end == STRIKE_EXCESS)
                observe(r, k, OBS_FAULT, OP_SCRUB, FAULT_EXCESS);
        else if (k->end == STRIKE_OTHER)
                observe(r, k, OBS_FAULT, OP_SCRUB, FAULT_OTHERWISE);
        else if (k->end == STRIKE_BROKEN)
                observe(r, k, OBS_FAULT, OP_FSYNC, FAULT_BROKEN);
}

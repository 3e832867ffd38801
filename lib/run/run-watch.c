/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run sees (sources, workers, judge) and what it tells (notes, findings, totals, verdict). */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "run/run-internal.h"
#include "stress/budget.h"

#define CHECKS_MAX 10 /* of one finding: what the others would say is the same */

/* The churn is at the headroom one moment and below it the next: so long it counts. */
#define NEAR_FULL_NS (10 * NSEC_PER_SEC)
/* A scrub that goes on in a group that is gone says so within the moment that it takes. */
#define COLLIDED_NS (2 * NSEC_PER_SEC)

void run_note(Run *r, const char *format, ...) {
        char text[sizeof(r->notes[0])];
        size_t n = r->report.n_notes;
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        for (size_t i = 0; i < n; i++)
                if (strcmp(r->notes[i], text) == 0)
                        return;
        if (n == RUN_NOTES_MAX)
                return;
        strcpy(r->notes[n], text);
        r->note_list[n] = r->notes[n];
        r->report.n_notes++;
        if (r->listener.note)
                r->listener.note(r->listener.userdata, text);
}

/* Discards of the kernel's own as well: what is mounted shows them, nodiscard is not shown. Not on disks: there an error that scrub has corrected may
 * be the disk's, the control scrub would not see it again, and a false finding is better than a disk that is let pass. */
static bool discards(const Run *r) {
        if (r->config.target.disks)
                return false;
        return r->config.trim.enabled || strstr(r->desk->target.mount_options, "discard") ||
               (r->config.remount.enabled && strstr(r->config.remount.options, "discard"));
}

/* What a scrub that has read discarded blocks may count and say; not that its sums do not hold. A control scrub is alone: what it reads nobody
 * discards. */
static bool may_be_discarded(const Observation *o) {
        return (o->kind == OBS_COUNTERS && o->op == OP_SCRUB && o->count > 0 && !strstr(o->text, "read_errors") &&
                !strstr(o->text, "super_errors")) || o->kind == OBS_KMSG ||
               (o->kind == OBS_DEVSTAT && (strncmp(o->text, "corruption", 10) == 0 || strncmp(o->text, "generation", 10) == 0));
}

/* What the kernel log cannot know: an abort near a full filesystem is another matter than one with room, and a group that is gone another when
 * a scrub was over it. Windows of replaces look like those of scrubs, so with replaces nobody can say. */
static uint32_t log_flags(const Run *r, const Observation *o) {
        uint32_t flags = 0;

        if (r->near_full_ns && r->now_ns - r->near_full_ns < NEAR_FULL_NS)
                flags |= OBS_NEAR_FULL;
        if (o->logical && !r->config.replace.enabled && collider_has_collided(r->collider, o->logical, r->now_ns - COLLIDED_NS))
                flags |= OBS_COLLIDED;
        if (run_fault_explains(r))
                flags |= OBS_INJECTED;
        return flags;
}

/* A replace does not say where it failed, nor does the scrub of a fault. */
static void learn_suspect(Suspects *s, const Observation *o) {
        unsigned i;

        if (o->kind != OBS_RESULT || o->result != -EINVAL || (o->op != OP_SCRUB && o->op != OP_REPLACE))
                return;
        for (i = 0; i < s->n && s->places[i].devid != o->devid; i++)
                ;
        s->anywhere |= o->op == OP_REPLACE || o->devid == 0 || i == ELEMENTSOF(s->places);
        if (s->anywhere)
                return;
        s->places[i].devid = o->devid;
        s->places[i].physical = o->physical;
        s->n = MAX_OF(s->n, i + 1);
}

void run_observe(void *run, const Observation *seen) {
        Observation o = *seen;
        Run *r = run;

        if (o.kind == OBS_NOTE)
                run_note(r, "%s", o.text);
        if (o.kind == OBS_KMSG)
                o.flags |= log_flags(r, &o);
        if (may_be_discarded(&o) && discards(r))
                o.flags |= OBS_DISCARDS;
        history_add(o.kind == OBS_KMSG ? &r->kmsg_history : &r->observations, &o);
        learn_suspect(&r->suspects, &o);
        judge_feed(r->judge, &o);
}

void run_observe_asides(Run *r) {
        if (r->desk->devstat.kind == OBS_DEVSTAT)
                run_observe(r, &r->desk->devstat);
        if (r->desk->empty.kind == OBS_EMPTY_GROUPS)
                run_observe(r, &r->desk->empty);
        if (r->desk->space.kind == OBS_SPACE)
                run_observe(r, &r->desk->space);
        if (r->desk->population.time_ns > 0)
                run_observe(r, &r->desk->population);
}

bool run_control_is_clean(Run *r) {
        Observation o = r->desk->control;

        run_observe_asides(r);
        if (o.result == 0 && o.count == 0)
                return true;
        o.kind = o.result != 0 ? OBS_RESULT : OBS_COUNTERS;
        run_observe(r, &o);
        return false;
}

void run_answer_suspects(Run *r) {
        r->suspects = (Suspects){ 0 };
        if (r->desk->control.result == 0)
                run_control_is_clean(r);
        else
                run_observe_asides(r);
        run_observe(r, &r->desk->control);
}

bool run_control_due(const Run *r) {
        uint64_t interval = r->config.run.control_interval_ns;

        return interval > 0 && r->report.totals.stress_ns >= r->control_ns + interval;
}

/* The trace events of btrfs are there when btrfs is: a module that nothing has asked for yet is loaded by whoever opens its control
 * device. Without it the mount would load it, after the sources were opened. */
static void load_btrfs(void) {
        int fd = open("/dev/btrfs-control", O_RDONLY | O_CLOEXEC);

        if (fd >= 0)
                close(fd);
}

static void add_hits(Run *r) {
        int k = trace_source_add_hits(r->trace);

        r->report.hits = k == 0;
        if (k == -EXDEV)
                run_note(r, "Hits are not counted: this PID namespace numbers tasks otherwise than the kernel; run outside of the container.");
        else if (k == -ENOENT)
                run_note(r, "Hits are not counted: this kernel has no kprobe events (CONFIG_KPROBE_EVENTS) that would show them.");
        else if (k < 0)
                run_note(r, "Hits are not counted: the kernel does not take a kprobe where they show: %s.", strerror(-k));
}

/* Sources that are the purpose would end the run; these degrade: each says once what is lost without it. */
static void open_trace(Run *r) {
        char name[TRACE_NAME_MAX];
        Error e = ERROR_NULL;

        if (!r->config.observe.trace) {
                run_note(r, "Trace events are off (Observe.Trace=no): removals are counted from the chunk tree, collisions are not.");
                return;
        }
        load_btrfs();
        trace_source_sweep();
        /* The keeper first: we may be killed while the instance is made. */
        if (keeper_start(&r->keeper, trace_instance_name(name)) < 0)
                run_note(r, "No keeper process: if this run is killed, the trace instance %s stays until the next start.", name);
        if (trace_source_open(&r->trace, &e) < 0) {
                keeper_stop(&r->keeper);
                run_note(r, "%s Removals are counted from the chunk tree instead, collisions are not counted.", e.sentence);
                return;
        }
        r->report.trace = true;
        add_hits(r);
}

int run_open_sources(Run *r, Error *e) {
        Error why = ERROR_NULL;
        int k;

        k = collider_new(&r->collider, r->plan.n_devices);
        if (k < 0)
                return error_set(e, EXIT_ERROR, -k, "Cannot count collisions: %s.", strerror(-k));
        collider_bring_in(r->collider);
        open_trace(r);
        r->report.aim = r->trace ? collider_aim(r->collider) : NULL;
        if (!r->config.observe.kmsg)
                run_note(r, "The kernel log is not watched (Observe.KernelLog=no): splats and aborts go unseen but for their errnos.");
        else if (kmsg_source_open(&r->kmsg, "/dev/kmsg", &why) < 0)
                run_note(r, "%s Splats and aborts go unseen but for their errnos.", why.sentence);
        return 0;
}

void run_close_sources(Run *r) {
        /* A task that loops in the kernel would keep us here for ever: the kernel waits for all of them before it takes a probe away. Then the keeper does
         * that, when we have gone with our verdict. */
        if (r->stuck && r->keeper.pid > 0) {
                trace_source_leave(r->trace);
        } else {
                trace_source_close(r->trace);
                keeper_stop(&r->keeper);
        }
        r->trace = NULL;
        kmsg_source_close(&r->kmsg);
        r->report.aim = NULL;
        collider_freep(&r->collider);
}

void run_tell_findings(Run *r) {
        for (; r->findings_told < judge_n_findings(r->judge); r->findings_told++) {
                Finding *f = judge_finding(r->judge, r->findings_told);
                const Evidence x = { f, &r->report, &r->kmsg_history, &r->observations, r->trace ? r->collider : NULL };
                Error e = ERROR_NULL;

                run_soak_finding(r, r->findings_told); /* before its evidence: a folder without a finding is nobody's */
                if (r->findings_told < r->config.run.max_findings && evidence_save(&x, (unsigned)r->findings_told + 1, &e) < 0)
                        run_note(r, "%s", e.sentence);
                run_health_evidence(r, f);
                run_block_evidence(r, f);
                run_last_boot_evidence(r, f);
                run_soak_finding(r, r->findings_told);
                run_pairs_finding(r, f);
                if (r->listener.finding)
                        r->listener.finding(r->listener.userdata, f, &r->report);
        }
}

/* NULL: there is none. */
static const Finding *last_finding(const Run *r) {
        const Finding *last = NULL;

        for (size_t i = 0; i < judge_n_findings(r->judge); i++) {
                const Finding *f = judge_finding(r->judge, i);
                if (!last || (int64_t)(f->last_ns - last->last_ns) >= 0) /* of an earlier boot it is below 0 */
                        last = f;
        }
        return last;
}

/* One that is met again has another beside it: btrfs-check-2.txt. */
static int add_check(const Finding *f, const char *said) {
        char name[32] = "btrfs-check.txt";
        int r = evidence_add(f, name, said);

        for (unsigned i = 2; r == -EEXIST && i < CHECKS_MAX; i++) {
                snprintf(name, sizeof(name), "btrfs-check-%u.txt", i);
                r = evidence_add(f, name, said);
        }
        return r;
}

void run_keep_check(Run *r) {
        const Finding *f = last_finding(r);
        int k = f && r->desk->output[0] ? add_check(f, r->desk->output) : 0;

        if (k < 0 && k != -EEXIST)
                run_note(r, "What btrfs check said of a lost target cannot be kept in %.200s: %s. Make room there.", f->evidence, strerror(-k));
}

bool run_lost(Run *r) {
        r->report.totals.remakes++;
        run_keep_check(r);
        run_soak_incident(r);
        run_note(r, "The lost target was unmounted and checked: btrfs check --readonly %s (status %d).",
                 r->desk->check_status == 0 ? "found no error" : "found errors or could not run", r->desk->check_status);
        if (r->report.totals.remakes <= r->config.run.max_remakes)
                return true;
        run_note(r, "The target was lost more than MaxRemakes=%llu times; the run ends here.", (unsigned long long)r->config.run.max_remakes);
        return false;
}

uint64_t run_walk_ns(const Run *r) {
        const Config *c = &r->config;

        return budget_walk_ns(c->target.populate * budget_copies(c->target.data_profile, r->plan.n_devices));
}

uint64_t run_failing_findings(const Run *r) {
        uint64_t n = 0;

        for (size_t i = 0; i < judge_n_findings(r->judge); i++)
                n += finding_fails(judge_finding(r->judge, i));
        return n;
}

static void count(Run *r) {
        const Board *b = r->board;
        Totals *t = &r->report.totals;

        t->time_ns = r->now_ns;
        t->hits = collider_hits(r->collider);
        t->removals = r->trace ? collider_removals(r->collider) : board_groups_gone(b);
        t->collisions = collider_collisions(r->collider);
        t->scrubs = board_tally(b, OP_SCRUB, 0);
        t->balances = board_tally(b, OP_BALANCE, 0);
        t->syncs = board_tally(b, OP_SYNC, 0) + board_tally(b, OP_WAIT_SYNC, 0);
        t->bytes_written = board_bytes_written(b);
        t->steps = 0;
        t->lost_observations = 0;
        for (unsigned i = 0; i < r->plan.n_workers; i++) {
                t->steps += atomic_load(&b->slots[i].steps);
                t->lost_observations += atomic_load(&b->slots[i].lost_observations);
        }
        t->lost_trace_events = r->trace ? trace_source_lost(r->trace) : 0;
        totals_add(t, &r->soak.totals);
        t->findings = run_failing_findings(r);
        t->known = 0;
        for (size_t i = 0; i < judge_n_findings(r->judge); i++)
                t->known += judge_finding(r->judge, i)->grade == GRADE_KNOWN;
}

/* A hit has no fsid: another run's are told by who ran into them. */
static void on_trace(void *run, const TraceEvent *event) {
        Run *r = run;

        if (event->kind != TRACE_HIT || crew_has(&r->crew, event->pid))
                collider_event(r->collider, event);
}

/* The board counts what this start writes, the budget is that of the soak. */
static void limit_writes(Run *r) {
        uint64_t limit = budget_write_limit(&r->config, &r->desk->target, r->report.totals.stress_ns);

        board_set_write_limit(r->board, limit == UINT64_MAX ? limit : limit - MIN_OF(limit, r->soak.totals.bytes_written));
}

void run_watch(Run *r) {
        bool ending = r->state >= RUN_EVICTING;

        limit_writes(r);
        if (atomic_load(&r->board->near_full))
                r->near_full_ns = r->now_ns;
        crew_receive(&r->crew, run_observe, r);
        if (r->trace)
                trace_source_step(r->trace, r->desk->target.fsid, on_trace, r);
        collider_step(r->collider, r->board);
        if (r->kmsg.fd >= 0) /* after the removals that it may speak of */
                kmsg_source_step(&r->kmsg, r->now_ns, run_observe, r);
        crew_watch(&r->crew, r->now_ns, ending, run_observe, r);
        run_health(r);
        r->asked |= judge_tick(r->judge, r->now_ns);
        count(r);
        run_hold_still(r);
        run_tell_findings(r);
}

void run_conclude(Run *r) {
        Report *p = &r->report;
        RunFacts facts;

        run_tune_end(r);
        judge_close(r->judge, r->now_ns);
        count(r);
        run_tell_findings(r);
        run_blocks(r);
        facts = (RunFacts){
                .collisions = p->totals.collisions,
                .trace = p->trace,
                .removals = p->totals.removals,
                .min_collisions = r->config.run.min_collisions,
                .completed = r->completed || (r->stop && config_duration(&r->config) == 0),
                .failed = p->error[0] != 0,
        };
        p->verdict = judge_verdict(r->judge, &facts, p->why, sizeof(p->why));
        if (p->verdict == EXIT_ERROR && p->error[0])
                snprintf(p->why, sizeof(p->why), "%.500s", p->error);
        if (p->verdict == EXIT_ERROR && r->refused)
                p->verdict = EXIT_REFUSED;
        run_soak_conclude(r);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "judge/judge-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

int judge_new(Judge **ret, const JudgePolicy *policy) {
        _cleanup_(judge_freep) Judge *j = calloc(1, sizeof(*j));
        int r;

        if (!j)
                return -ENOMEM;
        r = kmsg_matcher_new(&j->matcher);
        if (r < 0)
                return r;
        j->policy = *policy;
        j->splat_row = j->oops_row = j->hang_row = j->cause_row = j->incident.row = NO_ROW;
        *ret = TAKE_PTR(j);
        return 0;
}

void judge_free(Judge *j) {
        if (!j)
                return;
        kmsg_matcher_free(j->matcher);
        free(j);
}

void judge_freep(Judge **j) {
        judge_free(*j);
}

void judge_set_devices(Judge *j, const char (*devices)[64], unsigned n) {
        memset(j->policy.devices, 0, sizeof(j->policy.devices));
        for (unsigned i = 0; i < n && i < ELEMENTSOF(j->policy.devices); i++)
                snprintf(j->policy.devices[i], sizeof(j->policy.devices[i]), "%s", devices[i]);
}

/* Its lines in the kernel log are the target's from now on. A place is left: a target has fewer devices. */
static void device_add(Judge *j, const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(j->policy.devices); i++)
                if (!j->policy.devices[i][0] || strcmp(j->policy.devices[i], name) == 0) {
                        snprintf(j->policy.devices[i], sizeof(j->policy.devices[i]), "%.63s", name);
                        return;
                }
}

/* Suspects: wait for the control scrub. */

/* A filesystem that was near full moments before or after still lacks room, whether or not the flag was up at that instant. */
static const ErrnoRule *rule_of(const Judge *j, const Observation *o) {
        bool near_full = around(j->near_full_ns, o->time_ns, JUDGE_NEAR_FULL_NS);

        return errno_rule(o->op, o->result, o->flags | (near_full ? (uint32_t)OBS_NEAR_FULL : 0));
}

static Ruling result_ruling(const Judge *j, const Observation *o) {
        const ErrnoRule *rule = rule_of(j, o);

        return (Ruling){ .class = rule->class, .grade = rule->grade, .op = o->op, .result = o->result, .why = rule->why };
}

void suspect_unconfirmed(Judge *j, const Pending *p) {
        Ruling ruling = result_ruling(j, &p->first);

        rows_add(j, &ruling, p);
}

static void suspect_confirmed(Judge *j, const Pending *p) {
        Ruling ruling = result_ruling(j, &p->first);
        size_t row = rows_add(j, &ruling, p);

        if (row != NO_ROW)
                j->rows[row].confirmed += p->count;
}

static void suspect_unsupported(Judge *j, const Pending *p) {
        rows_add(j, &(Ruling){ .class = CLASS_SETUP_SCRUB, .grade = GRADE_SETUP, .op = p->first.op, .result = p->first.result }, p);
}

static void suspects_answer(Judge *j, void (*answer)(Judge *j, const Pending *p)) {
        for (size_t i = 0; i < j->n_suspects; i++)
                answer(j, &j->suspects[i]);
        j->n_suspects = 0;
        j->confirm_asked = false;
}

void suspects_give_up(Judge *j) {
        suspects_answer(j, suspect_unconfirmed);
}

static uint64_t confirmed_of(const Judge *j, FindingClass class) {
        uint64_t n = 0;

        for (size_t i = 0; i < j->n_rows; i++)
                n += j->rows[i].class == class ? j->rows[i].confirmed : 0;
        return n;
}

static void suspect_add(Judge *j, const Pending *p) {
        for (size_t i = 0; i < j->n_suspects; i++) {
                Pending *q = &j->suspects[i];
                if (q->first.op == p->first.op && q->first.result == p->first.result) {
                        q->count += p->count;
                        q->last_ns = p->last_ns;
                        return;
                }
        }
        if (j->n_suspects == JUDGE_SUSPECTS || confirmed_of(j, result_ruling(j, &p->first).class) >= j->policy.confirm_max)
                suspect_unconfirmed(j, p);
        else
                j->suspects[j->n_suspects++] = *p;
}

static void pend(Judge *j, const Observation *o, uint64_t wait_ns);

/* The table says what a failed control scrub means: one that was cancelled, or met a read-only filesystem, answers nothing. */
static void feed_control(Judge *j, const Observation *o) {
        Observation control = *o;
        const ErrnoRule *rule;

        if (j->incident.state != INCIDENT_NONE)
                return;
        control.op = OP_CONTROL_SCRUB;
        rule = errno_rule(control.op, control.result, control.flags);
        if (rule->grade == GRADE_OK) {
                suspects_answer(j, suspect_confirmed);
        } else if (rule->grade == GRADE_EXPECT) {
                suspects_give_up(j);
        } else if (rule->grade == GRADE_CONSEQUENCE) {
                suspects_give_up(j);
                control.kind = OBS_RESULT;
                pend(j, &control, JUDGE_SETTLE_NS);
        } else if (j->n_suspects > 0) {
                suspects_answer(j, suspect_unsupported);
        } else {
                suspect_unsupported(j, &(Pending){ .first = control, .count = 1, .last_ns = o->time_ns });
        }
}

/* Deciding what has settled. */

static void decide_result(Judge *j, const Pending *p) {
        const ErrnoRule *rule = rule_of(j, &p->first);
        Ruling of_table = result_ruling(j, &p->first), ruling = rows_ruling(j, &of_table, &p->first);

        if (rule->suspect) {
                suspect_add(j, p);
                return;
        }
        if (rule->grade == GRADE_CONSEQUENCE) {
                incident_open(j, &p->first, NULL);
                incident_fold(j, p->count - 1);
                incident_decide(j);
                return;
        }
        /* The kernel said more in its log. */
        if (j->cause_row != NO_ROW && around(j->cause_ns, p->first.time_ns, JUDGE_SETTLE_NS) && rule->grade != GRADE_SETUP &&
            (j->rows[j->cause_row].grade == GRADE_FINDING || j->rows[j->cause_row].grade == ruling.grade)) {
                rows_fold(j, j->cause_row, p->count);
                return;
        }
        rows_add(j, &ruling, p);
}

/* Not the hardware's fault, whatever it is. */
static const Ruling discarded = { .class = CLASS_SCRUB_COUNTERS, .grade = GRADE_FINDING, .op = OP_SCRUB };

static void decide_counters(Judge *j, const Pending *p) {
        bool hardware = around(j->hardware_ns, p->first.time_ns, JUDGE_AROUND_NS);

        if (!hardware && p->first.flags & OBS_DISCARDS)
                rows_add(j, &discarded, p);
        else
                rows_add(j, &(Ruling){ .class = hardware ? CLASS_IO_ERROR : CLASS_SCRUB_COUNTERS, .grade = hardware ? GRADE_HW : GRADE_FINDING,
                                       .op = p->first.op }, p);
}

static void decide_stuck(Judge *j, const Pending *p) {
        size_t cause = j->oops_row != NO_ROW ? j->oops_row : j->hang_row;

        if (cause != NO_ROW)
                rows_fold(j, cause, p->count);
        else
                j->hang_row = rows_add(j, &(Ruling){ .class = CLASS_HANG, .grade = GRADE_FINDING, .op = p->first.op }, p);
}

static void decide_death(Judge *j, const Pending *p) {
        if (WIFSIGNALED(p->first.result) && around(j->splat_ns, p->first.time_ns, JUDGE_AROUND_NS))
                rows_fold(j, j->splat_row, p->count);
        else
                rows_add(j, &(Ruling){ .class = CLASS_WORKER_DIED, .grade = GRADE_SETUP, .op = p->first.op }, p);
}

static void decide_fault(Judge *j, const Pending *p) {
        static const FindingClass classes[] = {
                [FAULT_MISSED] = CLASS_FAULT_MISSED, [FAULT_EXCESS] = CLASS_FAULT_EXCESS, [FAULT_OTHERWISE] = CLASS_FAULT_OTHERWISE,
                [FAULT_BROKEN] = CLASS_POWER_CUT,
        };
        int miss = p->first.result;
        bool known = miss >= FAULT_MISSED && miss <= FAULT_BROKEN;

        rows_add(j, &(Ruling){ .class = known ? classes[miss] : CLASS_FAULT_OTHERWISE, .grade = GRADE_FINDING, .op = p->first.op }, p);
}

/* A disk that has failed to read or write has damaged what lies on it. */
static void decide_check(Judge *j, const Pending *p) {
        bool hardware = false;

        for (size_t i = 0; i < judge_n_findings(j) && !hardware; i++)
                hardware = judge_finding(j, i)->grade == GRADE_HW;
        rows_add(j, &(Ruling){ .class = hardware ? CLASS_IO_ERROR : CLASS_DAMAGED, .grade = hardware ? GRADE_HW : GRADE_FINDING }, p);
}

static void decide(Judge *j, const Pending *p) {
        switch (p->first.kind) {
        case OBS_RESULT:
                decide_result(j, p);
                break;
        case OBS_COUNTERS:
                decide_counters(j, p);
                break;
        case OBS_STUCK:
                decide_stuck(j, p);
                break;
        case OBS_DIED:
                decide_death(j, p);
                break;
        case OBS_DEVSTAT:
                rows_add(j, p->first.flags & OBS_DISCARDS ? &discarded : &(Ruling){ .class = CLASS_IO_ERROR, .grade = GRADE_HW }, p);
                break;
        case OBS_HEALTH:
                rows_add(j, &(Ruling){ .class = CLASS_HEALTH, .grade = GRADE_HW, .devid = p->first.devid, .counter = p->first.counter }, p);
                break;
        case OBS_EMPTY_GROUPS:
                rows_add(j, &(Ruling){ .class = CLASS_NEVER_DELETED, .grade = GRADE_FINDING }, p);
                break;
        case OBS_SPACE:
                rows_add(j, &(Ruling){ .class = CLASS_SPACE_LEAK, .grade = GRADE_FINDING }, p);
                break;
        case OBS_CHECK:
                decide_check(j, p);
                break;
        case OBS_FAULT:
                decide_fault(j, p);
                break;
        case OBS_MISCOMPARE:
                rows_add(j, &(Ruling){ .class = CLASS_MISCOMPARE, .grade = GRADE_FINDING, .op = p->first.op }, p);
                break;
        default:
                break;
        }
}

/* But for the device: that of a counter is another matter on each. */
static bool are_equal(const Observation *a, const Observation *b) {
        return a->kind == b->kind && a->op == b->op && a->result == b->result && a->flags == b->flags && a->counter == b->counter &&
               (a->counter == 0 || a->devid == b->devid);
}

/* Equal ones wait together, so a flood takes one place; when there is none, the newcomer is decided at once. */
static void pend(Judge *j, const Observation *o, uint64_t wait_ns) {
        Pending p = { .first = *o, .count = 1, .last_ns = o->time_ns, .due_ns = o->time_ns + wait_ns };

        for (size_t i = 0; i < j->n_pending; i++) {
                Pending *q = &j->pending[i];
                if (!are_equal(&q->first, o))
                        continue;
                q->count++;
                q->last_ns = o->time_ns;
                return;
        }
        if (j->n_pending < JUDGE_PENDING)
                j->pending[j->n_pending++] = p;
        else
                decide(j, &p);
}

/* States that should pass. */

static void linger_forget(Judge *j, const Observation *o) {
        for (size_t i = 0; i < j->n_lingers; i++)
                if (j->lingers[i].op == o->op && j->lingers[i].devid == o->devid)
                        j->lingers[i--] = j->lingers[--j->n_lingers];
}

static Linger *linger_of(Judge *j, const Observation *o) {
        Linger *oldest = &j->lingers[0];

        for (size_t i = 0; i < j->n_lingers; i++) {
                Linger *l = &j->lingers[i];
                if (l->op == o->op && l->devid == o->devid)
                        return l;
                if (l->last_ns < oldest->last_ns)
                        oldest = l;
        }
        if (j->n_lingers < JUDGE_LINGERS)
                oldest = &j->lingers[j->n_lingers++];
        *oldest = (Linger){ .op = o->op, .devid = o->devid, .first_ns = o->time_ns };
        return oldest;
}

/* A worker that fails tries again within a second or so; after a longer gap it is another occasion. */
static void linger_feed(Judge *j, const Observation *o, const ErrnoRule *rule) {
        Linger *l = linger_of(j, o);

        if (l->last_ns && o->time_ns > l->last_ns + 5 * NSEC_PER_SEC)
                l->first_ns = o->time_ns;
        l->last_ns = o->time_ns;
        if (o->time_ns - l->first_ns > JUDGE_LINGER_NS)
                rows_add_one(j, &(Ruling){ .class = rule->class, .grade = GRADE_FINDING, .op = o->op, .result = o->result,
                                           .why = rule->why }, o);
}

static void feed_result(Judge *j, const Observation *o) {
        const ErrnoRule *rule = errno_rule(o->op, o->result, o->flags);

        if (rule->grade <= GRADE_EXPECT && !rule->lingers) {
                if (j->n_lingers > 0)
                        linger_forget(j, o);
                return;
        }
        if (j->incident.state != INCIDENT_NONE && rule->grade != GRADE_SETUP)
                incident_fold(j, 1);
        else if (o->time_ns < j->remade_ns || (o->begin_ns && o->begin_ns < j->remade_ns))
                incident_fold(j, 1);
        else if (rule->lingers)
                linger_feed(j, o, rule);
        else
                pend(j, o, JUDGE_SETTLE_NS);
}

void judge_feed(Judge *j, const Observation *o) {
        if (o->flags & OBS_NEAR_FULL)
                j->near_full_ns = o->time_ns;
        switch (o->kind) {
        case OBS_RESULT:
                feed_result(j, o);
                break;
        case OBS_CONTROL:
                feed_control(j, o);
                break;
        case OBS_KMSG:
                kmsg_feed(j, o);
                break;
        case OBS_COUNTERS:
                if (!(o->flags & OBS_INJECTED))
                        pend(j, o, JUDGE_AROUND_NS);
                break;
        case OBS_DEVSTAT:
                if (o->flags & OBS_INJECTED)
                        break;
                if (!(o->flags & OBS_DISCARDS))
                        j->hardware_ns = o->time_ns;
                pend(j, o, JUDGE_SETTLE_NS);
                break;
        case OBS_DEVICE:
                device_add(j, o->text);
                break;
        case OBS_KERNEL_DIED: /* nothing that is seen now has to do with it */
                rows_add_one(j, &(Ruling){ .class = CLASS_KERNEL_DIED, .grade = GRADE_FINDING }, o);
                break;
        case OBS_EMPTY_GROUPS:
        case OBS_SPACE:
        case OBS_CHECK:
        case OBS_FAULT:
        case OBS_MISCOMPARE:
                /* An aborted filesystem drops what was not committed, and deletes no groups and unpins nothing any more. */
                if (j->incident.state != INCIDENT_NONE)
                        incident_fold(j, 1);
                else
                        pend(j, o, JUDGE_SETTLE_NS);
                break;
        case OBS_HEALTH: /* what the disk itself says: no fault of ours does that */
        case OBS_STUCK:
        case OBS_DIED:
                pend(j, o, JUDGE_SETTLE_NS);
                break;
        default:
                break;
        }
}

/* While a report of the kernel log is open its lines may still name a cause; not for ever, reports may follow each other. */
static bool is_due(const Judge *j, const Pending *p, uint64_t now_ns) {
        return now_ns >= p->due_ns + (j->report.open ? 2 * JUDGE_SETTLE_NS : 0);
}

static void decide_pending(Judge *j, uint64_t now_ns) {
        for (size_t i = 0; i < j->n_pending;) {
                Pending p = j->pending[i];
                if (!is_due(j, &p, now_ns)) {
                        i++;
                        continue;
                }
                j->n_pending--;
                memmove(&j->pending[i], &j->pending[i + 1], (j->n_pending - i) * sizeof(j->pending[0]));
                decide(j, &p); /* may open an incident, which folds others away */
        }
}

unsigned judge_tick(Judge *j, uint64_t now_ns) {
        unsigned asks;

        if (j->report.open && now_ns >= j->report.first.time_ns + JUDGE_SETTLE_NS)
                kmsg_report_close(j);
        if (now_ns >= j->incident.first_ns + JUDGE_SETTLE_NS)
                incident_decide(j);
        decide_pending(j, now_ns);
        if (j->n_suspects > 0 && !j->confirm_asked) {
                j->confirm_asked = true;
                j->asks |= JUDGE_CONFIRM;
        }
        asks = j->asks;
        j->asks = 0;
        return asks;
}

void judge_remade(Judge *j, uint64_t now_ns) {
        kmsg_report_close(j);
        incident_decide(j);
        suspects_give_up(j); /* of a filesystem that is no more */
        j->asks &= ~(unsigned)JUDGE_REMAKE;
        j->incident.state = INCIDENT_NONE;
        j->remade_ns = now_ns;
        j->hang_row = j->oops_row = j->cause_row = NO_ROW;
        j->n_lingers = 0;
}

bool judge_oopsed(const Judge *j) {
        return j->oops_row != NO_ROW;
}

void judge_decide(Judge *j) {
        kmsg_report_close(j);
        incident_decide(j);
        decide_pending(j, UINT64_MAX);
}

void judge_close(Judge *j, uint64_t now_ns _unused_) {
        judge_decide(j);
        suspects_give_up(j);
}

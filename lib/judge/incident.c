/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "judge/judge-internal.h"

#include <errno.h>

void incident_fold(Judge *j, uint64_t count) {
        if (j->incident.state == INCIDENT_GATHERING)
                j->incident.consequences += count;
        else
                rows_fold(j, j->incident.row, count);
}

/* What waited to be decided happened moments before: most of it is the same failure, seen by the operations first. Suspects are not:
 * an aborted filesystem answers a scrub with EROFS, never with EINVAL (scrub.c). Neither are dead or stuck workers and device errors. */
static void fold_pending(Judge *j) {
        size_t kept = 0;

        for (size_t i = 0; i < j->n_pending; i++) {
                const Pending *p = &j->pending[i];
                const ErrnoRule *rule = errno_rule(p->first.op, p->first.result, p->first.flags);

                if (p->first.kind == OBS_RESULT && rule->suspect)
                        suspect_unconfirmed(j, p);
                else if ((p->first.kind == OBS_RESULT && rule->grade != GRADE_SETUP) || p->first.kind == OBS_COUNTERS ||
                         p->first.kind == OBS_MISCOMPARE || p->first.kind == OBS_EMPTY_GROUPS || p->first.kind == OBS_SPACE ||
                         p->first.kind == OBS_CHECK)
                        incident_fold(j, p->count);
                else
                        j->pending[kept++] = *p;
        }
        j->n_pending = kept;
}

void incident_open(Judge *j, const Observation *cause, const KmsgRule *rule) {
        j->incident = (Incident){
                .state = INCIDENT_GATHERING,
                .first_ns = cause->time_ns,
                .cause = *cause,
                .rule = rule,
                .row = NO_ROW,
        };
        j->incidents++;
        suspects_give_up(j);
        fold_pending(j);
}

/* Another line of the same incident: the first that names a cause wins over those that only name the outcome. */
void incident_line(Judge *j, const Observation *o, const KmsgRule *rule, const char *lines) {
        Incident *i = &j->incident;

        if (i->state == INCIDENT_NONE) {
                incident_open(j, o, rule);
                lines_add(&i->lines, lines);
                return;
        }
        lines_add(&i->lines, lines);
        if (i->state == INCIDENT_GATHERING && rule->grade != GRADE_CONSEQUENCE && (!i->rule || i->rule->grade == GRADE_CONSEQUENCE)) {
                i->cause = *o;
                i->rule = rule;
        }
}

static Ruling incident_ruling(const Judge *j) {
        const Observation *o = &j->incident.cause;
        const KmsgRule *rule = j->incident.rule;

        /* btrfs never goes read-only by itself without a line in the log (btrfs_handle_fs_error, btrfs_abort_transaction). */
        if (!rule && j->log_seen && o->result == -EROFS)
                return (Ruling){ .class = CLASS_SETUP_ERRNO, .grade = GRADE_SETUP, .op = o->op, .result = o->result,
                                 .why = "the filesystem became read-only, and the kernel log tells of no abort: somebody remounted it; leave "
                                        "the target alone while a run is on" };
        if (!rule) {
                const ErrnoRule *r = errno_rule(o->op, o->result, o->flags);
                return (Ruling){ .class = r->class, .grade = GRADE_FINDING, .op = o->op, .result = o->result, .why = r->why };
        }
        /* A device that failed around it is the cause of an I/O error in a commit. */
        if (kmsg_errno(o->text) == -EIO && around(j->hardware_ns, o->time_ns, JUDGE_AROUND_NS))
                return (Ruling){ .class = CLASS_IO_ERROR, .grade = GRADE_HW, .result = -EIO,
                                 .why = "a commit failed because a device did" };
        return (Ruling){ .class = rule->class, .grade = rule->grade == GRADE_CONSEQUENCE ? GRADE_FINDING : rule->grade,
                         .result = kmsg_errno(o->text), .why = rule->why, .lines = j->incident.lines.text };
}

void incident_decide(Judge *j) {
        Incident *i = &j->incident;
        Ruling ruling;

        if (i->state != INCIDENT_GATHERING)
                return;
        ruling = incident_ruling(j);
        i->row = rows_add_one(j, &ruling, &i->cause);
        rows_fold(j, i->row, i->consequences);
        i->state = INCIDENT_LOST;
        j->asks |= JUDGE_REMAKE;
}

uint64_t judge_incidents(const Judge *j) {
        return j->incidents;
}

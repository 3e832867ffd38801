/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "judge/judge-internal.h"

#include <string.h>

static bool is_ours(const Judge *j, const char *device) {
        for (size_t i = 0; i < ELEMENTSOF(j->policy.devices) && j->policy.devices[i][0]; i++)
                if (strcmp(j->policy.devices[i], device) == 0)
                        return true;
        return false;
}

static size_t hold(Judge *j, const Observation *o, const KmsgRule *rule, const char *lines) {
        return rows_add_one(j, &(Ruling){ .class = rule->class, .grade = rule->grade, .result = kmsg_errno(o->text), .why = rule->why,
                                          .lines = lines }, o);
}

/* Another subsystem's. */
static void note(Judge *j, const Observation *o, const KmsgRule *rule) {
        rows_add_one(j, &(Ruling){ .class = rule->class, .grade = GRADE_EXPECT, .result = kmsg_errno(o->text), .why = rule->why }, o);
}

/* A hang is one, however many wait in it; after an oops tasks wait for the locks the dead one held. */
static void decide_hang(Judge *j, const KmsgReport *r) {
        size_t cause = j->oops_row != NO_ROW ? j->oops_row : j->hang_row;

        if (cause != NO_ROW)
                rows_fold(j, cause, 1);
        else
                j->hang_row = hold(j, &r->first, r->rule, r->all.text);
}

static void decide_splat(Judge *j, const KmsgReport *r) {
        size_t row;

        if (r->rule->teardown && !r->fatal && j->incident.state != INCIDENT_NONE) {
                incident_fold(j, 1);
                return;
        }
        row = hold(j, &r->first, r->rule, r->all.text);
        if (r->rule->class != CLASS_SPLAT)
                return;
        j->splat_row = row;
        j->splat_ns = r->first.time_ns;
        if (r->fatal)
                j->oops_row = row;
}

void kmsg_report_close(Judge *j) {
        const KmsgReport *r = &j->report;

        if (!r->open)
                return;
        j->report.open = false;
        if (r->rule->lost)
                incident_line(j, &r->first, r->rule, r->all.text);
        else if (!r->related)
                note(j, &r->first, r->rule);
        else if (r->rule->class == CLASS_HANG)
                decide_hang(j, r);
        else
                decide_splat(j, r);
}

static void report_open(Judge *j, const Observation *o, const KmsgRule *rule) {
        j->report = (KmsgReport){
                .open = true,
                .related = kmsg_is_related(o->text),
                .fatal = rule->fatal,
                .rule = rule,
                .first = *o,
        };
        lines_add(&j->report.all, o->text);
}

/* A line that names no device. */
static void feed_nameless(Judge *j, const Observation *o, const KmsgRule *rule) {
        KmsgReport *r = &j->report;

        if (rule->lost && r->open && !r->rule->lost)
                kmsg_report_close(j);
        if (!r->open) {
                report_open(j, o, rule);
                return;
        }
        /* The same event in other words: "BUG: kernel NULL pointer …", "Oops: …"; "Transaction aborted …", "WARNING: …". */
        r->fatal |= rule->fatal;
}

/* A line that names a device of the target. */
static void feed_ours(Judge *j, const Observation *o, const KmsgRule *rule) {
        if (rule->lost) {
                if (j->report.open && j->report.rule->lost)
                        kmsg_report_close(j);
                incident_line(j, o, rule, o->text);
                return;
        }
        if (rule->class == CLASS_IO_ERROR) {
                if (o->flags & OBS_INJECTED)
                        return;
                j->hardware_ns = o->time_ns;
        } else if (j->incident.state != INCIDENT_NONE) {
                incident_fold(j, 1);
                return;
        }
        j->cause_row = hold(j, o, rule, NULL);
        j->cause_ns = o->time_ns;
}

/* What the aborted filesystem said while it was taken down may be read only after the new one is there. */
static bool is_of_last_target(const Judge *j, const Observation *o, const KmsgRule *rule) {
        return (rule->lost || rule->teardown) && j->remade_ns && o->time_ns < j->remade_ns + JUDGE_SETTLE_NS;
}

void kmsg_feed(Judge *j, const Observation *o) {
        KmsgReport *r = &j->report;
        char device[KMSG_DEVICE_MAX];
        bool named = kmsg_device(o->text, device), ours = named && is_ours(j, device);
        const KmsgRule *rule;

        j->log_seen = true;
        if (named && !ours) {
                if (r->open && r->rule->lost)
                        r->open = false;
                return;
        }
        if (r->open && (r->lines++ >= KMSG_REPORT_LINES || o->time_ns >= r->first.time_ns + JUDGE_SETTLE_NS))
                kmsg_report_close(j);
        if (r->open) {
                r->related |= kmsg_is_related(o->text);
                lines_add(&r->all, o->text);
        }
        rule = kmsg_match(j->matcher, o->text, o->flags);
        if (rule && is_of_last_target(j, o, rule))
                incident_fold(j, 1);
        else if (rule && rule->grade != GRADE_EXPECT && (ours || !rule->ours_only)) {
                if (ours)
                        feed_ours(j, o, rule);
                else
                        feed_nameless(j, o, rule);
        }
        /* An abort goes on after the end mark, with the lines that name its device. */
        if (r->open && !r->rule->lost && kmsg_ends_report(o->text))
                kmsg_report_close(j);
}

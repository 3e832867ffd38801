/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <stdio.h>

#include "judge/errno-policy.h"
#include "report/report.h"

const TotalInfo totals_info[_TOTAL_MAX] = {
        [TOTAL_HITS] = { "hits", "hits", offsetof(Totals, hits), false },
        [TOTAL_COLLISIONS] = { "collisions", "collisions", offsetof(Totals, collisions), false },
        [TOTAL_REMOVALS] = { "removals", "removals", offsetof(Totals, removals), false },
        [TOTAL_SCRUBS] = { "scrubs", "scrubs", offsetof(Totals, scrubs), false },
        [TOTAL_BALANCES] = { "balances", "balances", offsetof(Totals, balances), false },
        [TOTAL_SYNCS] = { "syncs", "syncs", offsetof(Totals, syncs), false },
        [TOTAL_BYTES_WRITTEN] = { "bytes_written", "written", offsetof(Totals, bytes_written), true },
};

uint64_t totals_get(const Totals *t, Total which) {
        return *(const uint64_t *)((const char *)t + totals_info[which].offset);
}

void totals_add(Totals *t, const Totals *earlier) {
        for (Total i = 0; i < _TOTAL_MAX; i++)
                *(uint64_t *)((char *)t + totals_info[i].offset) += totals_get(earlier, i);
        t->steps += earlier->steps;
        t->lost_observations += earlier->lost_observations;
        t->lost_trace_events += earlier->lost_trace_events;
}

double totals_rate(const Totals *from, const Totals *to, uint64_t ns, Total which) {
        uint64_t before = totals_get(from, which), after = totals_get(to, which);

        if (ns == 0 || after < before)
                return 0;
        return (double)(after - before) * (double)NSEC_PER_SEC / (double)ns;
}

bool report_counts(const Report *r, Total which) {
        return which == TOTAL_HITS ? r->hits : which == TOTAL_COLLISIONS ? r->trace : true;
}

uint64_t report_real_ns(const Report *r, uint64_t mono_ns) {
        return r->started_real_ns + mono_ns - r->started_mono_ns;
}

char *report_describe_held(const Held *h, char buf[static REPORT_HELD_MAX]) {
        snprintf(buf, REPORT_HELD_MAX, "at the finding %s for a debugger: %u worker%s stopped, and the target stays mounted in the mount namespace of "
                 "process %d (nsenter -t %d -m); SIGTERM (systemctl stop) or SIGINT to it ends the run",
                 finding_classes[h->at->class].name, h->workers, h->workers == 1 ? " is" : "s are", (int)h->pid, (int)h->pid);
        return buf;
}

bool report_bound_95(const Report *r, double *ret) {
        if (!r->trace || r->totals.collisions == 0 || r->totals.findings > 0)
                return false;
        if (r->verdict != EXIT_PASS && r->verdict != EXIT_INCONCLUSIVE)
                return false;
        *ret = judge_bound_95(r->totals.collisions);
        return true;
}

static int tally_result(unsigned index) {
        return index < TALLY_POSITIVE ? -(int)index : (int)(index - TALLY_POSITIVE);
}

static bool counted_at(int result, unsigned index) {
        if (index == TALLY_OTHER)
                return result <= -TALLY_POSITIVE || result >= TALLY_OTHER - TALLY_POSITIVE;
        return tally_result(index) == result;
}

const char *result_name(int result, char buf[static 16]) {
        if (result == 0)
                return "ok";
        if (result < 0)
                return errno_name(-result, buf);
        snprintf(buf, 16, "+%d", result);
        return buf;
}

const char *tally_name(unsigned index, char buf[static 16]) {
        return index == TALLY_OTHER ? "other" : result_name(tally_result(index), buf);
}

static TallyMeaning held_against(const Report *r, Operation op, unsigned index) {
        TallyMeaning m = { .grade = GRADE_CONSEQUENCE, .why = "follows from a finding below" };

        for (size_t i = 0; r->judge && i < judge_n_findings(r->judge); i++) {
                const Finding *f = judge_finding(r->judge, i);
                if (f->op != op || f->result == 0 || !counted_at(f->result, index))
                        continue;
                if (m.held == 0) {
                        m.grade = f->grade;
                        m.why = finding_classes[f->class].name;
                }
                m.held += f->count;
        }
        return m;
}

static bool has_consequences(const Report *r) {
        for (size_t i = 0; r->judge && i < judge_n_findings(r->judge); i++)
                if (judge_finding(r->judge, i)->consequences > 0)
                        return true;
        return false;
}

TallyMeaning tally_meaning(const Report *r, Operation op, unsigned index) {
        TallyMeaning m = held_against(r, op, index);

        for (size_t i = 0; m.held == 0 && i < n_errno_rules; i++) {
                const ErrnoRule *rule = &errno_rules[i];
                /* Rules have errnos positive and ioctl returns negative. */
                if (rule->op != op || !counted_at(-rule->result, index) || (rule->grade > GRADE_EXPECT && rule->grade != GRADE_CONSEQUENCE))
                        continue;
                /* Nobody can say any more whether that fault was active; where something was folded, this was too. */
                if (rule->when == OBS_INJECTED && has_consequences(r))
                        continue;
                return (TallyMeaning){ .grade = rule->grade, .why = rule->why };
        }
        return m;
}

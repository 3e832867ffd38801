/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "judge/judge-internal.h"

#include <string.h>

void lines_add(Lines *l, const char *line) {
        size_t n = MIN_OF(strlen(line), sizeof(l->text) - 2 - MIN_OF(l->n, sizeof(l->text) - 2));

        if (n == 0)
                return;
        memcpy(l->text + l->n, line, n);
        l->n += n;
        l->text[l->n++] = '\n';
        l->text[l->n] = 0;
}

Ruling rows_ruling(const Judge *j, const Ruling *ruling, const Observation *first) {
        uint32_t near_full = around(j->near_full_ns, first->time_ns, JUDGE_NEAR_FULL_NS) ? (uint32_t)OBS_NEAR_FULL : 0;
        const KnownIssue *issue;
        Ruling r = *ruling;

        if (r.grade != GRADE_FINDING || r.reference)
                return r;
        issue = known_issue_find(j->policy.known, &(KnownQuery){ .class = r.class, .op = r.op, .result = r.result,
                                                                 .flags = first->flags | near_full, .lines = r.lines ?: first->text });
        if (issue) {
                r.grade = issue->grade;
                r.why = issue->what;
                r.reference = issue->reference;
        }
        return r;
}

/* Text of the kernel is whole lines; a copy that does not fit is cut. */
static void row_init(Finding *f, const Ruling *ruling, const Observation *first) {
        *f = (Finding){
                .class = ruling->class,
                .grade = ruling->grade,
                .op = ruling->op,
                .result = ruling->result,
                .devid = first->devid,
                .physical = first->physical,
                .logical = first->logical,
                .first_ns = first->time_ns,
                .why = ruling->why ?: finding_classes[ruling->class].sentence,
                .first = *first,
        };
        snprintf(f->text, sizeof(f->text), "%s", first->text);
        snprintf(f->reference, sizeof(f->reference), "%s", ruling->reference ?: "");
}

/* News is not counted where it would be taken for what is known. */
static bool is_row_of(const Finding *f, const Ruling *r) {
        return f->class == r->class && f->grade == r->grade && f->op == r->op && f->result == r->result && f->first.counter == r->counter &&
               (r->counter == 0 || f->devid == r->devid) && strncmp(f->reference, r->reference ?: "", sizeof(f->reference) - 1) == 0;
}

static size_t row_find(const Judge *j, const Ruling *ruling) {
        for (size_t i = 0; i < j->n_rows; i++)
                if (is_row_of(&j->rows[i], ruling))
                        return i;
        return NO_ROW;
}

size_t rows_add(Judge *j, const Ruling *unlooked, const Pending *p) {
        Ruling ruling = rows_ruling(j, unlooked, &p->first);
        size_t row = row_find(j, &ruling);

        if (row == NO_ROW && j->n_rows == JUDGE_ROWS) {
                j->overflow += p->count;
                if (ruling.grade == GRADE_FINDING || ruling.grade == GRADE_HW)
                        j->overflow_failing += p->count;
                return NO_ROW;
        }
        if (row == NO_ROW) {
                row = j->n_rows++;
                row_init(&j->rows[row], &ruling, &p->first);
        }
        j->rows[row].count += p->count;
        /* A restored row may be of an earlier boot, its times then wrap around. */
        if ((int64_t)(p->last_ns - j->rows[row].last_ns) > 0)
                j->rows[row].last_ns = p->last_ns;
        return row;
}

size_t rows_add_one(Judge *j, const Ruling *ruling, const Observation *o) {
        return rows_add(j, ruling, &(Pending){ .first = *o, .count = 1, .last_ns = o->time_ns });
}

void rows_fold(Judge *j, size_t row, uint64_t count) {
        if (row != NO_ROW)
                j->rows[row].consequences += count;
}

void judge_restore(Judge *j, const Finding *f, const char *why) {
        size_t row = j->n_rows;

        if (row == JUDGE_ROWS)
                return;
        j->n_rows++;
        j->rows[row] = *f;
        snprintf(j->whys[row], sizeof(j->whys[row]), "%s", why);
        j->rows[row].why = j->whys[row];
}

size_t judge_n_findings(const Judge *j) {
        return j->n_rows;
}

Finding *judge_finding(Judge *j, size_t i) {
        return i < j->n_rows ? &j->rows[i] : NULL;
}

uint64_t judge_overflow(const Judge *j) {
        return j->overflow;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "judge/known-issue.h"

static void issue_free(KnownIssue *i) {
        while (i->n_patterns > 0)
                regfree(&i->patterns[--i->n_patterns]);
        free(i->name);
        free(i->origin);
        free(i->what);
        free(i->reference);
        free(i->example);
        free(i);
}

void known_issues_free(KnownIssues *k) {
        while (k->n > 0)
                issue_free(k->issues[--k->n]);
        free(k->issues);
        *k = KNOWN_ISSUES_NULL;
}

bool known_issue_applies(const KnownIssues *k, const KnownIssue *i) {
        if (i->n_since == 0 && i->n_fixed_in == 0)
                return true;
        return k->kernel.major > 0 && (i->n_since == 0 || kernel_version_has(&k->kernel, i->since, i->n_since)) &&
               !kernel_version_has(&k->kernel, i->fixed_in, i->n_fixed_in);
}

static bool matches(const KnownIssue *i, const KnownQuery *q) {
        if (i->class != q->class || (i->result && i->result != q->result) || (q->flags & i->when) != i->when ||
            (i->operations && !(i->operations & UINT64_C(1) << q->op)))
                return false;
        for (unsigned p = 0; p < i->n_patterns; p++)
                if (regexec(&i->patterns[p], q->lines, 0, NULL, 0) != 0)
                        return false;
        return true;
}

const KnownIssue *known_issue_find(const KnownIssues *k, const KnownQuery *q) {
        for (size_t i = 0; k && i < k->n; i++)
                if (matches(k->issues[i], q) && known_issue_applies(k, k->issues[i]))
                        return k->issues[i];
        return NULL;
}

bool known_issue_hides_race(const KnownIssue *i) {
        return i->grade == GRADE_KNOWN && finding_class_is_race(i->class);
}

void known_issues_print(const KnownIssues *k, FILE *f) {
        fprintf(f, "\n# Known issues, see scrubstress.conf(5), with the grade of a finding that matches:\n");
        for (size_t i = 0; i < k->n; i++) {
                const KnownIssue *x = k->issues[i];
                fprintf(f, "# %s (%s%s): %s, %s: %s; %s\n", x->name, x->origin, known_issue_applies(k, x) ? "" : "; not on this kernel",
                        grade_name(x->grade), finding_classes[x->class].name, x->what, x->reference);
        }
}

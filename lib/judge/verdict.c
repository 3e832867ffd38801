/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "judge/judge-internal.h"

#include <inttypes.h>
#include <string.h>

double judge_bound_95(uint64_t n) {
        return n < 3 ? 1.0 : 3.0 / (double)n;
}

typedef struct Sum {
        uint64_t failing, setup, known, races; /* rows; known, and known races: times */
        const Finding *first_failing, *first_setup, *first_known, *first_race;
} Sum;

static void count(uint64_t *n, const Finding **first, const Finding *f, uint64_t more) {
        *n += more;
        if (!*first)
                *first = f;
}

static Sum sum_up(const Judge *j) {
        Sum s = { .failing = j->overflow_failing };

        for (size_t i = 0; i < j->n_rows; i++) {
                const Finding *f = &j->rows[i];
                if (finding_fails(f))
                        count(&s.failing, &s.first_failing, f, 1);
                else if (f->grade == GRADE_SETUP)
                        count(&s.setup, &s.first_setup, f, 1);
                else if (f->grade == GRADE_KNOWN && finding_class_is_race(f->class))
                        count(&s.races, &s.first_race, f, f->count);
                else if (f->grade == GRADE_KNOWN)
                        count(&s.known, &s.first_known, f, f->count);
        }
        return s;
}

static void say_known(const Sum *s, char *why, size_t size) {
        size_t have = strlen(why);

        if (s->known > 0)
                snprintf(why + have, size - have, "; a known upstream failure was met %" PRIu64 " time%s and is not held against it (%s)",
                         s->known, s->known == 1 ? "" : "s", s->first_known->reference);
        have = strlen(why);
        if (s->races > 0)
                snprintf(why + have, size - have, "; the race that this program is for was met %" PRIu64 " time%s and is not held against it only "
                         "because a file calls it known: %s", s->races, s->races == 1 ? "" : "s", s->first_race->reference);
}

static ExitCode fail(const Sum *s, char *why, size_t size) {
        const Finding *f = s->first_failing;

        if (f)
                snprintf(why, size, "%" PRIu64 " finding%s, the first of class %s, %" PRIu64 " time%s: %s", s->failing,
                         s->failing == 1 ? "" : "s", finding_classes[f->class].name, f->count, f->count == 1 ? "" : "s",
                         f->why);
        else
                snprintf(why, size, "%" PRIu64 " findings, more than the judge has rows for", s->failing);
        return EXIT_FAIL;
}

static ExitCode error(const Sum *s, char *why, size_t size) {
        if (s->first_setup)
                snprintf(why, size, "%s: %s; nothing is said about the kernel", finding_classes[s->first_setup->class].name,
                         s->first_setup->why);
        else
                snprintf(why, size, "the run was ended by a failure of scrubstress or its environment, named above; "
                                    "nothing is said about the kernel");
        return EXIT_ERROR;
}

ExitCode judge_verdict(const Judge *j, const RunFacts *facts, char *why, size_t size) {
        const char *what = facts->trace ? "collisions" : "block group removals (collisions could not be counted without trace events)";
        uint64_t n = facts->trace ? facts->collisions : facts->removals;
        ExitCode verdict = EXIT_PASS;
        Sum s = sum_up(j);

        if (s.failing > 0)
                verdict = fail(&s, why, size);
        else if (s.setup > 0 || facts->failed)
                verdict = error(&s, why, size);
        else if (n < facts->min_collisions) {
                snprintf(why, size, "%" PRIu64 " %s, fewer than the %" PRIu64 " asked for%s: run longer (--duration) or harder",
                         n, what, facts->min_collisions, facts->completed ? "" : ", and the run was cut short");
                verdict = EXIT_INCONCLUSIVE;
        } else if (!facts->completed) {
                snprintf(why, size, "the run was cut short after %" PRIu64 " %s (at least %" PRIu64 " asked for): let it run to its end",
                         n, what, facts->min_collisions);
                verdict = EXIT_INCONCLUSIVE;
        } else
                snprintf(why, size, "%" PRIu64 " %s without a finding: fewer than one in %" PRIu64 " fails, at 95 %% (rule of three)",
                         n, what, (uint64_t)(1.0 / judge_bound_95(n)));
        say_known(&s, why, size);
        return verdict;
}

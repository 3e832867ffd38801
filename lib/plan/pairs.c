/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/pairs.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/units.h"

/* They make what the others meet, block groups that come and go, and look at what the others leave. */
static bool always_runs(const Stressor *s) {
        return s == &stressor_churn || s == &stressor_sync || s == &stressor_verify;
}

static unsigned collect(const Plan *plan, const Stressor *out[static PAIRS_STRESSORS_MAX]) {
        unsigned n = 0;

        for (size_t i = 0; i < n_stressors && n < PAIRS_STRESSORS_MAX; i++)
                if (!always_runs(stressors[i]) && plan_count(plan, stressors[i]) > 0)
                        out[n++] = stressors[i];
        return n;
}

/* "[Balance], [Scrub]": the sections are called as the stressors. */
static void list_sections(char *buf, size_t size) {
        size_t n = 0;

        buf[0] = 0;
        for (size_t i = 0; i < n_stressors && n < size; i++)
                if (!always_runs(stressors[i]))
                        n += (size_t)snprintf(buf + n, size - n, "%s[%c%s]", n > 0 ? ", " : "", toupper((unsigned char)stressors[i]->name[0]),
                                              stressors[i]->name + 1);
}

static int refuse(unsigned n, uint64_t time_ns, Error *e) {
        char time[UNITS_MAX], sections[256];

        list_sections(sections, sizeof(sections));
        return error_set(e, EXIT_USAGE, EINVAL, "[Run] PairTime=%s walks pairs of stressors, but beside churn and sync %u %s on, so there is "
                         "nothing to walk; switch on three or more of %s, or set PairTime=0", units_format_duration(time_ns, time), n,
                         n == 1 ? "is" : "are", sections);
}

static void begin_turn(Pairs *p, unsigned pair, uint64_t now_ns) {
        p->turn = pair;
        p->turns[p->n_turns++ % PAIRS_TURNS] = (PairTurn){ .begin_ns = now_ns, .pair = pair };
}

int pairs_make(Pairs *p, const Plan *plan, uint64_t time_ns, uint64_t now_ns, Error *e) {
        const Stressor *walked[PAIRS_STRESSORS_MAX];
        unsigned n = collect(plan, walked);

        *p = (Pairs){ .time_ns = time_ns };
        if (n < 3)
                return refuse(n, time_ns, e);
        for (unsigned apart = 1; apart < n; apart++)
                for (unsigned i = 0; i + apart < n; i++)
                        p->list[p->n++] = (Pair){ .first = walked[i], .second = walked[i + apart] };
        begin_turn(p, 0, now_ns);
        return 0;
}

bool pairs_benches(const Pairs *p, const Stressor *s) {
        const Pair *pair = &p->list[p->turn];

        return !always_runs(s) && s != pair->first && s != pair->second;
}

void pairs_resume(Pairs *p, const PairSum *total) {
        p->seen = *total;
}

bool pairs_feed(Pairs *p, const PairSum *total, uint64_t now_ns) {
        PairSum *sum = &p->list[p->turn].sum;
        uint64_t ns = total->stress_ns - p->seen.stress_ns;
        unsigned next;

        sum->stress_ns += ns;
        sum->collisions += total->collisions - p->seen.collisions;
        sum->removals += total->removals - p->seen.removals;
        p->seen = *total;
        p->stress_ns += ns;
        next = (unsigned)(p->stress_ns / p->time_ns % p->n);
        if (next == p->turn)
                return false;
        begin_turn(p, next, now_ns);
        return true;
}

/* NULL: before the first, or so long ago that its turn is forgotten. */
static Pair *pair_at(Pairs *p, uint64_t time_ns) {
        for (uint64_t i = p->n_turns; i > 0 && p->n_turns - i < PAIRS_TURNS; i--) {
                const PairTurn *t = &p->turns[(i - 1) % PAIRS_TURNS];
                if (t->begin_ns <= time_ns)
                        return &p->list[t->pair];
        }
        return NULL;
}

void pairs_finding(Pairs *p, const Finding *f) {
        Pair *pair = pair_at(p, f->first.kind == OBS_STUCK ? f->first.begin_ns : f->first_ns);

        if (pair && finding_fails(f))
                pair->findings++;
}

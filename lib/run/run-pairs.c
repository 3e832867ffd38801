/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pairs in a run: fed with the totals, who has no turn is benched on the board, where the workers look. */
#include "run/run-internal.h"

static void bench(Run *r) {
        for (unsigned i = 0; i < r->plan.n_workers; i++)
                atomic_store(&r->board->slots[i].benched, r->report.pairs && pairs_benches(&r->pairs, r->plan.workers[i].stressor));
}

static PairSum total(const Run *r) {
        const Totals *t = &r->report.totals;

        return (PairSum){ .stress_ns = t->stress_ns, .collisions = t->collisions, .removals = t->removals };
}

/* That the plan has pairs plan_make() has made sure of. The totals go on where the configuration is a new one. */
void run_pairs_begin(Run *r) {
        uint64_t time_ns = r->config.run.pair_time_ns;

        r->report.pairs = time_ns > 0 && pairs_make(&r->pairs, &r->plan, time_ns, r->now_ns, NULL) == 0 ? &r->pairs : NULL;
        run_pairs_resume(r);
        bench(r);
}

void run_pairs_resume(Run *r) {
        PairSum now = total(r);

        if (r->report.pairs)
                pairs_resume(&r->pairs, &now);
}

void run_pairs(Run *r) {
        PairSum now = total(r);

        if (r->report.pairs && pairs_feed(&r->pairs, &now, r->now_ns))
                bench(r);
}

void run_pairs_finding(Run *r, const Finding *f) {
        if (r->report.pairs)
                pairs_finding(&r->pairs, f);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "plan/pairs.h"

#define SECOND NSEC_PER_SEC
#define MONO (1000 * SECOND) /* when they are made */

static void plan_of(Plan *plan, const char *assignments[]) {
        Error e = ERROR_NULL;
        Config c;

        config_init(&c);
        for (size_t i = 0; assignments[i]; i++)
                assert_int_equal(config_set(&c, assignments[i], &e), 0);
        if (config_check(&c, &e) < 0 || plan_make(plan, &c, 42, &e) < 0)
                fail_msg("%s", e.sentence);
}

/* Of balance, scrub, snapshot and trim, 10 s each. */
static void four(Pairs *p, Plan *plan) {
        Error e = ERROR_NULL;

        plan_of(plan, (const char *[]){ "Snapshot.Enabled=yes", "Trim.Enabled=yes", NULL });
        assert_int_equal(pairs_make(p, plan, 10 * SECOND, MONO, &e), 0);
}

static void assert_pair(const Pairs *p, unsigned i, const char *first, const char *second) {
        assert_string_equal(p->list[i].first->name, first);
        assert_string_equal(p->list[i].second->name, second);
}

static void neighbours_meet_first(void **state _unused_) {
        Plan plan;
        Pairs p;

        four(&p, &plan);
        assert_int_equal(p.n, 6);
        assert_pair(&p, 0, "balance", "scrub");
        assert_pair(&p, 1, "scrub", "snapshot");
        assert_pair(&p, 2, "snapshot", "trim");
        assert_pair(&p, 3, "balance", "snapshot");
        assert_pair(&p, 4, "scrub", "trim");
        assert_pair(&p, 5, "balance", "trim");
}

/* There is a place for every stressor, and each pair is there once. */
static void each_meets_each_once(void **state _unused_) {
        Plan plan = { 0 };
        Pairs p;

        assert_true(n_stressors - 3 <= PAIRS_STRESSORS_MAX);
        for (size_t i = 0; i < n_stressors; i++)
                plan.workers[plan.n_workers++].stressor = stressors[i];
        assert_int_equal(pairs_make(&p, &plan, SECOND, MONO, NULL), 0);
        assert_int_equal(p.n, (n_stressors - 3) * (n_stressors - 4) / 2);
        for (unsigned i = 0; i < p.n; i++) {
                const Pair *a = &p.list[i];
                assert_true(strcmp(a->first->name, a->second->name) < 0);
                for (unsigned j = 0; j < i; j++)
                        assert_false(p.list[j].first == a->first && p.list[j].second == a->second);
        }
}

/* Several workers of one stressor are one. */
static void two_are_nothing_to_walk(void **state _unused_) {
        Error e = ERROR_NULL;
        Plan plan;
        Pairs p;

        plan_of(&plan, (const char *[]){ "Sync.Workers=2", NULL });
        assert_int_equal(pairs_make(&p, &plan, 10 * SECOND, MONO, &e), -EINVAL);
        assert_int_equal(e.exit, EXIT_USAGE);
        assert_non_null(strstr(e.sentence, "[Run] PairTime=10s walks pairs of stressors, but beside churn and sync 2 are on, so there is nothing to "
                                           "walk; switch on three or more of [Balance], "));
        assert_non_null(strstr(e.sentence, ", [Scrub], [Snapshot]"));
        assert_null(strstr(e.sentence, "[Churn]"));
        assert_null(strstr(e.sentence, "[Sync]"));
        assert_int_equal(p.n, 0);
        plan_of(&plan, (const char *[]){ "Balance.Enabled=no", NULL });
        assert_int_equal(pairs_make(&p, &plan, 10 * SECOND, MONO, &e), -EINVAL);
        assert_non_null(strstr(e.sentence, "churn and sync 1 is on"));
}

static void assert_runs(const Pairs *p, const Stressor *a, const Stressor *b) {
        for (size_t i = 0; i < n_stressors; i++) {
                const Stressor *s = stressors[i];
                bool runs = s == a || s == b || s == &stressor_churn || s == &stressor_sync || s == &stressor_verify;
                if (pairs_benches(p, s) == runs)
                        fail_msg("%s", s->name);
        }
}

static bool feed(Pairs *p, uint64_t stress_ns) {
        return pairs_feed(p, &(PairSum){ .stress_ns = stress_ns }, MONO + stress_ns);
}

static void turns_follow_the_time_under_stress(void **state _unused_) {
        Plan plan;
        Pairs p;

        four(&p, &plan);
        assert_runs(&p, &stressor_balance, &stressor_scrub);
        assert_false(feed(&p, 10 * SECOND - 1));
        assert_runs(&p, &stressor_balance, &stressor_scrub);
        assert_true(feed(&p, 10 * SECOND));
        assert_runs(&p, &stressor_scrub, &stressor_snapshot);
        assert_false(feed(&p, 19 * SECOND));
        assert_true(feed(&p, 29 * SECOND));
        assert_runs(&p, &stressor_snapshot, &stressor_trim);
        assert_true(feed(&p, 59 * SECOND)); /* a machine that slept passes some over */
        assert_runs(&p, &stressor_balance, &stressor_trim);
        assert_true(feed(&p, 60 * SECOND));
        assert_runs(&p, &stressor_balance, &stressor_scrub);
        assert_false(feed(&p, 127 * SECOND)); /* a whole walk */
        assert_runs(&p, &stressor_balance, &stressor_scrub);
}

static void assert_sum(const Pairs *p, unsigned i, uint64_t stress_ns, uint64_t collisions, uint64_t removals) {
        assert_int_equal(p->list[i].sum.stress_ns, stress_ns);
        assert_int_equal(p->list[i].sum.collisions, collisions);
        assert_int_equal(p->list[i].sum.removals, removals);
}

/* Totals are those of the run: they were there before the pairs, and go on in pauses. */
static void what_comes_is_put_down_to_the_pair_in_turn(void **state _unused_) {
        Plan plan;
        Pairs p;

        four(&p, &plan);
        pairs_resume(&p, &(PairSum){ 3 * SECOND, 1000, 2000 });
        assert_false(pairs_feed(&p, &(PairSum){ 11 * SECOND, 1010, 2020 }, MONO + 8 * SECOND));
        assert_sum(&p, 0, 8 * SECOND, 10, 20);
        pairs_resume(&p, &(PairSum){ 11 * SECOND, 1011, 2100 });
        assert_true(pairs_feed(&p, &(PairSum){ 14 * SECOND, 1012, 2101 }, MONO + 20 * SECOND));
        assert_sum(&p, 0, 11 * SECOND, 11, 21);
        assert_sum(&p, 1, 0, 0, 0);
        assert_false(pairs_feed(&p, &(PairSum){ 15 * SECOND, 1015, 2102 }, MONO + 21 * SECOND));
        assert_sum(&p, 0, 11 * SECOND, 11, 21);
        assert_sum(&p, 1, 1 * SECOND, 3, 1);
        assert_int_equal(p.stress_ns, 12 * SECOND);
}

static void find(Pairs *p, Grade grade, uint64_t first_ns) {
        pairs_finding(p, &(Finding){ .grade = grade, .first_ns = first_ns, .first.begin_ns = 1 });
}

static void findings_count_where_they_were_first_seen(void **state _unused_) {
        Plan plan;
        Pairs p;

        four(&p, &plan);
        feed(&p, 10 * SECOND);
        feed(&p, 20 * SECOND);
        find(&p, GRADE_FINDING, MONO);
        find(&p, GRADE_HW, MONO + 10 * SECOND - 1);
        find(&p, GRADE_FINDING, MONO + 10 * SECOND);
        find(&p, GRADE_FINDING, MONO + 500 * SECOND); /* after the stress */
        find(&p, GRADE_KNOWN, MONO);
        find(&p, GRADE_SETUP, MONO);
        find(&p, GRADE_FINDING, MONO - 1); /* before there were any */
        assert_int_equal(p.list[0].findings, 2);
        assert_int_equal(p.list[1].findings, 1);
        assert_int_equal(p.list[2].findings, 1);
        pairs_finding(&p, &(Finding){ .grade = GRADE_FINDING, .first_ns = MONO + 130 * SECOND,
                                      .first = { .kind = OBS_STUCK, .begin_ns = MONO + 12 * SECOND } });
        assert_int_equal(p.list[1].findings, 2);
}

/* The last turns are kept; what is older is nobody's. */
static void old_turns_are_forgotten(void **state _unused_) {
        Plan plan;
        Pairs p;

        four(&p, &plan);
        for (unsigned i = 1; i < PAIRS_TURNS; i++)
                assert_true(feed(&p, i * 10 * SECOND));
        find(&p, GRADE_FINDING, MONO);
        assert_int_equal(p.list[0].findings, 1);
        assert_true(feed(&p, PAIRS_TURNS * 10 * SECOND)); /* into the place of the first */
        find(&p, GRADE_FINDING, MONO);
        assert_int_equal(p.list[0].findings, 1);
        find(&p, GRADE_FINDING, MONO + 10 * SECOND);
        assert_int_equal(p.list[1].findings, 1);
        find(&p, GRADE_FINDING, MONO + PAIRS_TURNS * 10 * SECOND);
        assert_int_equal(p.list[PAIRS_TURNS % 6].findings, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(neighbours_meet_first),
                cmocka_unit_test(each_meets_each_once),
                cmocka_unit_test(two_are_nothing_to_walk),
                cmocka_unit_test(turns_follow_the_time_under_stress),
                cmocka_unit_test(what_comes_is_put_down_to_the_pair_in_turn),
                cmocka_unit_test(findings_count_where_they_were_first_seen),
                cmocka_unit_test(old_turns_are_forgotten),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a report says of times: how long operations took, and how closely removals and scrubs met. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <json-c/json.h>
#include <stdlib.h>

#include "made-up-report.h"

/* 1 ms to 100 ms, one each. */
static void scrubs_of_all_lengths(Board *b) {
        for (unsigned i = 1; i <= 100; i++) {
                slot_count(&b->slots[i % 4], OP_SCRUB, 0);
                slot_time(&b->slots[i % 4], OP_SCRUB, i * NSEC_PER_MSEC);
        }
}

static uint64_t number_at(json_object *o, const char *a, const char *b, const char *c) {
        const char *path[] = { a, b, c };

        for (size_t i = 0; i < ELEMENTSOF(path) && path[i]; i++)
                if (!json_object_object_get_ex(o, path[i], &o))
                        fail_msg("no field %s", path[i]);
        assert_int_equal(json_object_get_type(o), json_type_int);
        return json_object_get_uint64(o);
}

static const char *text_at(json_object *o, const char *a, const char *b, const char *c) {
        const char *path[] = { a, b, c };

        for (size_t i = 0; i < ELEMENTSOF(path) && path[i]; i++)
                if (!json_object_object_get_ex(o, path[i], &o))
                        fail_msg("no field %s", path[i]);
        return json_object_get_string(o);
}

static json_object *json_of(const MadeUp *m) {
        _cleanup_free_ char *text = PRINTED(f, assert_int_equal(report_json(&m->report, f), 0));

        return json_tokener_parse(text);
}

static void the_table_has_median_99_percent_and_longest(void **state) {
        _cleanup_free_ char *text = NULL;
        MadeUp m;

        (void)state;
        assert_true(made_up_new(&m));
        scrubs_of_all_lengths(m.board);
        text = PRINTED(f, report_closing(&m.report, f, false));
        assert_non_null(strstr(text, "operation              calls           ok   median     99 %   99.9 %  longest\n"
                                     "scrub                    100          100  50.3 ms   100 ms   100 ms   100 ms\n"));
        assert_null(strstr(text, "aim "));
        made_up_free(&m);
}

static void latency_in_json(void **state) {
        json_object *o, *other;
        MadeUp m;

        (void)state;
        assert_true(made_up_new(&m));
        scrubs_of_all_lengths(m.board);
        o = json_of(&m);
        assert_int_equal(number_at(o, "latency", "scrub", "count"), 100);
        assert_in_range(number_at(o, "latency", "scrub", "p50_us"), 50000, 56250);
        assert_in_range(number_at(o, "latency", "scrub", "p90_us"), 90000, 100000);
        assert_in_range(number_at(o, "latency", "scrub", "p99_us"), 99000, 100000);
        assert_int_equal(number_at(o, "latency", "scrub", "p999_us"), 100000);
        assert_int_equal(number_at(o, "latency", "scrub", "max_us"), 100000);
        assert_true(json_object_object_get_ex(o, "latency", &other));
        assert_int_equal(json_object_object_length(other), 1);
        assert_true(json_object_object_get_ex(o, "aim", &other));
        assert_null(other);
        json_object_put(o);
        made_up_free(&m);
}

static void the_aim(void **state) {
        _cleanup_free_ char *text = NULL;
        static Aim aim;
        json_object *o;
        MadeUp m;

        (void)state;
        assert_true(made_up_new(&m));
        for (unsigned i = 0; i < 10; i++) {
                histogram_add(&aim.collided, (i + 1) * NSEC_PER_MSEC);
                histogram_add(&aim.missed, i * 250 * NSEC_PER_USEC);
        }
        aim.nearness = 7.25;
        m.report.aim = &aim;
        text = PRINTED(f, report_closing(&m.report, f, false));
        assert_non_null(strstr(text, "\naim         a collision comes 5.24 ms (median; 99 %: 10.0 ms) after the start of\n"
                                     "            the scrub; 4 removals missed a scrub of their group by less than\n"
                                     "            1.00 ms.\n"));
        o = json_of(&m);
        assert_int_equal(number_at(o, "aim", "near_misses", NULL), 4);
        assert_int_equal(number_at(o, "aim", "collided_after_start", "count"), 10);
        assert_int_equal(number_at(o, "aim", "collided_after_start", "max_us"), 10000);
        assert_int_equal(number_at(o, "aim", "missed_by", "count"), 10);
        assert_int_equal(number_at(o, "aim", "missed_by", "max_us"), 2250);
        assert_string_equal(text_at(o, "aim", "nearness", NULL), "7.2");
        json_object_put(o);
        made_up_free(&m);
}

static void hits_are_told_where_they_are_counted(void **state) {
        _cleanup_free_ char *without = NULL, *with = NULL;
        json_object *o, *hits;
        MadeUp m;

        (void)state;
        assert_true(made_up_new(&m));
        m.report.totals.hits = 300;
        without = PRINTED(f, report_closing(&m.report, f, false));
        assert_null(strstr(without, "\nhits "));
        o = json_of(&m);
        assert_true(json_object_object_get_ex(o, "hits", &hits));
        assert_null(hits);
        json_object_put(o);
        m.report.hits = true;
        with = PRINTED(f, report_closing(&m.report, f, false));
        assert_non_null(strstr(with, "\nhits                  300        5.0/s\n"));
        o = json_of(&m);
        assert_int_equal(number_at(o, "hits", NULL, NULL), 300);
        json_object_put(o);
        made_up_free(&m);
}

static void what_the_tuner_has_done(void **state) {
        json_object *o;
        Tuner tuner;
        MadeUp m;

        (void)state;
        assert_true(made_up_new(&m));
        tuner_init(&tuner, &m.config);
        tuner.chosen[KNOB_SYNC_REST] = 1; /* 0 */
        tuner.settled = true;
        tuner.asked = (TunerTrial){ 100, 2 * NSEC_PER_SEC };
        tuner.best = (TunerTrial){ 300, 3 * NSEC_PER_SEC };
        m.report.tuner = &tuner;
        o = json_of(&m);
        assert_string_equal(text_at(o, "tuning", "settled", NULL), "true");
        assert_string_equal(text_at(o, "tuning", "rate_asked", NULL), "50.0");
        assert_string_equal(text_at(o, "tuning", "rate", NULL), "100.0");
        assert_string_equal(text_at(o, "tuning", "by", NULL), "nearness");
        assert_string_equal(text_at(o, "tuning", "knobs", "Sync.Rest"), "0");
        assert_string_equal(text_at(o, "tuning", "knobs", "Churn.FileSize"), "64KiB");
        json_object_put(o);
        made_up_free(&m);
}

/* Of balance, scrub and trim: the second pair has all the others lack, the third no turn. */
static void walk(Pairs *p, MadeUp *m) {
        m->config.trim.enabled = true;
        assert_int_equal(plan_make(&m->plan, &m->config, 1, NULL), 0);
        assert_int_equal(pairs_make(p, &m->plan, 10 * NSEC_PER_SEC, MADE_UP_MONO, NULL), 0);
        assert_int_equal(p->n, 3);
        pairs_feed(p, &(PairSum){ 10 * NSEC_PER_SEC, 1234, 5678 }, MADE_UP_MONO + 10 * NSEC_PER_SEC);
        pairs_feed(p, &(PairSum){ 19550 * NSEC_PER_MSEC, 1234567890, 5679 }, MADE_UP_MONO + 20 * NSEC_PER_SEC);
        pairs_finding(p, &(Finding){ .grade = GRADE_FINDING, .first_ns = MADE_UP_MONO + 12 * NSEC_PER_SEC });
        m->report.pairs = p;
}

static void a_line_for_each_pair(void **state _unused_) {
        _cleanup_free_ char *text = NULL, *untraced = NULL;
        MadeUp m;
        Pairs p;

        assert_true(made_up_new(&m));
        text = PRINTED(f, report_closing(&m.report, f, false));
        assert_null(strstr(text, "pair "));
        free(text);
        walk(&p, &m);
        text = PRINTED(f, report_closing(&m.report, f, false));
        assert_non_null(strstr(text, "\n\npair                       under stress   collisions     removals  findings\n"
                                     "balance x scrub                  10.0 s        1,234        5,678         0\n"
                                     "scrub x trim                      9.6 s 1,234,566,656            1         1\n"
                                     "balance x trim              no turn yet\n"));
        m.report.trace = false;
        untraced = PRINTED(f, report_closing(&m.report, f, false));
        assert_non_null(strstr(untraced, "balance x scrub                  10.0 s  not counted        5,678         0\n"));
        made_up_free(&m);
}

static void pairs_in_json(void **state _unused_) {
        json_object *o, *array;
        MadeUp m;
        Pairs p;

        assert_true(made_up_new(&m));
        o = json_of(&m);
        assert_true(json_object_object_get_ex(o, "pairs", &array));
        assert_null(array);
        json_object_put(o);
        walk(&p, &m);
        o = json_of(&m);
        assert_true(json_object_object_get_ex(o, "pairs", &array));
        assert_int_equal(json_object_array_length(array), 3);
        assert_string_equal(json_object_to_json_string_ext(json_object_array_get_idx(array, 1), JSON_C_TO_STRING_PLAIN),
                            "{\"first\":\"scrub\",\"second\":\"trim\",\"duration_s\":9.550,\"collisions\":1234566656,\"removals\":1,\"findings\":1}");
        json_object_put(o);
        m.report.trace = false;
        o = json_of(&m);
        assert_true(json_object_object_get_ex(o, "pairs", &array));
        assert_string_equal(json_object_to_json_string_ext(json_object_array_get_idx(array, 0), JSON_C_TO_STRING_PLAIN),
                            "{\"first\":\"balance\",\"second\":\"scrub\",\"duration_s\":10.000,\"collisions\":null,\"removals\":5678,"
                            "\"findings\":0}");
        json_object_put(o);
        made_up_free(&m);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_table_has_median_99_percent_and_longest),
                cmocka_unit_test(latency_in_json),
                cmocka_unit_test(the_aim),
                cmocka_unit_test(hits_are_told_where_they_are_counted),
                cmocka_unit_test(what_the_tuner_has_done),
                cmocka_unit_test(a_line_for_each_pair),
                cmocka_unit_test(pairs_in_json),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

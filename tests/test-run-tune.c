/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tuner of a run makes more of. Hits are made up: each is a scrub that the kernel has answered with -EINVAL. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "run-fixture.h"

#define STEP (100 * NSEC_PER_MSEC)

static const Stressor idle = { .name = "idle", .step = idle_step, .deadline_ns = idle_deadline };

static int setup(void **state) {
        Run *r = calloc(1, sizeof(*r));

        make_run(r, &idle, "/nowhere");
        r->config.run.tune = true;
        r->trace = (TraceSource *)r; /* it is only asked for whether there is one */
        *state = r;
        return 0;
}

static int teardown(void **state) {
        Run *r = *state;

        r->trace = NULL;
        run_free(r);
        return 0;
}

static void begin(Run *r) {
        run_tune_begin(r);
        run_tune_resume(r);
}

static void hit(Run *r, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                slot_count(&r->board->slots[0], OP_SCRUB, -EINVAL);
}

static void without_trace_events_nothing_is_tuned(void **state) {
        Run *r = *state;

        r->trace = NULL;
        begin(r);
        run_tune(r, STEP);
        assert_null(r->report.tuner);
        assert_non_null(strstr(r->report.notes[0], "Nothing is tuned"));
}

/* The search begins anew then, and what it had tried before is forgotten. */
static void with_the_first_hit_hits_are_what_counts(void **state) {
        Run *r = *state;

        begin(r);
        for (unsigned i = 0; i < 100; i++)
                run_tune(r, STEP);
        assert_false(r->tuner.by_hits);
        assert_true(r->tuner.knob > 0 || r->tuner.setting > 0 || r->tuner.round > 0);
        hit(r, 1);
        run_tune(r, STEP);
        assert_true(r->tuner.by_hits);
        assert_int_equal(r->tuner.setting, 0);
        assert_int_equal(r->tuner.round, 0);
        assert_true(r->tuner.turn.score < 0.5); /* the first tells that there are hits, and not how good a setting is */
        hit(r, 4);
        run_tune(r, STEP);
        assert_int_equal((int)r->tuner.turn.score, 4);
}

/* Scrubs that do not rest hit ten times as often here, whatever the scrubs are near to. */
static void it_settles_on_what_hits_most(void **state) {
        Run *r = *state;
        unsigned n = 0;

        r->config.scrub.rest_ns = NSEC_PER_MSEC;
        hit(r, 1);
        begin(r);
        while (!r->tuner.settled && n++ < 100000) {
                hit(r, tuner_setting(&r->tuner, KNOB_SCRUB_REST) == 0 ? 20 : 2);
                run_tune(r, STEP);
        }
        assert_true(r->tuner.settled);
        assert_int_equal(tuner_setting(&r->tuner, KNOB_SCRUB_REST), 0);
        assert_int_equal(board_knob(r->board, KNOB_SCRUB_REST, &r->config), 0);
        assert_non_null(strstr(r->report.notes[r->report.n_notes - 1], "hits 200.0/s, as asked for 20.0/s."));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(without_trace_events_nothing_is_tuned),
                TEST(with_the_first_hit_hits_are_what_counts),
                TEST(it_settles_on_what_hits_most),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

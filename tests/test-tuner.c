/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/macro.h"
#include "base/rng.h"
#include "plan/tuner.h"

#define STEP (100 * NSEC_PER_MSEC)

/* A machine: near meetings per second under the settings, the nth 100 ms. */
typedef double (*Machine)(const Tuner *t, uint64_t n);

static void configure(Config *c) {
        Error e = ERROR_NULL;

        config_init(c);
        assert_int_equal(config_set(c, "Churn.FileSize=16MiB", &e), 0);
        assert_int_equal(config_set(c, "Churn.Workers=4", &e), 0);
}

/* Until it has settled; returns the seconds that took. */
static double tune(Tuner *t, const Config *c, Machine machine) {
        uint64_t n = 0;

        tuner_init(t, c);
        while (!t->settled && n++ < 100000)
                tuner_feed(t, machine(t, n) * (double)STEP / (double)NSEC_PER_SEC, STEP);
        assert_true(t->settled);
        return (double)n * (double)STEP / (double)NSEC_PER_SEC;
}

/* A slow disk: syncs hurt, small files help, more churns help. */
static double slow_disk(const Tuner *t, uint64_t n _unused_) {
        double rate = 400;

        rate /= tuner_setting(t, KNOB_SYNC_REST) < NSEC_PER_SEC ? 8 : 1;
        rate /= 1 + (double)tuner_setting(t, KNOB_FILE_SIZE) / (double)MiB;
        rate *= (double)tuner_setting(t, KNOB_CHURNS) / 4;
        return rate / (tuner_setting(t, KNOB_SCRUB_REST) > 0 ? 1.5 : 1);
}

static void it_finds_what_is_best(void **state) {
        Config c;
        Tuner t;

        (void)state;
        configure(&c);
        assert_true(tune(&t, &c, slow_disk) < 300);
        assert_int_equal(tuner_setting(&t, KNOB_SYNC_REST), 10 * NSEC_PER_SEC);
        assert_int_equal(tuner_setting(&t, KNOB_FILE_SIZE), MiB);
        assert_int_equal(tuner_setting(&t, KNOB_CHURNS), 4);
        assert_int_equal(tuner_setting(&t, KNOB_SCRUB_REST), 0);
        assert_true(tuner_rate(&t.best) > 10 * tuner_rate(&t.asked));
        assert_false(tuner_feed(&t, 1000, STEP)); /* it stays */
}

static double noisy_and_flat(const Tuner *t _unused_, uint64_t n) {
        Rng rng;

        rng_seed(&rng, n, 0);
        return 1000 + (double)rng_below(&rng, 200);
}

static void what_is_no_better_changes_nothing(void **state) {
        Config c;
        Tuner t;

        (void)state;
        configure(&c);
        assert_true(tune(&t, &c, noisy_and_flat) < 60);
        for (Knob k = 0; k < _KNOB_MAX; k++)
                assert_int_equal(tuner_setting(&t, k), knob_asked(k, &c));
        assert_int_equal(t.sweep, 0); /* one was enough */
}

/* The machine becomes slower and slower: settings that come later in a round must not lose by that. */
static double slower_and_slower(const Tuner *t, uint64_t n) {
        return slow_disk(t, n) * 1000 / (1000 + (double)n);
}

static void a_drift_is_no_settings_fault(void **state) {
        Config c;
        Tuner t;

        (void)state;
        configure(&c);
        tune(&t, &c, slower_and_slower);
        assert_int_equal(tuner_setting(&t, KNOB_SYNC_REST), 10 * NSEC_PER_SEC);
        assert_int_equal(tuner_setting(&t, KNOB_CHURNS), 4);
}

/* Always better with another dwell than the one that is chosen. */
static double never_content(const Tuner *t, uint64_t n _unused_) {
        return tuner_setting(t, KNOB_DWELL) == t->settings[KNOB_DWELL][t->chosen[KNOB_DWELL]] ? 200 : 400;
}

static void it_ends_after_some_sweeps(void **state) {
        Config c;
        Tuner t;

        (void)state;
        configure(&c);
        assert_true(tune(&t, &c, never_content) < 600);
        assert_int_equal(t.sweep, TUNER_SWEEPS);
}

/* A setting looks good as long as it is tried first, and is not. */
static double good_for_a_while(const Tuner *t, uint64_t n) {
        bool other = tuner_setting(t, KNOB_DWELL) != t->settings[KNOB_DWELL][0];

        return other ? (n < 400 ? 2000 : 500) : 1000;
}

static void what_only_looked_good_is_given_up(void **state) {
        Config c;
        Tuner t;

        (void)state;
        configure(&c);
        assert_int_equal(config_set(&c, "Churn.FileSize=4KiB", NULL), 0);
        assert_int_equal(config_set(&c, "Churn.BlockSize=4KiB", NULL), 0);
        assert_int_equal(config_set(&c, "Churn.Workers=1", NULL), 0);
        tuner_init(&t, &c);
        for (uint64_t n = 0; !t.proving && n < 100; n++) /* one sweep, with the dwell in its first trial */
                tuner_feed(&t, good_for_a_while(&t, n) / 10, STEP);
        for (uint64_t n = 0; !t.proving && !t.settled && n < 10000; n++) /* the others are of no use */
                tuner_feed(&t, 100, STEP);
        assert_true(t.proving);
        for (uint64_t n = 400; !t.settled && n < 10000; n++)
                tuner_feed(&t, good_for_a_while(&t, n) / 10, STEP);
        assert_true(t.settled);
        assert_int_equal(tuner_setting(&t, KNOB_DWELL), c.churn.dwell_ns);
        assert_true(tuner_rate(&t.best) >= 999 && tuner_rate(&t.best) <= 1001);
}

static double nothing_meets(const Tuner *t _unused_, uint64_t n _unused_) {
        return 0;
}

static void a_turn_is_longer_where_little_meets(void **state) {
        double quick, slow;
        Config c;
        Tuner t;

        (void)state;
        configure(&c);
        quick = tune(&t, &c, noisy_and_flat);
        slow = tune(&t, &c, nothing_meets);
        assert_true(slow > 9 * quick && slow < 11 * quick);
        assert_int_equal(tuner_setting(&t, KNOB_FILE_SIZE), 16 * MiB);
}

static void with_nothing_to_turn_it_has_settled(void **state) {
        Error e = ERROR_NULL;
        Config c;
        Tuner t;

        (void)state;
        config_init(&c);
        assert_int_equal(config_set(&c, "Churn.Workers=0", &e), 0);
        assert_int_equal(config_set(&c, "Sync.Workers=0", &e), 0);
        assert_int_equal(config_set(&c, "Scrub.Enabled=no", &e), 0);
        assert_int_equal(config_set(&c, "Balance.Enabled=no", &e), 0);
        tuner_init(&t, &c);
        assert_true(t.settled);
        assert_false(tuner_feed(&t, 1, STEP));
        assert_int_equal(tuner_setting(&t, KNOB_FILE_SIZE), c.churn.file_size);
}

static void settings_hold_what_is_asked_for_and_no_doubles(void **state) {
        uint64_t out[KNOB_SETTINGS_MAX];
        char buf[UNITS_MAX];
        Error e = ERROR_NULL;
        Config c;

        (void)state;
        configure(&c);
        assert_int_equal(knob_settings(KNOB_FILE_SIZE, &c, out), 3);
        assert_int_equal(out[0], 16 * MiB);
        assert_int_equal(out[2], MiB);
        assert_int_equal(config_set(&c, "Churn.FileSize=20KiB", &e), 0);
        assert_int_equal(knob_settings(KNOB_FILE_SIZE, &c, out), 2);
        assert_int_equal(out[1], 4 * KiB);
        assert_int_equal(knob_settings(KNOB_FILES, &c, out), 1);
        assert_int_equal(knob_settings(KNOB_CHURNS, &c, out), 2);
        assert_int_equal(config_set(&c, "Sync.Rest=0", &e), 0);
        assert_int_equal(knob_settings(KNOB_SYNC_REST, &c, out), 4);
        assert_int_equal(config_set(&c, "Sync.Rest=7ms", &e), 0);
        assert_int_equal(knob_settings(KNOB_SYNC_REST, &c, out), 5);
        assert_int_equal(out[0], 7 * NSEC_PER_MSEC);
        assert_string_equal(knob_name(KNOB_SYNC_REST), "Sync.Rest");
        assert_string_equal(knob_print(KNOB_SYNC_REST, out[0], buf), "7ms");
        assert_string_equal(knob_print(KNOB_FILE_SIZE, 4096, buf), "4KiB");
        assert_string_equal(knob_print(KNOB_CHURNS, 3, buf), "3");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_finds_what_is_best),
                cmocka_unit_test(what_is_no_better_changes_nothing),
                cmocka_unit_test(a_drift_is_no_settings_fault),
                cmocka_unit_test(it_ends_after_some_sweeps),
                cmocka_unit_test(what_only_looked_good_is_given_up),
                cmocka_unit_test(a_turn_is_longer_where_little_meets),
                cmocka_unit_test(with_nothing_to_turn_it_has_settled),
                cmocka_unit_test(settings_hold_what_is_asked_for_and_no_doubles),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

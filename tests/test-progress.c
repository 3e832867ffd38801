/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "made-up-report.h"
#include "report/text.h"

typedef struct Screen {
        Progress progress;
        Report report;
        char text[2048]; /* what the last call has printed */
} Screen;

static void screen_init(Screen *s, unsigned width) {
        memset(s, 0, sizeof(*s));
        progress_init(&s->progress, NULL);
        s->progress.width = width;
        s->report.duration_asked_ns = 60 * NSEC_PER_SEC;
        s->report.totals.time_ns = MADE_UP_MONO;
}

static void capture(Screen *s, void (*print)(Screen *s)) {
        _cleanup_free_ char *text = PRINTED(f, s->progress.file = f; print(s));

        assert_true(strlen(text) < sizeof(s->text));
        strcpy(s->text, text);
}

static void print_update(Screen *s) {
        progress_update(&s->progress, &s->report);
}

static void print_clear(Screen *s) {
        progress_clear(&s->progress);
}

/* Lets `ns` pass at the given rates and draws. */
static const char *tick(Screen *s, uint64_t ns, uint64_t per_second) {
        Totals *t = &s->report.totals;

        t->time_ns += ns;
        t->stress_ns += ns;
        t->collisions += per_second * ns / NSEC_PER_SEC;
        t->removals += 2 * per_second * ns / NSEC_PER_SEC;
        t->scrubs += 3 * per_second * ns / NSEC_PER_SEC;
        capture(s, print_update);
        return s->text;
}

static unsigned columns(const char *line) {
        unsigned n = 0;

        for (const char *p = line; *p; p++)
                n += ((unsigned char)*p & 0xc0) != 0x80;
        return n;
}

/* The line between "\r" and "\033[K"; both must be there, and nothing else that moves the cursor. */
static char *drawn_line(const char *text) {
        char *line;

        assert_int_equal(text[0], '\r');
        line = strdup(text + 1);
        assert_non_null(strstr(line, "\033[K"));
        assert_string_equal(strstr(line, "\033[K"), "\033[K");
        *strstr(line, "\033[K") = 0;
        assert_null(strchr(line, '\n'));
        assert_null(strchr(line, '\r'));
        return line;
}

static void test_golden(void **state) {
        Screen s;

        (void)state;
        screen_init(&s, 80);
        tick(&s, 0, 0);
        s.report.totals.balances = 3;
        s.report.totals.bytes_written = 1288490188;
        assert_string_equal(tick(&s, 12 * NSEC_PER_SEC, 312),
                            "\r[#.....] 12s/60s  312 coll/s  624 rem/s  936 scrubs/s 3 bal 1.20 GiB 0 findings\033[K");
        s.progress.utf8 = true;
        s.progress.width = 88;
        assert_string_equal(tick(&s, 24 * NSEC_PER_SEC, 312),
                            "\r[████████▍     ] 36s/60s  312 coll/s  624 rem/s  936 scrubs/s 3 bal 1.20 GiB 0 findings\033[K");
        s.progress.utf8 = false;
        s.progress.width = 140;
        assert_string_equal(tick(&s, 24 * NSEC_PER_SEC, 312),
                            "\r[########################################] 60s/60s  312 collisions/s  624 removals/s  936 scrubs/s "
                            "3 balances 1.20 GiB 0 findings\033[K");
}

static void test_no_duration(void **state) {
        Screen s;

        (void)state;
        screen_init(&s, 80);
        s.report.duration_asked_ns = 0;
        tick(&s, 0, 0);
        assert_string_equal(tick(&s, 7500 * NSEC_PER_SEC, 2),
                            "\r2h05m  2.0 collisions/s  4.0 removals/s  6.0 scrubs/s 0 balances 0 B 0 findings\033[K");
}

static void test_every_width(void **state) {
        unsigned bar_before = 0;

        (void)state;
        for (unsigned width = 40; width <= 300; width++) {
                _cleanup_free_ char *line = NULL;
                Screen s;

                screen_init(&s, width);
                tick(&s, 0, 0);
                s.report.totals.bytes_written = 900 * GiB;
                s.report.totals.balances = 123456;
                s.report.totals.known = 2;
                s.report.totals.remakes = 1;
                s.report.totals.findings = 17;
                line = drawn_line(tick(&s, 30 * NSEC_PER_SEC, 100000));
                assert_true(columns(line) < width);
                assert_non_null(strstr(line, "30s/60s"));
                assert_non_null(strstr(line, "17 findings"));
                if (line[0] == '[') { /* a bar only when nothing was left out for it */
                        assert_non_null(strstr(line, "1 re-made"));
                        bar_before = width;
                } else
                        assert_int_equal(bar_before, 0);
                if (width >= 120)
                        assert_int_equal(line[0], '[');
                }
}

static void test_narrower_than_anything(void **state) {
        (void)state;
        for (unsigned width = 1; width < 40; width++) {
                _cleanup_free_ char *line = NULL;
                Screen s;

                screen_init(&s, width);
                tick(&s, 0, 0);
                line = drawn_line(tick(&s, NSEC_PER_SEC, 100));
                assert_true(columns(line) < width);
                }
}

static void test_plain(void **state) {
        Screen s;

        (void)state;
        screen_init(&s, 0);
        s.progress.utf8 = s.progress.color = true; /* must not matter */
        s.report.totals.findings = 1;
        for (unsigned i = 0; i < 50; i++)
                assert_string_equal(tick(&s, 200 * NSEC_PER_MSEC, 500), "");
        assert_string_equal(tick(&s, 200 * NSEC_PER_MSEC, 500),
                            "10s/60s 500 collisions/s 1000 removals/s 1500 scrubs/s 0 balances 0 B 1 finding\n");
        for (unsigned i = 0; i < 49; i++)
                assert_string_equal(tick(&s, 200 * NSEC_PER_MSEC, 100), "");
        assert_string_equal(tick(&s, 200 * NSEC_PER_MSEC, 100),
                            "20s/60s 100 collisions/s 200 removals/s 300 scrubs/s 0 balances 0 B 1 finding\n");
}

static void test_smoothing(void **state) {
        Screen s;

        (void)state;
        screen_init(&s, 80);
        tick(&s, 0, 0);
        for (unsigned i = 0; i < 10; i++)
                tick(&s, 200 * NSEC_PER_MSEC, 100);
        assert_true(s.progress.rates[TOTAL_COLLISIONS] > 99 && s.progress.rates[TOTAL_COLLISIONS] < 101);
        tick(&s, 200 * NSEC_PER_MSEC, 1000);
        assert_true(s.progress.rates[TOTAL_COLLISIONS] > 150 && s.progress.rates[TOTAL_COLLISIONS] < 400);
        for (unsigned i = 0; i < 20; i++)
                tick(&s, 200 * NSEC_PER_MSEC, 1000);
        assert_true(s.progress.rates[TOTAL_COLLISIONS] > 950);
}

static void test_alarm_and_clear(void **state) {
        Screen s;

        (void)state;
        screen_init(&s, 100);
        capture(&s, print_clear);
        assert_string_equal(s.text, ""); /* nothing is drawn: nothing to erase */
        s.progress.color = true;
        assert_null(strstr(tick(&s, NSEC_PER_SEC, 100), "\033[1;31m"));
        s.report.totals.findings = 1;
        assert_non_null(strstr(tick(&s, NSEC_PER_SEC, 100), " \033[1;31m1 finding\033[0m\033[K"));
        s.progress.color = false;
        assert_null(strstr(tick(&s, NSEC_PER_SEC, 100), "\033[1"));
        capture(&s, print_clear);
        assert_string_equal(s.text, "\r\033[K");
        assert_false(s.progress.drawn);
}

/* Of a run that is held there are no rates to tell, but how to end it. */
static void test_held(void **state _unused_) {
        const Finding found = { .class = CLASS_SCRUB_RACE };
        Screen s;

        screen_init(&s, 100);
        tick(&s, 0, 0);
        s.report.totals.stress_ns = 30 * NSEC_PER_SEC;
        s.report.held = (Held){ .at = &found, .ns = 5 * NSEC_PER_SEC };
        s.report.totals.time_ns += NSEC_PER_SEC;
        capture(&s, print_update);
        assert_string_equal(s.text, "\r[###########...........] held 5s at regression/scrub-race for a debugger: SIGTERM or SIGINT ends it\033[K");
        s.progress.width = 60;
        s.progress.color = true;
        capture(&s, print_update);
        assert_string_equal(s.text, "\r\033[1;31mheld 5s\033[0m for a debugger: SIGTERM or SIGINT ends it\033[K");
        screen_init(&s, 0);
        tick(&s, 0, 0);
        s.report.held = (Held){ .at = &found, .ns = 754 * NSEC_PER_SEC };
        s.report.totals.time_ns += 10 * NSEC_PER_SEC;
        capture(&s, print_update);
        assert_string_equal(s.text, "held 12m34s at regression/scrub-race for a debugger: SIGTERM or SIGINT ends it\n");
}

static void test_durations(void **state) {
        static const struct {
                uint64_t s;
                const char *text;
        } cases[] = { { 0, "0s" }, { 119, "119s" }, { 120, "2m00s" }, { 7199, "119m59s" }, { 7200, "2h00m" }, { 172799, "47h59m" },
                      { 172800, "2d00h" }, { 604800, "7d00h" } };
        char buf[TEXT_NUMBER_MAX];

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_string_equal(text_duration(cases[i].s * NSEC_PER_SEC, buf), cases[i].text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_golden), cmocka_unit_test(test_no_duration), cmocka_unit_test(test_every_width),
                cmocka_unit_test(test_narrower_than_anything), cmocka_unit_test(test_plain), cmocka_unit_test(test_smoothing),
                cmocka_unit_test(test_alarm_and_clear), cmocka_unit_test(test_held), cmocka_unit_test(test_durations),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <json-c/json.h>

#include "made-up-report.h"
#include "report/soak.h"

#define HOUR (3600 * NSEC_PER_SEC)

static void test_recovered(void **state _unused_) {
        SoakStart before = { .number = 1, .boot_id = "one" };

        assert_int_equal(soak_recovered(NULL, "one"), RECOVERED_FIRST);
        assert_int_equal(soak_recovered(&before, "one"), RECOVERED_CRASH);
        assert_int_equal(soak_recovered(&before, "two"), RECOVERED_REBOOT);
        before.ended = true;
        assert_int_equal(soak_recovered(&before, "one"), RECOVERED_CLEAN);
        assert_int_equal(soak_recovered(&before, "two"), RECOVERED_CLEAN);
        assert_string_equal(recovered_name(RECOVERED_REBOOT), "reboot");
        assert_string_equal(recovered_after(RECOVERED_CRASH), "a crash");
        assert_null(recovered_after(RECOVERED_FIRST));
}

static void test_continues(void **state _unused_) {
        assert_true(soak_continues(SOAK_RUNNING, "a", "a"));
        assert_false(soak_continues(SOAK_RUNNING, "a", "b"));
        assert_false(soak_continues(SOAK_DONE, "a", "a"));
        assert_false(soak_continues(SOAK_ABANDONED, "a", "a"));
        assert_int_equal(soak_left_ns(5, 3), 2);
        assert_int_equal(soak_left_ns(5, 7), 0);
}

/* All that only sources count is added, what goes on by itself is not; a counter that was forgotten would begin anew at each start. */
static void test_totals(void **state _unused_) {
        uint64_t fields[sizeof(Totals) / sizeof(uint64_t)];
        Totals earlier, t = { .time_ns = 1, .stress_ns = 2, .findings = 3, .known = 4, .remakes = 5 };

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                fields[i] = 1000;
        memcpy(&earlier, fields, sizeof(earlier));
        totals_add(&t, &earlier);
        assert_int_equal(t.time_ns + t.stress_ns + t.findings + t.known + t.remakes, 15);
        t.time_ns = t.stress_ns = t.findings = t.known = t.remakes = 1000;
        assert_memory_equal(&t, fields, sizeof(t));
}

static void test_starts(void **state _unused_) {
        Soak s = { 0 };
        char buf[160], small[12];

        assert_int_equal(soak_add_start(&s, &(SoakStart){ .recovered = RECOVERED_FIRST }), 0);
        assert_string_equal(soak_describe_starts(&s, buf, sizeof(buf)), "1 start");
        assert_int_equal(soak_add_start(&s, &(SoakStart){ .recovered = RECOVERED_CRASH }), 0);
        assert_int_equal(soak_add_start(&s, &(SoakStart){ .recovered = RECOVERED_REBOOT }), 0);
        assert_int_equal(soak_add_start(&s, &(SoakStart){ .recovered = RECOVERED_CRASH }), 0);
        assert_int_equal(soak_add_start(&s, &(SoakStart){ .recovered = RECOVERED_CLEAN }), 0);
        assert_string_equal(soak_describe_starts(&s, buf, sizeof(buf)), "5 starts, 1 after an orderly end, 2 after a crash, 1 after a reboot");
        assert_string_equal(soak_describe_starts(&s, small, sizeof(small)), "5 starts, 1");
        soak_done(&s);
        assert_int_equal(s.n_starts, 0);
}

static void make_soak(MadeUp *m, Soak *s) {
        assert_true(made_up_new(m));
        *s = (Soak){ .seed = 1, .asked_ns = 72 * HOUR, .started_ns = MADE_UP_REAL - 24 * HOUR };
        assert_int_equal(soak_add_start(s, &(SoakStart){ .number = 1, .began_ns = s->started_ns, .kernel = "6.1 x86_64" }), 0);
        assert_int_equal(soak_add_start(s, &(SoakStart){ .number = 2, .recovered = RECOVERED_REBOOT, .began_ns = MADE_UP_REAL, .ended = true,
                                                         .stress_ns = 20 * HOUR, .kernel = "6.2 x86_64" }), 0);
        m->report.soak = s;
        m->report.duration_asked_ns = 72 * HOUR;
        m->report.totals.stress_ns = 21 * HOUR + 500 * NSEC_PER_MSEC;
}

static void test_text(void **state _unused_) {
        _cleanup_free_ char *header = NULL, *closing = NULL, *without = NULL;
        MadeUp m;
        Soak s;

        make_soak(&m, &s);
        header = PRINTED(f, report_header(&m.report, f));
        assert_non_null(strstr(header, "\nsoak        start 2, after a reboot; 20h00m under stress done, 2d04h left\n"
                               "collisions  "));
        closing = PRINTED(f, report_closing(&m.report, f, false));
        assert_non_null(strstr(closing, "\nsoak        2 starts, 1 after a reboot; totals and findings are of all of them,\n"
                               "            other numbers of the last.\n"));
        m.report.soak = NULL;
        without = PRINTED(f, { report_header(&m.report, f); report_closing(&m.report, f, false); });
        assert_null(strstr(without, "\nsoak"));
        soak_done(&s);
        made_up_free(&m);
}

static const char *json_of(const MadeUp *m, json_object **o) {
        _cleanup_free_ char *text = PRINTED(f, assert_int_equal(report_json(&m->report, f), 0));
        json_object *soak;

        *o = json_tokener_parse(text);
        assert_non_null(*o);
        assert_true(json_object_object_get_ex(*o, "soak", &soak));
        return json_object_to_json_string_ext(soak, JSON_C_TO_STRING_PLAIN);
}

static void test_json(void **state _unused_) {
        json_object *o;
        MadeUp m;
        Soak s;

        make_soak(&m, &s);
        assert_string_equal(json_of(&m, &o),
                            "{\"started\":\"2025-12-31T00:00:00.000Z\",\"asked_s\":259200.000,\"left_s\":183599.500,\"starts\":["
                            "{\"number\":1,\"started\":\"2025-12-31T00:00:00.000Z\",\"recovered\":\"first\",\"ended\":false,\"duration_s\":72000.000,"
                            "\"kernel\":\"6.1 x86_64\"},"
                            "{\"number\":2,\"started\":\"2026-01-01T00:00:00.000Z\",\"recovered\":\"reboot\",\"ended\":true,\"duration_s\":3600.500,"
                            "\"kernel\":\"6.2 x86_64\"}],\"latency\":{}}");
        json_object_put(o);
        m.report.soak = NULL;
        assert_string_equal(json_of(&m, &o), "null");
        json_object_put(o);
        soak_done(&s);
        made_up_free(&m);
}

static uint64_t number_at(json_object *o, const char *const path[]) {
        for (; *path; path++)
                if (!json_object_object_get_ex(o, *path, &o))
                        fail_msg("no field %s", *path);
        return json_object_get_uint64(o);
}
#define NUMBER(o, ...) number_at(o, (const char *const[]){ __VA_ARGS__, NULL })

/* One slow scrub in a thousand, in a start that was: the quantiles of all starts have it, those of this one do not. */
static void test_latency(void **state _unused_) {
        Histogram earlier = { 0 }, sum = { 0 };
        json_object *o, *latency;
        MadeUp m;
        Soak s;

        make_soak(&m, &s);
        for (unsigned i = 0; i < 499; i++)
                histogram_add(&earlier, NSEC_PER_MSEC);
        assert_int_equal(soak_add_latency(&s, OP_SCRUB, &earlier), 0);
        assert_int_equal(soak_add_latency(&s, OP_SCRUB, &(Histogram){ 0 }), 0);
        earlier = (Histogram){ 0 };
        histogram_add(&earlier, 7 * NSEC_PER_SEC);
        histogram_add(&earlier, 8 * NSEC_PER_SEC);
        assert_int_equal(soak_add_latency(&s, OP_SCRUB, &earlier), 0);
        soak_latency(&s, OP_SCRUB, &sum);
        soak_latency(&s, OP_SCRUB, &sum); /* adds */
        assert_int_equal(histogram_count(&sum), 1002);
        for (unsigned i = 0; i < 499; i++) {
                slot_count(&m.board->slots[i % 2], OP_SCRUB, 0);
                slot_time(&m.board->slots[i % 2], OP_SCRUB, 2 * NSEC_PER_MSEC);
        }
        slot_count(&m.board->slots[0], OP_SYNC, 0);
        slot_time(&m.board->slots[0], OP_SYNC, NSEC_PER_MSEC);
        json_of(&m, &o);
        assert_int_equal(NUMBER(o, "soak", "latency", "scrub", "count"), 1000);
        assert_int_equal(NUMBER(o, "soak", "latency", "scrub", "max_us"), 8000000);
        assert_in_range(NUMBER(o, "soak", "latency", "scrub", "p50_us"), 2000, 2250);
        assert_in_range(NUMBER(o, "soak", "latency", "scrub", "p99_us"), 2000, 2250);
        assert_in_range(NUMBER(o, "soak", "latency", "scrub", "p999_us"), 7000000, 7875000);
        assert_int_equal(NUMBER(o, "soak", "latency", "sync", "count"), 1);
        assert_int_equal(NUMBER(o, "latency", "scrub", "count"), 499);
        assert_int_equal(NUMBER(o, "latency", "scrub", "max_us"), 2000);
        assert_true(json_object_object_get_ex(o, "latency", &latency));
        assert_int_equal(json_object_object_length(latency), 2);
        json_object_put(o);
        soak_done(&s);
        assert_null(s.latency);
        made_up_free(&m);
}

static void configure(Config *c, const char *assignment) {
        Error e = ERROR_NULL;

        if (config_set(c, assignment, &e) < 0)
                fail_msg("%s", e.sentence);
}

static void test_duration(void **state _unused_) {
        Config c;

        config_init(&c);
        assert_int_equal(config_duration(&c), 0);
        configure(&c, "Run.Duration=5s");
        assert_int_equal(config_duration(&c), 5 * NSEC_PER_SEC);
        configure(&c, "Run.Duration=0");
        configure(&c, "Soak.Duration=7s");
        assert_int_equal(config_duration(&c), 7 * NSEC_PER_SEC);
}

/* Equal values print equally, wherever they came from, and what is printed is a configuration. */
static void test_configuration(void **state _unused_) {
        _cleanup_free_ char *defaults = NULL, *said = NULL, *other = NULL, *read = NULL;
        char path[] = "/tmp/test-soak-XXXXXX";
        Error e = ERROR_NULL;
        Config c, again;
        int fd;

        config_init(&c);
        config_init(&again);
        defaults = PRINTED(f, config_print_values(&c, f));
        assert_int_equal(strncmp(defaults, "[Run]\nInstance=default\n", 23), 0);
        assert_null(strpbrk(defaults, ";#"));
        configure(&c, "Churn.FileSize=64KiB");
        said = PRINTED(f, config_print_values(&c, f));
        assert_string_equal(said, defaults);
        configure(&c, "Churn.FileSize=3MiB");
        other = PRINTED(f, config_print_values(&c, f));
        assert_string_not_equal(other, defaults);
        fd = mkstemp(path);
        assert_int_equal(write(fd, other, strlen(other)), strlen(other));
        close(fd);
        if (config_load_file(&again, path, true, NULL, &e) < 0)
                fail_msg("%s", e.sentence);
        unlink(path);
        read = PRINTED(f, config_print_values(&again, f));
        assert_string_equal(read, other);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_recovered), cmocka_unit_test(test_continues), cmocka_unit_test(test_totals),
                cmocka_unit_test(test_starts),    cmocka_unit_test(test_text),      cmocka_unit_test(test_json),
                cmocka_unit_test(test_duration),  cmocka_unit_test(test_configuration), cmocka_unit_test(test_latency),
        };

        return cmocka_run_group_tests_name("soak", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <json-c/json.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "judge/errno-policy.h"
#include "made-up-report.h"
#include "report/kernel-info.h"
#include "report/text.h"

#define NASTY "quote \" back \\ newline\ntab\t escape \x1b[31m bad \xff\xc3( over \xc0\xaf long \xed\xa0\x80 \xc3\xa4"

static void new_report(MadeUp *m) {
        assert_true(made_up_new(m));
}

static json_object *json_of(const MadeUp *m) {
        _cleanup_free_ char *text = PRINTED(f, assert_int_equal(report_json(&m->report, f), 0));
        json_tokener *tokener = json_tokener_new();
        json_object *o;

        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        o = json_tokener_parse_ex(tokener, text, (int)strlen(text) + 1);
        assert_int_equal(json_tokener_get_error(tokener), json_tokener_success);
        json_tokener_free(tokener);
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
        return o;
}

static json_object *member(json_object *o, const char *key) {
        json_object *value;

        if (!json_object_object_get_ex(o, key, &value))
                fail_msg("no field %s", key);
        return value;
}

static const char *string_of(json_object *o, const char *key) {
        assert_int_equal(json_object_get_type(member(o, key)), json_type_string);
        return json_object_get_string(member(o, key));
}

static uint64_t number_of(json_object *o, const char *key) {
        assert_int_equal(json_object_get_type(member(o, key)), json_type_int);
        return json_object_get_uint64(member(o, key));
}

static void feed_scrub_einval(MadeUp *m) {
        Observation o = { .kind = OBS_RESULT, .op = OP_SCRUB, .result = -EINVAL, .devid = 2, .physical = UINT64_C(9007199254740993),
                          .worker = 4, .time_ns = MADE_UP_MONO + 1500 * NSEC_PER_MSEC, .begin_ns = MADE_UP_MONO + 1490 * NSEC_PER_MSEC };
        Observation control = { .kind = OBS_CONTROL, .op = OP_CONTROL_SCRUB, .time_ns = MADE_UP_MONO + 3 * NSEC_PER_SEC };

        judge_feed(m->judge, &o);
        judge_tick(m->judge, MADE_UP_MONO + 2500 * NSEC_PER_MSEC);
        judge_feed(m->judge, &control);
        judge_close(m->judge, MADE_UP_MONO + 60 * NSEC_PER_SEC);
        assert_int_equal(judge_n_findings(m->judge), 1);
        made_up_calls(m->board, OP_SCRUB, -EINVAL, 1);
        m->report.totals.findings = 1;
        m->report.verdict = EXIT_FAIL;
        strcpy(m->report.why, "1 finding");
}

static void test_header(void **state) {
        _cleanup_free_ char *text = NULL, *untraced = NULL;
        MadeUp m;

        (void)state;
        new_report(&m);
        text = PRINTED(f, report_header(&m.report, f));
        assert_string_equal(text,
                            "scrubstress 0.1.0 on Linux 6.18.44 x86_64, not tainted\n"
                            "run         3f2c9a54-0c1e-4a7b-9f11-1d2e3f405162\n"
                            "seed        18446744073709551615\n"
                            "target      btrfs 8c2e9a1e-7d1c-4a53-9a60-0f5c1f0b2d11 on /mnt\n"
                            "devices     4 x 1GiB: 1=/dev/loop0 2=/dev/loop1 3=/dev/loop2 4=/dev/loop3\n"
                            "data        single in chunks of 424 MiB, checksum xxhash\n"
                            "metadata    raid1c4 in chunks of 256 MiB, nodesize 16KiB\n"
                            "options     rw,relatime,nodiscard,space_cache=v2,subvolid=5,subvol=/\n"
                            "stressors   1 balance, 1 churn, 4 scrub, 1 sync\n"
                            "duration    60s\n"
                            "collisions  block groups removed under a scrub in range, from trace events\n"
                            "\n");
        m.report.trace = false;
        m.report.duration_asked_ns = 0;
        m.target.devices[3].size = 2 * GiB;
        m.target.data_chunk_size = 0;
        strcpy(m.report.taint, "WO");
        untraced = PRINTED(f, report_header(&m.report, f));
        assert_non_null(strstr(untraced, "x86_64, taint WO\n"));
        assert_non_null(strstr(untraced, "devices     1=/dev/loop0(1GiB) 2=/dev/loop1(1GiB) 3=/dev/loop2(1GiB)\n"
                                         "            4=/dev/loop3(2GiB)\n"));
        assert_non_null(strstr(untraced, "single in chunks of a size not known yet,"));
        assert_non_null(strstr(untraced, "duration    until stopped\n"));
        assert_non_null(strstr(untraced, "collisions  not counted without trace events"));
        made_up_free(&m);
}

static void test_closing_clean(void **state) {
        static const char *const notes[] = {
                "io_uring is switched off on this system (kernel.io_uring_disabled), so files are written with pwrite.",
        };
        _cleanup_free_ char *text = NULL, *colored = NULL;
        MadeUp m;

        (void)state;
        new_report(&m);
        made_up_calls(m.board, OP_SCRUB, 0, 62518);
        made_up_calls(m.board, OP_BALANCE, 0, 178);
        m.report.notes = notes;
        m.report.n_notes = 1;
        text = PRINTED(f, report_closing(&m.report, f, false));
        assert_string_equal(text,
                            "\n"
                            "PASS  18734 collisions in 60 s under stress, no finding\n"
                            "\n"
                            "under stress         60.0 s of 60s\n"
                            "collisions         18,734      312.2/s\n"
                            "removals           19,802      330.0/s\n"
                            "scrubs             62,518     1042.0/s\n"
                            "balances              178        3.0/s\n"
                            "syncs              58,211      970.2/s\n"
                            "written          19.3 GiB    330 MiB/s\n"
                            "\n"
                            "operation              calls           ok   median     99 %   99.9 %  longest\n"
                            "scrub                 62,518       62,518\n"
                            "balance                  178          178\n"
                            "\n"
                            "findings    0\n"
                            "bound       18,734 clean collisions: with 95 % confidence fewer than 1 in 6,244\n"
                            "            collisions fail.\n"
                            "note        io_uring is switched off on this system (kernel.io_uring_disabled),\n"
                            "            so files are written with pwrite.\n");
        colored = PRINTED(f, report_closing(&m.report, f, true));
        assert_memory_equal(colored, "\n\033[1;32mPASS\033[0m  18734", 23);
        made_up_free(&m);
}

/* No line passes 80 columns but for a word (a path) that cannot be broken. */
static void assert_narrow(const char *text) {
        for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
                size_t length = strcspn(line, "\n"), indent = strspn(line, " ");
                const char *last = memrchr(line, ' ', length);
                if (length > TEXT_COLUMNS && !strstr(last, "/folder\n"))
                        fail_msg("%zu columns, indent %zu: %.*s", length, indent, (int)length, line);
        }
}

static void test_closing_finding(void **state) {
        _cleanup_free_ char *text = NULL;
        char sentence[1024];
        MadeUp m;

        (void)state;
        new_report(&m);
        made_up_calls(m.board, OP_SCRUB, 0, 10);
        made_up_calls(m.board, OP_SCRUB, -EINPROGRESS, 3);
        made_up_calls(m.board, OP_SCRUB, -EINVAL, 4);
        made_up_calls(m.board, OP_BALANCE, 8, 2);
        made_up_calls(m.board, OP_SYNC, -EROFS, 5000);
        made_up_calls(m.board, OP_SYNC, -4095, 1);
        feed_scrub_einval(&m);
        strcpy(judge_finding(m.judge, 0)->evidence,
               "/var/lib/scrubstress/3f2c9a54-0c1e-4a7b-9f11-1d2e3f405162/01-regression-scrub-race-scrub/folder");
        m.report.totals.known = 1;
        m.report.totals.remakes = 2;
        m.report.totals.lost_observations = 9;
        text = PRINTED(f, report_closing(&m.report, f, true));
        assert_non_null(strstr(text, "\033[1;31mFAIL\033[0m  1 finding\n"));
        assert_non_null(strstr(text, "scrub                     18           10\n"));
        assert_non_null(strstr(text, "\n  EINVAL                   5  finding     regression/scrub-race, 1 of them\n"));
        assert_non_null(strstr(text, "\n  EINPROGRESS              3  expected    "));
        assert_non_null(strstr(text, "\n  +8                       2  expected    "));
        assert_non_null(strstr(text, "\n  EROFS                5,000  consequence "));
        assert_non_null(strstr(text, "\n  other                    1  consequence "));
        assert_non_null(strstr(text, "\nfindings    1, known upstream failures 1, target made again 2 times\n\n"
                                     " 1. regression/scrub-race: finding, 1 time\n    scrub on devid 2"));
        assert_non_null(strstr(text, "\n    first      2026-01-01T00:00:01.500Z\n"));
        assert_non_null(strstr(text, "\n    evidence   /var/lib/"));
        assert_non_null(strstr(text, "\nnote        9 observations and 0 trace events were lost"));
        assert_null(strstr(text, "bound"));
        finding_sentence(judge_finding(m.judge, 0), sentence, sizeof(sentence));
        assert_non_null(strstr(sentence, "EINVAL"));
        assert_narrow(text);
        made_up_free(&m);
}

static void test_closing_verdicts(void **state) {
        static const struct {
                ExitCode verdict;
                const char *start;
        } cases[] = { { EXIT_PASS, "\n\033[1;32mPASS\033[0m  " }, { EXIT_FAIL, "\n\033[1;31mFAIL\033[0m  " },
                      { EXIT_INCONCLUSIVE, "\n\033[1;33mINCONCLUSIVE\033[0m  " }, { EXIT_ERROR, "\n\033[1;31mERROR\033[0m  " } };
        MadeUp m;

        (void)state;
        new_report(&m);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *text = NULL;
                m.report.verdict = cases[i].verdict;
                text = PRINTED(f, report_closing(&m.report, f, true));
                assert_memory_equal(text, cases[i].start, strlen(cases[i].start));
                assert_int_equal(strstr(text, "clean collisions") != NULL, i == 0 || i == 2);
        }
        made_up_free(&m);
}

/* The run ended before there was anything: still a report in both forms. */
static void test_nothing_there(void **state) {
        MadeUp m = { .report = { .version = "0.1.0", .kernel = "6.1.0 x86_64", .run_id = "x", .verdict = EXIT_REFUSED,
                                 .error = "Cannot write to /dev/shm: Permission denied; run as root" } };
        _cleanup_free_ char *header = PRINTED(f, report_header(&m.report, f)), *closing = PRINTED(f, report_closing(&m.report, f, false));
        json_object *o = json_of(&m);

        (void)state;
        assert_non_null(strstr(header, "duration    until stopped\n"));
        assert_string_equal(closing, "\nREFUSED  Cannot write to /dev/shm: Permission denied; run as root\n\nfindings    0\n");
        assert_string_equal(string_of(o, "verdict"), "REFUSED");
        assert_int_equal(number_of(o, "exit_code"), 5);
        assert_null(member(o, "seed"));
        assert_null(member(o, "target"));
        assert_null(member(o, "bound_95"));
        assert_null(member(o, "collisions"));
        assert_int_equal(json_object_array_length(member(o, "findings")), 0);
        json_object_put(o);
}

static void test_error_sentence(void **state) {
        _cleanup_free_ char *same = NULL, *other = NULL;
        MadeUp m = { .report = { .version = "0.1.0", .verdict = EXIT_ERROR, .error = "The disk is full; make room",
                                 .why = "The disk is full" } };

        (void)state;
        same = PRINTED(f, report_closing(&m.report, f, false));
        assert_null(strstr(same, "ended by"));
        strcpy(m.report.why, "2 findings");
        other = PRINTED(f, report_closing(&m.report, f, false));
        assert_non_null(strstr(other, "\nended by    The disk is full; make room\n"));
}

static void test_json(void **state) {
        static const char *const notes[] = { "first", NASTY };
        json_object *o, *devices;
        MadeUp m;
        Error e;

        (void)state;
        new_report(&m);
        assert_int_equal(config_set(&m.config, "Run.MinCollisions=7", &e), 0);
        made_up_calls(m.board, OP_SCRUB, 0, 62518);
        made_up_calls(m.board, OP_SCRUB, -EINPROGRESS, 2);
        made_up_calls(m.board, OP_BALANCE, 8, 3);
        m.report.notes = notes;
        m.report.n_notes = 2;
        m.report.totals.stress_ns = 60001 * NSEC_PER_MSEC;
        o = json_of(&m);
        assert_int_equal(number_of(o, "schema"), 1);
        assert_string_equal(string_of(o, "version"), "0.1.0");
        assert_string_equal(string_of(o, "seed"), "18446744073709551615");
        assert_string_equal(string_of(o, "started"), "2026-01-01T00:00:00.000Z");
        assert_string_equal(string_of(o, "verdict"), "PASS");
        assert_int_equal(number_of(o, "exit_code"), 0);
        assert_string_equal(json_object_to_json_string(member(o, "duration_s")), "60.001");
        assert_string_equal(json_object_to_json_string(member(o, "elapsed_s")), "61.000");
        assert_int_equal(number_of(o, "collisions"), 18734);
        assert_int_equal(number_of(o, "removals"), 19802);
        assert_int_equal(number_of(o, "scrubs"), 62518);
        assert_int_equal(number_of(o, "balances"), 178);
        assert_int_equal(number_of(o, "syncs"), 58211);
        assert_int_equal(number_of(o, "bytes_written"), 19802 * MiB);
        assert_true(json_object_get_double(member(o, "bound_95")) > 0.000160 && json_object_get_double(member(o, "bound_95")) < 0.000161);
        assert_int_equal(number_of(member(member(o, "errnos"), "scrub"), "ok"), 62518);
        assert_int_equal(number_of(member(member(o, "errnos"), "scrub"), "EINPROGRESS"), 2);
        assert_int_equal(number_of(member(member(o, "errnos"), "balance"), "+8"), 3);
        assert_int_equal(number_of(member(member(o, "errnos"), "balance"), "ok"), 0);
        assert_int_equal(json_object_object_length(member(o, "errnos")), 2);
        assert_int_equal(number_of(member(o, "stressors"), "scrub"), 4);
        assert_int_equal(json_object_object_length(member(o, "config")), 1);
        assert_string_equal(string_of(member(o, "config"), "Run.MinCollisions"), "7");
        devices = member(member(o, "target"), "devices");
        assert_int_equal(json_object_array_length(devices), 4);
        assert_string_equal(string_of(json_object_array_get_idx(devices, 3), "path"), "/dev/loop3");
        assert_int_equal(json_object_array_length(member(o, "notes")), 2);
        json_object_put(o);
        made_up_free(&m);
}

static void test_json_finding(void **state) {
        json_object *o, *f;
        Finding *finding;
        MadeUp m;

        (void)state;
        new_report(&m);
        feed_scrub_einval(&m);
        finding = judge_finding(m.judge, 0);
        strcpy(finding->text, NASTY);
        strcpy(finding->evidence, "/tmp/\xff");
        o = json_of(&m);
        f = json_object_array_get_idx(member(o, "findings"), 0);
        assert_string_equal(string_of(f, "class"), "regression/scrub-race");
        assert_string_equal(string_of(f, "grade"), "finding");
        assert_string_equal(string_of(f, "operation"), "scrub");
        assert_string_equal(string_of(f, "errno"), "EINVAL");
        assert_int_equal(number_of(f, "devid"), 2);
        assert_true(number_of(f, "physical") == UINT64_C(9007199254740993));
        assert_null(member(f, "logical"));
        assert_string_equal(string_of(f, "time"), "2026-01-01T00:00:01.500Z");
        assert_int_equal(number_of(f, "count"), 1);
        assert_int_equal(number_of(f, "confirmed"), 1);
        assert_string_equal(string_of(f, "text"), "quote \" back \\ newline\ntab\t escape \x1b[31m bad \xef\xbf\xbd\xef\xbf\xbd( over "
                            "\xef\xbf\xbd\xef\xbf\xbd long \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xc3\xa4");
        assert_string_equal(string_of(f, "evidence"), "/tmp/\xef\xbf\xbd");
        assert_null(member(o, "bound_95"));
        json_object_put(o);
        made_up_free(&m);
}

static void test_json_disk_full(void **state) {
        FILE *full = fopen("/dev/full", "w");
        MadeUp m;

        (void)state;
        if (!full) {
                print_message("no /dev/full here\n");
                skip();
        }
        new_report(&m);
        assert_int_equal(report_json(&m.report, full), -ENOSPC);
        fclose(full);
        made_up_free(&m);
}

/* Foreign bytes cannot drive the terminal. */
static void test_text_is_harmless(void **state) {
        _cleanup_free_ char *text = PRINTED(f, text_wrap(f, 4, "a\x1b]0;title\x07 \xc2\x9b" "31m \xff \xe2\x82\xac\n\n b"));
        char cut[8];

        (void)state;
        assert_string_equal(text, "a?]0;title? ?31m ? \xe2\x82\xac b\n");
        assert_string_equal(text_utf8("12345\xe2\x82\xac", cut, sizeof(cut)), "12345");
        assert_string_equal(text_utf8("1234\xe2\x82\xac", cut, sizeof(cut)), "1234\xe2\x82\xac");
        assert_string_equal(text_utf8("\xe0\x80\x80", cut, sizeof(cut)), "\xef\xbf\xbd\xef\xbf\xbd");
        assert_string_equal(text_utf8("\xf4\x90\x80\x80\xf0\x80", cut, sizeof(cut)), "\xef\xbf\xbd\xef\xbf\xbd");
}

/* A line that ends in column 80 stays one, one that would end in column 81 does not. Columns are characters, not bytes. */
static void test_text_wraps(void **state) {
        char words[96];

        (void)state;
        for (int tail = 74; tail <= 75; tail++) {
                _cleanup_free_ char *text = NULL;
                snprintf(words, sizeof(words), "\xc3\xa4\xc3\xa4\xc3\xa4 %0*d", tail, 0);
                text = PRINTED(f, text_wrap(f, 2, words));
                assert_ptr_equal(strstr(text, "\n  "), tail == 74 ? NULL : text + 6);
        }
}

static void test_text_numbers(void **state) {
        static const struct {
                uint64_t n;
                const char *text;
        } cases[] = { { 0, "0" }, { 999, "999" }, { 1000, "1,000" }, { 123456, "123,456" }, { UINT64_MAX, "18,446,744,073,709,551,615" } };
        char buf[TEXT_NUMBER_MAX];

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_string_equal(text_number(cases[i].n, buf), cases[i].text);
}

/* Without a finding, what unconditionally is a finding by the table was folded; what may pass passed. */
static void test_meaning(void **state) {
        TallyMeaning meaning;
        MadeUp m;

        (void)state;
        new_report(&m);
        meaning = tally_meaning(&m.report, OP_SCRUB, EINVAL);
        assert_int_equal(meaning.grade, GRADE_CONSEQUENCE);
        meaning = tally_meaning(&m.report, OP_SCRUB, EINPROGRESS);
        assert_int_equal(meaning.grade, GRADE_EXPECT);
        assert_int_equal(meaning.held, 0);
        feed_scrub_einval(&m);
        meaning = tally_meaning(&m.report, OP_SCRUB, EINVAL);
        assert_int_equal(meaning.grade, GRADE_FINDING);
        assert_int_equal(meaning.held, 1);
        assert_string_equal(meaning.why, "regression/scrub-race");
        judge_finding(m.judge, 0)->consequences = 1;
        meaning = tally_meaning(&m.report, OP_SCRUB, EIO); /* may be let pass only where a fault was injected */
        assert_int_equal(meaning.grade, GRADE_CONSEQUENCE);
        judge_finding(m.judge, 0)->result = -4095; /* has no slot of its own */
        assert_int_equal(tally_meaning(&m.report, OP_SCRUB, TALLY_OTHER).held, 1);
        judge_finding(m.judge, 0)->result = 8;
        assert_int_equal(tally_meaning(&m.report, OP_SCRUB, TALLY_OTHER).held, 0);
        assert_int_equal(tally_meaning(&m.report, OP_SCRUB, TALLY_POSITIVE + 8).held, 1);
        made_up_free(&m);
}

static void test_bound(void **state) {
        Report clean = { .trace = true, .verdict = EXIT_PASS, .totals.collisions = 300 }, r;
        double bound = 0;

        (void)state;
        assert_true(report_bound_95(&clean, &bound));
        assert_true(bound == 0.01);
        r = clean;
        r.trace = false;
        assert_false(report_bound_95(&r, &bound));
        r = clean;
        r.totals.findings = 1;
        assert_false(report_bound_95(&r, &bound));
        r = clean;
        r.totals.collisions = 0;
        assert_false(report_bound_95(&r, &bound));
        r = clean;
        r.verdict = EXIT_ERROR;
        assert_false(report_bound_95(&r, &bound));
}

static void test_rates(void **state) {
        Totals from = { .removals = 100 }, to = { .removals = 400 };

        (void)state;
        assert_true(totals_rate(&from, &to, 2 * NSEC_PER_SEC, TOTAL_REMOVALS) == 150.0);
        assert_true(totals_rate(&from, &to, 0, TOTAL_REMOVALS) == 0);
        assert_true(totals_rate(&to, &from, NSEC_PER_SEC, TOTAL_REMOVALS) == 0);
}

static void write_taint(const char *root, const char *content) {
        _cleanup_fclose_ FILE *f = NULL;
        char path[256];

        snprintf(path, sizeof(path), "%s/proc/sys/kernel", root);
        assert_int_equal(fs_mkdir_p(path), 0);
        snprintf(path, sizeof(path), "%s/proc/sys/kernel/tainted", root);
        f = fopen(path, "w");
        assert_non_null(f);
        fputs(content, f);
}

static void remove_taint(const char *root) {
        static const char *const paths[] = { "/proc/sys/kernel/tainted", "/proc/sys/kernel", "/proc/sys", "/proc", "" };
        char path[256];

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                snprintf(path, sizeof(path), "%s%s", root, paths[i]);
                remove(path);
        }
}

static void test_kernel(void **state) {
        static const struct {
                const char *mask, *letters;
        } cases[] = { { "0\n", "" }, { "512\n", "W" }, { "4609\n", "PWO" }, { "786432\n", "NJ" }, { "1048575\n", "PFSRMBUDAWCIOELKXTNJ" },
                      { "1048704\n", "D+bit20" } };
        char root[] = "/tmp/test-report-XXXXXX", kernel[128], taint[64], small[4];

        (void)state;
        assert_non_null(mkdtemp(root));
        assert_int_equal(report_kernel(kernel, sizeof(kernel), taint, sizeof(taint), root), -ENOENT);
        assert_string_equal(taint, "unknown");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                write_taint(root, cases[i].mask);
                assert_int_equal(report_kernel(kernel, sizeof(kernel), taint, sizeof(taint), root), 0);
                assert_string_equal(taint, cases[i].letters);
        }
        assert_non_null(strchr(kernel, ' '));
        assert_int_equal(report_kernel(kernel, sizeof(kernel), small, sizeof(small), root), 0);
        assert_string_equal(small, "D+b");
        write_taint(root, "18446744073709551615\n");
        assert_int_equal(report_kernel(kernel, sizeof(kernel), small, sizeof(small), root), 0);
        assert_string_equal(small, "PFS");
        remove_taint(root);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_header), cmocka_unit_test(test_closing_clean), cmocka_unit_test(test_closing_finding),
                cmocka_unit_test(test_closing_verdicts), cmocka_unit_test(test_nothing_there), cmocka_unit_test(test_error_sentence),
                cmocka_unit_test(test_json), cmocka_unit_test(test_json_finding), cmocka_unit_test(test_json_disk_full),
                cmocka_unit_test(test_text_is_harmless), cmocka_unit_test(test_text_wraps),
                cmocka_unit_test(test_text_numbers), cmocka_unit_test(test_meaning), cmocka_unit_test(test_bound),
                cmocka_unit_test(test_rates), cmocka_unit_test(test_kernel),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

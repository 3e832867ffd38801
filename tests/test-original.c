/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "original-fixture.h"

#include "report/soak.h"

/* What evidence_save() has written, original_read() reads back. */
static void test_round_trip(void **state) {
        Kept *k = *state;
        const Original *o = &k->original;

        keep_and_read(k);
        assert_string_equal(o->folder, k->finding.evidence);
        assert_string_equal(o->version, "0.1.0");
        assert_string_equal(o->kernel, "6.18.44 x86_64");
        assert_string_equal(o->run_id, "3f2c9a54-0c1e-4a7b-9f11-1d2e3f405162");
        assert_int_equal(o->class, CLASS_ERRNO);
        assert_int_equal(o->op, OP_UNLINK);
        assert_string_equal(o->result, "ENOSPC");
        assert_true(o->seed == 18446744073709551615ULL);
        assert_int_equal(o->found_ns, 4200 * NSEC_PER_MSEC);
        assert_int_equal(o->asked_ns, 60 * NSEC_PER_SEC);
}

static void test_kernel_log(void **state) {
        Kept *k = *state;
        char text[ORIGINAL_TEXT_MAX];

        k->finding.class = CLASS_SPLAT;
        k->finding.op = OP_NONE;
        k->finding.result = 0;
        k->m.report.duration_asked_ns = 0;
        keep_and_read(k);
        assert_int_equal(k->original.op, OP_NONE);
        assert_string_equal(k->original.result, "");
        assert_int_equal(k->original.asked_ns, 0);
        assert_string_equal(original_describe(&k->original, text), "kernel/splat");
        assert_true(original_is(&k->original, &k->finding));
}

/* Time of the start that found it: the target is made again in each. */
static void test_soak(void **state) {
        SoakStart starts[2] = { { .number = 1 }, { .number = 2, .stress_ns = 4 * NSEC_PER_SEC } };
        Soak soak = { .starts = starts, .n_starts = 2 };
        Kept *k = *state;

        k->m.report.soak = &soak;
        keep_and_read(k);
        assert_int_equal(k->original.found_ns, 200 * NSEC_PER_MSEC);
}

static void test_is(void **state) {
        Kept *k = *state;
        Finding f;

        keep_and_read(k);
        f = k->finding;
        f.devid = 7;
        f.count = 100;
        f.grade = GRADE_KNOWN;
        assert_true(original_is(&k->original, &f));
        f.class = CLASS_SETUP_ERRNO;
        assert_false(original_is(&k->original, &f));
        f.class = CLASS_ERRNO;
        f.op = OP_TRUNCATE;
        assert_false(original_is(&k->original, &f));
        f.op = OP_UNLINK;
        f.result = -EIO;
        assert_false(original_is(&k->original, &f));
        f.result = 0;
        assert_false(original_is(&k->original, &f));
        f.result = ENOSPC; /* what an ioctl returned */
        assert_false(original_is(&k->original, &f));
}

static void finds(Kept *k, const char *name, const char *below) {
        char folder[PATH_MAX], *wanted;

        assert_int_equal(original_find(folder, k->base, name, &k->error), 0);
        assert_true(asprintf(&wanted, "%s/%s", k->base, below) > 0);
        assert_string_equal(folder, wanted);
        free(wanted);
}

static void refuses(Kept *k, const char *directory, const char *name, int error, const char *says) {
        char folder[PATH_MAX];

        assert_int_equal(original_find(folder, directory, name, &k->error), -error);
        assert_int_equal(k->error.exit, EXIT_USAGE);
        if (!strstr(k->error.sentence, says))
                fail_msg("\"%s\" does not say \"%s\"", k->error.sentence, says);
}

static void test_find(void **state) {
        Kept *k = *state;
        char *path;

        keep(k, "6fa1", 1);
        keep(k, "6fb2", 1);
        keep(k, "6fb2", 2);
        keep(k, "6fb27", 1);
        finds(k, "6fa1/01-kernel-errno-unlink", "6fa1/01-kernel-errno-unlink");
        finds(k, "6fa/01", "6fa1/01-kernel-errno-unlink");
        finds(k, "6fa/01/", "6fa1/01-kernel-errno-unlink");
        finds(k, "6fa", "6fa1/01-kernel-errno-unlink");
        finds(k, "6fb2/02", "6fb2/02-kernel-errno-unlink"); /* the exact name, though another begins so */
        refuses(k, k->base, "6fb/01", ENOTUNIQ, "6fb27");
        refuses(k, k->base, "6fb2/0", ENOTUNIQ, "02-kernel-errno-unlink");
        refuses(k, k->base, "6fb2", ENOTUNIQ, "more than one finding");
        refuses(k, k->base, "7/01", ENOENT, "no run 7");
        refuses(k, k->base, "6fa/09", ENOENT, "no finding 09");
        refuses(k, k->base, "/6fa1/01", ENOENT, "no folder /6fa1/01");
        refuses(k, k->base, "./6fa1", ENOENT, "no folder ./6fa1");
        refuses(k, k->base, "", ENOENT, "no folder");
        refuses(k, "/nonexistent/evidence", "6fa/01", ENOENT, "Run.EvidenceDirectory=");
        /* A file is no run. */
        assert_true(asprintf(&path, "%s/ledger.sqlite", k->base) > 0);
        assert_int_equal(close(creat(path, 0600)), 0);
        refuses(k, k->base, "ledger", ENOENT, "no run ledger");
        free(path);
}

static void test_at(void **state) {
        Kept *k = *state;
        char folder[PATH_MAX], *dotted;

        keep(k, "6fa1", 1);
        assert_true(asprintf(&dotted, "%s/6fa1/../6fa1/01-kernel-errno-unlink/", k->base) > 0);
        assert_true(original_at(folder, dotted));
        assert_string_equal(folder, k->finding.evidence);
        assert_false(original_at(folder, "6fa1/01-kernel-errno-unlink"));
        free(dotted);
}

static void spoil(Kept *k, const char *text, int error, const char *says) {
        char *path;
        FILE *f;

        assert_true(asprintf(&path, "%s/finding.json", k->finding.evidence) > 0);
        if (text) {
                f = fopen(path, "we");
                assert_non_null(f);
                assert_true(fputs(text, f) >= 0);
                fclose(f);
        } else
                unlink(path);
        assert_int_equal(original_read(&k->original, k->finding.evidence, &k->error), -error);
        assert_int_equal(k->error.exit, EXIT_USAGE);
        assert_non_null(strstr(k->error.sentence, path));
        if (!strstr(k->error.sentence, says))
                fail_msg("\"%s\" does not say \"%s\"", k->error.sentence, says);
        free(path);
}

#define JSON(schema, seed, found, class, op) \
        "{\"schema\":" schema ",\"version\":\"1\",\"kernel\":\"k\",\"run_id\":\"r\",\"seed\":" seed ",\"found_s\":" found "," \
        "\"finding\":{\"class\":\"" class "\",\"operation\":" op ",\"errno\":null}}"

static void test_spoilt(void **state) {
        Kept *k = *state;

        keep_and_read(k);
        spoil(k, NULL, ENOENT, "--seed");
        spoil(k, "", EINVAL, "cannot be understood");
        spoil(k, "[1, 2", EINVAL, "cannot be understood");
        spoil(k, "[]", EINVAL, "cannot be understood");
        spoil(k, "{}", EINVAL, "cannot be understood");
        spoil(k, JSON("2", "\"1\"", "1", "kernel/splat", "null"), EINVAL, "another version");
        spoil(k, JSON("1", "\"1\"", "1", "kernel/nova", "null"), EINVAL, "class");
        spoil(k, JSON("1", "\"1\"", "1", "kernel/splat", "\"paint\""), EINVAL, "operation");
        spoil(k, JSON("1", "null", "1", "kernel/splat", "null"), EINVAL, "seed");
        spoil(k, JSON("1", "\"-1\"", "1", "kernel/splat", "null"), EINVAL, "seed");
        spoil(k, JSON("1", "\"1x\"", "1", "kernel/splat", "null"), EINVAL, "seed");
        spoil(k, JSON("1", "\"18446744073709551616\"", "1", "kernel/splat", "null"), EINVAL, "seed");
        spoil(k, JSON("1", "\"1\"", "null", "kernel/splat", "null"), EINVAL, "how much stress");
        spoil(k, JSON("1", "\"1\"", "-1", "kernel/splat", "null"), EINVAL, "how much stress");
        spoil(k, JSON("1", "\"1\"", "1e300", "kernel/splat", "null"), EINVAL, "how much stress");
        spoil(k, JSON("1", "\"1\"", "\"1\"", "kernel/splat", "null"), EINVAL, "how much stress");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_round_trip, kept_setup, kept_teardown),
                cmocka_unit_test_setup_teardown(test_kernel_log, kept_setup, kept_teardown),
                cmocka_unit_test_setup_teardown(test_soak, kept_setup, kept_teardown),
                cmocka_unit_test_setup_teardown(test_is, kept_setup, kept_teardown),
                cmocka_unit_test_setup_teardown(test_find, kept_setup, kept_teardown),
                cmocka_unit_test_setup_teardown(test_at, kept_setup, kept_teardown),
                cmocka_unit_test_setup_teardown(test_spoilt, kept_setup, kept_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the disks themselves count: a finding for each disk and counter; and what is laid to a disk that fails. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/macro.h"
#include "judge/judge.h"

#define START (1000 * NSEC_PER_SEC)

static const JudgePolicy policy = { .confirm_max = 2 };

static int setup(void **state) {
        return judge_new((Judge **)state, &policy);
}

static int teardown(void **state) {
        judge_free(*state);
        return 0;
}

static void grew(Judge *j, uint64_t at_ns, uint64_t devid, HealthCounter c) {
        Observation o = { .time_ns = at_ns, .kind = OBS_HEALTH, .devid = devid, .counter = c + 1, .count = 2 };

        snprintf(o.text, sizeof(o.text), "disk %u: %s grew", (unsigned)devid, health_info[c].label);
        judge_feed(j, &o);
}

static void expect(Judge *j, size_t i, uint64_t devid, HealthCounter c, uint64_t count) {
        const Finding *f = judge_finding(j, i);
        char text[64], sentence[512];

        assert_non_null(f);
        assert_int_equal(f->class, CLASS_HEALTH);
        assert_int_equal(f->grade, GRADE_HW);
        assert_int_equal(f->devid, devid);
        assert_int_equal(f->first.counter, c + 1);
        assert_int_equal(f->count, count);
        snprintf(text, sizeof(text), "devid %u (disk %u: %s grew)", (unsigned)devid, (unsigned)devid, health_info[c].label);
        finding_sentence(f, sentence, sizeof(sentence));
        assert_non_null(strstr(sentence, text));
}

/* Seen in one look, so decided in the same moment. */
static void each_disk_and_counter_has_a_row(void **state) {
        Judge *j = *state;

        grew(j, START, 1, HEALTH_PENDING);
        grew(j, START, 1, HEALTH_REALLOCATED);
        grew(j, START, 2, HEALTH_PENDING);
        judge_tick(j, START + NSEC_PER_SEC);
        grew(j, START + 600 * NSEC_PER_SEC, 1, HEALTH_PENDING);
        judge_close(j, START + 601 * NSEC_PER_SEC);
        assert_int_equal(judge_n_findings(j), 3);
        expect(j, 0, 1, HEALTH_PENDING, 2);
        expect(j, 1, 1, HEALTH_REALLOCATED, 1);
        expect(j, 2, 2, HEALTH_PENDING, 1);
}

/* The ledger has the finding's first observation, and with it the counter. */
static void what_an_earlier_start_has_found_is_counted_on(void **state) {
        const Finding earlier = { .class = CLASS_HEALTH, .grade = GRADE_HW, .devid = 1, .count = 3, .text = "disk 1: pending sectors grew",
                                  .first = { .kind = OBS_HEALTH, .devid = 1, .counter = HEALTH_PENDING + 1 } };
        Judge *j = *state;

        judge_restore(j, &earlier, "");
        grew(j, START, 1, HEALTH_PENDING);
        grew(j, START, 1, HEALTH_CRC_ERRORS);
        judge_close(j, START + NSEC_PER_SEC);
        assert_int_equal(judge_n_findings(j), 2);
        expect(j, 0, 1, HEALTH_PENDING, 4);
        expect(j, 1, 1, HEALTH_CRC_ERRORS, 1);
}

/* All that 16 disks can count is more than there are rows: what has none fails the run all the same. */
static void what_finds_no_row_is_not_lost(void **state) {
        const RunFacts facts = { .collisions = 9, .trace = true, .completed = true };
        uint64_t rows = 0;
        Judge *j = *state;
        char why[512];

        for (uint64_t devid = 1; devid <= 16; devid++)
                for (HealthCounter c = HEALTH_REALLOCATED; c <= HEALTH_WARNING; c++, rows++)
                        grew(j, START, devid, c);
        judge_close(j, START + NSEC_PER_SEC);
        assert_int_equal(judge_n_findings(j), JUDGE_ROWS);
        assert_int_equal(judge_overflow(j), rows - JUDGE_ROWS);
        assert_int_equal(judge_verdict(j, &facts, why, sizeof(why)), EXIT_FAIL);
}

static void a_damaged_filesystem_is_the_kernels_unless_a_disk_has_failed(void **state) {
        const Observation damage = { .time_ns = START + 5 * NSEC_PER_SEC, .kind = OBS_CHECK, .result = 1, .count = 1, .text = "ERROR: root 5" };
        Judge *j = *state;

        judge_feed(j, &damage);
        judge_decide(j);
        assert_int_equal(judge_n_findings(j), 1);
        assert_int_equal(judge_finding(j, 0)->class, CLASS_DAMAGED);
        assert_int_equal(judge_finding(j, 0)->grade, GRADE_FINDING);
        judge_feed(j, &(Observation){ .time_ns = START + 6 * NSEC_PER_SEC, .kind = OBS_DEVSTAT, .devid = 4, .count = 3, .text = "write_errs" });
        judge_decide(j);
        judge_feed(j, &damage);
        judge_decide(j);
        assert_int_equal(judge_n_findings(j), 2);
        assert_int_equal(judge_finding(j, 1)->class, CLASS_IO_ERROR);
        assert_int_equal(judge_finding(j, 1)->count, 2);
        assert_int_equal(judge_finding(j, 0)->count, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(each_disk_and_counter_has_a_row),
                TEST(what_an_earlier_start_has_found_is_counted_on),
                TEST(what_finds_no_row_is_not_lost),
                TEST(a_damaged_filesystem_is_the_kernels_unless_a_disk_has_failed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

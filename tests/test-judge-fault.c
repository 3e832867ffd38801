/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the judge makes of faults that struck. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/macro.h"
#include "judge/judge.h"

#define START (100 * NSEC_PER_SEC)

static int setup(void **state) {
        const JudgePolicy policy = { .confirm_max = 3, .devices = { "loop3" } };

        return judge_new((Judge **)state, &policy);
}

static int teardown(void **state) {
        judge_free(*state);
        return 0;
}

static void fault(Judge *j, uint64_t at, int miss) {
        judge_feed(j, &(Observation){ .time_ns = at, .kind = OBS_FAULT, .op = OP_SCRUB, .result = miss, .devid = 9, .physical = GiB, .count = 3,
                                      .text = "bits of one copy: 0 checksum errors instead of 3" });
}

static void test_each_miss_is_a_finding_of_its_class(void **state) {
        static const FindingClass wanted[] = { CLASS_FAULT_MISSED, CLASS_FAULT_EXCESS, CLASS_FAULT_OTHERWISE, CLASS_POWER_CUT };
        Judge *j = *state;
        char s[1024];

        for (int miss = FAULT_MISSED; miss <= FAULT_BROKEN; miss++)
                fault(j, START, miss);
        fault(j, START + NSEC_PER_MSEC, FAULT_EXCESS);
        judge_close(j, START + NSEC_PER_SEC);
        assert_int_equal(judge_n_findings(j), ELEMENTSOF(wanted));
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++) {
                assert_int_equal(judge_finding(j, i)->class, wanted[i]);
                assert_int_equal(judge_finding(j, i)->grade, GRADE_FINDING);
                assert_true(finding_fails(judge_finding(j, i)));
        }
        assert_int_equal(judge_finding(j, 1)->count, 2);
        finding_sentence(judge_finding(j, 0), s, sizeof(s));
        assert_non_null(strstr(s, "0 checksum errors instead of 3 at physical 1"));
        assert_non_null(strstr(s, "noticed less of it"));
}

static void device_line(Judge *j, uint64_t at, uint32_t flags) {
        judge_feed(j, &(Observation){ .time_ns = at, .kind = OBS_KMSG, .flags = flags,
                                      .text = "BTRFS error (device loop3): bdev /dev/loop3 errs: wr 0, rd 0, flush 0, corrupt 1, gen 0" });
}

/* What the device is said to have done while a fault struck is the fault's doing; later it is the device's. */
static void test_log_of_a_strike(void **state) {
        Judge *j = *state;

        device_line(j, START, OBS_INJECTED);
        judge_tick(j, START + NSEC_PER_SEC);
        assert_int_equal(judge_n_findings(j), 0);
        device_line(j, START + 2 * NSEC_PER_SEC, 0);
        judge_close(j, START + 3 * NSEC_PER_SEC);
        assert_int_equal(judge_n_findings(j), 1);
        assert_int_equal(judge_finding(j, 0)->class, CLASS_IO_ERROR);
}

/* An aborted filesystem repairs nothing. */
static void test_fault_on_a_lost_target(void **state) {
        Judge *j = *state;

        judge_feed(j, &(Observation){ .time_ns = START, .kind = OBS_KMSG, .text = "BTRFS: Transaction aborted (error -117)" });
        judge_feed(j, &(Observation){ .time_ns = START, .kind = OBS_KMSG, .text = "BTRFS info (device loop3 state EA): forced readonly" });
        fault(j, START + NSEC_PER_MSEC, FAULT_OTHERWISE);
        judge_close(j, START + NSEC_PER_SEC);
        assert_int_equal(judge_n_findings(j), 1);
        assert_int_equal(judge_finding(j, 0)->class, CLASS_TRANSACTION_ABORT);
        assert_true(judge_finding(j, 0)->consequences > 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_each_miss_is_a_finding_of_its_class),
                TEST(test_log_of_a_strike),
                TEST(test_fault_on_a_lost_target),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What replays cannot show: verdict sentences, limits, speed. What observations mean is in tests/replay. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/macro.h"
#include "judge/judge.h"
#include "known-fixture.h"

#define START (1000 * NSEC_PER_SEC)
#define MS NSEC_PER_MSEC

static KnownIssues known;
static const JudgePolicy policy = { .confirm_max = 2, .known = &known, .devices = { "loop3" } };
static const RunFacts good = { .collisions = 60000, .trace = true, .removals = 90000, .min_collisions = 1000, .completed = true };

static int setup(void **state) {
        known = carried_issues("6.18.44");
        return judge_new((Judge **)state, &policy);
}

static int teardown(void **state) {
        judge_free(*state);
        known_issues_free(&known);
        return 0;
}

static void result(Judge *j, uint64_t at, Operation op, int r, uint32_t flags) {
        Observation o = { .time_ns = at, .kind = OBS_RESULT, .op = op, .result = r, .flags = flags, .devid = 2, .physical = GiB };

        judge_feed(j, &o);
}

static void kmsg(Judge *j, uint64_t at, const char *text) {
        Observation o = { .time_ns = at, .kind = OBS_KMSG };

        snprintf(o.text, sizeof(o.text), "%s", text);
        judge_feed(j, &o);
}

static void expect_sentence(const char *sentence, const char *const words[]) {
        for (size_t i = 0; words[i]; i++)
                if (!strstr(sentence, words[i]))
                        fail_msg("\"%s\" does not say \"%s\"", sentence, words[i]);
}

static void expect_verdict(const Judge *j, const RunFacts *facts, ExitCode verdict, const char *const words[]) {
        char why[512];
        ExitCode got = judge_verdict(j, facts, why, sizeof(why));

        if (got != verdict)
                fail_msg("%s (%s), expected %s", exit_code_name(got), why, exit_code_name(verdict));
        expect_sentence(why, words);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_pass_names_the_bound(void **state) {
        expect_verdict(*state, &good, EXIT_PASS, WORDS("60000 collisions", "one in 20000", "95 %"));
}

static void test_pass_without_trace_counts_removals(void **state) {
        RunFacts facts = good;

        facts.trace = false;
        facts.collisions = 0;
        expect_verdict(*state, &facts, EXIT_PASS, WORDS("90000 block group removals", "trace events"));
}

static void test_too_few_collisions(void **state) {
        RunFacts facts = good;

        facts.collisions = 999;
        expect_verdict(*state, &facts, EXIT_INCONCLUSIVE, WORDS("999", "1000", "--duration"));
        facts.collisions = 1000;
        expect_verdict(*state, &facts, EXIT_PASS, WORDS("1000"));
}

static void test_cut_short(void **state) {
        RunFacts facts = good;

        facts.completed = false;
        expect_verdict(*state, &facts, EXIT_INCONCLUSIVE, WORDS("cut short", "60000", "1000"));
        facts.collisions = 7;
        expect_verdict(*state, &facts, EXIT_INCONCLUSIVE, WORDS("cut short", "7", "1000"));
}

static void test_failure_of_ours(void **state) {
        RunFacts facts = good;

        facts.failed = true;
        facts.collisions = 0;
        expect_verdict(*state, &facts, EXIT_ERROR, WORDS("scrubstress", "nothing is said about the kernel"));
}

static void test_precedence(void **state) {
        Judge *j = *state;
        RunFacts facts = { .failed = true };

        result(j, START, OP_SCRUB, -EPERM, 0);
        judge_tick(j, START + NSEC_PER_SEC);
        expect_verdict(j, &good, EXIT_ERROR, WORDS("setup/errno"));
        result(j, START + 2 * NSEC_PER_SEC, OP_BALANCE, -EEXIST, 0);
        judge_tick(j, START + 3 * NSEC_PER_SEC);
        expect_verdict(j, &facts, EXIT_FAIL, WORDS("1 finding,", "kernel/errno", "1 time"));
        result(j, START + 4 * NSEC_PER_SEC, OP_READ, -EIO, 0);
        judge_close(j, START + 5 * NSEC_PER_SEC);
        expect_verdict(j, &facts, EXIT_FAIL, WORDS("2 findings,"));
}

static void test_hardware_fails(void **state) {
        Judge *j = *state;

        result(j, START, OP_READ, -EIO, 0);
        judge_close(j, START);
        expect_verdict(j, &good, EXIT_FAIL, WORDS("hardware/io-error"));
}

static void test_known_is_named_but_passes(void **state) {
        Judge *j = *state;

        result(j, START, OP_SYNC, -ENOSPC, OBS_NEAR_FULL);
        judge_close(j, START);
        assert_int_equal(judge_n_findings(j), 1);
        assert_false(finding_fails(judge_finding(j, 0)));
        expect_verdict(j, &good, EXIT_PASS, WORDS("known", "1 time ", "574d93fc62e2"));
}

static void test_bound(void **state _unused_) {
        assert_float_equal(judge_bound_95(0), 1.0, 0);
        assert_float_equal(judge_bound_95(2), 1.0, 0);
        assert_float_equal(judge_bound_95(3), 1.0, 0);
        assert_float_equal(judge_bound_95(300), 0.01, 1e-12);
}

static void test_settles_not_before_its_time(void **state) {
        Judge *j = *state;

        result(j, START, OP_UNLINK, -ENOSPC, 0);
        judge_tick(j, START + JUDGE_SETTLE_NS - 1);
        assert_int_equal(judge_n_findings(j), 0);
        judge_tick(j, START + JUDGE_SETTLE_NS);
        assert_int_equal(judge_n_findings(j), 1);
}

static void test_asks_once(void **state) {
        Judge *j = *state;

        result(j, START, OP_SCRUB, -EINVAL, 0);
        assert_int_equal(judge_tick(j, START + 100 * MS), 0);
        assert_int_equal(judge_tick(j, START + 300 * MS), JUDGE_CONFIRM);
        assert_int_equal(judge_tick(j, START + 400 * MS), 0);
        result(j, START + 500 * MS, OP_SCRUB, -EINVAL, 0);
        assert_int_equal(judge_tick(j, START + 900 * MS), 0);
        judge_feed(j, &(Observation){ .time_ns = START + NSEC_PER_SEC, .kind = OBS_CONTROL });
        assert_int_equal(judge_finding(j, 0)->confirmed, 2);
        result(j, START + 2000 * MS, OP_SCRUB, -EINVAL, 0); /* confirm_max is reached */
        assert_int_equal(judge_tick(j, START + 3000 * MS), 0);
        assert_int_equal(judge_finding(j, 0)->count, 3);
        assert_int_equal(judge_finding(j, 0)->confirmed, 2);
        kmsg(j, START + 4000 * MS, "BTRFS info (device loop3 state E): forced readonly");
        assert_int_equal(judge_tick(j, START + 4100 * MS), 0);
        assert_int_equal(judge_tick(j, START + 4300 * MS), JUDGE_REMAKE);
        assert_int_equal(judge_tick(j, START + 4400 * MS), 0);
        assert_int_equal(judge_incidents(j), 1);
}

static void test_oopsed(void **state) {
        Judge *j = *state;

        kmsg(j, START, "WARNING: CPU: 0 PID: 80 at fs/btrfs/block-rsv.c:474 btrfs_release_global_block_rsv+0x1/0x2");
        kmsg(j, START + MS, "---[ end trace 0000000000000000 ]---");
        assert_false(judge_oopsed(j));
        kmsg(j, START + 2 * MS, "Oops: general protection fault in somebody else's driver");
        kmsg(j, START + 3 * MS, "---[ end trace 0000000000000000 ]---");
        assert_false(judge_oopsed(j));
        kmsg(j, START + 4 * MS, "kernel BUG at fs/btrfs/volumes.c:1949!");
        assert_false(judge_oopsed(j));
        kmsg(j, START + 5 * MS, "---[ end trace 0000000000000000 ]---");
        assert_true(judge_oopsed(j));
        judge_remade(j, START + 6 * MS);
        assert_false(judge_oopsed(j));
}

static void test_never_confirms_when_told_so(void **state _unused_) {
        JudgePolicy none = policy;
        Judge *j;

        none.confirm_max = 0;
        assert_int_equal(judge_new(&j, &none), 0);
        result(j, START, OP_SCRUB, -EINVAL, 0);
        assert_int_equal(judge_tick(j, START + NSEC_PER_SEC), 0);
        assert_int_equal(judge_n_findings(j), 1);
        judge_free(j);
}

static void test_devices_are_replaced(void **state) {
        Judge *j = *state;
        char devices[JUDGE_DEVICES + 4][64];

        for (unsigned i = 0; i < ELEMENTSOF(devices); i++)
                snprintf(devices[i], sizeof(devices[i]), "pmem%u", i + 1);
        judge_set_devices(j, (const char (*)[64])devices, ELEMENTSOF(devices));
        kmsg(j, START, "BTRFS critical (device loop3): unable to find chunk map for logical 1 length 2");
        kmsg(j, START, "BTRFS critical (device pmem33): unable to find chunk map for logical 1 length 2"); /* no place */
        assert_int_equal(judge_n_findings(j), 0);
        kmsg(j, START, "BTRFS critical (device pmem32): unable to find chunk map for logical 1 length 2");
        assert_int_equal(judge_n_findings(j), 1);
        judge_set_devices(j, (const char (*)[64])devices, 1);
        kmsg(j, START, "BTRFS critical (device pmem32): unable to find chunk map for logical 1 length 2");
        assert_int_equal(judge_finding(j, 0)->count, 1);
}

/* A report ends after KMSG_REPORT_LINES lines: what follows speaks for itself. */
static void test_report_ends_by_lines(void **state) {
        Judge *j = *state;

        kmsg(j, START, "WARNING: CPU: 3 PID: 99 at drivers/gpu/drm/foo.c:100 foo+0x1/0x2 [i915]");
        for (unsigned i = 0; i < 60; i++)
                kmsg(j, START + i, "? __do_sys_ioctl+0x1/0x2");
        assert_int_equal(judge_n_findings(j), 0);
        kmsg(j, START + 61, "btrfs_cleaner");
        assert_int_equal(judge_n_findings(j), 1);
        assert_int_equal(judge_finding(j, 0)->grade, GRADE_EXPECT);
        expect_verdict(j, &good, EXIT_PASS, WORDS("60000"));
}

static void test_report_ends_by_time(void **state) {
        Judge *j = *state;

        kmsg(j, START, "WARNING: CPU: 3 PID: 99 at drivers/gpu/drm/foo.c:100 foo+0x1/0x2 [i915]");
        kmsg(j, START + JUDGE_SETTLE_NS, "btrfs_cleaner");
        assert_int_equal(judge_n_findings(j), 1);
        assert_int_equal(judge_finding(j, 0)->grade, GRADE_EXPECT);
}

/* Reports that follow each other without end do not keep results waiting for ever. */
static void test_log_flood_does_not_starve(void **state) {
        Judge *j = *state;

        result(j, START, OP_UNLINK, -ENOSPC, 0);
        for (uint64_t t = START; t <= START + NSEC_PER_SEC; t += 10 * MS) {
                kmsg(j, t, "WARNING: CPU: 3 PID: 99 at drivers/gpu/drm/foo.c:100 foo+0x1/0x2 [i915]");
                judge_tick(j, t);
        }
        assert_int_equal(judge_n_findings(j), 2);
}

static void test_rows_are_bounded(void **state) {
        Judge *j = *state;
        unsigned kinds = 0;

        for (int err = 1; err <= 133; err++, kinds++)
                result(j, START, OP_UMOUNT, -err, 0);
        judge_tick(j, START + NSEC_PER_SEC);
        assert_int_equal(judge_n_findings(j), JUDGE_ROWS);
        assert_int_equal(judge_overflow(j), kinds - JUDGE_ROWS);
        assert_null(judge_finding(j, JUDGE_ROWS));
        kmsg(j, START + NSEC_PER_SEC, "BTRFS info (device loop3 state E): forced readonly"); /* no row for it either */
        assert_int_equal(judge_tick(j, START + 2 * NSEC_PER_SEC), JUDGE_REMAKE);
        result(j, START + 3 * NSEC_PER_SEC, OP_UMOUNT, -133, 0);
        expect_verdict(j, &good, EXIT_FAIL, WORDS("findings"));
}

/* Failing findings for which there is no row fail the run, too. */
static void test_overflow_fails(void **state) {
        static const int ours[] = { EPERM, EBADF, EFAULT, ENOTTY, EOPNOTSUPP };
        Judge *j = *state;

        for (int op = OP_NONE + 1; op < _OP_MAX; op++)
                for (size_t i = 0; i < ELEMENTSOF(ours); i++)
                        result(j, START, (Operation)op, -ours[i], 0);
        judge_tick(j, START + NSEC_PER_SEC);
        assert_int_equal(judge_n_findings(j), JUDGE_ROWS);
        expect_verdict(j, &good, EXIT_ERROR, WORDS("setup/errno"));
        result(j, START + NSEC_PER_SEC, OP_UNLINK, -ENOSPC, 0);
        judge_close(j, START + 2 * NSEC_PER_SEC);
        expect_verdict(j, &good, EXIT_FAIL, WORDS("1 finding"));
}

static void test_pending_is_bounded(void **state) {
        Judge *j = *state;
        uint64_t seen = 0;

        for (int op = OP_NONE + 1; op < _OP_MAX; op++)
                for (int err = 50; err <= 133; err++)
                        result(j, START, (Operation)op, -err, 0);
        judge_close(j, START);
        for (size_t i = 0; i < judge_n_findings(j); i++)
                seen += judge_finding(j, i)->count;
        assert_true(seen + judge_overflow(j) > 22 * 70);
}

static void test_million_failures(void **state) {
        Judge *j = *state;
        const uint64_t n = 1000000;
        uint64_t began = clock_mono_ns(), took;

        for (uint64_t i = 0; i < n; i++) {
                result(j, START + i * 1000, OP_UNLINK, -ENOSPC, 0);
                if (i % 100000 == 0)
                        judge_tick(j, START + i * 1000);
        }
        judge_close(j, START + n * 1000);
        took = clock_mono_ns() - began;
        assert_int_equal(judge_n_findings(j), 1);
        assert_int_equal(judge_finding(j, 0)->count, n);
        assert_true(judge_finding(j, 0)->last_ns > judge_finding(j, 0)->first_ns);
        print_message("a failure: %" PRIu64 " ns\n", took / n);
        assert_true(took / n < 10000);
}

static void test_speed_of_the_expected(void **state) {
        Judge *j = *state;
        const uint64_t n = 2000000, lines = 20000;
        uint64_t began = clock_mono_ns(), plain, logged;
        Observation o = { .kind = OBS_RESULT, .op = OP_SCRUB, .result = -EINPROGRESS, .flags = OBS_OVERLAP, .devid = 1 };

        for (uint64_t i = 0; i < n; i++) {
                o.time_ns = START + i;
                judge_feed(j, &o);
        }
        plain = clock_mono_ns() - began;
        began = clock_mono_ns();
        for (uint64_t i = 0; i < lines; i++)
                kmsg(j, START + i, "BTRFS info (device loop3): using crc32c (crc32c-x86) checksum algorithm");
        logged = clock_mono_ns() - began;
        assert_int_equal(judge_n_findings(j), 0);
        print_message("an expected result: %" PRIu64 " ns, a line that means nothing: %" PRIu64 " ns\n", plain / n, logged / lines);
        assert_true(plain / n < 2000);
        assert_true(logged / lines < 2000000);
}

static void test_classes(void **state _unused_) {
        for (int i = 0; i < _CLASS_MAX; i++) {
                const FindingClassInfo *c = &finding_classes[i];
                assert_non_null(strchr(c->name, '/'));
                assert_true(strlen(c->sentence) > 20);
                assert_int_equal(strlen(c->message_id), 32);
                for (size_t k = 0; k < 32; k++)
                        assert_true(isdigit((unsigned char)c->message_id[k]) || (c->message_id[k] >= 'a' && c->message_id[k] <= 'f'));
                assert_int_equal(c->fails, strncmp(c->name, "setup/", 6) != 0);
                for (int k = 0; k < i; k++) {
                        assert_string_not_equal(c->name, finding_classes[k].name);
                        assert_string_not_equal(c->message_id, finding_classes[k].message_id);
                }
        }
        for (int g = 0; g < _GRADE_MAX; g++)
                assert_string_not_equal(grade_name((Grade)g), grade_name((Grade)(g + 1)));
        assert_string_equal(grade_name(_GRADE_MAX), "unknown");
}

static void sentence_of(Judge *j, size_t i, char buf[static 1024]) {
        assert_true(i < judge_n_findings(j));
        finding_sentence(judge_finding(j, i), buf, 1024);
}

static void test_sentence_of_the_race(void **state) {
        Judge *j = *state;
        char s[1024];

        result(j, START, OP_SCRUB, -EINVAL, 0);
        result(j, START, OP_SCRUB, -EINVAL, 0);
        judge_tick(j, START + NSEC_PER_SEC);
        judge_feed(j, &(Observation){ .time_ns = START + NSEC_PER_SEC, .kind = OBS_CONTROL });
        sentence_of(j, 0, s);
        expect_sentence(s, WORDS("scrub on devid 2", "EINVAL", "physical 1", "GiB", "2 times", "020d5b7366fc", "passed", "2 confirmed"));
        result(j, START + 9 * NSEC_PER_SEC, OP_BALANCE, -ENOSPC, 0);
        result(j, START + 9 * NSEC_PER_SEC, OP_BALANCE, 5, 0);
        result(j, START + 9 * NSEC_PER_SEC, OP_FSYNC, -ENOSPC, OBS_NEAR_FULL);
        judge_close(j, START);
        sentence_of(j, 1, s);
        expect_sentence(s, WORDS("balance", "ENOSPC", "unallocated"));
        assert_null(strstr(s, "times"));
        sentence_of(j, 2, s);
        expect_sentence(s, WORDS("balance", "returned 5"));
        sentence_of(j, 3, s);
        expect_sentence(s, WORDS("fsync", "574d93fc62e2"));
}

static void test_sentence_of_each_kind(void **state) {
        Judge *j = *state;
        char s[1024];

        judge_feed(j, &(Observation){ .time_ns = START, .kind = OBS_STUCK, .op = OP_SYNC, .count = 61000, .text = "wait_for_commit" });
        judge_feed(j, &(Observation){ .time_ns = START, .kind = OBS_DIED, .result = 9, .text = "churn/1" });
        judge_feed(j, &(Observation){ .time_ns = START, .kind = OBS_DEVSTAT, .devid = 4, .count = 3, .text = "read_errs" });
        judge_feed(j, &(Observation){ .time_ns = START, .kind = OBS_MISCOMPARE, .op = OP_READ, .logical = 64 * KiB, .text = "f1 block 2" });
        judge_feed(j, &(Observation){ .time_ns = START, .kind = OBS_HEALTH, .devid = 7, .text = "pending sectors grew from 0 to 2" });
        judge_tick(j, START + NSEC_PER_SEC);
        judge_feed(j, &(Observation){ .time_ns = START + 9 * NSEC_PER_SEC, .kind = OBS_COUNTERS, .op = OP_SCRUB, .devid = 3, .count = 7,
                                      .text = "csum_errors=7" });
        judge_feed(j, &(Observation){ .time_ns = START + 9 * NSEC_PER_SEC, .kind = OBS_EMPTY_GROUPS, .count = 2, .logical = 5 * GiB,
                                      .text = "2 empty data block groups are still there, the first" });
        judge_feed(j, &(Observation){ .time_ns = START + 9 * NSEC_PER_SEC, .kind = OBS_COUNTERS, .op = OP_BALANCE, .devid = 3,
                                      .text = "corrected_errors=256" });
        judge_feed(j, &(Observation){ .time_ns = START + 9 * NSEC_PER_SEC, .kind = OBS_SPACE, .count = GiB,
                                      .text = "bytes_readonly of data stayed at 1073741824" });
        kmsg(j, START + 10 * NSEC_PER_SEC, "WARNING: at drivers/gpu/x.c:1");
        judge_close(j, START + 20 * NSEC_PER_SEC);
        sentence_of(j, 0, s);
        expect_sentence(s, WORDS("sync", "61 s", "wait_for_commit"));
        sentence_of(j, 1, s);
        expect_sentence(s, WORDS("churn/1", "signal 9", "report"));
        sentence_of(j, 2, s);
        expect_sentence(s, WORDS("devid 4", "3", "read_errs"));
        sentence_of(j, 3, s);
        expect_sentence(s, WORDS("f1 block 2", "file offset 64", "not what was written"));
        sentence_of(j, 4, s);
        expect_sentence(s, WORDS("devid 7", "pending sectors grew from 0 to 2", "before the stress"));
        sentence_of(j, 5, s);
        expect_sentence(s, WORDS("WARNING", "unrelated"));
        sentence_of(j, 6, s);
        expect_sentence(s, WORDS("scrub", "devid 3", "7 errors", "csum_errors=7"));
        sentence_of(j, 7, s);
        expect_sentence(s, WORDS("2 empty data block groups", "logical 5", "never deleted", "758f2dfcf8a2"));
        sentence_of(j, 8, s);
        expect_sentence(s, WORDS("do not add up", "corrected_errors=256"));
        sentence_of(j, 9, s);
        expect_sentence(s, WORDS("bytes_readonly of data stayed at 1073741824", "nothing holds it", "never use it again"));
}

static void test_sentence_is_cut_not_overrun(void **state) {
        Judge *j = *state;
        char s[64];

        kmsg(j, START, "kernel BUG at fs/btrfs/volumes.c:1949! and a long text that does not fit in a short buffer at all");
        judge_close(j, START);
        for (size_t size = 1; size < sizeof(s); size++) {
                memset(s, 'x', sizeof(s));
                finding_sentence(judge_finding(j, 0), s, size);
                assert_true(strlen(s) < size);
        }
        s[0] = 'x';
        finding_sentence(judge_finding(j, 0), s, 0);
        assert_int_equal(s[0], 'x');
}

/* What an earlier start has found counts, and what is met again is counted on. */
static void test_restored(void **state) {
        static const Finding earlier = { .class = CLASS_ERRNO, .grade = GRADE_FINDING, .op = OP_UNLINK, .result = -EUCLEAN, .count = 3,
                                         .confirmed = 1, .first_ns = UINT64_MAX - 5, .last_ns = UINT64_MAX - 4, .evidence = "/e/01" };
        char why[64] = "said by a table of then";
        Judge *j = *state;
        const Finding *f;

        judge_restore(j, &earlier, why);
        memset(why, 'x', sizeof(why) - 1);
        assert_int_equal(judge_n_findings(j), 1);
        f = judge_finding(j, 0);
        assert_string_equal(f->why, "said by a table of then");
        assert_string_equal(f->evidence, "/e/01");
        expect_verdict(j, &good, EXIT_FAIL, (const char *const[]){ "1 finding, the first of class kernel/errno, 3 times", "a table of then", NULL });
        result(j, START, OP_UNLINK, -EUCLEAN, 0);
        result(j, START, OP_TRUNCATE, -EUCLEAN, 0);
        judge_tick(j, START + 1000 * MS);
        assert_int_equal(judge_n_findings(j), 2);
        assert_int_equal(f->count, 4);
        assert_int_equal(f->first_ns, UINT64_MAX - 5);
        assert_int_equal(f->last_ns, START); /* later, though its number is smaller: the clock of another boot */
        for (unsigned i = 2; i < JUDGE_ROWS + 2; i++)
                judge_restore(j, &earlier, "");
        assert_int_equal(judge_n_findings(j), JUDGE_ROWS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_pass_names_the_bound), TEST(test_pass_without_trace_counts_removals), TEST(test_too_few_collisions),
                TEST(test_cut_short), TEST(test_failure_of_ours), TEST(test_precedence), TEST(test_hardware_fails),
                TEST(test_known_is_named_but_passes), TEST(test_bound), TEST(test_settles_not_before_its_time), TEST(test_asks_once), TEST(test_oopsed),
                TEST(test_never_confirms_when_told_so), TEST(test_devices_are_replaced), TEST(test_report_ends_by_lines),
                TEST(test_report_ends_by_time), TEST(test_log_flood_does_not_starve), TEST(test_rows_are_bounded),
                TEST(test_overflow_fails), TEST(test_pending_is_bounded), TEST(test_million_failures), TEST(test_speed_of_the_expected),
                TEST(test_classes), TEST(test_sentence_of_the_race), TEST(test_sentence_of_each_kind),
                TEST(test_sentence_is_cut_not_overrun), TEST(test_restored),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

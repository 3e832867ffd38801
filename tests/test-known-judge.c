/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the judge makes of known issues: those that are carried, each by its own example, and an administrator's. */
#include "config-fixture.h"

#include <errno.h>

#include "judge/judge.h"
#include "known-fixture.h"
#include "run/known-files.h"

#define START (1000 * NSEC_PER_SEC)
#define MS NSEC_PER_MSEC

static const RunFacts good = { .collisions = 60000, .trace = true, .removals = 90000, .min_collisions = 1000, .completed = true };

static Judge *judge_with(const KnownIssues *k) {
        JudgePolicy policy = { .confirm_max = 2, .known = k, .devices = { "loop3" } };
        Judge *j;

        assert_int_equal(judge_new(&j, &policy), 0);
        return j;
}

/* Observations, a line each; a millisecond apart, from `at`. */
static void feed(Judge *j, uint64_t at, const char *lines) {
        char text[OBS_LINE_MAX];

        for (const char *s = lines; *s; s += strcspn(s, "\n") + (s[strcspn(s, "\n")] == '\n')) {
                Error e = ERROR_NULL;
                Observation o;

                snprintf(text, sizeof(text), "%llu %.*s", (unsigned long long)at, (int)strcspn(s, "\n"), s);
                if (observation_parse(text, &o, &e) < 0)
                        fail_msg("\"%s\": %s", text, e.sentence);
                judge_feed(j, &o);
                at += MS;
        }
        judge_tick(j, at + NSEC_PER_SEC);
}

static void assert_row(Judge *j, size_t i, Grade grade, const char *reference) {
        const Finding *f = judge_finding(j, i);

        if (!f || f->grade != grade || strcmp(f->reference, reference) != 0)
                fail_msg("row %zu: %s \"%s\", expected %s \"%s\"", i, f ? grade_name(f->grade) : "none", f ? f->reference : "",
                         grade_name(grade), reference);
}

static void assert_verdict(Judge *j, ExitCode verdict, const char *words) {
        char why[1024];

        assert_int_equal(judge_verdict(j, &good, why, sizeof(why)), verdict);
        assert_has(why, words);
}

/* An entry that does not recognize its own example is a defect; so is one whose failure another entry, or none, would claim. */
static void each_knows_its_own_example(void **state _unused_) {
        KnownIssues k = carried_issues("6.18.44");

        assert_true(k.n >= 9);
        for (size_t i = 0; i < k.n; i++) {
                const KnownIssue *x = k.issues[i];
                Judge *j = judge_with(&k), *alone = judge_with(NULL);

                if (!x->example)
                        fail_msg("%s has no Example=", x->name);
                feed(j, START, x->example);
                feed(alone, START, x->example);
                judge_close(j, START);
                judge_close(alone, START);
                assert_true(judge_n_findings(j) > 0);
                for (size_t n = 0; n < judge_n_findings(j); n++) {
                        assert_row(j, n, x->grade, x->reference);
                        assert_string_equal(judge_finding(j, n)->why, x->what);
                        assert_int_equal(judge_finding(j, n)->class, x->class);
                }
                /* Without it, the same is news that fails the run. */
                assert_int_equal(judge_n_findings(alone), judge_n_findings(j));
                assert_row(alone, 0, GRADE_FINDING, "");
                assert_verdict(j, x->grade == GRADE_KNOWN ? EXIT_PASS : EXIT_FAIL, x->grade == GRADE_KNOWN ? x->reference : x->what);
                assert_verdict(alone, EXIT_FAIL, finding_classes[x->class].name);
                judge_free(j);
                judge_free(alone);
        }
        known_issues_free(&k);
}

/* The race is what this program is for, and data that is not what was written is nobody's known issue. */
static void none_carried_hides_what_matters_most(void **state _unused_) {
        KnownIssues k = carried_issues("6.18.44");

        for (size_t i = 0; i < k.n; i++) {
                assert_true(k.issues[i]->carried);
                assert_false(finding_class_is_race(k.issues[i]->class));
                assert_int_not_equal(k.issues[i]->class, CLASS_MISCOMPARE);
                assert_true(strlen(k.issues[i]->reference) < FINDING_REFERENCE_MAX);
        }
        known_issues_free(&k);
}

#define ABORT                                                                                                                 \
        "kmsg text=BTRFS: Transaction aborted (error -28)\n"                                                                 \
        "kmsg text=BTRFS: error (device loop3 state A) in cleanup_transaction:1978: errno=-28 No space left\n"                 \
        "kmsg text=BTRFS info (device loop3 state EA): forced readonly\n"

/* Every class of the table without its reason to be known. */
static void without_its_condition_it_is_news(void **state _unused_) {
        static const char *const news[] = {
                ABORT,
                "result op=sync errno=ENOSPC",
                "result op=scrub errno=ENOSPC",
                "result op=replace errno=EFBIG",
                "counters op=scrub devid=1 count=4 text=verify_errors=4",
                "kmsg flags=near-full text=BTRFS: Transaction aborted (error -2)\n"
                "kmsg text=BTRFS: error (device loop3 state A) in btrfs_finish_ordered_io:3502: errno=-2 No such entry",
                "kmsg text=kernel BUG at fs/btrfs/volumes.c:1949!\nkmsg text=CPU: 1 PID: 80 Comm: ss:balance/1\n"
                "kmsg text= btrfs_relocate_chunk+0x1/0x2",
                "kmsg text=WARNING: CPU: 0 PID: 14454 at fs/btrfs/relocation.c:4045 btrfs_reloc_cow_block+0x3c8/0x430",
                "stuck op=replace count=121000 text=worker replace/1 wchan=btrfs_scrub_pause stack=",
        };
        KnownIssues k = carried_issues("6.18.44");

        for (size_t i = 0; i < ELEMENTSOF(news); i++) {
                Judge *j = judge_with(&k);
                feed(j, START, news[i]);
                judge_close(j, START);
                if (judge_n_findings(j) != 1)
                        fail_msg("\"%s\": %zu rows", news[i], judge_n_findings(j));
                assert_row(j, 0, GRADE_FINDING, "");
                judge_free(j);
        }
        known_issues_free(&k);
}

/* Known when the churn was at the headroom moments before, or only after the abort had begun; not when that is long past. */
static void near_full_holds_around_it(void **state _unused_) {
        static const struct {
                const char *before, *after;
                uint64_t wait_ns;
                Grade grade;
        } cases[] = {
                { "note flags=near-full text=x", "", 9 * NSEC_PER_SEC, GRADE_KNOWN },
                { "note flags=near-full text=x", "", 11 * NSEC_PER_SEC, GRADE_FINDING },
                { "", "result op=write errno=EROFS flags=near-full", 0, GRADE_KNOWN },
        };
        KnownIssues k = carried_issues("6.18.44");

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char lines[1024];
                Judge *j = judge_with(&k);

                feed(j, START, cases[i].before);
                snprintf(lines, sizeof(lines), "%s%s", ABORT, cases[i].after);
                feed(j, START + cases[i].wait_ns, lines);
                assert_row(j, 0, cases[i].grade, cases[i].grade == GRADE_KNOWN ? "574d93fc62e2; syzbot extid dafbca0e20fbc5946925" : "");
                assert_int_equal(judge_incidents(j), 1);
                judge_free(j);
        }
        known_issues_free(&k);
}

/* Of one class, operation and errno, but one has been seen before: two rows. */
static void news_is_not_counted_with_what_is_known(void **state _unused_) {
        static const char seen[] = "kmsg text=WARNING: CPU: 0 PID: 1 at fs/btrfs/relocation.c:4045 btrfs_relocate_block_group+0x3c8/0x430\n"
                                   "kmsg text=---[ end trace 0000000000000000 ]---";
        static const char news[] = "kmsg text=WARNING: CPU: 0 PID: 1 at fs/btrfs/inode.c:1 btrfs_destroy_inode+0x3c8/0x430\n"
                                   "kmsg text=---[ end trace 0000000000000000 ]---";
        KnownIssues k = carried_issues("6.18.44");
        Judge *j = judge_with(&k);
        char sentence[1024];

        feed(j, START, seen);
        feed(j, START + 2 * NSEC_PER_SEC, news);
        feed(j, START + 4 * NSEC_PER_SEC, seen);
        assert_int_equal(judge_n_findings(j), 2);
        assert_row(j, 0, GRADE_FINDING, "doc/findings/2026-11-relocation-warns-of-a-trim.md");
        assert_int_equal(judge_finding(j, 0)->count, 2);
        assert_row(j, 1, GRADE_FINDING, "");
        assert_int_equal(judge_finding(j, 1)->count, 1);
        finding_sentence(judge_finding(j, 0), sentence, sizeof(sentence));
        assert_has(sentence, "looks like the warning of space that only a trim has reserved; seen before: doc/findings/2026-11-relocation");
        judge_free(j);
        known_issues_free(&k);
}

/* What an earlier start of a soak has met is met again, not anew. */
static void a_restored_row_is_counted_on(void **state _unused_) {
        KnownIssues k = carried_issues("6.18.44");
        Judge *first = judge_with(&k), *second = judge_with(&k);

        feed(first, START, "result op=sync errno=ENOSPC flags=near-full");
        judge_restore(second, judge_finding(first, 0), judge_finding(first, 0)->why);
        feed(second, START, "result op=sync errno=ENOSPC flags=near-full");
        assert_int_equal(judge_n_findings(second), 1);
        assert_int_equal(judge_finding(second, 0)->count, 2);
        judge_free(first);
        judge_free(second);
        known_issues_free(&k);
}

/* An administrator's. */

#define RACE_FILE "/etc/scrubstress/known-issues.d/race.conf"

static KnownIssues race_known(Place *p) {
        KnownIssues k;

        put(p, RACE_FILE, "[old-kernel]\nWhat=this kernel is from before the fix\nClass=regression/scrub-race\nErrno=EINVAL\n"
                          "Reference=020d5b7366fc\nGrade=known\n"
                          "[seen]\nWhat=it hides nothing\nClass=regression/replace-race\nErrno=EINVAL\nReference=r\nGrade=finding\n");
        if (known_files_load(&k, p->root, &p->error) < 0)
                fail_msg("%s", p->error.sentence);
        return k;
}

static void a_file_that_calls_the_race_known_is_named(void **state) {
        KnownIssues k = race_known(*state);
        Judge *j = judge_with(&k), *carried = judge_with(NULL);
        char sentence[1024], reference[FINDING_REFERENCE_MAX];

        for (size_t i = 0; i < k.n; i++)
                assert_int_equal(known_issue_hides_race(k.issues[i]), strcmp(k.issues[i]->name, "old-kernel") == 0);
        snprintf(reference, sizeof(reference), "020d5b7366fc (says %.200s:1)", full(*state, RACE_FILE));
        feed(j, START, "result op=scrub errno=EINVAL devid=2");
        feed(carried, START, "result op=scrub errno=EINVAL devid=2");
        judge_feed(j, &(Observation){ .time_ns = START + NSEC_PER_SEC, .kind = OBS_CONTROL });
        judge_feed(carried, &(Observation){ .time_ns = START + NSEC_PER_SEC, .kind = OBS_CONTROL });
        assert_int_equal(judge_finding(j, 0)->confirmed, 1);
        assert_row(j, 0, GRADE_KNOWN, reference);
        finding_sentence(judge_finding(j, 0), sentence, sizeof(sentence));
        assert_has(sentence, reference);
        assert_verdict(j, EXIT_PASS, "; the race that this program is for was met 1 time and is not held against it only because a file calls "
                                     "it known: 020d5b7366fc (says ");
        assert_row(carried, 0, GRADE_FINDING, "");
        assert_verdict(carried, EXIT_FAIL, "regression/scrub-race");
        /* The other failures that are known are counted apart. */
        feed(j, START + 4 * NSEC_PER_SEC, "result op=sync errno=ENOSPC flags=near-full");
        assert_verdict(j, EXIT_PASS, "; a known upstream failure was met 1 time and is not held against it (574d93fc62e2");
        assert_verdict(j, EXIT_PASS, "; the race that this program is for was met 1 time ");
        judge_free(j);
        judge_free(carried);
        known_issues_free(&k);
}

/* What fails the hardware or the setting is not looked for at all, and neither is a note. */
static void only_findings_against_the_kernel_are_looked_for(void **state) {
        KnownIssues k;
        Place *p = *state;
        Judge *j;

        put(p, RACE_FILE, "[all]\nWhat=everything\nClass=kernel/splat\nPattern=.\nReference=r\nGrade=known\n");
        assert_int_equal(known_files_load(&k, p->root, &p->error), 0);
        j = judge_with(&k);
        feed(j, START, "kmsg text=WARNING: CPU: 3 PID: 99 at drivers/gpu/drm/i915/display/intel_display.c:100 foo+0x1/0x2 [i915]");
        assert_row(j, 0, GRADE_EXPECT, "");
        judge_free(j);
        known_issues_free(&k);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_knows_its_own_example),
                cmocka_unit_test(none_carried_hides_what_matters_most),
                cmocka_unit_test(without_its_condition_it_is_news),
                cmocka_unit_test(near_full_holds_around_it),
                cmocka_unit_test(news_is_not_counted_with_what_is_known),
                cmocka_unit_test(a_restored_row_is_counted_on),
                T(a_file_that_calls_the_race_known_is_named),
                T(only_findings_against_the_kernel_are_looked_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands in a file of known issues, which files are found, and what matches; test-known-judge.c has what the judge makes of it. */
#include "config-fixture.h"

#include <errno.h>

#include "run/known-files.h"

#define FOLDER "/etc/scrubstress/known-issues.d/"

/* The reading of one text, and what became of it. */
static int read_text(KnownIssues *k, const char *text, Error *e) {
        int r;

        *k = KNOWN_ISSUES_NULL;
        *e = ERROR_NULL;
        r = conf_text_read("made-up.conf", text, &(ConfTaker){ known_issues_take, k }, e);
        return r < 0 ? r : known_issues_check(k, e);
}

#define GOOD                                                                                                                  \
        "# A comment.\n[made-up]\nWhat=nothing is as it was\nClass=kernel/errno\nOperation=scrub sync\nErrno=ENOSPC\nPattern=^one [0-9]+$\n"  \
        "Pattern=(two|deux) ?; *$\nWhen=near-full discards\nSince=5.0\nFixedIn=6.19 6.12.60\nFixedIn=6.1.158\nReference=made up; by us\n" \
        "Grade=known\nExample=result op=sync errno=ENOSPC flags=near-full\nExample=note text=two\n"

static void a_good_one_is_read(void **state _unused_) {
        KnownIssues k;
        Error e;

        if (read_text(&k, GOOD, &e) < 0)
                fail_msg("%s", e.sentence);
        assert_int_equal(k.n, 1);
        assert_string_equal(k.issues[0]->name, "made-up");
        assert_string_equal(k.issues[0]->origin, "made-up.conf:2");
        assert_string_equal(k.issues[0]->what, "nothing is as it was");
        assert_string_equal(k.issues[0]->reference, "made up; by us");
        assert_string_equal(k.issues[0]->example, "result op=sync errno=ENOSPC flags=near-full\nnote text=two\n");
        assert_true(k.issues[0]->carried);
        assert_int_equal(k.issues[0]->class, CLASS_ERRNO);
        assert_int_equal(k.issues[0]->grade, GRADE_KNOWN);
        assert_int_equal(k.issues[0]->operations, UINT64_C(1) << OP_SCRUB | UINT64_C(1) << OP_SYNC);
        assert_int_equal(k.issues[0]->result, -ENOSPC);
        assert_int_equal(k.issues[0]->when, OBS_NEAR_FULL | OBS_DISCARDS);
        assert_int_equal(k.issues[0]->n_patterns, 2);
        assert_int_equal(k.issues[0]->n_since, 1);
        assert_int_equal(k.issues[0]->n_fixed_in, 3);
        assert_int_equal(k.issues[0]->fixed_in[2].patch, 158);
        known_issues_free(&k);
        assert_int_equal(k.n, 0);
}

/* A whole one but for the lines that `with` stands in for: those of the same key. */
static void with(char *text, size_t size, const char *line) {
        static const char *const lines[] = { "What=w", "Class=kernel/errno", "Errno=EIO", "Reference=r", "Grade=known" };
        size_t key = strcspn(line, "="), n = (size_t)snprintf(text, size, "[x]\n");

        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                if (strncmp(lines[i], line, key + 1) != 0)
                        n += (size_t)snprintf(text + n, size - n, "%s\n", lines[i]);
        snprintf(text + n, size - n, "%s\n", line);
}

static void assert_bad(const char *text, const char *what, const char *remedy) {
        KnownIssues k;
        Error e;

        if (read_text(&k, text, &e) >= 0 || e.exit != EXIT_USAGE || !strstr(e.sentence, what) || !strstr(e.sentence, remedy))
                fail_msg("\"%s\": exit code %d: \"%s\"; expected \"%s\" and \"%s\"", text, e.exit, e.sentence, what, remedy);
        known_issues_free(&k);
}

static void a_bad_line_is_named(void **state _unused_) {
        static const struct {
                const char *line, *what, *remedy;
        } cases[] = {
                { "Class=kernel/nothing", "made-up.conf:6: [x] Class=kernel/nothing: not a class", "kernel/splat, " },
                { "Class=hardware/io-error", "[x] Class=hardware/io-error: not a class of findings against the kernel",
                  "allowed: regression/scrub-race" },
                { "Class=setup/errno", "[x] Class=setup/errno: not a class", "allowed" },
                { "Class=", "[x] Class=: nothing stands there", "take the line out" },
                { "Grade=ok", "made-up.conf:6: [x] Grade=ok: not a grade", "known" },
                { "Grade=hardware", "[x] Grade=hardware: not a grade", "finding" },
                { "Errno=28", "[x] Errno=28: not the name of an errno", "ENOSPC" },
                { "Errno=EWHAT", "[x] Errno=EWHAT: not the name of an errno", "ENOSPC" },
                { "Operation=scrub srub", "[x] Operation=scrub srub: not a list of operations", "none, scrub, scrub-cancel" },
                { "When=near-full never", "[x] When=near-full never: not a list of conditions", "near-full, overlap" },
                { "Pattern=a(b", "[x] Pattern=a(b: not an extended regular expression", "regex(7)" },
                { "Since=6", "[x] Since=6: not a list of kernel versions", "6.19 6.12.60" },
                { "FixedIn=6.19 6.1.x", "[x] FixedIn=6.19 6.1.x: not a list of kernel versions", "stable" },
                { "FixedIn=1.1 1.2 1.3 1.4 1.5 1.6 1.7 1.8 1.9 2.1 2.2 2.3 2.4 2.5 2.6 2.7 2.8", "[x] FixedIn=1.1 ", "at most 16" },
                { "Example=result op=scurb", "[x] Example=result op=scurb: not an observation (", "observations.obs" },
                { "Patern=x", "made-up.conf:7: [x] Patern=: there is no such key", "Operation, Pattern, Reference" },
                { "Pattern", "made-up.conf:7: neither a [Section]", "Key=VALUE" },
                { "What=a\nWhat=b", "made-up.conf:7: [x] What=b: given a second time", "leave one" },
                { "Errno=EIO\nErrno=ENOSPC", "[x] Errno=ENOSPC: given a second time", "leave one" },
                { "Pattern=1\nPattern=2\nPattern=3\nPattern=4\nPattern=5\nPattern=6\nPattern=7\nPattern=8\nPattern=9",
                  "[x] Pattern=9: at most 8", "join" },
                { "[x]", "made-up.conf:7: [x]: there is a known issue of this name already (made-up.conf:1)", "another" },
                { "[]", "made-up.conf:7: []: the name", "1 to 48" },
                { "[1234567890123456789012345678901234567890123456789]", "made-up.conf:7: [1234", "1 to 48" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char text[1024];
                with(text, sizeof(text), cases[i].line);
                assert_bad(text, cases[i].what, cases[i].remedy);
        }
        assert_bad("Class=kernel/errno\n", "made-up.conf:1: Class=: it stands in no section", "[near-full-abort]");
}

static void what_is_missing_is_named(void **state _unused_) {
        assert_bad("[x]\nWhat=w\nErrno=EIO\nReference=r\nGrade=known\n", "made-up.conf:1: [x] has no Class=", "kernel/transaction-abort");
        assert_bad("\n[x]\nWhat=w\nClass=kernel/errno\nErrno=EIO\nReference=r\n", "made-up.conf:2: [x] has no Grade=", "known");
        assert_bad("[x]\nWhat=w\nClass=kernel/errno\nErrno=EIO\nGrade=known\n[y]\n", "made-up.conf:1: [x] has no Reference=", "commit");
        assert_bad("[x]\nClass=kernel/errno\nErrno=EIO\nReference=r\nGrade=known\n", "made-up.conf:1: [x] has no What=", "sentence");
        /* Versions narrow it down to a kernel, but not to a failure. */
        assert_bad("[x]\nWhat=w\nClass=kernel/errno\nSince=5.0\nReference=r\nGrade=known\n",
                   "made-up.conf:1: [x] would take in every finding of its class", "Pattern=");
}

static const KnownQuery good_query = { .class = CLASS_ERRNO, .op = OP_SYNC, .result = -ENOSPC, .flags = OBS_NEAR_FULL | OBS_DISCARDS | OBS_OURS,
                                       .lines = "zero\none 11\nand two" };

static void it_matches_when_all_holds(void **state _unused_) {
        static const struct {
                const char *line;
                KnownQuery query; /* differs from the good one in a field */
                bool matches;
        } cases[] = {
                { "Errno=ENOSPC", { .class = CLASS_ERRNO }, true },
                { "Errno=ENOSPC", { .class = CLASS_SPLAT }, false },
                { "Class=kernel/splat\nErrno=ENOSPC", { .class = CLASS_SPLAT }, true },
                { "Errno=ENOSPC", { .result = -EIO }, false },
                { "Errno=EIO", { .result = -EIO }, true },
                { "Errno=ENOSPC", { .result = 28 }, false },
                { "Operation=sync\nErrno=ENOSPC", { .op = OP_SYNC }, true },
                { "Operation=scrub sync\nErrno=ENOSPC", { .op = OP_SCRUB }, true },
                { "Operation=scrub sync\nErrno=ENOSPC", { .op = OP_REPLACE }, false },
                { "When=near-full\nErrno=ENOSPC", { .flags = OBS_NEAR_FULL }, true },
                { "When=near-full discards\nErrno=ENOSPC", { .flags = OBS_NEAR_FULL }, false },
                { "When=near-full\nErrno=ENOSPC", { .flags = OBS_DISCARDS }, false },
                { "Pattern=one\nErrno=ENOSPC", { .lines = "zone" }, true },
                { "Pattern=^one\nErrno=ENOSPC", { .lines = "zone" }, false },
                { "Pattern=^one\nErrno=ENOSPC", { .lines = "zero\none" }, true },
                { "Pattern=zero.*one\nErrno=ENOSPC", { .lines = "zero\none" }, false }, /* not over the end of a line */
                { "Pattern=o$\nPattern=^o\nErrno=ENOSPC", { .lines = "zero\none" }, true },
                { "Pattern=o$\nPattern=^x\nErrno=ENOSPC", { .lines = "zero\none" }, false },
                { "Pattern=(one|two) [0-9]{2}$\nErrno=ENOSPC", { .lines = "one 1" }, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                KnownQuery q = good_query;
                char text[1024];
                KnownIssues k;
                Error e;

                q.class = cases[i].query.class ?: q.class;
                q.op = cases[i].query.op ?: q.op;
                q.result = cases[i].query.result ?: q.result;
                q.flags = cases[i].query.flags ?: q.flags;
                q.lines = cases[i].query.lines ?: q.lines;
                snprintf(text, sizeof(text), "[x]\nWhat=w\nReference=r\nGrade=known\n%s%s\n",
                         strncmp(cases[i].line, "Class", 5) == 0 ? "" : "Class=kernel/errno\n", cases[i].line);
                if (read_text(&k, text, &e) < 0)
                        fail_msg("%s", e.sentence);
                if ((known_issue_find(&k, &q) != NULL) != cases[i].matches)
                        fail_msg("\"%s\" (%zu) should %smatch", cases[i].line, i, cases[i].matches ? "" : "not ");
                known_issues_free(&k);
        }
        assert_null(known_issue_find(NULL, &good_query));
}

static void only_on_kernels_that_have_it(void **state _unused_) {
        static const struct {
                const char *lines, *kernel; /* NULL: not known */
                bool matches;
        } cases[] = {
                { "", NULL, true }, { "", "6.1", true },
                { "Since=6.5\n", "6.4.16", false }, { "Since=6.5\n", "6.5-rc1", false },
                { "Since=6.5\n", "6.5", true }, { "Since=6.5\n", "6.18.44", true },
                { "Since=6.5 6.1.40\n", "6.1.39", false }, { "Since=6.5 6.1.40\n", "6.1.40", true }, { "Since=6.5 6.1.40\n", "6.2", false },
                { "FixedIn=6.19 6.12.60\n", "6.12.59", true }, { "FixedIn=6.19 6.12.60\n", "6.12.60", false },
                { "FixedIn=6.19 6.12.60\n", "6.18.44", true }, { "FixedIn=6.19 6.12.60\n", "6.19", false },
                { "FixedIn=6.19 6.12.60\n", "7.0", false },
                { "Since=6.5\nFixedIn=6.19\n", "6.12.117", true }, { "Since=6.5\nFixedIn=6.19\n", "6.1.192", false },
                { "Since=6.5\n", NULL, false }, { "FixedIn=6.19\n", NULL, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char text[512];
                KnownIssues k;
                Error e;

                snprintf(text, sizeof(text), "[x]\nWhat=w\nReference=r\nGrade=known\nClass=kernel/errno\nErrno=ENOSPC\n%s", cases[i].lines);
                assert_int_equal(read_text(&k, text, &e), 0);
                if (cases[i].kernel)
                        assert_int_equal(kernel_version_parse(cases[i].kernel, &k.kernel), 0);
                if ((known_issue_find(&k, &good_query) != NULL) != cases[i].matches)
                        fail_msg("%s on %s should %smatch", cases[i].lines, cases[i].kernel ?: "a kernel that is not known",
                                 cases[i].matches ? "" : "not ");
                known_issues_free(&k);
        }
}

static void the_first_wins(void **state _unused_) {
        KnownIssues k;
        Error e;

        assert_int_equal(read_text(&k, "[other]\nWhat=w\nReference=r\nGrade=known\nClass=kernel/errno\nErrno=EIO\n"
                                       "[a]\nWhat=w\nReference=r\nGrade=finding\nClass=kernel/errno\nErrno=ENOSPC\n"
                                       "[b]\nWhat=w\nReference=r\nGrade=known\nClass=kernel/errno\nErrno=ENOSPC\n", &e), 0);
        assert_ptr_equal(known_issue_find(&k, &good_query), k.issues[1]);
        known_issues_free(&k);
}

/* Files. */

static KnownIssues load(Place *p) {
        KnownIssues k;

        p->error = ERROR_NULL;
        if (known_files_load(&k, p->root, &p->error) < 0)
                fail_msg("%s", p->error.sentence);
        return k;
}

static const KnownIssue *named(const KnownIssues *k, const char *name) {
        for (size_t i = 0; i < k->n; i++)
                if (strcmp(k->issues[i]->name, name) == 0)
                        return k->issues[i];
        return NULL;
}

static void put_issue(Place *p, const char *file, const char *name) {
        char text[256];

        snprintf(text, sizeof(text), "[%s]\nWhat=w\nReference=our own ticket 7\nGrade=known\nClass=kernel/errno\nErrno=ENOSPC\n", name);
        put(p, file, text);
}

static void those_of_files_are_added(void **state) {
        _cleanup_(known_issues_free) KnownIssues alone = load(*state);
        _cleanup_(known_issues_free) KnownIssues k = KNOWN_ISSUES_NULL;
        Place *p = *state;

        assert_true(alone.n >= 8);
        assert_true(alone.kernel.major >= 4);
        assert_string_equal(named(&alone, "near-full-abort")->origin, "built-in near-full-abort.conf:2");
        assert_true(named(&alone, "near-full-abort")->carried);
        put_issue(p, FOLDER "mine.conf", "mine");
        put_issue(p, "/usr/lib/scrubstress/known-issues.d/vendor.conf", "vendor");
        put_issue(p, FOLDER "mine.conf~", "a-copy");
        k = load(p);
        assert_int_equal(k.n, alone.n + 2);
        assert_false(named(&k, "mine")->carried);
        assert_false(named(&k, "vendor")->carried);
        /* It says who says so. */
        assert_has(named(&k, "mine")->reference, "our own ticket 7 (says ");
        assert_has(named(&k, "mine")->reference, "/etc/scrubstress/known-issues.d/mine.conf:1)");
        assert_null(strstr(named(&k, "near-full-abort")->reference, "says"));
}

static void a_file_hides_what_is_carried(void **state) {
        _cleanup_(known_issues_free) KnownIssues k = KNOWN_ISSUES_NULL, masked = KNOWN_ISSUES_NULL;
        Place *p = *state;

        put_issue(p, "/usr/lib/scrubstress/known-issues.d/near-full-abort.conf", "hidden");
        put_issue(p, "/run/scrubstress/known-issues.d/near-full-abort.conf", "mine");
        k = load(p);
        assert_null(named(&k, "near-full-abort"));
        assert_null(named(&k, "hidden"));
        assert_non_null(named(&k, "mine"));
        put(p, FOLDER "near-full-abort.conf", "");
        masked = load(p);
        assert_null(named(&masked, "mine"));
        assert_null(named(&masked, "near-full-abort"));
        assert_int_equal(masked.n, k.n - 1);
}

static void a_bad_file_is_an_error_of_configuration(void **state) {
        Place *p = *state;
        KnownIssues k;

        put(p, FOLDER "bad.conf", "[x]\nClass=kernel/errno\nErrno=ENOSPACE\n");
        assert_refused(p, known_files_load(&k, p->root, &p->error), EXIT_USAGE,
                       FOLDER "bad.conf:3: [x] Errno=ENOSPACE: not the name of an errno; write");
        assert_int_equal(k.n, 0);
        put_issue(p, FOLDER "bad.conf", "near-full-abort");
        assert_refused(p, known_files_load(&k, p->root, &p->error), EXIT_USAGE, "[near-full-abort]: there is a known issue of this name already");
        assert_int_equal(unlink(p->path), 0);
        assert_int_equal(symlink("nowhere", full(p, FOLDER "bad.conf")), 0);
        assert_refused(p, known_files_load(&k, p->root, &p->error), EXIT_USAGE, "bad.conf: cannot read this configuration file: No such file");
}

static void they_are_printed_as_comments(void **state) {
        _cleanup_(known_issues_free) KnownIssues k = KNOWN_ISSUES_NULL;
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        put(*state, FOLDER "old.conf", "[old]\nWhat=it is gone\nReference=r\nGrade=known\nClass=kernel/errno\nErrno=ENOSPC\nFixedIn=2.6\n");
        k = load(*state);
        known_issues_print(&k, f);
        fclose(f);
        assert_has(text, "# near-full-abort (built-in near-full-abort.conf:2): known, kernel/transaction-abort: a commit ran out");
        assert_has(text, "/old.conf:1; not on this kernel): ");
        for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
                assert_true(*line == '#' || *line == '\n');
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_good_one_is_read),
                cmocka_unit_test(a_bad_line_is_named),
                cmocka_unit_test(what_is_missing_is_named),
                cmocka_unit_test(it_matches_when_all_holds),
                cmocka_unit_test(only_on_kernels_that_have_it),
                cmocka_unit_test(the_first_wins),
                T(those_of_files_are_added),
                T(a_file_hides_what_is_carried),
                T(a_bad_file_is_an_error_of_configuration),
                T(they_are_printed_as_comments),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fs.h"
#include "made-up-report.h"
#include "report/evidence.h"

#define FOUND_NS (MADE_UP_MONO + 5 * NSEC_PER_SEC)

static const char *const names[] = { "finding.txt", "finding.json", "removals.txt", "kernel.log", "observations.obs", "config.conf", "versions.txt" };

typedef struct Case {
        MadeUp m;
        char base[64];
        History kmsg, observations;
        Collider *collider;
        Finding finding;
} Case;

static void add_removal(Case *c, uint64_t time_ns, uint64_t logical) {
        TraceEvent removed = { .kind = TRACE_GROUP_REMOVED, .time_ns = time_ns, .logical = logical, .length = 64 * MiB, .flags = 1 };

        collider_event(c->collider, &removed);
}

static void case_collider(Case *c) {
        TraceEvent commit = { .kind = TRACE_COMMIT, .time_ns = FOUND_NS, .generation = 4711 };
        GroupPlace place = { .logical = 2 * GiB, .length = 64 * MiB, .flags = 1, .seen_ns = FOUND_NS - 600 * NSEC_PER_MSEC,
                             .extent_length = 64 * MiB, .n_extents = 1 };

        assert_int_equal(collider_new(&c->collider, 4), 0);
        place.extents[0].devid = 2;
        place.extents[0].physical = 300 * MiB;
        slot_window_open(&c->m.board->slots[0], 2, 0, UINT64_MAX, FOUND_NS - 900 * NSEC_PER_MSEC);
        slot_place(&c->m.board->slots[1], &place);
        slot_window_close(&c->m.board->slots[0], FOUND_NS);
        add_removal(c, FOUND_NS - 3 * NSEC_PER_SEC, GiB); /* too old */
        add_removal(c, FOUND_NS - 500 * NSEC_PER_MSEC, 2 * GiB);
        add_removal(c, FOUND_NS - 250 * NSEC_PER_MSEC, 3 * GiB); /* place not known */
        collider_event(c->collider, &commit);
        collider_step(c->collider, c->m.board);
}

static Case *case_new(void) {
        Case *c = calloc(1, sizeof(Case));
        Observation kmsg = { .kind = OBS_KMSG, .time_ns = FOUND_NS + 2 * NSEC_PER_MSEC,
                             .text = "BTRFS error (device loop1): \"scrub\"\x1b[31m \xff\nsecond" };
        Observation note = { .kind = OBS_NOTE, .time_ns = FOUND_NS - NSEC_PER_MSEC, .text = "before" };

        assert_non_null(c);
        assert_true(made_up_new(&c->m));
        strcpy(c->base, "/tmp/test-evidence-XXXXXX");
        assert_non_null(mkdtemp(c->base));
        snprintf(c->m.config.run.evidence_directory, sizeof(c->m.config.run.evidence_directory), "%s/a/b", c->base);
        c->finding = (Finding){ .class = CLASS_SCRUB_RACE, .grade = GRADE_FINDING, .op = OP_SCRUB, .result = -EINVAL, .devid = 2,
                                .physical = 1288490188, .first_ns = FOUND_NS, .last_ns = FOUND_NS, .count = 1, .confirmed = 1,
                                .first = { .kind = OBS_RESULT, .op = OP_SCRUB, .result = -EINVAL, .devid = 2,
                                           .time_ns = FOUND_NS, .worker = 3 } };
        history_add(&c->observations, &note);
        history_add(&c->observations, &c->finding.first);
        history_add(&c->kmsg, &kmsg);
        case_collider(c);
        return c;
}

static char _printf_(1, 2) *path_of(const char *format, ...) {
        char *path;
        va_list ap;

        va_start(ap, format);
        assert_true(vasprintf(&path, format, ap) > 0);
        va_end(ap);
        return path;
}

/* Removes a folder of folders of files, at most `depth` deep. */
static void remove_below(const char *path, unsigned depth) {
        DIR *d = opendir(path);

        for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
                _cleanup_free_ char *child = path_of("%s/%s", path, e->d_name);
                if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;
                if (depth > 0)
                        remove_below(child, depth - 1);
                remove(child);
        }
        if (d)
                closedir(d);
}

static void case_free(Case *c) {
        remove_below(c->base, 5);
        assert_int_equal(rmdir(c->base), 0);
        collider_free(c->collider);
        made_up_free(&c->m);
        free(c);
}

static int save(Case *c, Error *e) {
        return evidence_save(&(Evidence){ &c->finding, &c->m.report, &c->kmsg, &c->observations, c->collider }, 1, e);
}

static char *content(const Case *c, const char *name) {
        char *text = calloc(1, 1 << 20);

        assert_non_null(text);
        assert_true(fs_read(c->finding.evidence, name, text, 1 << 20) > 0);
        return text;
}

static unsigned entries(const char *path) {
        DIR *d = opendir(path);
        unsigned n = 0;

        for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
                n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
        if (d)
                closedir(d);
        return n;
}

static void test_folder(void **state) {
        Case *c = case_new();
        _cleanup_free_ char *run = path_of("%s/a/b/3f2c9a54-0c1e-4a7b-9f11-1d2e3f405162", c->base);
        _cleanup_free_ char *expected = path_of("%s/01-regression-scrub-race-scrub", run);
        struct stat st;
        Error e = ERROR_NULL;

        (void)state;
        assert_int_equal(save(c, &e), 0);
        assert_string_equal(c->finding.evidence, expected);
        assert_int_equal(entries(run), 1);
        assert_int_equal(entries(expected), ELEMENTSOF(names));
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_free_ char *file = path_of("%s/%s", expected, names[i]);
                assert_int_equal(stat(file, &st), 0);
                assert_true(st.st_size > 0);
        }
        case_free(c);
}

static void test_finding_and_versions(void **state) {
        static const char *const wanted[] = {
                "\nclass         regression/scrub-race\n", "\noperation     scrub\n", "\nresult        EINVAL (-22)\n",
                "\ndevid         2 (/dev/loop1)\n", "\nphysical      1288490188\n",
                "\nfirst         2026-01-01T00:00:05.000Z (1005000000000 ns on CLOCK_MONOTONIC)\n",
        };
        _cleanup_free_ char *finding = NULL, *versions = NULL;
        Case *c = case_new();

        (void)state;
        assert_int_equal(save(c, NULL), 0);
        finding = content(c, "/finding.txt");
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
                assert_non_null(strstr(finding, wanted[i]));
        versions = content(c, "/versions.txt");
        assert_non_null(strstr(versions, "\nkernel        6.18.44 x86_64\ntaint         none\n"));
        assert_non_null(strstr(versions, "\nseed          18446744073709551615\ngeneration    4711\n"));
        assert_non_null(strstr(versions, "\nmount options rw,relatime,nodiscard,"));
        case_free(c);
}

static void test_removals(void **state) {
        _cleanup_free_ char *text = NULL;
        Case *c = case_new();

        (void)state;
        assert_int_equal(save(c, NULL), 0);
        text = content(c, "/removals.txt");
        assert_string_equal(strchr(text, '\n') + 1,
                            "-0.500000 s  logical 2147483648..2214592512  flags 0x1  collision 0.400000 s after the start of the scrub  devid 2 physical 314572800..381681664\n"
                            "-0.250000 s  logical 3221225472..3288334336  flags 0x1  physical not known");
        case_free(c);
}

static void test_kernel_log(void **state) {
        _cleanup_free_ char *text = NULL;
        Case *c = case_new();

        (void)state;
        assert_int_equal(save(c, NULL), 0);
        text = content(c, "/kernel.log");
        assert_string_equal(strchr(text, '\n') + 1,
                            "2026-01-01T00:00:05.002Z     +0.002  BTRFS error (device loop1): \"scrub\"?[31m ?\nsecond");
        case_free(c);
}

/* Parses the file back; returns the number of observations. */
static unsigned replay(const Case *c, Observation *out, unsigned max) {
        _cleanup_free_ char *text = content(c, "/observations.obs");
        unsigned n = 0;

        for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
                Error e = ERROR_NULL;
                int r = observation_parse(line, &out[n], &e);
                if (r == -ENODATA)
                        continue;
                assert_int_equal(r, 0);
                assert_true(++n < max);
        }
        return n;
}

static void test_observations(void **state) {
        Observation o[8];
        Case *c = case_new();

        (void)state;
        assert_int_equal(save(c, NULL), 0);
        assert_int_equal(replay(c, o, ELEMENTSOF(o)), 3);
        assert_int_equal(o[0].kind, OBS_NOTE);
        assert_int_equal(o[1].result, -EINVAL);
        assert_int_equal(o[1].time_ns, FOUND_NS);
        assert_int_equal(o[1].devid, 2);
        assert_int_equal(o[2].kind, OBS_KMSG);
        assert_string_equal(o[2].text, "BTRFS error (device loop1): \"scrub\"\x1b[31m \xff\nsecond");
        case_free(c);
}

/* The history has gone round: it is in order, and the observation that made the finding is still there. */
static void test_history_wraps(void **state) {
        _cleanup_free_ Observation *o = calloc(3 * HISTORY_MAX, sizeof(Observation));
        Case *c = case_new();
        unsigned n;

        (void)state;
        for (unsigned i = 0; i < HISTORY_MAX + 10; i++) {
                Observation later = { .kind = OBS_RESULT, .op = OP_SYNC, .result = -EIO, .time_ns = FOUND_NS + i + 1, .worker = 1 };
                history_add(&c->observations, &later);
        }
        assert_int_equal(save(c, NULL), 0);
        n = replay(c, o, 3 * HISTORY_MAX);
        assert_int_equal(n, HISTORY_MAX + 2);
        assert_int_equal(o[0].op, OP_SCRUB);
        for (unsigned i = 1; i < n; i++)
                assert_true(o[i - 1].time_ns <= o[i].time_ns);
        case_free(c);
}

/* Lines of one splat are of one moment: the order in which they came is what makes them one. */
static void test_moment_in_order(void **state) {
        static const char *const lines[] = { "------------[ cut here ]------------", "kernel BUG at fs/btrfs/volumes.c:1949!",
                                             "Oops: invalid opcode: 0000 [#1] PREEMPT SMP" };
        Observation line = { .kind = OBS_KMSG, .time_ns = FOUND_NS + 3 * NSEC_PER_MSEC }, o[8];
        Case *c = case_new();

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                snprintf(line.text, sizeof(line.text), "%s", lines[i]);
                history_add(&c->kmsg, &line);
                if (i == 1)
                        c->finding.first = line;
        }
        assert_int_equal(save(c, NULL), 0);
        assert_int_equal(replay(c, o, ELEMENTSOF(o)), 6);
        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                assert_string_equal(o[3 + i].text, lines[i]);
        case_free(c);
}

static void test_names_are_safe(void **state) {
        Case *c = case_new();
        _cleanup_free_ char *expected = path_of("%s/a/b/-.-..-x-y--/123-kernel-splat", c->base);

        (void)state;
        strcpy(c->m.report.run_id, "../../x y/\xff");
        c->finding.op = OP_NONE;
        c->finding.class = CLASS_SPLAT;
        assert_int_equal(evidence_save(&(Evidence){ &c->finding, &c->m.report, &c->kmsg, &c->observations, NULL }, 123, NULL), 0);
        assert_string_equal(c->finding.evidence, expected);
        case_free(c);
}

static void test_no_collider(void **state) {
        _cleanup_free_ char *removals = NULL, *versions = NULL;
        Case *c = case_new();

        (void)state;
        assert_int_equal(evidence_save(&(Evidence){ &c->finding, &c->m.report, &c->kmsg, &c->observations, NULL }, 1, NULL), 0);
        removals = content(c, "/removals.txt");
        assert_non_null(strstr(removals, "\n# Not known: "));
        versions = content(c, "/versions.txt");
        assert_non_null(strstr(versions, "\ngeneration    7\n"));
        case_free(c);
}

/* Asked before a run: the folder need not exist, nothing is made, and what is in the way is named. */
static void test_check(void **state) {
        Error e = ERROR_NULL;
        Case *c = case_new();
        _cleanup_free_ char *absent = path_of("%s/no/such/folder", c->base), *file = path_of("%s/file", c->base);
        _cleanup_free_ char *below = path_of("%s/below", file);

        (void)state;
        assert_int_equal(evidence_check(c->base, &e), 0);
        assert_int_equal(evidence_check(absent, &e), 0);
        assert_int_equal(entries(c->base), 0);
        close(creat(file, 0600));
        assert_int_equal(evidence_check(below, &e), -ENOTDIR);
        assert_int_equal(e.exit, EXIT_ERROR);
        assert_non_null(strstr(e.sentence, below));
        assert_non_null(strstr(e.sentence, "Run.EvidenceDirectory="));
        unlink(file);
        case_free(c);
}

static void test_add(void **state) {
        _cleanup_free_ char *added = NULL;
        Case *c = case_new();

        (void)state;
        assert_int_equal(evidence_add(&c->finding, "later.txt", "no folder yet"), 0);
        assert_int_equal(save(c, NULL), 0);
        assert_int_equal(evidence_add(&c->finding, "later.txt", "known later\n"), 0);
        added = content(c, "/later.txt");
        assert_string_equal(added, "known later");
        assert_int_equal(evidence_add(&c->finding, "later.txt", "twice"), -EEXIST);
        case_free(c);
}

/* What a killed run left under the hidden name is replaced; a folder that is there already is not touched. */
static void test_leftovers(void **state) {
        Error e = ERROR_NULL;
        Case *c = case_new();
        _cleanup_free_ char *run = path_of("%s/a/b/%s", c->base, c->m.report.run_id);
        _cleanup_free_ char *hidden = path_of("%s/.tmp-01-regression-scrub-race-scrub", run);
        _cleanup_free_ char *file = path_of("%s/finding.txt", hidden);

        (void)state;
        assert_int_equal(fs_mkdir_p(hidden), 0);
        close(creat(file, 0600));
        assert_int_equal(save(c, &e), 0);
        assert_int_not_equal(access(hidden, F_OK), 0);
        c->finding.evidence[0] = 0;
        assert_true(save(c, &e) < 0);
        assert_string_equal(c->finding.evidence, "");
        assert_int_equal(entries(run), 1);
        case_free(c);
}

static void test_not_a_directory(void **state) {
        Error e = ERROR_NULL;
        Case *c = case_new();
        _cleanup_free_ char *path = path_of("%s/a", c->base);

        (void)state;
        close(creat(path, 0600));
        assert_int_equal(save(c, &e), -ENOTDIR);
        assert_int_equal(e.exit, EXIT_ERROR);
        assert_non_null(strstr(e.sentence, c->m.config.run.evidence_directory));
        assert_non_null(strstr(e.sentence, "Run.EvidenceDirectory="));
        assert_string_equal(c->finding.evidence, "");
        case_free(c);
}

/* The disk fills up in the middle (a file size limit stands for it, in a child of ours): nothing is left behind. */
static void test_disk_full(void **state) {
        Case *c = case_new();
        _cleanup_free_ char *run = path_of("%s/a/b/%s", c->base, c->m.report.run_id);
        int status;
        pid_t pid;

        (void)state;
        pid = fork();
        if (pid == 0) {
                struct rlimit limit = { .rlim_cur = 64, .rlim_max = 64 };
                int r;
                signal(SIGXFSZ, SIG_IGN);
                setrlimit(RLIMIT_FSIZE, &limit);
                r = save(c, NULL);
                _exit(r == -EFBIG && !c->finding.evidence[0] ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(access(run, F_OK), 0);
        assert_int_equal(entries(run), 0);
        case_free(c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_folder), cmocka_unit_test(test_finding_and_versions), cmocka_unit_test(test_removals),
                cmocka_unit_test(test_kernel_log), cmocka_unit_test(test_observations), cmocka_unit_test(test_history_wraps),
                cmocka_unit_test(test_moment_in_order),
                cmocka_unit_test(test_names_are_safe), cmocka_unit_test(test_no_collider), cmocka_unit_test(test_leftovers),
                cmocka_unit_test(test_check), cmocka_unit_test(test_add), cmocka_unit_test(test_not_a_directory), cmocka_unit_test(test_disk_full),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

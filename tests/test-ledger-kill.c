/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writers that do nothing but write are killed at random moments, again and again. What one has been told is written the next one finds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/rng.h"
#include "ledger/ledger.h"

#define KILLS 200 /* if SOAK_KILLS says nothing */
#define LIFE_MAX_NS (50 * NSEC_PER_MSEC)
#define WRITE_MAX_NS (5 * NSEC_PER_MSEC)
#define BEGIN_MAX_MS 10000
#define SEED_ASKED UINT64_C(4711)

/* What a writer tells: at its start what it has found, then what it has written. */
typedef struct Word {
        char run_id[RUN_ID_MAX];
        uint64_t seed, stress_ns, bytes, findings, counts;
        unsigned starts;
        bool begun;
        char error[512];
} Word;

static void tell(int to, const Word *w) {
        if (write(to, w, sizeof(*w)) != sizeof(*w))
                _exit(3);
}

static void give_up(int to, const Error *e) {
        Word w = { 0 };

        snprintf(w.error, sizeof(w.error), "%.500s", e->sentence);
        tell(to, &w);
        _exit(4);
}

static uint64_t counts(Judge *j) {
        uint64_t n = 0;

        for (size_t i = 0; i < judge_n_findings(j); i++)
                n += judge_finding(j, i)->count;
        return n;
}

/* Another row while there is room, else another time of one. */
static size_t meet(Judge *j) {
        size_t n = judge_n_findings(j), i = counts(j) % JUDGE_ROWS;

        if (n == JUDGE_ROWS) {
                judge_finding(j, i)->count++;
                return i;
        }
        judge_restore(j, &(Finding){ .class = CLASS_ERRNO, .grade = GRADE_FINDING, .op = OP_WRITE, .result = -(int)n - 1, .count = 1,
                                     .first = { .kind = OBS_RESULT, .op = OP_WRITE, .result = -(int)n - 1, .time_ns = 1 } }, "made up");
        return n;
}

static void go_on(Ledger *l, Judge *j, Word *w, Totals *t, int to) {
        Error e = ERROR_NULL;

        t->stress_ns += LEDGER_SAMPLE_NS;
        t->bytes_written += 3;
        if (ledger_sample(l, clock_real_ns(), &(Report){ .totals = *t, .judge = j }, &e) < 0)
                give_up(to, &e);
        w->stress_ns = t->stress_ns;
        w->bytes = t->bytes_written;
        tell(to, w);
        if (ledger_finding(l, j, meet(j), &e) < 0)
                give_up(to, &e);
        w->findings = judge_n_findings(j);
        w->counts = counts(j);
        tell(to, w);
}

/* Never returns; a few starts end in an orderly way. */
static void be_writer(const char *directory, unsigned number, int to) {
        char run_id[RUN_ID_MAX];
        LedgerStart start = { .run_id = run_id, .seed = SEED_ASKED + number, .asked_ns = UINT64_MAX / 4, .instance = "default", .version = "1",
                              .kernel = "6.1", .boot_id = "boot", .configuration = "[Run]\n", .real_ns = clock_real_ns(),
                              .mono_ns = clock_mono_ns() };
        Error e = ERROR_NULL;
        Word w = { .begun = true };
        Ledger *l = NULL;
        Judge *j;
        Soak soak;
        Totals t;

        snprintf(run_id, sizeof(run_id), "run-%u", number);
        if (judge_new(&j, &(JudgePolicy){ .confirm_max = 3 }) < 0 || ledger_open(&l, directory, "default", LEDGER_WRITE, &e) < 0 ||
            ledger_begin(l, &start, &soak, &e) < 0 || ledger_restore(l, j, &e) < 0)
                give_up(to, &e);
        memcpy(w.run_id, soak.run_id, sizeof(w.run_id));
        t = soak.totals;
        w.seed = soak.seed;
        w.starts = (unsigned)soak.n_starts;
        w.stress_ns = t.stress_ns;
        w.bytes = t.bytes_written;
        w.findings = judge_n_findings(j);
        w.counts = counts(j);
        tell(to, &w);
        w.begun = false;
        for (;;)
                go_on(l, j, &w, &t, to);
}

static void assert_intact(const char *directory) {
        char path[128];
        sqlite3 *db;
        sqlite3_stmt *s;

        snprintf(path, sizeof(path), "%s/default.ledger", directory);
        assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        assert_string_equal((const char *)sqlite3_column_text(s, 0), "ok");
        sqlite3_finalize(s);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* What the one before had been told against what this one has found. */
static void assert_nothing_lost(const Word *before, const Word *now) {
        assert_string_equal(now->run_id, before->run_id);
        assert_true(now->seed == before->seed);
        assert_true(now->stress_ns >= before->stress_ns);
        assert_true(now->bytes >= before->bytes);
        assert_true(now->findings >= before->findings);
        assert_true(now->counts >= before->counts);
        assert_true(now->starts > before->starts);
        /* Nor is there more than one write that was not told of yet. */
        assert_true(now->stress_ns <= before->stress_ns + LEDGER_SAMPLE_NS);
        assert_true(now->counts <= before->counts + 1);
}

/* Reads to the end of what was told; returns false when the writer had not even begun. */
static bool hear(int from, Word *last) {
        bool begun = false;
        Word w;

        while (read(from, &w, sizeof(w)) == sizeof(w)) {
                if (w.error[0])
                        fail_msg("%s", w.error);
                if (w.begun) {
                        if (last->run_id[0])
                                assert_nothing_lost(last, &w);
                        begun = true;
                }
                *last = w;
        }
        return begun;
}

static void await_words(int from, int n) {
        for (int ms = 0, have = 0; ms < BEGIN_MAX_MS && have < n * (int)sizeof(Word); ms++) {
                clock_sleep_ns(NSEC_PER_MSEC);
                assert_int_equal(ioctl(from, FIONREAD, &have), 0);
        }
}

static void kill_one(const char *directory, unsigned number, Rng *rng, int *from) {
        int ends[2], status;
        pid_t pid;

        assert_int_equal(pipe(ends), 0);
        fcntl(ends[1], F_SETPIPE_SZ, (int)MiB); /* so that no writer waits for us */
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                close(ends[0]);
                be_writer(directory, number, ends[1]);
        }
        close(ends[1]);
        /* Half of them while they write, however slow the machine is; the others at any moment, that of the opening too. */
        if (number % 2 == 1)
                await_words(ends[0], 2 + (int)rng_below(rng, 6));
        clock_sleep_ns(rng_below(rng, number % 2 == 1 ? WRITE_MAX_NS : LIFE_MAX_NS));
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
                print_message("# writer %u ended by itself, status %d\n", number, status); /* it has told why */
        *from = ends[0];
}

static unsigned files_in(const char *directory) {
        DIR *d = opendir(directory);
        unsigned n = 0;

        assert_non_null(d);
        while (readdir(d))
                n++;
        closedir(d);
        return n - 2;
}

static void remove_all(const char *directory) {
        static const char *const suffixes[] = { "", "-wal", "-shm" };
        char path[128];

        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                snprintf(path, sizeof(path), "%s/default.ledger%s", directory, suffixes[i]);
                unlink(path);
        }
        assert_int_equal(rmdir(directory), 0);
}

static unsigned kills_asked(void) {
        const char *asked = getenv("SOAK_KILLS");

        return asked ? (unsigned)strtoul(asked, NULL, 10) : KILLS;
}

static void test_kill(void **state _unused_) {
        char directory[64] = "/dev/shm/test-ledger-kill-XXXXXX";
        unsigned begun = 0, wrote = 0, kills = kills_asked();
        Word last = { 0 };
        Rng rng;

        if (!mkdtemp(directory)) {
                strcpy(directory, "/tmp/test-ledger-kill-XXXXXX");
                assert_non_null(mkdtemp(directory));
        }
        rng_seed(&rng, (uint64_t)getpid(), 1);
        for (unsigned i = 0; i < kills; i++) {
                uint64_t before = last.counts;
                int from;
                kill_one(directory, i, &rng, &from);
                begun += hear(from, &last);
                wrote += last.counts > before;
                close(from);
                if (last.run_id[0])
                        assert_intact(directory);
                assert_true(files_in(directory) <= 3);
        }
        print_message("# %u of %u writers had begun, %u had written; %llu s of samples, %llu findings\n", begun, kills, wrote,
                      (unsigned long long)(last.stress_ns / NSEC_PER_SEC), (unsigned long long)last.counts);
        /* It is no proof when they were killed before they wrote, or never in the middle. */
        assert_true(begun >= kills / 2);
        assert_true(wrote > kills / 4);
        remove_all(directory);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kill),
        };

        return cmocka_run_group_tests_name("ledger-kill", tests, NULL, NULL);
}

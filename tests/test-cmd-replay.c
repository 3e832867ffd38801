/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command as it is, with an engine that plays a script in place of the real one: processes, signals, exit codes. */
#include "original-fixture.h"

#include <json-c/json.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

#include "command.h"
#include "engine.h"

typedef enum Act { MEETS, PASSES, REFUSES, DIES, IS_STOPPED, IS_STOPPED_LATE } Act;

/* Shared with the tries. */
typedef struct Play {
        Act acts[8];
        unsigned begun;
        uint64_t seeds[8];
        uint64_t duration_ns;
        pid_t pids[8];
        Finding finding;
} Play;

static Play *play; /* the engine has no other way to it */

/* A signal to the replay alone must come to the try. */
static ExitCode stopped_by(int signal) {
        const struct timespec patience = { .tv_sec = 10 };
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigprocmask(SIG_BLOCK, &set, NULL);
        kill(getppid(), signal);
        return sigtimedwait(&set, NULL, &patience) == SIGTERM ? EXIT_INCONCLUSIVE : EXIT_ERROR;
}

static ExitCode perform(Act act, const EngineEars *ears, Report *r) {
        switch (act) {
        case MEETS:
                r->totals.stress_ns = NSEC_PER_SEC;
                ears->listener.finding(ears->listener.userdata, &play->finding, r);
                return EXIT_FAIL;
        case DIES:
                raise(SIGKILL);
                return EXIT_ERROR;
        case IS_STOPPED:
                return stopped_by(SIGINT);
        case IS_STOPPED_LATE:
                ears->listener.finding(ears->listener.userdata, &play->finding, r);
                return stopped_by(SIGHUP) == EXIT_INCONCLUSIVE ? EXIT_FAIL : EXIT_ERROR;
        default:
                return EXIT_PASS;
        }
}

int engine_run(const Config *c, const EngineEars *ears, void (*ended)(void *userdata, const Report *r), Error *e) {
        unsigned i = play->begun++;
        Report r = { .run_id = "try" };

        alarm(30);
        play->seeds[i] = c->run.seed;
        play->pids[i] = getpid();
        play->duration_ns = c->run.duration_ns;
        if (play->acts[i] == REFUSES)
                return error_set(e, EXIT_REFUSED, EBUSY, "It is in use.");
        r.verdict = perform(play->acts[i], ears, &r);
        ended(ears->listener.userdata, &r);
        return (int)r.verdict;
}

static int setup(void **state) {
        play = mmap(NULL, sizeof(Play), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        return play == MAP_FAILED ? -1 : kept_setup(state);
}

static int teardown(void **state) {
        munmap(play, sizeof(Play));
        return kept_teardown(state);
}

/* Runs the command; what it prints on standard output is returned, which the caller frees. */
static char *command(const Options *o, int *ret, Error *e) {
        int saved = dup(STDOUT_FILENO), fd = memfd_create("stdout", MFD_CLOEXEC);
        char *text = calloc(1, 1 << 16);

        assert_true(saved >= 0 && fd >= 0 && text);
        fflush(stdout);
        dup2(fd, STDOUT_FILENO);
        *ret = command_replay.run(o, e);
        fflush(stdout);
        dup2(saved, STDOUT_FILENO);
        close(saved);
        assert_true(pread(fd, text, (1 << 16) - 1, 0) >= 0);
        close(fd);
        return text;
}

/* "k of n, asked N: outcome outcome …" */
static void summary(const char *text, char *buf, size_t size) {
        json_object *o = json_tokener_parse(text), *tries;
        size_t n;

        assert_non_null(o);
        tries = json_object_object_get(o, "tries");
        n = (size_t)snprintf(buf, size, "%s of %s, asked %s:", json_object_get_string(json_object_object_get(o, "reproduced")),
                             json_object_get_string(json_object_object_get(o, "tried")), json_object_get_string(json_object_object_get(o, "asked")));
        for (size_t i = 0; i < json_object_array_length(tries); i++)
                n += (size_t)snprintf(buf + n, size - n, " %s",
                                      json_object_get_string(json_object_object_get(json_object_array_get_idx(tries, i), "outcome")));
        json_object_put(o);
}

static void expect(Kept *k, const Act *acts, unsigned times, int code, const char *wanted) {
        Options o = { .operand = k->finding.evidence, .format = FORMAT_JSON, .times = times };
        char got[256], *text;
        int r;

        memset(play, 0, sizeof(*play));
        memcpy(play->acts, acts, times * sizeof(Act));
        play->finding = k->finding;
        text = command(&o, &r, &k->error);
        assert_int_equal(r, code);
        summary(text, got, sizeof(got));
        assert_string_equal(got, wanted);
        free(text);
}

static void test_tries(void **state) {
        Kept *k = *state;

        keep_and_read(k);
        expect(k, (const Act[]){ MEETS, PASSES, MEETS }, 3, EXIT_FAIL, "2 of 3, asked 3: reproduced none reproduced");
        for (unsigned i = 0; i < 3; i++) {
                assert_true(play->seeds[i] == k->original.seed);
                assert_int_not_equal(play->pids[i], getpid());
        }
        assert_int_not_equal(play->pids[0], play->pids[1]);
        assert_int_equal(play->duration_ns, 12600 * NSEC_PER_MSEC);
        expect(k, (const Act[]){ PASSES, PASSES }, 2, EXIT_PASS, "0 of 2, asked 2: none none");
        expect(k, (const Act[]){ PASSES, REFUSES, MEETS }, 3, EXIT_REFUSED, "0 of 1, asked 3: none failed");
        expect(k, (const Act[]){ PASSES, DIES, MEETS }, 3, EXIT_ERROR, "0 of 1, asked 3: none failed");
}

static void test_signals(void **state) {
        Kept *k = *state;

        keep_and_read(k);
        expect(k, (const Act[]){ PASSES, IS_STOPPED, MEETS }, 3, EXIT_INCONCLUSIVE, "0 of 1, asked 3: none");
        assert_int_equal(play->begun, 2);
        expect(k, (const Act[]){ MEETS, IS_STOPPED, MEETS }, 3, EXIT_FAIL, "1 of 1, asked 3: reproduced");
        expect(k, (const Act[]){ IS_STOPPED_LATE, MEETS }, 2, EXIT_FAIL, "1 of 1, asked 2: reproduced");
        assert_int_equal(play->begun, 1);
}

/* By its name, below the directory that is configured; and what is set wins over the folder. */
static void test_options(void **state) {
        Kept *k = *state;
        char *base, *text;
        Options o = { .operand = "3f2c/01", .format = FORMAT_JSON, .config_file = "/dev/null" };
        int r;

        keep_and_read(k);
        assert_true(asprintf(&base, "Run.EvidenceDirectory=%s", k->base) > 0);
        o.sets[o.n_sets++] = base;
        o.sets[o.n_sets++] = "Run.Duration=7s";
        for (unsigned i = 0; i < ELEMENTSOF(play->acts); i++)
                play->acts[i] = PASSES;
        o.times = 1;
        text = command(&o, &r, &k->error);
        assert_int_equal(r, EXIT_PASS);
        assert_int_equal(play->begun, 1);
        assert_int_equal(play->duration_ns, 7 * NSEC_PER_SEC);
        free(text);
        o.sets[o.n_sets++] = "Soak.Duration=1h";
        text = command(&o, &r, &k->error);
        assert_int_equal(r, -EINVAL);
        assert_int_equal(k->error.exit, EXIT_USAGE);
        assert_string_equal(text, "");
        assert_int_equal(play->begun, 1);
        free(text);
        o.operand = NULL;
        text = command(&o, &r, &k->error);
        assert_int_equal(r, -EINVAL);
        assert_non_null(strstr(k->error.sentence, "Which finding"));
        free(text);
        free(base);
}

static void test_command_line(void **state) {
        char *line[] = { "replay", "--times", "1000", "6f/01", "--duration", "5s", NULL }, *bad[] = { "replay", "--times", "1001", NULL };
        char *two[] = { "replay", "6f/01", "6f/02", NULL }, *none[] = { "run", "6f/01", NULL };
        Options o = { 0 };
        Error e = ERROR_NULL;

        (void)state;
        assert_int_equal(options_parse(&o, 6, line, command_replay.allowed, &e), 0);
        assert_int_equal(o.times, 1000);
        assert_string_equal(o.operand, "6f/01");
        assert_string_equal(o.sets[0], "Run.Duration=5s");
        for (unsigned i = 0; i < 3; i++) {
                static char *const times[] = { "0", "10x", "-1" };
                bad[2] = times[i];
                assert_int_equal(options_parse(&o, 3, bad, command_replay.allowed, &e), -EINVAL);
        }
        bad[2] = "1001";
        assert_int_equal(options_parse(&o, 3, bad, command_replay.allowed, &e), -EINVAL);
        assert_non_null(strstr(e.sentence, "from 1 to 1000"));
        assert_int_equal(options_parse(&o, 3, two, command_replay.allowed, &e), -EINVAL);
        assert_non_null(strstr(e.sentence, "'6f/02' is not expected"));
        assert_int_equal(options_parse(&o, 2, none, "dhV", &e), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_tries, setup, teardown),
                cmocka_unit_test_setup_teardown(test_signals, setup, teardown),
                cmocka_unit_test_setup_teardown(test_options, setup, teardown),
                cmocka_unit_test(test_command_line),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

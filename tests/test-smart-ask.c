/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A question to smartctl and its answer, over pipes and over a socket, below a folder that stands for the machine. A script stands for smartctl; it
 * notes with what it was called.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/clock.h"
#include "folder-fixture.h"
#include "smart-helper.h"

#define LONG (20 * NSEC_PER_SEC)
#define SHORT (300 * NSEC_PER_MSEC)
#define NAME_32 "aaaaaaaaaabbbbbbbbbbccccccccccdd" /* one too many */
#define DOCUMENT "{\"smartctl\":{}}\n"

typedef struct Place {
        char root[48];
        char path[1024]; /* PATH of before */
} Place;

static void put_smartctl(const Place *p, const char *rest) {
        char path[128];
        FILE *f;

        snprintf(path, sizeof(path), "%s/bin/smartctl", p->root);
        f = fopen(path, "we");
        assert_non_null(f);
        fprintf(f, "#!/bin/sh\necho \"$@\" >>%s/asked\n%s\n", p->root, rest);
        fclose(f);
        assert_int_equal(chmod(path, 0755), 0);
}

/* All that is there, disk or not, as far as a path is concerned. */
static const char *const entries[] = { "/bin", "/sys/block/sda", "/sys/block/nvme0n1", "/sys/block/sda;ls", "/sys/block/-a", "/sys/block/_a",
                                       "/sys/block/a.b", "/sys/block/a b", "/sys/block/a\nb", ("/sys/block/" NAME_32), "/sys/block/\xc3\xa4" };

static int setup(void **state) {
        Place *p = calloc(1, sizeof(*p));
        char text[1200];

        strcpy(p->root, "/tmp/scrubstress-test-ask-XXXXXX");
        assert_non_null(mkdtemp(p->root));
        for (size_t i = 0; i < ELEMENTSOF(entries); i++) {
                snprintf(text, sizeof(text), "%s%s", p->root, entries[i]);
                assert_int_equal(fs_mkdir_p(text), 0);
        }
        snprintf(p->path, sizeof(p->path), "%s", getenv("PATH"));
        snprintf(text, sizeof(text), "%s/bin:%s", p->root, p->path);
        setenv("PATH", text, 1);
        put_smartctl(p, "echo '{\"smartctl\":{}}'; exit 4");
        *state = p;
        return 0;
}

static int teardown(void **state) {
        Place *p = *state;

        setenv("PATH", p->path, 1);
        folder_remove(p->root);
        free(p);
        return 0;
}

static void expect_asked(const Place *p, const char *arguments) {
        char text[1024] = "";

        fs_read(p->root, "/asked", text, sizeof(text));
        assert_string_equal(text, arguments);
}

/* The helper, in a process of its own. */
typedef struct Server {
        const char *root;
        int in, out, not_ours; /* the last: what the process must not hold open */
        uint64_t timeout_ns;
} Server;

static int serve(void *arg) {
        const Server *s = arg;

        close(s->not_ours);
        return -smart_serve(s->root, s->in, s->out, s->timeout_ns);
}

/* Sends the question over a pipe, and its end unless the time is short; the answer is in the buffer. */
static void question(const Place *p, const char *text, uint64_t timeout_ns, char *answer, size_t size) {
        uint64_t until_ns = clock_mono_ns() + LONG;
        int in[2], out[2], status;
        Child c = CHILD_NULL;

        assert_int_equal(pipe2(in, O_CLOEXEC), 0);
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        assert_int_equal(child_fork(&c, "test", serve, &(Server){ p->root, in[0], out[1], in[1], timeout_ns }), 0);
        close(in[0]);
        close(out[1]);
        assert_int_equal(write(in[1], text, strlen(text)), strlen(text));
        if (timeout_ns == LONG)
                close(in[1]);
        assert_int_equal(child_collect(out[0], until_ns, answer, size), 0);
        assert_int_equal(child_wait(&c, LONG, &status), 1);
        assert_int_equal(status, 0);
        close(out[0]);
        if (timeout_ns != LONG)
                close(in[1]);
}

static void expect_answer(const Place *p, const char *text, uint64_t timeout_ns, const char *expected) {
        char answer[1024];

        question(p, text, timeout_ns, answer, sizeof(answer));
        if (strcmp(answer, expected) != 0)
                fail_msg("\"%s\" is answered with \"%s\", not \"%s\"", text, answer, expected);
}

static void a_disk_is_asked_and_nothing_but_asked(void **state) {
        Place *p = *state;

        expect_answer(p, "sda", LONG, "4 16\n" DOCUMENT);
        expect_asked(p, "--json=c -a /dev/sda");
        expect_answer(p, "nvme0n1\n", LONG, "4 16\n" DOCUMENT);
        expect_asked(p, "--json=c -a /dev/sda\n--json=c -a /dev/nvme0n1");
}

static void what_is_no_disk_is_not_asked(void **state) {
        static const char *const names[] = { "", "\n", ".", "..", "../sda", "/dev/sda", "../block/sda", "sda/../sda", "sda;ls", "-a", "_a", "a.b",
                                             "a b", "a\nb", "sda\n\n", " sda", "sda ", "sdb", NAME_32, "\xc3\xa4" };
        char long_name[301];
        Place *p = *state;

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                expect_answer(p, names[i], LONG, "-19 0\n");
        memset(long_name, 'a', sizeof(long_name) - 1);
        long_name[300] = 0;
        expect_answer(p, long_name, LONG, "-19 0\n");
        expect_asked(p, "");
}

static void a_question_without_an_end_is_given_up(void **state) {
        Place *p = *state;
        uint64_t begin = clock_mono_ns();

        expect_answer(p, "sd", SHORT, "-110 0\n"); /* what would yet have come? */
        assert_in_range(clock_mono_ns() - begin, SHORT, LONG / 2);
        expect_asked(p, "");
}

static void what_does_not_end_is_given_up(void **state) {
        Place *p = *state;
        int in[2], out[2];
        uint64_t begin = clock_mono_ns();
        char answer[64];

        put_smartctl(p, "exec sleep 60");
        assert_int_equal(pipe2(in, O_CLOEXEC), 0);
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        assert_int_equal(write(in[1], "sda", 3), 3);
        close(in[1]);
        assert_int_equal(smart_serve(p->root, in[0], out[1], SHORT), 0);
        assert_in_range(clock_mono_ns() - begin, SHORT, LONG / 2);
        close(out[1]);
        assert_int_equal(child_collect(out[0], clock_mono_ns() + LONG, answer, sizeof(answer)), 0);
        assert_string_equal(answer, "-110 0\n");
        close(in[0]);
        close(out[0]);
}

static void an_answer_has_a_limit(void **state) {
        _cleanup_free_ char *answer = malloc(2 * SMART_OUTPUT_MAX);
        char header[32];
        Place *p = *state;

        put_smartctl(p, "yes | head -c 1000000");
        question(p, "sda", LONG, answer, 2 * SMART_OUTPUT_MAX);
        snprintf(header, sizeof(header), "0 %zu\ny\n", (size_t)SMART_OUTPUT_MAX - 1);
        assert_memory_equal(answer, header, strlen(header));
        assert_int_equal(strlen(answer), strlen(header) - 2 + SMART_OUTPUT_MAX - 1);
}

static void an_answer_that_nobody_takes_is_an_error(void **state) {
        Place *p = *state;
        int in[2], out[2];

        signal(SIGPIPE, SIG_IGN);
        assert_int_equal(pipe2(in, O_CLOEXEC), 0);
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        close(in[1]);
        close(out[0]);
        assert_int_equal(smart_serve(p->root, in[0], out[1], LONG), -EPIPE);
        close(in[0]);
        close(out[1]);
        signal(SIGPIPE, SIG_DFL);
}

static void that_there_is_no_smartctl_is_an_answer(void **state) {
        Place *p = *state;

        setenv("PATH", "/nonexistent", 1);
        expect_answer(p, "sda", LONG, "-2 0\n");
}

static void without_a_socket_one_asks_oneself(void **state) {
        char output[256];
        Place *p = *state;

        assert_int_equal(smart_ask(p->root, "sda", LONG, output, sizeof(output)), 4);
        assert_string_equal(output, DOCUMENT);
        close(smart_helper_listen(p->root)); /* one that nobody listens at any more */
        assert_int_equal(smart_ask(p->root, "sdz", LONG, output, sizeof(output)), 4);
        expect_asked(p, "--json=c -a /dev/sda\n--json=c -a /dev/sdz");
        setenv("PATH", "/nonexistent", 1);
        assert_int_equal(smart_ask(p->root, "sda", LONG, output, sizeof(output)), -ENOENT);
        assert_int_equal(smart_run(NAME_32 "d", LONG, output, sizeof(output)), -ENODEV);
}

/* A helper of one connection. What it says by itself; NULL: as smart_serve() does. */
typedef struct Helper {
        const char *root, *says;
        int listening;
} Helper;

static int help(void *arg) {
        const Helper *h = arg;
        int fd = accept(h->listening, NULL, NULL);
        char request[64];

        if (!h->says)
                return -smart_serve(h->root, fd, fd, LONG);
        child_collect(fd, clock_mono_ns() + LONG, request, sizeof(request));
        return strcmp(request, "sda") != 0 || write(fd, h->says, strlen(h->says)) != (ssize_t)strlen(h->says);
}

/* Asks such a helper for sda, with no smartctl of one's own. */
static int ask_helper(const Place *p, const char *says, char *output, size_t size) {
        char path[128];
        Helper h = { p->root, says, smart_helper_listen(p->root) };
        Child c = CHILD_NULL;
        int r, status;

        assert_int_equal(child_fork(&c, "test", help, &h), 0);
        close(h.listening);
        setenv("PATH", "/nonexistent", 1);
        r = smart_ask(p->root, "sda", LONG, output, size);
        assert_int_equal(child_wait(&c, LONG, &status), 1);
        assert_int_equal(status, 0);
        snprintf(path, sizeof(path), "%s" SMART_SOCKET, p->root);
        assert_int_equal(remove(path), 0);
        return r;
}

static void with_a_socket_the_helper_asks(void **state) {
        char output[256];
        Place *p = *state;

        assert_int_equal(ask_helper(p, NULL, output, sizeof(output)), 4);
        assert_string_equal(output, DOCUMENT);
        expect_asked(p, "--json=c -a /dev/sda");
}

static void an_answer_is_whole_or_none(void **state) {
        static const struct {
                const char *says;
                int result;
                const char *output;
        } cases[] = {
                { "0 2\nab", 0, "ab" },   { "4 0\n", 4, "" },      { "-2 0\n", -ENOENT, "" }, { "-110 0\n", -ETIMEDOUT, "" },
                { "", -EPROTO, "" },      { "4", -EPROTO, "" },    { "4 ", -EPROTO, "" },     { "4 2", -EPROTO, "" },
                { "4 2\na", -EPROTO, "" }, { "4 2\nabc", -EPROTO, "" }, { "x 2\nab", -EPROTO, "" }, { "4 2ab", -EPROTO, "" },
                { "42\nab", -EPROTO, "" }, { "99999999999 0\n", -EPROTO, "" }, { "4 -1\nab", -EPROTO, "" }, { DOCUMENT, -EPROTO, "" },
        };
        char output[64];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int r = ask_helper(*state, cases[i].says, output, sizeof(output));
                if (r != cases[i].result || strcmp(output, cases[i].output) != 0)
                        fail_msg("\"%s\" is taken for %d \"%s\"", cases[i].says, r, output);
        }
}

static void an_answer_that_is_too_long_is_none(void **state) {
        char says[1024] = "0 1000\n", output[100 + 1];

        memset(says + 7, 'a', 1000);
        says[1007] = 0;
        output[100] = '~';
        assert_int_equal(ask_helper(*state, says, output, 100), -EPROTO);
        assert_string_equal(output, "");
        assert_int_equal(output[100], '~');
}

static void a_helper_that_does_not_answer_is_given_up(void **state) {
        Place *p = *state;
        int listening = smart_helper_listen(p->root); /* and nobody accepts */
        uint64_t begin = clock_mono_ns();
        char output[64];

        assert_int_equal(smart_ask(p->root, "sda", SHORT, output, sizeof(output)), -ETIMEDOUT);
        assert_in_range(clock_mono_ns() - begin, SHORT, LONG / 2);
        expect_asked(p, "");
        close(listening);
}

/* As the unit runs it. */
static void the_command_answers(void **state _unused_) {
        static const char script[] = "printf ../sda | \"$TOP_BUILDDIR/scrubstress\" smart";
        const char *argv[] = { "sh", "-c", script, NULL };
        char output[256];

        if (!getenv("TOP_BUILDDIR"))
                skip();
        assert_int_equal(child_run(argv, LONG, output, sizeof(output)), 0);
        assert_string_equal(output, "-19 0\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_disk_is_asked_and_nothing_but_asked),
                TEST(what_is_no_disk_is_not_asked),
                TEST(a_question_without_an_end_is_given_up),
                TEST(what_does_not_end_is_given_up),
                TEST(an_answer_has_a_limit),
                TEST(an_answer_that_nobody_takes_is_an_error),
                TEST(that_there_is_no_smartctl_is_an_answer),
                TEST(without_a_socket_one_asks_oneself),
                TEST(with_a_socket_the_helper_asks),
                TEST(an_answer_is_whole_or_none),
                TEST(an_answer_that_is_too_long_is_none),
                TEST(a_helper_that_does_not_answer_is_given_up),
                TEST(the_command_answers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

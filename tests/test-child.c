/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/clock.h"

static int return_argument(void *arg) {
        return *(int *)arg;
}

static int sleep_long(void *arg _unused_) {
        while (pause() < 0)
                ;
        return 0;
}

static void a_child_is_reaped_with_its_status(void **state _unused_) {
        Child c = CHILD_NULL;
        int status = 0, value = 42;

        assert_int_equal(child_fork(&c, "test", return_argument, &value), 0);
        assert_true(c.pid > 0 && c.pidfd >= 0);
        assert_int_equal(child_wait(&c, 5 * NSEC_PER_SEC, &status), 1);
        assert_int_equal(WEXITSTATUS(status), 42);
        assert_int_equal(c.pid, 0);
        assert_int_equal(c.pidfd, -1);
        assert_int_equal(child_reap(&c, &status), -ECHILD);
}

static void waiting_ends_at_its_time(void **state _unused_) {
        uint64_t begin = clock_mono_ns();
        Child c = CHILD_NULL;
        int status;

        assert_int_equal(child_fork(&c, "test", sleep_long, NULL), 0);
        assert_int_equal(child_reap(&c, &status), 0);
        assert_int_equal(child_wait(&c, 50 * NSEC_PER_MSEC, &status), 0);
        assert_in_range(clock_mono_ns() - begin, 50 * NSEC_PER_MSEC, 5 * NSEC_PER_SEC);
        assert_int_equal(child_kill(&c, SIGKILL), 0);
        assert_int_equal(child_wait(&c, 5 * NSEC_PER_SEC, &status), 1);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        assert_int_equal(child_kill(&c, SIGKILL), 0);
}

/* The middle process forks a child and is killed: the child must go too. Its pid comes back through shared memory. */
static int fork_and_sleep(void *arg) {
        _Atomic pid_t *grandchild = arg;
        Child c = CHILD_NULL;

        child_fork(&c, "test", sleep_long, NULL);
        *grandchild = c.pid;
        return sleep_long(NULL);
}

static void a_child_dies_with_its_parent(void **state _unused_) {
        _Atomic pid_t *grandchild = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        Child c = CHILD_NULL;
        int status, tries = 500;

        assert_int_equal(child_fork(&c, "test", fork_and_sleep, (void *)grandchild), 0);
        while (*grandchild == 0 && tries-- > 0)
                clock_sleep_ns(10 * NSEC_PER_MSEC);
        assert_true(*grandchild > 0);
        assert_int_equal(kill(*grandchild, 0), 0);
        child_kill(&c, SIGKILL);
        assert_int_equal(child_wait(&c, 5 * NSEC_PER_SEC, &status), 1);
        /* Whoever adopts it may be slow to reap it: a zombie is dead enough. */
        for (tries = 500; tries > 0; tries--) {
                char path[64], stat[256] = "";
                FILE *f;

                snprintf(path, sizeof(path), "/proc/%d/stat", *grandchild);
                f = fopen(path, "r");
                if (!f)
                        break;
                assert_non_null(fgets(stat, sizeof(stat), f));
                fclose(f);
                if (strstr(stat, ") Z ") || strstr(stat, ") X "))
                        break;
                clock_sleep_ns(10 * NSEC_PER_MSEC);
        }
        assert_true(tries > 0);
        munmap((void *)grandchild, 4096);
}

static int signals_are_default(void *arg _unused_) {
        struct sigaction sa;
        sigset_t set;

        sigprocmask(SIG_SETMASK, NULL, &set);
        sigaction(SIGPIPE, NULL, &sa);
        return sigismember(&set, SIGTERM) || sa.sa_handler != SIG_DFL;
}

static void a_child_starts_with_clean_signals(void **state _unused_) {
        sigset_t set, old;
        Child c = CHILD_NULL;
        int status = -1;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigprocmask(SIG_BLOCK, &set, &old);
        signal(SIGPIPE, SIG_IGN);
        assert_int_equal(child_fork(&c, "test", signals_are_default, NULL), 0);
        assert_int_equal(child_wait(&c, 5 * NSEC_PER_SEC, &status), 1);
        sigprocmask(SIG_SETMASK, &old, NULL);
        signal(SIGPIPE, SIG_DFL);
        assert_int_equal(status, 0);
}

static void a_program_is_run_and_its_output_kept(void **state _unused_) {
        const char *const both[] = { "sh", "-c", "echo out; echo err >&2; exit 3", NULL };
        const char *const storm[] = { "sh", "-c", "yes | head -c 300000", NULL };
        const char *const killed[] = { "sh", "-c", "kill -KILL $$", NULL };
        const char *const none[] = { "no-such-program-here", NULL };
        char output[64];

        assert_int_equal(child_run(both, 5 * NSEC_PER_SEC, output, sizeof(output)), 3);
        assert_string_equal(output, "out\nerr\n");
        assert_int_equal(child_run(storm, 10 * NSEC_PER_SEC, output, sizeof(output)), 0);
        assert_int_equal(strlen(output), sizeof(output) - 1);
        assert_int_equal(child_run(killed, 5 * NSEC_PER_SEC, NULL, 0), 128 + SIGKILL);
        assert_int_equal(child_run(none, 5 * NSEC_PER_SEC, output, sizeof(output)), -ENOENT);
}

static void a_program_ignores_what_is_for_the_supervisor(void **state _unused_) {
        static const char *const argv[] = { "sh", "-c", "for s in HUP INT QUIT TERM; do kill -$s $$; done; echo alive", NULL };
        char output[64];

        assert_int_equal(child_run(argv, 5 * NSEC_PER_SEC, output, sizeof(output)), 0);
        assert_string_equal(output, "alive\n");
}

static void a_program_that_hangs_is_killed(void **state _unused_) {
        const char *const hang[] = { "sleep", "60", NULL };
        uint64_t begin = clock_mono_ns();
        char output[64];

        assert_int_equal(child_run(hang, 100 * NSEC_PER_MSEC, output, sizeof(output)), -ETIMEDOUT);
        assert_true(clock_mono_ns() - begin < 10 * NSEC_PER_SEC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_child_is_reaped_with_its_status),
                cmocka_unit_test(waiting_ends_at_its_time),
                cmocka_unit_test(a_child_dies_with_its_parent),
                cmocka_unit_test(a_child_starts_with_clean_signals),
                cmocka_unit_test(a_program_is_run_and_its_output_kept),
                cmocka_unit_test(a_program_ignores_what_is_for_the_supervisor),
                cmocka_unit_test(a_program_that_hangs_is_killed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"

static void reset_signals(void) {
        sigset_t none;

        for (int sig = 1; sig < NSIG; sig++)
                signal(sig, SIG_DFL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The parent may die between fork and prctl: then nobody would send the death signal, so look once more. */
static void die_with_parent(pid_t parent) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(128 + SIGKILL);
}

int child_fork(Child *c, const char *comm, int (*entry)(void *arg), void *arg) {
        pid_t parent = getpid(), pid;
        int pidfd;

        fflush(NULL);
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                reset_signals();
                die_with_parent(parent);
                prctl(PR_SET_NAME, comm);
                _exit(entry(arg) & 0xff);
        }
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (pidfd < 0) {
                int r = -errno;
                kill(pid, SIGKILL);
                waitpid(pid, NULL, 0);
                return r;
        }
        *c = (Child){ .pid = pid, .pidfd = pidfd };
        return 0;
}

void child_close_others(int keep) {
        if (keep > STDERR_FILENO + 1)
                close_range(STDERR_FILENO + 1, (unsigned)keep - 1, 0);
        close_range((unsigned)MAX_OF(keep, STDERR_FILENO) + 1, ~0U, 0);
}

int child_reap(Child *c, int *ret_status) {
        pid_t r;

        if (c->pid <= 0)
                return -ECHILD;
        do
                r = waitpid(c->pid, ret_status, WNOHANG);
        while (r < 0 && errno == EINTR);
        if (r < 0)
                return -errno;
        if (r == 0)
                return 0;
        close(c->pidfd);
        *c = CHILD_NULL;
        return 1;
}

int child_kill(const Child *c, int signal) {
        if (c->pid <= 0)
                return 0;
        if (kill(c->pid, signal) < 0 && errno != ESRCH)
                return -errno;
        return 0;
}

int child_wait(Child *c, uint64_t timeout_ns, int *ret_status) {
        uint64_t until = clock_mono_ns() + timeout_ns;

        for (;;) {
                uint64_t now = clock_mono_ns();
                struct pollfd p = { .fd = c->pidfd, .events = POLLIN };
                int r = child_reap(c, ret_status);
                if (r != 0 || now >= until)
                        return r;
                poll(&p, 1, (int)((until - now) / NSEC_PER_MSEC) + 1);
        }
}

typedef struct Exec {
        const char *const *argv;
        int output;
} Exec;

/* A terminal and a service manager signal all of us, but only the supervisor decides; a program keeps what is ignored here. */
static int exec_entry(void *arg) {
        static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
        const Exec *x = arg;
        int null = open("/dev/null", O_RDONLY);

        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                signal(signals[i], SIG_IGN);
        dup2(null, STDIN_FILENO);
        dup2(x->output, STDOUT_FILENO);
        dup2(x->output, STDERR_FILENO);
        execvp(x->argv[0], (char *const *)x->argv);
        return errno == ENOENT ? 127 : 126;
}

int child_collect(int fd, uint64_t until_ns, char *output, size_t size) {
        size_t have = 0;

        if (size > 0)
                output[0] = 0;
        for (;;) {
                uint64_t now = clock_mono_ns();
                struct pollfd p = { .fd = fd, .events = POLLIN };
                char buf[4096];
                ssize_t n;

                if (now >= until_ns)
                        return -ETIMEDOUT;
                if (poll(&p, 1, (int)((until_ns - now) / NSEC_PER_MSEC) + 1) <= 0)
                        continue;
                n = read(fd, buf, sizeof(buf));
                if (n < 0 && (errno == EINTR || errno == EAGAIN))
                        continue;
                if (n <= 0)
                        return 0;
                if (size > 0) {
                        size_t take = MIN_OF((size_t)n, size - 1 - have);
                        memcpy(output + have, buf, take);
                        have += take;
                        output[have] = 0;
                }
        }
}

int child_run(const char *const argv[], uint64_t timeout_ns, char *output, size_t size) {
        uint64_t until = clock_mono_ns() + timeout_ns;
        _cleanup_close_ int from = -1, to = -1;
        Child c = CHILD_NULL;
        int pipefd[2], r, status = 0;

        if (size > 0)
                output[0] = 0;
        if (pipe2(pipefd, O_CLOEXEC) < 0)
                return -errno;
        from = pipefd[0];
        to = pipefd[1];
        r = child_fork(&c, "exec", exec_entry, &(Exec){ .argv = argv, .output = to });
        if (r < 0)
                return r;
        close(TAKE_FD(to));
        r = child_collect(from, until, output, size);
        if (r == 0)
                r = child_wait(&c, until > clock_mono_ns() ? until - clock_mono_ns() : 0, &status) == 1 ? 0 : -ETIMEDOUT;
        if (r < 0) {
                child_kill(&c, SIGKILL);
                child_wait(&c, NSEC_PER_SEC, &status);
                return r;
        }
        if (WIFSIGNALED(status))
                return 128 + WTERMSIG(status);
        return WEXITSTATUS(status) == 127 ? -ENOENT : WEXITSTATUS(status);
}

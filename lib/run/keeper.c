/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/macro.h"
#include "observe/src-trace.h"

/* Some rounds: the instance is busy until the last file of the supervisor in it is closed. */
static void remove_instance(const char *name) {
        for (unsigned i = 0; i < 250; i++) {
                if (trace_instance_remove(name) != -EBUSY)
                        return;
                clock_sleep_ns(20 * NSEC_PER_MSEC);
        }
}

static void keep(int pipe, const char *trace_instance) {
        char byte;
        ssize_t n;

        prctl(PR_SET_NAME, "ss:keeper");
        setsid();
        for (int sig = 1; sig < NSIG; sig++)
                signal(sig, SIG_IGN);
        if (dup2(pipe, 0) != 0)
                return;
        close_range(1, ~0U, 0);
        do
                n = read(0, &byte, 1);
        while (n < 0 && errno == EINTR);
        remove_instance(trace_instance);
}

int keeper_start(Keeper *k, const char *trace_instance) {
        int ends[2];
        pid_t pid;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        pid = fork();
        if (pid == 0) {
                close(ends[1]);
                keep(ends[0], trace_instance);
                _exit(0);
        }
        close(ends[0]);
        if (pid < 0) {
                close(ends[1]);
                return -errno;
        }
        *k = (Keeper){ .pid = pid, .pipe = ends[1] };
        return 0;
}

void keeper_stop(Keeper *k) {
        if (k->pid <= 0)
                return;
        close(k->pipe);
        while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        *k = KEEPER_NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Child: a process of ours that must not outlive us. Every child dies with its parent (PR_SET_PDEATHSIG, SIGKILL) and is watched
 * through a pidfd, never joined: a task stuck in the kernel ignores SIGKILL, and the parent must outlive and report it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

typedef struct Child {
        pid_t pid; /* 0: none */
        int pidfd; /* readable when the child has ended; -1: none */
} Child;

#define CHILD_NULL ((Child){ .pidfd = -1 })

/* Forks. In the child: signal mask and dispositions reset to default, PDEATHSIG set, entry(arg) runs and its return value is the exit
 * status. Returns 0 or a negative errno (nothing forked). The file descriptor is O_CLOEXEC. Does not block. */
int child_fork(Child *c, const char *comm, int (*entry)(void *arg), void *arg);

/* In a child: closes every descriptor but standard input, output, error and `keep` (-1: none), so that it holds nothing of its parent's. */
void child_close_others(int keep);
/* Reaps without blocking: 0 still running, 1 ended with *ret_status as from wait(2); -ECHILD when there is none. Closes the pidfd
 * when ended. */
int child_reap(Child *c, int *ret_status);
/* Sends a signal; a child that is gone already is success. */
int child_kill(const Child *c, int signal);
/* Waits at most timeout_ns for the end: 0 still running, 1 ended. Blocks; not for the supervisor's loop while a run is on. */
int child_wait(Child *c, uint64_t timeout_ns, int *ret_status);

/* Reads what another process writes into a pipe or a socket, to its end or until `until_ns` on CLOCK_MONOTONIC: 0 or -ETIMEDOUT. At most size-1
 * bytes are kept, NUL-terminated; what does not fit is read and dropped. An error of reading is an end. */
int child_collect(int fd, uint64_t until_ns, char *output, size_t size);

/* Runs a program to its end (found in PATH), standard output and error both captured, at most size-1 bytes, NUL-terminated.
 * Blocks up to timeout_ns, then kills it: -ETIMEDOUT. Returns its exit status (0…255; 128+n for signal n) or a negative errno;
 * -ENOENT when there is no such program. It ignores the signals of a terminal and SIGTERM. Meant for jobs, which are children themselves. */
int child_run(const char *const argv[], uint64_t timeout_ns, char *output, size_t size);

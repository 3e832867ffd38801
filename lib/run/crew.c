/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fs.h"

typedef struct Enlist {
        Crew *crew;
        unsigned index;
        int socket;
} Enlist;

static int member_main(void *arg) {
        const Enlist *n = arg;
        const PlanWorker *p = &n->crew->spawned.workers[n->index];
        Worker w = {
                .stressor = p->stressor,
                .instance = p->instance,
                .index = n->index,
                .config = n->crew->config,
                .target = n->crew->target,
                .ops = n->crew->ops,
                .board = n->crew->board,
                .slot = &n->crew->board->slots[n->index],
                .root_fd = -1,
                .socket = n->socket,
        };

        /* Open files of the trace instance would keep it from being removed as long as the worker lives. */
        child_close_others(n->socket);
        rng_seed(&w.rng, n->crew->spawned.seed, n->index);
        w.root_fd = n->crew->open_target(n->crew->target, NULL);
        return worker_run(&w);
}

static int enlist(Crew *c, unsigned index, int socket, Error *e) {
        const PlanWorker *p = &c->spawned.workers[index];
        Slot *s = &c->board->slots[index];
        char comm[16];
        int r;

        snprintf(s->name, sizeof(s->name), "%s", p->name);
        slot_reset(s);
        snprintf(comm, sizeof(comm), "ss:%.12s", p->name);
        r = child_fork(&c->members[index].child, comm, member_main, &(Enlist){ .crew = c, .index = index, .socket = socket });
        if (r < 0)
                return error_set(e, EXIT_ERROR, -r, "Cannot start the worker %s: %s. Check the limit of processes (TasksMax=, ulimit -u).",
                                 p->name, strerror(-r));
        return 0;
}

int crew_spawn(Crew *c, Error *e) {
        int pair[2], r = 0;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                return error_set(e, EXIT_ERROR, errno, "Cannot make the socket for observations: %s.", strerror(errno));
        c->socket = pair[0];
        c->spawned = *c->plan;
        for (unsigned i = 0; i < c->spawned.n_workers; i++)
                c->members[i] = (CrewMember){ .child = CHILD_NULL };
        /* A worker that was killed in the middle of a balance or replace has not taken its mark back. */
        atomic_store(&c->board->balances_in_flight, 0);
        atomic_store(&c->board->replaces_in_flight, 0);
        atomic_store(&c->board->cancels_in_flight, 0);
        atomic_store(&c->board->cancelling, false);
        c->killed = c->frozen = false;
        c->thawed_ns = 0;
        board_set_phase(c->board, PHASE_RUN);
        for (unsigned i = 0; i < c->spawned.n_workers && r == 0; i++)
                r = enlist(c, i, pair[1], e);
        close(pair[1]);
        if (r < 0) {
                crew_kill(c);
                crew_close(c);
        }
        return r;
}

void crew_receive(Crew *c, ObserveFunc func, void *userdata) {
        Observation o;

        if (c->socket < 0)
                return;
        while (recv(c->socket, &o, sizeof(o), MSG_DONTWAIT) == sizeof(o)) {
                o.text[sizeof(o.text) - 1] = 0;
                func(userdata, &o);
        }
}

/* Who is told, and when it is now. */
typedef struct Watch {
        uint64_t now_ns;
        ObserveFunc func;
        void *userdata;
} Watch;

static void say_died(const Crew *c, unsigned index, int status, const Watch *to) {
        Observation o = { .time_ns = to->now_ns, .kind = OBS_DIED, .result = status, .worker = index + 1 };

        o.op = (Operation)atomic_load(&c->board->slots[index].op);
        snprintf(o.text, sizeof(o.text), "worker %s %s %d", c->spawned.workers[index].name,
                 WIFSIGNALED(status) ? "was killed by signal" : "ended with status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        to->func(to->userdata, &o);
}

/* Time in which the worker was frozen is not the kernel's. */
static uint64_t in_kernel_since(const Crew *c, uint64_t op_begin_ns) {
        return MAX_OF(op_begin_ns, c->thawed_ns);
}

static void say_stuck(const Crew *c, unsigned index, const Watch *to) {
        const Slot *s = &c->board->slots[index];
        uint64_t begin = atomic_load(&s->op_begin_ns);
        Observation o = { .time_ns = to->now_ns, .kind = OBS_STUCK, .worker = index + 1, .begin_ns = begin };
        char path[64], wchan[64] = "", stack[320] = "";

        o.op = (Operation)atomic_load(&s->op);
        o.count = (to->now_ns - in_kernel_since(c, begin)) / NSEC_PER_MSEC;
        /* Both need CAP_SYS_ADMIN and a kernel that has them; what cannot be read is left out. */
        snprintf(path, sizeof(path), "/proc/%d/wchan", c->members[index].child.pid);
        fs_read(NULL, path, wchan, sizeof(wchan));
        snprintf(path, sizeof(path), "/proc/%d/stack", c->members[index].child.pid);
        fs_read(NULL, path, stack, sizeof(stack));
        for (char *p = stack; *p; p++)
                if (*p == '\n')
                        *p = ' ';
        snprintf(o.text, sizeof(o.text), "worker %.23s wchan=%.60s stack=%.280s", c->spawned.workers[index].name, wchan, stack);
        to->func(to->userdata, &o);
}

static bool over_deadline(const Crew *c, unsigned index, uint64_t now_ns) {
        const Slot *s = &c->board->slots[index];
        uint64_t begin = atomic_load(&s->op_begin_ns), since = in_kernel_since(c, begin);

        return !c->frozen && atomic_load(&s->op) != OP_NONE && now_ns > since &&
               now_ns - since > c->spawned.workers[index].stressor->deadline_ns(c->config) && c->members[index].stuck_begin_ns != begin;
}

void crew_watch(Crew *c, uint64_t now_ns, bool expected, ObserveFunc func, void *userdata) {
        const Watch to = { now_ns, func, userdata };

        for (unsigned i = 0; i < c->spawned.n_workers; i++) {
                CrewMember *m = &c->members[i];
                int status;

                if (m->child.pid <= 0)
                        continue;
                if (child_reap(&m->child, &status) == 1) {
                        if (!expected || (status != 0 && !(c->killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)))
                                say_died(c, i, status, &to);
                        slot_reset(&c->board->slots[i]);
                        continue;
                }
                if (over_deadline(c, i, now_ns)) {
                        m->stuck_begin_ns = atomic_load(&c->board->slots[i].op_begin_ns);
                        say_stuck(c, i, &to);
                }
        }
}

bool crew_all_paused(const Crew *c) {
        for (unsigned i = 0; i < c->spawned.n_workers; i++)
                if (c->members[i].child.pid > 0 && !atomic_load(&c->board->slots[i].paused))
                        return false;
        return true;
}

unsigned crew_alive(const Crew *c) {
        unsigned n = 0;

        for (unsigned i = 0; i < c->spawned.n_workers; i++)
                n += c->members[i].child.pid > 0;
        return n;
}

bool crew_has(const Crew *c, pid_t pid) {
        for (unsigned i = 0; i < c->spawned.n_workers; i++)
                if (c->members[i].child.pid == pid)
                        return true;
        return false;
}

static void signal_all(const Crew *c, int signal) {
        for (unsigned i = 0; i < c->spawned.n_workers; i++)
                child_kill(&c->members[i].child, signal);
}

void crew_freeze(Crew *c) {
        c->frozen = true;
        signal_all(c, SIGSTOP);
}

void crew_thaw(Crew *c, uint64_t now_ns) {
        if (!c->frozen)
                return;
        c->frozen = false;
        c->thawed_ns = now_ns;
        signal_all(c, SIGCONT);
}

void crew_kill(Crew *c) {
        c->killed = true;
        signal_all(c, SIGKILL);
}

void crew_close(Crew *c) {
        for (unsigned i = 0; i < c->spawned.n_workers; i++) {
                if (c->members[i].child.pid > 0)
                        close(c->members[i].child.pidfd);
                c->members[i] = (CrewMember){ .child = CHILD_NULL };
        }
        if (c->socket >= 0)
                close(TAKE_FD(c->socket));
}

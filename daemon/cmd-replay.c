/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A try is a fork of this process that runs the engine as `scrubstress run` does, and ends. So each begins with a mount namespace, an instance lock
 * and a memory of its own, whatever the one before has left in a kernel that is under test; and when this process dies, it dies too.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "base/child.h"
#include "base/clock.h"
#include "command.h"
#include "engine.h"
#include "report/replay.h"
#include "terminal.h"

/* A run that is asked to end does so within 10 s. */
#define STOP_TIMEOUT_NS (20 * NSEC_PER_SEC)

typedef struct Session {
        Original original;
        Replay replay;
        Config config;
        FILE *people;
        int signals; /* those that end a run, as a file */
        Try *try;    /* under way */
} Session;

/* The same in all tries. */
static void on_note(void *userdata, const char *sentence) {
        const Session *s = userdata;

        if (s->try == s->replay.tries)
                terminal_note(s->people, sentence);
}

static void on_finding(void *userdata, const Finding *f, const Report *r) {
        const Session *s = userdata;

        try_finding(s->try, &s->original, f, r);
}

static void on_end(void *userdata, const Report *r) {
        const Session *s = userdata;

        try_ended(s->try, r);
}

/* In the child. */
static int run_try(void *session) {
        Session *s = session;
        const EngineEars ears = { .listener = { .userdata = s, .note = on_note, .finding = on_finding } };
        Error e = ERROR_NULL;

        child_close_others(-1);
        if (engine_run(&s->config, &ears, on_end, &e) < 0)
                try_failed(s->try, &e);
        fflush(NULL);
        return 0;
}

/* True when one has come. */
static bool take_signal(const Session *s) {
        struct signalfd_siginfo info;

        return read(s->signals, &info, sizeof(info)) == sizeof(info);
}

/* To its end. A terminal signals the child as well; twice is as once. */
static bool await(const Session *s, Child *c) {
        uint64_t until_ns = UINT64_MAX;
        bool stopped = false;
        int status;

        while (child_reap(c, &status) == 0) {
                struct pollfd p[] = { { .fd = c->pidfd, .events = POLLIN }, { .fd = s->signals, .events = POLLIN } };

                poll(p, ELEMENTSOF(p), stopped ? 100 : -1);
                if (take_signal(s)) {
                        until_ns = stopped ? until_ns : clock_mono_ns() + STOP_TIMEOUT_NS;
                        stopped = true;
                        child_kill(c, SIGTERM);
                }
                if (clock_mono_ns() > until_ns)
                        child_kill(c, SIGKILL);
        }
        return stopped;
}

static bool try_once(void *userdata, Try *t) {
        Session *s = userdata;
        Child c = CHILD_NULL;
        Error e = ERROR_NULL;
        int r;

        s->try = t;
        r = child_fork(&c, "scrubstress", run_try, s);
        if (r < 0) {
                error_set(&e, EXIT_ERROR, -r, "No process for it could be started: %s.", strerror(-r));
                try_failed(t, &e);
                return false;
        }
        return await(s, &c);
}

static void tell(void *userdata, const Replay *p, const Try *t) {
        const Session *s = userdata;

        replay_print_try(p, t, s->people);
}

/* As a file, so that one that comes between two tries is not lost. */
static int open_signals(Session *s, Error *e) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGQUIT);
        sigaddset(&set, SIGHUP);
        signal(SIGPIPE, SIG_IGN);
        s->signals = sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -1 : signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
        return s->signals >= 0 ? 0 : error_set(e, EXIT_ERROR, errno, "Cannot watch for signals: %s.", strerror(errno));
}

static int find(const Options *o, Original *original, Error *e) {
        char folder[PATH_MAX];
        Config c;
        int r;

        if (!o->operand)
                return error_set(e, EXIT_USAGE, EINVAL, "Which finding? Say scrubstress replay RUN/FINDING, or the path of its evidence folder.");
        if (original_at(folder, o->operand))
                return original_read(original, folder, e);
        r = options_load(o, &c, e);
        if (r >= 0)
                r = original_find(folder, c.run.evidence_directory, o->operand, e);
        return r < 0 ? r : original_read(original, folder, e);
}

static int configure(const Options *o, Session *s, Error *e) {
        int r = replay_config(&s->original, &s->config, &options_warn, e);

        if (r >= 0)
                r = options_set(o, &s->config, e);
        return r < 0 ? r : replay_config_check(&s->config, e);
}

static int replay(const Options *o, Session *s, Error *e) {
        const ReplayCaller caller = { .userdata = s, .try = try_once, .tell = tell };
        int r;

        cgroup_settle(NULL); /* else we would be left where a try moves away from: see base/cgroup.h */
        replay_print_header(&s->replay, &s->config, s->people);
        replay_run(&s->replay, &caller);
        replay_print_closing(&s->replay, s->people);
        r = o->format == FORMAT_JSON ? replay_json(&s->replay, stdout) : 0;
        if (r < 0)
                return error_set(e, EXIT_ERROR, -r, "The report could not be written to standard output: %s.", strerror(-r));
        return (int)replay_verdict(&s->replay);
}

static int run(const Options *o, Error *e) {
        Session s = { .people = o->format == FORMAT_JSON ? stderr : stdout, .signals = -1 };
        int r = find(o, &s.original, e);

        if (r < 0 || (r = configure(o, &s, e)) < 0 || (r = open_signals(&s, e)) < 0)
                return r;
        r = replay_init(&s.replay, &s.original, PACKAGE_VERSION, o->times ?: REPLAY_TIMES, e);
        if (r >= 0)
                r = replay(o, &s, e);
        replay_done(&s.replay);
        closep(&s.signals);
        return r;
}

const Command command_replay = {
        .name = "replay",
        .allowed = "*ndtciSfhV",
        .operand = "RUN/FINDING",
        .help = "try to meet a finding again, from its evidence",
        .run = run,
};

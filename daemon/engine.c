/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "base/clock.h"

typedef struct Engine {
        sd_event *event;
        Run *run;
        const EngineEars *ears;
        Config config; /* the one in force */
} Engine;

static int on_timer(sd_event_source *source, uint64_t usec _unused_, void *userdata) {
        Engine *g = userdata;
        uint64_t now;

        /* Re-armed first, so that a step that takes long does not shift the next; never in the past, so that none are made up for. */
        sd_event_now(g->event, CLOCK_MONOTONIC, &now);
        sd_event_source_set_time(source, now + RUN_STEP_NS / NSEC_PER_USEC);
        sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        run_step(g->run, clock_mono_ns());
        if (g->ears->tick)
                g->ears->tick(g->ears->listener.userdata, run_report(g->run), run_state(g->run));
        return run_done(g->run) ? sd_event_exit(g->event, 0) : 0;
}

static int on_stop_signal(sd_event_source *source _unused_, const struct signalfd_siginfo *info _unused_, void *userdata) {
        Engine *g = userdata;

        run_stop(g->run);
        return 0;
}

static bool same_values(const Config *a, const Config *b) {
        char *texts[2] = { 0 };
        size_t sizes[2];
        const Config *both[2] = { a, b };
        bool same = true;

        for (unsigned i = 0; i < 2; i++) {
                _cleanup_fclose_ FILE *f = open_memstream(&texts[i], &sizes[i]);
                if (f)
                        config_print(both[i], f);
        }
        same = texts[0] && texts[1] && strcmp(texts[0], texts[1]) == 0;
        free(texts[0]);
        free(texts[1]);
        return same;
}

static int on_reload_signal(sd_event_source *source _unused_, const struct signalfd_siginfo *info _unused_, void *userdata) {
        Engine *g = userdata;
        Error e = ERROR_NULL;
        Config fresh;
        bool changed = false;
        int r;

        r = g->ears->reload(g->ears->listener.userdata, &fresh, &e);
        if (r >= 0) {
                changed = !same_values(&fresh, &g->config);
                r = changed ? run_reconfigure(g->run, &fresh, &e) : 0;
        }
        if (r >= 0)
                g->config = fresh;
        g->ears->reloaded(g->ears->listener.userdata, r < 0 ? e.sentence : NULL, changed);
        return 0;
}

/* sd-event takes signals through a signalfd: they must be blocked first. Children reset their mask (child_fork). */
static int watch_signals(Engine *g) {
        static const int stops[] = { SIGTERM, SIGINT, SIGQUIT };
        sigset_t set;
        int r;

        sigemptyset(&set);
        for (size_t i = 0; i < ELEMENTSOF(stops); i++)
                sigaddset(&set, stops[i]);
        sigaddset(&set, SIGHUP);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        signal(SIGPIPE, SIG_IGN);
        for (size_t i = 0; i < ELEMENTSOF(stops); i++) {
                r = sd_event_add_signal(g->event, NULL, stops[i], on_stop_signal, g);
                if (r < 0)
                        return r;
        }
        return sd_event_add_signal(g->event, NULL, SIGHUP, g->ears->reload ? on_reload_signal : on_stop_signal, g);
}

static int watch(Engine *g) {
        int r;

        r = sd_event_new(&g->event);
        if (r >= 0)
                r = watch_signals(g);
        if (r >= 0)
                r = sd_event_add_time(g->event, NULL, CLOCK_MONOTONIC, 0, 10000, on_timer, g);
        /* Pinged from this loop and from nowhere else: a supervisor that does not step any more is restarted. */
        if (r >= 0)
                r = sd_event_set_watchdog(g->event, true);
        return r;
}

int engine_run(const Config *config, const EngineEars *ears, void (*ended)(void *userdata, const Report *r), Error *e) {
        Engine g = { .ears = ears, .config = *config };
        int r, verdict;

        /* Signals first: one that comes while the run starts must not leave anything behind. */
        r = watch(&g);
        if (r < 0) {
                sd_event_unref(g.event);
                return error_set(e, EXIT_ERROR, -r, "Cannot set up the event loop: %s.", strerror(-r));
        }
        r = run_new(&g.run, config, PACKAGE_VERSION, &ears->listener, e);
        if (r >= 0) {
                r = sd_event_loop(g.event);
                if (r < 0)
                        error_set(e, EXIT_ERROR, -r, "The event loop failed: %s.", strerror(-r));
        }
        sd_event_unref(g.event);
        if (r < 0) {
                run_free(g.run);
                return r;
        }
        ended(ears->listener.userdata, run_report(g.run));
        verdict = (int)run_report(g.run)->verdict;
        run_free(g.run);
        return verdict;
}

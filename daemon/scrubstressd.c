/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scrubstressd: the same engine as `scrubstress run`, as a service (Type=notify). Ready when the target is mounted, the control scrub has
 * passed and the workers run. SIGTERM ends it within 10 s with a verdict; SIGHUP reads the configuration again.
 */
#include <stdarg.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "engine.h"
#include "options.h"
#include "report/text.h"
#include "sink-journal.h"

#define STATUS_NS NSEC_PER_SEC
#define OPTION_LETTERS "ciSdtshV"

typedef struct Service {
        const Options *options;
        bool ready;
        uint64_t next_status_ns;
        Totals last;
} Service;

/* The level prefix is for the journal (sd-daemon(3)); a person at a terminal does not want it. */
static void say(const char *level, const char *format, ...) _printf_(2, 3);
static void say(const char *level, const char *format, ...) {
        va_list ap;

        fputs(journal_connected() ? level : "", stderr);
        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fputc('\n', stderr);
}

static void on_note(void *userdata _unused_, const char *sentence) {
        say(SD_NOTICE, "%s", sentence);
}

static void on_finding(void *userdata _unused_, const Finding *f, const Report *r) {
        journal_finding(f, r);
}

static void on_state(void *userdata, RunState state, const Report *r) {
        Service *s = userdata;
        char where[REPORT_HELD_MAX];

        sd_notifyf(0, "STATUS=%s", run_state_name(state));
        s->next_status_ns = r->totals.time_ns + STATUS_NS;
        if (state == RUN_STRESS && !s->ready) {
                s->ready = true;
                s->last = r->totals;
                report_header(r, stderr);
                sd_notify(0, "READY=1");
        }
        if (state == RUN_HOLDING)
                say(SD_WARNING, "The run is held %s.", report_describe_held(&r->held, where));
}

static void status_held(const Held *h) {
        char where[REPORT_HELD_MAX], held[TEXT_NUMBER_MAX];

        sd_notifyf(0, "STATUS=held for %s %s", text_duration(h->ns, held), report_describe_held(h, where));
}

static void status_stress(Service *s, const Totals *t) {
        uint64_t ns = t->time_ns - s->last.time_ns;

        sd_notifyf(0, "STATUS=stress: %.0f collisions/s, %.0f removals/s, %.0f scrubs/s; %llu collisions, %llu findings so far",
                   totals_rate(&s->last, t, ns, TOTAL_COLLISIONS), totals_rate(&s->last, t, ns, TOTAL_REMOVALS),
                   totals_rate(&s->last, t, ns, TOTAL_SCRUBS), (unsigned long long)t->collisions, (unsigned long long)t->findings);
        s->last = *t;
}

static void on_tick(void *userdata, const Report *r, RunState state) {
        Service *s = userdata;
        const Totals *t = &r->totals;

        if ((state != RUN_STRESS && state != RUN_HOLDING) || t->time_ns < s->next_status_ns)
                return;
        if (state == RUN_HOLDING)
                status_held(&r->held);
        else
                status_stress(s, t);
        s->next_status_ns = t->time_ns + STATUS_NS;
}

static int on_reload(void *userdata, Config *c, Error *e) {
        const Service *s = userdata;

        sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)(clock_mono_ns() / NSEC_PER_USEC));
        return options_config(s->options, c, e);
}

static void on_reloaded(void *userdata _unused_, const char *complaint, bool changed) {
        if (complaint)
                say(SD_ERR, "The configuration was not taken over, the old one stays in force: %s", complaint);
        else
                say(SD_NOTICE, "The configuration was read again%s.",
                        changed ? "; the target is made again with it" : ", nothing has changed");
        sd_notify(0, "READY=1");
}

/* From STOPPING=1 on TimeoutStopSec= counts (service_enter_stop_by_notify() in systemd), and who is late is killed and started again, with a
 * new soak. A run that ends by itself has its last scrub, its check and its unmount before it, which may take longer. */
static void on_end(void *userdata _unused_, const Report *r) {
        sd_notify(0, "STOPPING=1");
        report_closing(r, stderr, false);
        journal_verdict(r);
        sd_notifyf(0, "STATUS=%s: %s", exit_code_name(r->verdict), r->why);
}

static int serve(int argc, char **argv, Error *e) {
        Options o = { 0 };
        Service s = { .options = &o };
        const EngineEars ears = {
                .listener = { .userdata = &s, .note = on_note, .finding = on_finding, .state = on_state },
                .tick = on_tick,
                .reload = on_reload,
                .reloaded = on_reloaded,
        };
        Config c;
        int r = options_parse(&o, argc, argv, OPTION_LETTERS, e);

        if (r < 0)
                return r;
        if (o.version) {
                puts("scrubstressd " PACKAGE_VERSION);
                return EXIT_PASS;
        }
        if (o.help) {
                printf("Usage: scrubstressd [OPTION…]\n\nStresses a btrfs filesystem as a service; see scrubstressd(8).\n\nOptions:\n");
                options_print(stdout, OPTION_LETTERS);
                return EXIT_PASS;
        }
        r = options_config(&o, &c, e);
        return r < 0 ? r : engine_run(&c, &ears, on_end, e);
}

int main(int argc, char **argv) {
        Error e = ERROR_NULL;
        int r = serve(argc, argv, &e);

        if (r >= 0)
                return r;
        say(SD_ERR, "scrubstressd: %s", e.sentence);
        sd_notifyf(0, "STATUS=%s\nERRNO=%i", e.sentence, -r);
        return (int)e.exit;
}

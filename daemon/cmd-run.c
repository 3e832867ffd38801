/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <locale.h>
#include <string.h>

#include "base/clock.h"
#include "command.h"
#include "engine.h"
#include "report/kernel-info.h"
#include "report/text.h"
#include "terminal.h"

#define DEFAULT_DURATION "Run.Duration=60s"

/* What a foreground run shows: people's text on one stream, the JSON object on stdout when asked for. */
typedef struct Screen {
        FILE *people;
        Progress progress;
        bool header_shown, color;
        OutputFormat format;
        int write_error; /* of the JSON object; 0: none */
} Screen;

static void on_note(void *userdata, const char *sentence) {
        Screen *s = userdata;

        progress_clear(&s->progress);
        terminal_note(s->people, sentence);
}

static void on_finding(void *userdata, const Finding *f, const Report *r _unused_) {
        Screen *s = userdata;
        char sentence[1024];

        progress_clear(&s->progress);
        finding_sentence(f, sentence, sizeof(sentence));
        fprintf(s->people, "%s%s %s%s\n  ", s->color ? "\033[1;31m" : "", grade_name(f->grade), finding_classes[f->class].name,
                s->color ? "\033[0m" : "");
        text_wrap(s->people, 2, sentence);
        if (f->evidence[0])
                fprintf(s->people, "  evidence: %s\n", f->evidence);
}

static void show_held(Screen *s, const Held *h) {
        char where[REPORT_HELD_MAX], sentence[REPORT_HELD_MAX + 32];

        snprintf(sentence, sizeof(sentence), "The run is held %s.", report_describe_held(h, where));
        on_note(s, sentence);
}

static void on_state(void *userdata, RunState state, const Report *r) {
        Screen *s = userdata;

        if (state == RUN_HOLDING)
                show_held(s, &r->held);
        if (state != RUN_STRESS || s->header_shown)
                return;
        s->header_shown = true;
        progress_clear(&s->progress);
        report_header(r, s->people);
        fflush(s->people);
}

static void on_tick(void *userdata, const Report *r, RunState state) {
        Screen *s = userdata;

        if (state < RUN_STRESS || state > RUN_HOLDING)
                return;
        s->progress.width = terminal_width(s->people);
        progress_update(&s->progress, r);
}

static void on_end(void *userdata, const Report *r) {
        Screen *s = userdata;

        progress_clear(&s->progress);
        report_closing(r, s->people, s->color);
        if (s->format == FORMAT_JSON)
                s->write_error = report_json(r, stdout);
        fflush(NULL);
}

/* Machines get their object whatever happens: of a run that never started it says why. */
static int refuse(const Options *o, int r, const Error *e) {
        Report report = { .version = PACKAGE_VERSION, .started_real_ns = clock_real_ns(), .verdict = e->exit };

        if (o->format != FORMAT_JSON)
                return r;
        report_kernel(report.kernel, sizeof(report.kernel), report.taint, sizeof(report.taint), "");
        snprintf(report.why, sizeof(report.why), "%.500s", e->sentence);
        if (strlen(e->sentence) >= 500)
                snprintf(report.error, sizeof(report.error), "%s", e->sentence);
        report_json(&report, stdout);
        return r;
}

int run_config(const Options *o, Config *ret, Error *e) {
        int r = options_config(o, ret, e);

        if (r < 0 || !config_is_default(ret, "Run", "Duration") || ret->soak.duration_ns > 0)
                return r;
        return config_set(ret, DEFAULT_DURATION, e);
}

static int run(const Options *o, Error *e) {
        Screen s = { .people = o->format == FORMAT_JSON ? stderr : stdout, .format = o->format };
        const EngineEars ears = {
                .listener = { .userdata = &s, .note = on_note, .finding = on_finding, .state = on_state },
                .tick = on_tick,
        };
        Config c;
        int r;

        setlocale(LC_CTYPE, "");
        r = run_config(o, &c, e);
        if (r < 0)
                return refuse(o, r, e);
        if (o->plan)
                return print_plan(&c, e);
        progress_init(&s.progress, s.people);
        s.color = s.progress.color = terminal_color(s.people);
        s.progress.utf8 = terminal_utf8();
        r = engine_run(&c, &ears, on_end, e);
        if (r < 0)
                return refuse(o, r, e);
        if (s.write_error < 0)
                return error_set(e, EXIT_ERROR, -s.write_error,
                                 "The report could not be written to standard output: %s.", strerror(-s.write_error));
        return r;
}

const Command command_run = {
        .name = "run",
        .allowed = "dtsciSfphV",
        .help = "stress a target in the foreground and give a verdict",
        .run = run,
};

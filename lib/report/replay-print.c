/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a replay says, to people and to machines. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/units.h"
#include "report/json.h"
#include "report/replay.h"
#include "report/text.h"

#define SCHEMA 1
#define LABEL 12U

/* Of the outcome; part of the JSON schema. One that was cut is in no list. */
static const char *const end_names[_TRY_END_MAX] = {
        [TRY_SAME] = "reproduced",
        [TRY_OTHER] = "other",
        [TRY_NONE] = "none",
        [TRY_WEAK] = "weak",
        [TRY_CUT] = "cut",
        [TRY_FAILED] = "failed",
};

/* Appends; what does not fit is cut. */
static void _printf_(2, 3) add(char buf[static REPLAY_WHY_MAX], const char *format, ...) {
        size_t have = strlen(buf);
        va_list ap;

        va_start(ap, format);
        vsnprintf(buf + have, REPLAY_WHY_MAX - have, format, ap);
        va_end(ap);
}

static void row(FILE *f, const char *label, const char *text) {
        fprintf(f, "%-*s", (int)LABEL, label);
        text_wrap(f, LABEL, text);
}

void replay_print_header(const Replay *p, const Config *c, FILE *f) {
        const Original *o = p->original;
        char text[REPLAY_WHY_MAX] = "", what[ORIGINAL_TEXT_MAX], ns[UNITS_MAX];

        row(f, "replay", o->folder);
        add(text, "%s, found by scrubstress %s after %s under stress", original_describe(o, what), o->version, units_human_duration(o->found_ns, ns));
        row(f, "finding", text);
        row(f, "kernel", p->kernel);
        if (strcmp(p->kernel, o->kernel) != 0) {
                text[0] = 0;
                add(text, "it was found on another kernel, %s", o->kernel);
                row(f, "note", text);
        }
        if (strcmp(p->version, o->version) != 0) {
                text[0] = 0;
                add(text, "this is scrubstress %s, which may make another plan of the seed", p->version);
                row(f, "note", text);
        }
        text[0] = 0;
        add(text, "%u of at most %s under stress, seed %" PRIu64, p->times, units_format_duration(c->run.duration_ns, ns), c->run.seed);
        row(f, "tries", text);
        fputc('\n', f);
        fflush(f);
}

static void describe_try(const Try *t, char text[static REPLAY_WHY_MAX]) {
        char ns[UNITS_MAX];

        text[0] = 0;
        switch (try_end(t)) {
        case TRY_SAME:
                add(text, "reproduced after %s under stress", units_human_duration(t->found_ns, ns));
                break;
        case TRY_OTHER:
                add(text, "another finding%s%s", t->others ? ": " : "", t->others ? finding_classes[t->other].name : "");
                break;
        case TRY_NONE:
                add(text, "not in %s under stress", units_human_duration(t->stress_ns, ns));
                break;
        case TRY_WEAK:
                add(text, "not in %s under stress, but: %s", units_human_duration(t->stress_ns, ns), t->why);
                break;
        default:
                add(text, "failed: %s", t->ended ? t->why : "its process ended without a verdict");
        }
        if (t->evidence[0])
                add(text, "; evidence: %s", t->evidence);
}

void replay_print_try(const Replay *p, const Try *t, FILE *f) {
        char label[32], text[REPLAY_WHY_MAX];
        int n = snprintf(label, sizeof(label), "try %td/%u", t - p->tries + 1, p->times);

        describe_try(t, text);
        fprintf(f, "%-*s", (int)LABEL, label);
        if (n >= (int)LABEL)
                fputc(' ', f);
        text_wrap(f, LABEL, text);
        fflush(f);
}

static unsigned count(const Replay *p, TryEnd end) {
        unsigned n = 0;

        for (unsigned i = 0; i < p->n; i++)
                n += try_end(&p->tries[i]) == end;
        return n;
}

char *replay_describe(const Replay *p, char why[static REPLAY_WHY_MAX]) {
        unsigned others = count(p, TRY_OTHER), weak = count(p, TRY_WEAK);
        char what[ORIGINAL_TEXT_MAX], min[UNITS_MAX], median[UNITS_MAX], max[UNITS_MAX];
        ReplayTimes times;

        why[0] = 0;
        add(why, "%u of %u met %s again", replay_k(p), p->n, original_describe(p->original, what));
        if (replay_times(p, &times))
                add(why, ", after %s / %s / %s under stress (min / median / max)", units_human_duration(times.min_ns, min),
                    units_human_duration(times.median_ns, median), units_human_duration(times.max_ns, max));
        if (others > 0)
                add(why, "; %u met another finding instead", others);
        if (weak > 0)
                add(why, "; %u had too little pressure to say anything", weak);
        if (p->failed)
                add(why, "; then a try failed: %s", p->failed->ended ? p->failed->why : "its process ended without a verdict");
        else if (p->n < p->times)
                add(why, "; stopped before all %u were tried", p->times);
        return why;
}

void replay_print_closing(const Replay *p, FILE *f) {
        const char *verdict = exit_code_name(replay_verdict(p));
        char why[REPLAY_WHY_MAX];

        fprintf(f, "\n%s  ", verdict);
        text_wrap(f, (unsigned)strlen(verdict) + 2, replay_describe(p, why));
        fflush(f);
}

static void put_original(Json *j, json_object *o, const Original *original) {
        char seed[24];

        snprintf(seed, sizeof(seed), "%" PRIu64, original->seed);
        json_put_string(j, o, "folder", original->folder);
        json_put_string(j, o, "version", original->version);
        json_put_string(j, o, "kernel", original->kernel);
        json_put_string(j, o, "run_id", original->run_id);
        json_put_string(j, o, "seed", seed);
        json_put_string(j, o, "class", finding_classes[original->class].name);
        json_put_optional(j, o, "operation", original->op == OP_NONE ? "" : operation_name(original->op));
        json_put_optional(j, o, "errno", original->result);
        json_put_seconds(j, o, "found_s", original->found_ns);
}

static json_object *new_try(Json *j, const Try *t) {
        json_object *o = json_object_new_object();

        if (!o)
                return NULL;
        json_put_optional(j, o, "run_id", t->run_id);
        json_put_string(j, o, "outcome", end_names[try_end(t)]);
        json_put_optional(j, o, "verdict", t->ended ? exit_code_name(t->verdict) : "");
        json_put_optional(j, o, "why", t->why);
        json_put_seconds(j, o, "duration_s", t->stress_ns);
        if (t->same)
                json_put_seconds(j, o, "found_s", t->found_ns);
        else
                json_put_null(j, o, "found_s");
        json_put_optional(j, o, "other", t->others ? finding_classes[t->other].name : "");
        json_put_optional(j, o, "evidence", t->evidence);
        return o;
}

static void put_times(Json *j, json_object *o, const Replay *p) {
        json_object *found;
        ReplayTimes times;

        if (!replay_times(p, &times))
                return json_put_null(j, o, "found_s");
        found = json_object_new_object();
        if (found) {
                json_put_seconds(j, found, "min", times.min_ns);
                json_put_seconds(j, found, "median", times.median_ns);
                json_put_seconds(j, found, "max", times.max_ns);
        }
        json_put(j, o, "found_s", found);
}

static void put_outcome(Json *j, json_object *o, const Replay *p) {
        ExitCode verdict = replay_verdict(p);
        char why[REPLAY_WHY_MAX];

        json_put_string(j, o, "verdict", exit_code_name(verdict));
        json_put_u64(j, o, "exit_code", verdict);
        json_put_string(j, o, "why", replay_describe(p, why));
        json_put_u64(j, o, "reproduced", replay_k(p));
        json_put_u64(j, o, "tried", p->n);
        json_put_u64(j, o, "asked", p->times);
        put_times(j, o, p);
}

int replay_json(const Replay *p, FILE *f) {
        _cleanup_(json_freep) json_object *o = json_object_new_object();
        json_object *original = json_object_new_object(), *tries = json_object_new_array();
        Json j = { 0 };

        if (!o || !original || !tries) {
                json_object_put(original);
                json_object_put(tries);
                return json_print(&j, NULL, f);
        }
        put_original(&j, original, p->original);
        for (unsigned i = 0; i < p->n; i++)
                json_append(&j, tries, new_try(&j, &p->tries[i]));
        if (p->failed)
                json_append(&j, tries, new_try(&j, p->failed));
        json_put_u64(&j, o, "schema", SCHEMA);
        json_put_string(&j, o, "version", p->version);
        json_put_string(&j, o, "kernel", p->kernel);
        put_outcome(&j, o, p);
        json_put(&j, o, "original", original);
        json_put(&j, o, "tries", tries);
        return json_print(&j, o, f);
}

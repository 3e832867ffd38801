/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "command.h"
#include "config/config.h"
#include "ledger/ledger.h"
#include "report/json.h"
#include "report/text.h"

static void put_text(struct json_object *o, const char *key, const char *text) {
        json_object_object_add(o, key, text[0] ? json_object_new_string(text) : NULL);
}

static void put_time(struct json_object *o, const char *key, uint64_t real_ns) {
        char iso[CLOCK_ISO_MAX];

        put_text(o, key, clock_iso(real_ns, iso));
}

static void put_seconds(struct json_object *o, const char *key, uint64_t ns) {
        char text[32];

        snprintf(text, sizeof(text), "%" PRIu64 ".%03u", ns / NSEC_PER_SEC, (unsigned)(ns / NSEC_PER_MSEC % 1000));
        json_object_object_add(o, key, json_object_new_double_s((double)ns / (double)NSEC_PER_SEC, text));
}

static struct json_object *new_start(const SoakStart *s) {
        struct json_object *o = json_object_new_object();

        json_object_object_add(o, "number", json_object_new_int((int)s->number));
        put_time(o, "started", s->began_ns);
        put_text(o, "recovered", recovered_name(s->recovered));
        json_object_object_add(o, "ended", json_object_new_boolean(s->ended));
        put_text(o, "kernel", s->kernel);
        return o;
}

/* Of all starts. */
static struct json_object *new_latency(const Soak *s) {
        struct json_object *o = json_object_new_object();
        Json j = { 0 };

        for (Operation op = OP_NONE + 1; op < _OP_MAX; op++) {
                Histogram h = { 0 };
                soak_latency(s, op, &h);
                json_put_quantiles(&j, o, operation_name(op), &h);
        }
        return o;
}

static void print_latency(const Soak *s) {
        char calls[TEXT_NUMBER_MAX];

        if (s->latency)
                printf("\n  %-14s %12s%s\n", "operation", "calls", TEXT_QUANTILES);
        for (Operation op = OP_NONE + 1; s->latency && op < _OP_MAX; op++) {
                Histogram h = { 0 };
                soak_latency(s, op, &h);
                if (histogram_count(&h) == 0)
                        continue;
                printf("  %-14s %12s", operation_name(op), text_number(histogram_count(&h), calls));
                text_quantiles(stdout, &h);
                putchar('\n');
        }
}

static int add_json(void *userdata, const Soak *s) {
        struct json_object *soaks = userdata, *o = json_object_new_object(), *starts = json_object_new_array(), *totals = json_object_new_object();
        char seed[32];

        snprintf(seed, sizeof(seed), "%" PRIu64, s->seed);
        put_text(o, "run_id", s->run_id);
        put_text(o, "state", soak_state_name(s->state));
        put_text(o, "seed", seed);
        put_time(o, "started", s->started_ns);
        put_seconds(o, "asked_s", s->asked_ns);
        put_seconds(o, "duration_s", s->totals.stress_ns);
        for (size_t i = 0; i < s->n_starts; i++)
                json_object_array_add(starts, new_start(&s->starts[i]));
        json_object_object_add(o, "starts", starts);
        for (Total i = 0; i < _TOTAL_MAX; i++)
                json_object_object_add(totals, totals_info[i].name, json_object_new_uint64(totals_get(&s->totals, i)));
        json_object_object_add(o, "totals", totals);
        json_object_object_add(o, "latency", new_latency(s));
        json_object_object_add(o, "findings", json_object_new_uint64(s->findings));
        put_text(o, "verdict", s->verdict);
        put_text(o, "why", s->why);
        json_object_array_add(soaks, o);
        return 0;
}

static int print(void *userdata, const Soak *s) {
        unsigned *n = userdata;
        char iso[CLOCK_ISO_MAX], done[TEXT_NUMBER_MAX], asked[TEXT_NUMBER_MAX], starts[160], verdict[sizeof(s->verdict) + sizeof(s->why) + 2];

        printf("%s%s %s\n", (*n)++ > 0 ? "\n" : "", s->run_id, soak_state_name(s->state));
        printf("  started       %s, %s\n", clock_iso(s->started_ns, iso), soak_describe_starts(s, starts, sizeof(starts)));
        printf("  under stress  %s of %s\n", text_duration(s->totals.stress_ns, done), text_duration(s->asked_ns, asked));
        printf("  findings      %" PRIu64 "\n", s->findings);
        snprintf(verdict, sizeof(verdict), "%s%s%s", s->verdict[0] ? s->verdict : "none yet", s->why[0] ? ": " : "", s->why);
        printf("  verdict       ");
        text_wrap(stdout, 16, verdict);
        print_latency(s);
        return 0;
}

static int print_json(const char *path, struct json_object *soaks) {
        struct json_object *o = json_object_new_object();

        json_object_object_add(o, "schema", json_object_new_int(1));
        put_text(o, "ledger", path);
        json_object_object_add(o, "soaks", soaks);
        puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(o);
        return fflush(stdout) != 0 ? -errno : 0;
}

static int list(Ledger *l, OutputFormat format, Error *e) {
        struct json_object *soaks = format == FORMAT_JSON ? json_object_new_array() : NULL;
        unsigned n = 0;
        int r = soaks ? ledger_each(l, add_json, soaks, e) : ledger_each(l, print, &n, e);

        if (r < 0) {
                json_object_put(soaks);
                return r;
        }
        r = soaks ? print_json(ledger_path(l), soaks) : fflush(stdout) != 0 ? -errno : 0;
        return r < 0 ? error_set(e, EXIT_ERROR, -r, "The list could not be written to standard output: %s.", strerror(-r)) : EXIT_PASS;
}

static int run(const Options *o, Error *e) {
        _cleanup_(ledger_freep) Ledger *l = NULL;
        Config c;
        int r = options_config(o, &c, e);

        if (r >= 0)
                r = ledger_open(&l, c.soak.ledger_directory, c.run.instance, LEDGER_READ, e);
        return r < 0 ? r : list(l, o->format, e);
}

const Command command_ledger = {
        .name = "ledger",
        .allowed = "cSfhV",
        .help = "list the soaks of an instance: time under stress, starts, findings, verdict",
        .run = run,
};

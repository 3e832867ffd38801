/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "config/key.h"
#include "report/json.h"
#include "report/soak.h"

/* Raised when a field changes its meaning or goes; a field that is added does not raise it. */
#define SCHEMA 1

static void fill_identity(Json *j, json_object *o) {
        const Report *r = j->report;
        char seed[24];

        json_put_u64(j, o, "schema", SCHEMA);
        json_put_string(j, o, "version", r->version);
        json_put_string(j, o, "kernel", r->kernel);
        json_put_string(j, o, "kernel_taint", r->taint);
        json_put_string(j, o, "run_id", r->run_id);
        if (r->plan) {
                snprintf(seed, sizeof(seed), "%" PRIu64, r->plan->seed);
                json_put_string(j, o, "seed", seed);
        } else
                json_put_null(j, o, "seed");
        json_put_time(j, o, "started", r->started_mono_ns);
        if (r->stress_mono_ns)
                json_put_time(j, o, "stress_started", r->stress_mono_ns);
        else
                json_put_null(j, o, "stress_started");
}

static void put_asked(Json *j, json_object *o) {
        if (j->report->duration_asked_ns)
                json_put_seconds(j, o, "duration_asked_s", j->report->duration_asked_ns);
        else
                json_put_null(j, o, "duration_asked_s");
}

static void fill_outcome(Json *j, json_object *o) {
        const Report *r = j->report;
        const Totals *t = &r->totals;

        json_put_string(j, o, "verdict", exit_code_name(r->verdict));
        json_put_u64(j, o, "exit_code", r->verdict);
        json_put_string(j, o, "why", r->why[0] ? r->why : exit_code_meaning(r->verdict));
        json_put_optional(j, o, "error", r->error);
        json_put_seconds(j, o, "duration_s", t->stress_ns);
        put_asked(j, o);
        json_put_u64(j, o, "coolings", r->coolings);
        json_put_seconds(j, o, "cooling_s", r->cooling_ns);
        json_put_optional(j, o, "held_at", r->held.at ? finding_classes[r->held.at->class].name : "");
        if (r->held.at)
                json_put_seconds(j, o, "held_s", r->held.ns);
        else
                json_put_null(j, o, "held_s");
        json_put_seconds(j, o, "elapsed_s", t->time_ns > r->started_mono_ns ? t->time_ns - r->started_mono_ns : 0);
}

static void fill_totals(Json *j, json_object *o) {
        const Report *r = j->report;
        const Totals *t = &r->totals;
        double bound;
        char text[32];

        json_put_bool(j, o, "trace", r->trace);
        json_put_bool(j, o, "checked", r->checked);
        json_put_u64(j, o, "bytes_verified", r->bytes_verified);
        for (Total i = 0; i < _TOTAL_MAX; i++)
                if (!report_counts(r, i))
                        json_put_null(j, o, totals_info[i].name);
                else
                        json_put_u64(j, o, totals_info[i].name, totals_get(t, i));
        json_put_u64(j, o, "steps", t->steps);
        json_put_u64(j, o, "known", t->known);
        json_put_u64(j, o, "remakes", t->remakes);
        json_put_u64(j, o, "lost_observations", t->lost_observations);
        json_put_u64(j, o, "lost_trace_events", t->lost_trace_events);
        if (report_bound_95(r, &bound)) {
                snprintf(text, sizeof(text), "%.6g", bound);
                json_put(j, o, "bound_95", json_object_new_double_s(bound, text));
        } else
                json_put_null(j, o, "bound_95");
}

static void fill_errnos(Json *j, json_object *o) {
        const Board *b = j->report->board;
        char name[16];

        for (Operation op = OP_NONE + 1; b && op < _OP_MAX; op++) {
                json_object *results;
                if (board_calls(b, op) == 0)
                        continue;
                results = json_object_new_object();
                for (unsigned i = 0; results && i < TALLY_SLOTS; i++)
                        if (i == 0 || board_tally(b, op, i) > 0)
                                json_put_u64(j, results, tally_name(i, name), board_tally(b, op, i));
                json_put(j, o, operation_name(op), results);
        }
}

static void fill_latency(Json *j, json_object *o) {
        const Board *b = j->report->board;

        for (Operation op = OP_NONE + 1; b && op < _OP_MAX; op++) {
                Histogram h = { 0 };
                board_latency(b, op, &h);
                json_put_quantiles(j, o, operation_name(op), &h);
        }
}

/* Of all starts. */
static void fill_soak_latency(Json *j, json_object *o) {
        const Report *r = j->report;

        for (Operation op = OP_NONE + 1; op < _OP_MAX; op++) {
                Histogram h = { 0 };
                soak_latency(r->soak, op, &h);
                if (r->board)
                        board_latency(r->board, op, &h);
                json_put_quantiles(j, o, operation_name(op), &h);
        }
}

static void fill_aim(Json *j, json_object *o) {
        const Aim *aim = j->report->aim;

        json_put_u64(j, o, "near_misses", histogram_below(&aim->missed, NEAR_MISS_NS));
        json_put(j, o, "collided_after_start", json_new_quantiles(j, &aim->collided));
        json_put(j, o, "missed_by", json_new_quantiles(j, &aim->missed));
        json_put_rate(j, o, "nearness", aim->nearness);
}

static void fill_fault(Json *j, json_object *o, const FaultTally *t) {
        json_put_bool(j, o, "applies", !t->not_here);
        json_put_u64(j, o, "struck", t->struck);
        json_put_u64(j, o, "blocks", t->blocks);
        json_put_u64(j, o, "met", t->met);
        json_put_u64(j, o, "void", t->void_);
}

static void fill_faults(Json *j, json_object *o) {
        for (size_t i = 0; i < n_faults; i++) {
                json_object *tally;
                if (!(j->report->config->fault.faults & 1U << i))
                        continue;
                tally = json_object_new_object();
                if (tally)
                        fill_fault(j, tally, &j->report->faults[i]);
                json_put(j, o, faults[i]->name, tally);
        }
}

static void fill_knobs(Json *j, json_object *o) {
        char value[UNITS_MAX];

        for (Knob k = 0; k < _KNOB_MAX; k++)
                json_put_string(j, o, knob_name(k), knob_print(k, tuner_setting(j->report->tuner, k), value));
}

static void fill_tuning(Json *j, json_object *o) {
        const Tuner *t = j->report->tuner;

        json_put_bool(j, o, "settled", t->settled);
        json_put_string(j, o, "by", t->by_hits ? "hits" : "nearness");
        json_put_rate(j, o, "rate_asked", tuner_rate(&t->asked));
        json_put_rate(j, o, "rate", tuner_rate(&t->best));
        json_put_filled(j, o, "knobs", json_object_new_object(), fill_knobs);
}

static json_object *new_pair(Json *j, const Pair *pair) {
        json_object *o = json_object_new_object();

        if (!o)
                return NULL;
        json_put_string(j, o, "first", pair->first->name);
        json_put_string(j, o, "second", pair->second->name);
        json_put_seconds(j, o, "duration_s", pair->sum.stress_ns);
        if (j->report->trace)
                json_put_u64(j, o, "collisions", pair->sum.collisions);
        else
                json_put_null(j, o, "collisions");
        json_put_u64(j, o, "removals", pair->sum.removals);
        json_put_u64(j, o, "findings", pair->findings);
        return o;
}

static void fill_pairs(Json *j, json_object *array) {
        const Pairs *p = j->report->pairs;

        for (unsigned i = 0; i < p->n; i++)
                json_append(j, array, new_pair(j, &p->list[i]));
}

/* Time under stress of the i-th start: up to where the next one began. */
static uint64_t start_stress_ns(const Report *r, size_t i) {
        const Soak *s = r->soak;
        uint64_t until_ns = i + 1 < s->n_starts ? s->starts[i + 1].stress_ns : r->totals.stress_ns;

        return until_ns - s->starts[i].stress_ns;
}

static json_object *new_start(Json *j, size_t i) {
        const SoakStart *s = &j->report->soak->starts[i];
        json_object *o = json_object_new_object();
        char iso[CLOCK_ISO_MAX];

        if (!o)
                return NULL;
        json_put_u64(j, o, "number", s->number);
        json_put_string(j, o, "started", clock_iso(s->began_ns, iso));
        json_put_string(j, o, "recovered", recovered_name(s->recovered));
        json_put_bool(j, o, "ended", s->ended);
        json_put_seconds(j, o, "duration_s", start_stress_ns(j->report, i));
        json_put_string(j, o, "kernel", s->kernel);
        return o;
}

static void fill_starts(Json *j, json_object *array) {
        for (size_t i = 0; i < j->report->soak->n_starts; i++)
                json_append(j, array, new_start(j, i));
}

static void fill_soak(Json *j, json_object *o) {
        const Soak *s = j->report->soak;
        char iso[CLOCK_ISO_MAX];

        json_put_string(j, o, "started", clock_iso(s->started_ns, iso));
        json_put_seconds(j, o, "asked_s", s->asked_ns);
        json_put_seconds(j, o, "left_s", soak_left_ns(s->asked_ns, j->report->totals.stress_ns));
        json_put_filled(j, o, "starts", json_object_new_array(), fill_starts);
        json_put_filled(j, o, "latency", json_object_new_object(), fill_soak_latency);
}

static void fill_finding(Json *j, json_object *o, const Finding *f) {
        char text[1024], name[16];

        json_put_string(j, o, "class", finding_classes[f->class].name);
        json_put_string(j, o, "grade", grade_name(f->grade));
        json_put_optional(j, o, "operation", f->op == OP_NONE ? "" : operation_name(f->op));
        json_put_optional(j, o, "errno", f->result == 0 ? "" : result_name(f->result, name));
        if (f->devid) {
                json_put_u64(j, o, "devid", f->devid);
                json_put_u64(j, o, "physical", f->physical);
        } else {
                json_put_null(j, o, "devid");
                json_put_null(j, o, "physical");
        }
        if (f->logical)
                json_put_u64(j, o, "logical", f->logical);
        else
                json_put_null(j, o, "logical");
        json_put_time(j, o, "time", f->first_ns);
        json_put_time(j, o, "last_time", f->last_ns);
        json_put_u64(j, o, "count", f->count);
        json_put_u64(j, o, "confirmed", f->confirmed);
        json_put_u64(j, o, "consequences", f->consequences);
        finding_sentence(f, text, sizeof(text));
        json_put_string(j, o, "sentence", text);
        json_put_optional(j, o, "text", f->text);
        json_put_optional(j, o, "reference", f->reference);
        json_put_optional(j, o, "evidence", f->evidence);
}

static void fill_findings(Json *j, json_object *array) {
        Judge *judge = j->report->judge;

        for (size_t i = 0; judge && i < judge_n_findings(judge); i++) {
                json_object *o = json_object_new_object();
                if (o)
                        fill_finding(j, o, judge_finding(judge, i));
                json_append(j, array, o);
        }
}

static void put_errors(Json *j, json_object *o, const TargetDevice *d) {
        json_object *errors = json_object_new_object();

        for (unsigned i = 0; i < BTRFS_DEV_STAT_VALUES_MAX && errors; i++) {
                json_object *value = json_object_new_object();
                if (value) {
                        json_put_u64(j, value, "before", d->stats_at_start[i]);
                        json_put_u64(j, value, "after", d->stats[i]);
                }
                json_put(j, errors, device_stat_names[i], value);
        }
        json_put(j, o, "errors", errors);
}

static void fill_devices(Json *j, json_object *array) {
        const Target *t = j->report->target;

        for (unsigned i = 0; i < t->n_devices; i++) {
                json_object *o = json_object_new_object();
                if (o) {
                        json_put_u64(j, o, "devid", t->devices[i].devid);
                        json_put_string(j, o, "path", t->devices[i].path);
                        json_put_u64(j, o, "size", t->devices[i].size);
                        put_errors(j, o, &t->devices[i]);
                }
                json_append(j, array, o);
        }
}

/* Only what the disk, or the kernel, can tell. */
static void fill_health(Json *j, json_object *o, const DiskHealth *d) {
        for (HealthCounter c = 0; c < _HEALTH_MAX; c++) {
                json_object *value;
                if (!health_knows(&d->now, c))
                        continue;
                value = json_object_new_object();
                if (value) {
                        json_put_u64(j, value, "before", d->before.values[c]);
                        json_put_u64(j, value, "after", d->now.values[c]);
                        if (c == HEALTH_TEMPERATURE)
                                json_put_u64(j, value, "max", d->hottest);
                }
                json_put(j, o, health_info[c].name, value);
        }
}

static void put_health(Json *j, json_object *o, unsigned disk) {
        json_object *health = j->report->health ? json_object_new_object() : NULL;

        if (!j->report->health)
                return json_put_null(j, o, "health");
        if (health)
                fill_health(j, health, &j->report->health[disk]);
        json_put(j, o, "health", health);
}

static void fill_disks(Json *j, json_object *array) {
        const Target *t = j->report->target;

        for (unsigned i = 0; i < t->n_disks; i++) {
                json_object *o = json_object_new_object();
                if (o) {
                        json_put_string(j, o, "path", t->disks[i].path);
                        json_put_string(j, o, "name", t->disks[i].identity.name);
                        json_put_string(j, o, "serial", t->disks[i].identity.serial);
                        json_put_string(j, o, "wwid", t->disks[i].identity.wwid);
                        json_put_string(j, o, "model", t->disks[i].identity.model);
                        json_put_u64(j, o, "size", t->disks[i].identity.size);
                        put_health(j, o, i);
                }
                json_append(j, array, o);
        }
}

static void fill_target(Json *j, json_object *o) {
        const Target *t = j->report->target;

        json_put_string(j, o, "fsid", t->fsid_text);
        json_put_string(j, o, "mount_point", t->mount_point);
        json_put_string(j, o, "mount_options", t->mount_options);
        json_put_string(j, o, "image_directory", t->image_directory);
        if (j->report->config) {
                json_put_string(j, o, "data_profile", j->report->config->target.data_profile);
                json_put_string(j, o, "metadata_profile", config_metadata_profile(j->report->config));
                json_put_string(j, o, "checksum", j->report->config->target.checksum);
        }
        json_put_u64(j, o, "nodesize", t->nodesize);
        json_put_u64(j, o, "sectorsize", t->sectorsize);
        json_put_u64(j, o, "data_chunk_size", t->data_chunk_size);
        json_put_u64(j, o, "metadata_chunk_size", t->metadata_chunk_size);
        json_put_u64(j, o, "generation", t->generation);
        json_put_filled(j, o, "devices", json_object_new_array(), fill_devices);
        json_put_filled(j, o, "disks", json_object_new_array(), fill_disks);
}

static void fill_stressors(Json *j, json_object *o) {
        for (size_t i = 0; j->report->plan && i < n_stressors; i++)
                json_put_u64(j, o, stressors[i]->name, plan_count(j->report->plan, stressors[i]));
}

/* Only what differs from the defaults: the rest follows from the version. */
static void fill_config(Json *j, json_object *o) {
        const Config *c = j->report->config;
        char name[128], value[KEY_VALUE_MAX];

        for (size_t i = 0; c && i < n_keys; i++) {
                if (strcmp(key_origin(&keys[i], c), "default") == 0)
                        continue;
                snprintf(name, sizeof(name), "%s.%s", keys[i].section, keys[i].name);
                key_print(&keys[i], c, value);
                json_put_string(j, o, name, value);
        }
}

static void fill_notes(Json *j, json_object *array) {
        for (size_t i = 0; i < j->report->n_notes; i++)
                json_append(j, array, json_new_string(j->report->notes[i]));
}

static void fill_report(Json *j, json_object *o) {
        const Target *t = j->report->target;

        fill_identity(j, o);
        fill_outcome(j, o);
        fill_totals(j, o);
        json_put_filled(j, o, "errnos", json_object_new_object(), fill_errnos);
        json_put_filled(j, o, "latency", json_object_new_object(), fill_latency);
        if (j->report->aim)
                json_put_filled(j, o, "aim", json_object_new_object(), fill_aim);
        else
                json_put_null(j, o, "aim");
        if (j->report->tuner)
                json_put_filled(j, o, "tuning", json_object_new_object(), fill_tuning);
        else
                json_put_null(j, o, "tuning");
        if (j->report->pairs)
                json_put_filled(j, o, "pairs", json_object_new_array(), fill_pairs);
        else
                json_put_null(j, o, "pairs");
        if (j->report->config && j->report->config->fault.enabled)
                json_put_filled(j, o, "faults", json_object_new_object(), fill_faults);
        else
                json_put_null(j, o, "faults");
        if (j->report->soak)
                json_put_filled(j, o, "soak", json_object_new_object(), fill_soak);
        else
                json_put_null(j, o, "soak");
        json_put_filled(j, o, "findings", json_object_new_array(), fill_findings);
        if (t && t->n_devices > 0)
                json_put_filled(j, o, "target", json_object_new_object(), fill_target);
        else
                json_put_null(j, o, "target");
        json_put_filled(j, o, "stressors", json_object_new_object(), fill_stressors);
        json_put_filled(j, o, "config", json_object_new_object(), fill_config);
        json_put_filled(j, o, "notes", json_object_new_array(), fill_notes);
}

int report_json(const Report *r, FILE *f) {
        _cleanup_(json_freep) json_object *o = json_object_new_object();
        Json j = { .report = r };

        if (o)
                fill_report(&j, o);
        return json_print(&j, o, f);
}

/* A soak makes its target again in each start. */
static uint64_t found_ns(const Report *r) {
        return r->soak && r->soak->n_starts > 0 ? start_stress_ns(r, r->soak->n_starts - 1) : r->totals.stress_ns;
}

int report_finding_json(const Report *r, const Finding *finding, FILE *f) {
        _cleanup_(json_freep) json_object *o = json_object_new_object();
        json_object *inner = json_object_new_object();
        Json j = { .report = r };

        if (inner)
                fill_finding(&j, inner, finding);
        if (o) {
                fill_identity(&j, o);
                json_put_seconds(&j, o, "found_s", found_ns(r));
                put_asked(&j, o);
                json_put(&j, o, "finding", inner);
        } else
                json_object_put(inner);
        return json_print(&j, o, f);
}

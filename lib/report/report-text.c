/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "report/report.h"
#include "report/soak.h"
#include "report/text.h"

#define LABEL 12U /* columns of the labels on the left */

/* "label       value", the value wrapped below itself. */
static void _printf_(3, 4) row(FILE *f, const char *label, const char *format, ...) {
        char value[2048];
        va_list ap;

        va_start(ap, format);
        vsnprintf(value, sizeof(value), format, ap);
        va_end(ap);
        fprintf(f, "%-*s", (int)LABEL, label);
        text_wrap(f, LABEL, value);
}

/* Appends to a string; what does not fit is cut. */
static void _printf_(3, 4) append(char *buf, size_t size, const char *format, ...) {
        size_t have = strlen(buf);
        va_list ap;

        va_start(ap, format);
        vsnprintf(buf + have, size - have, format, ap);
        va_end(ap);
}

static bool same_size(const Target *t) {
        for (unsigned i = 1; i < t->n_devices; i++)
                if (t->devices[i].size != t->devices[0].size)
                        return false;
        return true;
}

static void header_devices(const Target *t, FILE *f) {
        bool same = same_size(t);
        char list[1536] = "", size[UNITS_MAX];

        if (same)
                append(list, sizeof(list), "%u x %s:", t->n_devices, units_format_size(t->devices[0].size, size));
        for (unsigned i = 0; i < t->n_devices; i++) {
                const TargetDevice *d = &t->devices[i];
                append(list, sizeof(list), " %" PRIu64 "=%s", d->devid, d->path);
                if (!same)
                        append(list, sizeof(list), "(%s)", units_format_size(d->size, size));
        }
        row(f, "devices", "%s", list);
        for (unsigned i = 0; i < t->n_disks; i++) {
                const Identity *d = &t->disks[i].identity;
                row(f, "disk", "%s: %s, serial %s", t->disks[i].path, d->model[0] ? d->model : "no model", d->serial);
        }
}

static const char *chunk_size(uint64_t bytes, char buf[static UNITS_MAX]) {
        return bytes ? units_human_size(bytes, buf) : "a size not known yet";
}

static void header_target(const Report *r, FILE *f) {
        const Target *t = r->target;
        char chunk[UNITS_MAX], node[UNITS_MAX];

        row(f, "target", "btrfs %s on %s", t->fsid_text, t->mount_point);
        header_devices(t, f);
        row(f, "data", "%s in chunks of %s, checksum %s", r->config->target.data_profile, chunk_size(t->data_chunk_size, chunk),
            r->config->target.checksum);
        row(f, "metadata", "%s in chunks of %s, nodesize %s", config_metadata_profile(r->config),
            chunk_size(t->metadata_chunk_size, chunk), units_format_size(t->nodesize, node));
        row(f, "options", "%s", t->mount_options);
}

static void header_stressors(const Report *r, FILE *f) {
        char list[512] = "";

        for (size_t i = 0; i < n_stressors; i++) {
                unsigned n = plan_count(r->plan, stressors[i]);
                if (n > 0)
                        append(list, sizeof(list), "%s%u %s", list[0] ? ", " : "", n, stressors[i]->name);
        }
        row(f, "stressors", "%s", list);
}

static const char *counting(bool trace) {
        return trace ? "block groups removed under a scrub in range, from trace events"
                     : "not counted without trace events; removals: from the chunk tree";
}

/* This start of the soak. */
static void header_soak(const Soak *s, FILE *f) {
        const SoakStart *now = &s->starts[s->n_starts - 1];
        const char *after = recovered_after(now->recovered);
        char done[TEXT_NUMBER_MAX], left[TEXT_NUMBER_MAX];

        row(f, "soak", "start %u%s%s; %s under stress done, %s left", now->number, after ? ", after " : "", after ?: "",
            text_duration(now->stress_ns, done), text_duration(soak_left_ns(s->asked_ns, now->stress_ns), left));
}

void report_header(const Report *r, FILE *f) {
        char duration[TEXT_NUMBER_MAX];

        fprintf(f, "scrubstress %s on Linux %s, %s%s\n", r->version, r->kernel, r->taint[0] ? "taint " : "not tainted", r->taint);
        row(f, "run", "%s", r->run_id);
        if (r->plan)
                row(f, "seed", "%" PRIu64, r->plan->seed);
        if (r->target && r->target->n_devices > 0 && r->config)
                header_target(r, f);
        if (r->plan)
                header_stressors(r, f);
        row(f, "duration", "%s", r->duration_asked_ns ? text_duration(r->duration_asked_ns, duration) : "until stopped");
        if (r->soak)
                header_soak(r->soak, f);
        row(f, "collisions", "%s", counting(r->trace));
        fputc('\n', f);
}

static const char *verdict_color(ExitCode verdict) {
        switch (verdict) {
        case EXIT_PASS:
                return "\033[1;32m";
        case EXIT_INCONCLUSIVE:
                return "\033[1;33m";
        default:
                return "\033[1;31m";
        }
}

static void closing_verdict(const Report *r, FILE *f, bool color) {
        const char *name = exit_code_name(r->verdict);
        const char *why = r->why[0] ? r->why : r->error[0] ? r->error : exit_code_meaning(r->verdict);

        fprintf(f, "\n%s%s%s  ", color ? verdict_color(r->verdict) : "", name, color ? "\033[0m" : "");
        text_wrap(f, (unsigned)strlen(name) + 2, why);
        /* The sentence may be the error, cut to its room. */
        if (r->error[0] && strncmp(r->error, why, strlen(why)) != 0) {
                fprintf(f, "%-*s", (int)LABEL, "ended by");
                text_wrap(f, LABEL, r->error);
        }
}

static void closing_totals(const Report *r, FILE *f) {
        static const Totals zero;
        char total[TEXT_NUMBER_MAX], rate[UNITS_MAX], asked[TEXT_NUMBER_MAX];

        if (r->totals.stress_ns == 0)
                return;
        fprintf(f, "\n%-*s %12.1f s", (int)LABEL, "under stress", (double)r->totals.stress_ns / (double)NSEC_PER_SEC);
        if (r->duration_asked_ns)
                fprintf(f, " of %s", text_duration(r->duration_asked_ns, asked));
        fputc('\n', f);
        for (Total i = 0; i < _TOTAL_MAX; i++) {
                const TotalInfo *info = &totals_info[i];
                double per_second = totals_rate(&zero, &r->totals, r->totals.stress_ns, i);
                if (i == TOTAL_HITS && !r->hits)
                        continue;
                if (!report_counts(r, i))
                        fprintf(f, "%-*s %12s\n", (int)LABEL, info->label, "not counted");
                else if (info->bytes)
                        fprintf(f, "%-*s %12s %10s/s\n", (int)LABEL, info->label, units_human_size(totals_get(&r->totals, i), total),
                                units_human_size((uint64_t)per_second, rate));
                else
                        fprintf(f, "%-*s %12s %10.1f/s\n", (int)LABEL, info->label, text_number(totals_get(&r->totals, i), total),
                                per_second);
        }
}

static void closing_aim(const Report *r, FILE *f) {
        char near[TEXT_NUMBER_MAX], limit[UNITS_MAX], p50[UNITS_MAX], p99[UNITS_MAX];

        if (!r->aim || r->totals.stress_ns == 0 || histogram_count(&r->aim->collided) == 0)
                return;
        row(f, "aim", "a collision comes %s (median; 99 %%: %s) after the start of the scrub; %s removals missed a scrub of their group by "
            "less than %s.",
            units_human_duration(histogram_quantile(&r->aim->collided, 5000), p50),
            units_human_duration(histogram_quantile(&r->aim->collided, 9900), p99),
            text_number(histogram_below(&r->aim->missed, NEAR_MISS_NS), near), units_human_duration(NEAR_MISS_NS, limit));
}

static void closing_checks(const Report *r, FILE *f) {
        char size[UNITS_MAX];

        if (r->checked)
                row(f, "checked", "btrfs check found no error in the unmounted target.");
        if (r->bytes_verified)
                row(f, "verified", "all %s of data that stays read as they were written, after the stress.", units_human_size(r->bytes_verified, size));
}

static void closing_faults(const Report *r, FILE *f) {
        if (!r->config || !r->config->fault.enabled || r->totals.stress_ns == 0)
                return;
        fprintf(f, "\n%-*s %12s %12s %12s %12s\n", (int)LABEL, "fault", "struck", "blocks", "as it must", "void");
        for (size_t i = 0; i < n_faults; i++) {
                const FaultTally *t = &r->faults[i];
                if (!(r->config->fault.faults & 1U << i))
                        continue;
                if (t->not_here)
                        fprintf(f, "%-*s %12s\n", (int)LABEL, faults[i]->name, "not here");
                else
                        fprintf(f, "%-*s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64 "\n", (int)LABEL, faults[i]->name, t->struck,
                                t->blocks, t->met, t->void_);
        }
}

static void closing_pair(const Report *r, FILE *f, const Pair *pair) {
        char name[40], seconds[TEXT_NUMBER_MAX], collisions[TEXT_NUMBER_MAX], removals[TEXT_NUMBER_MAX];

        snprintf(name, sizeof(name), "%s x %s", pair->first->name, pair->second->name);
        if (pair->sum.stress_ns == 0) {
                fprintf(f, "%-24s %14s\n", name, "no turn yet");
                return;
        }
        snprintf(seconds, sizeof(seconds), "%.1f s", (double)pair->sum.stress_ns / (double)NSEC_PER_SEC);
        fprintf(f, "%-24s %14s %12s %12s %9" PRIu64 "\n", name, seconds,
                r->trace ? text_number(pair->sum.collisions, collisions) : "not counted", text_number(pair->sum.removals, removals),
                pair->findings);
}

static void closing_pairs(const Report *r, FILE *f) {
        if (!r->pairs || r->totals.stress_ns == 0)
                return;
        fprintf(f, "\n%-24s %14s %12s %12s %9s\n", "pair", "under stress", "collisions", "removals", "findings");
        for (unsigned i = 0; i < r->pairs->n; i++)
                closing_pair(r, f, &r->pairs->list[i]);
}

/* By how much, in bytes; "-": that is not known. */
static const char *written(const DiskHealth *d, HealthCounter c, char buf[static UNITS_MAX]) {
        if (!health_knows(&d->now, c))
                return "-";
        return units_human_size(d->now.values[c] - MIN_OF(d->before.values[c], d->now.values[c]), buf);
}

static void closing_disk(const char *name, const DiskHealth *d, FILE *f) {
        char degrees[64] = "-", grew[512] = "", host[UNITS_MAX], device[UNITS_MAX];

        if (health_knows(&d->now, HEALTH_TEMPERATURE))
                snprintf(degrees, sizeof(degrees), "%" PRIu64 " to %" PRIu64 " (%" PRIu64 ")", d->before.values[HEALTH_TEMPERATURE],
                         d->now.values[HEALTH_TEMPERATURE], d->hottest);
        for (HealthCounter c = 0; c < _HEALTH_MAX; c++)
                if (health_info[c].finding && health_knows(&d->now, c) && d->now.values[c] > d->before.values[c])
                        append(grew, sizeof(grew), "%s%s from %" PRIu64 " to %" PRIu64, grew[0] ? ", " : "", health_info[c].label,
                               d->before.values[c], d->now.values[c]);
        fprintf(f, "%-*s %16s %11s %11s  ", (int)LABEL, name, degrees, written(d, HEALTH_HOST_WRITTEN, host),
                written(d, HEALTH_DEVICE_WRITTEN, device));
        text_wrap(f, LABEL + 43, grew[0] ? grew : "nothing");
}

/* Only where something could be read of one of them. */
static void closing_disks(const Report *r, FILE *f) {
        uint32_t known = 0;

        for (unsigned i = 0; r->health && i < r->target->n_disks; i++)
                known |= r->health[i].now.known;
        if (known == 0)
                return;
        fprintf(f, "\n%-*s %16s %11s %11s  %s\n", (int)LABEL, "disk", "degrees C (max)", "host wrote", "disk wrote", "errors that grew");
        for (unsigned i = 0; i < r->target->n_disks; i++)
                closing_disk(r->target->disks[i].identity.name, &r->health[i], f);
}

static void closing_result(const Report *r, FILE *f, Operation op, unsigned index) {
        uint64_t n = board_tally(r->board, op, index);
        TallyMeaning m;
        char name[16], count[TEXT_NUMBER_MAX], why[256];

        if (n == 0)
                return;
        m = tally_meaning(r, op, index);
        snprintf(why, sizeof(why), "%s", m.why);
        if (m.held > 0 && m.held < n)
                append(why, sizeof(why), ", %s of them", text_number(m.held, count));
        fprintf(f, "  %-13s %12s  %-11s ", tally_name(index, name), text_number(n, count), grade_name(m.grade));
        text_wrap(f, 42, why);
}

static void closing_operation(const Report *r, FILE *f, Operation op) {
        uint64_t calls = board_calls(r->board, op);
        char a[TEXT_NUMBER_MAX], b[TEXT_NUMBER_MAX];
        Histogram latency = { 0 };

        if (calls == 0)
                return;
        fprintf(f, "%-15s %12s %12s", operation_name(op), text_number(calls, a), text_number(board_tally(r->board, op, 0), b));
        board_latency(r->board, op, &latency);
        text_quantiles(f, &latency);
        fputc('\n', f);
        for (unsigned i = 1; i < TALLY_SLOTS; i++)
                closing_result(r, f, op, i);
}

static void closing_operations(const Report *r, FILE *f) {
        uint64_t calls = 0;

        for (Operation op = OP_NONE + 1; r->board && op < _OP_MAX; op++)
                calls += board_calls(r->board, op);
        if (calls == 0)
                return;
        fprintf(f, "\n%-15s %12s %12s%s\n", "operation", "calls", "ok", TEXT_QUANTILES);
        for (Operation op = OP_NONE + 1; op < _OP_MAX; op++)
                closing_operation(r, f, op);
}

static void closing_finding(const Report *r, FILE *f, size_t i) {
        const Finding *x = judge_finding(r->judge, i);
        char sentence[1024], count[TEXT_NUMBER_MAX], iso[CLOCK_ISO_MAX];

        fprintf(f, "\n%2zu. %s: %s, %s time%s\n    ", i + 1, finding_classes[x->class].name, grade_name(x->grade),
                text_number(x->count, count), x->count == 1 ? "" : "s");
        finding_sentence(x, sentence, sizeof(sentence));
        text_wrap(f, 4, sentence);
        fprintf(f, "    first      %s\n", clock_iso(report_real_ns(r, x->first_ns), iso));
        fprintf(f, "    evidence   ");
        text_wrap(f, 15, x->evidence[0] ? x->evidence : "none was kept");
}

static void closing_findings(const Report *r, FILE *f) {
        size_t n = r->judge ? judge_n_findings(r->judge) : 0;

        fprintf(f, "\n%-*s%" PRIu64, (int)LABEL, "findings", r->totals.findings);
        if (r->totals.known)
                fprintf(f, ", known upstream failures %" PRIu64, r->totals.known);
        if (r->totals.remakes)
                fprintf(f, ", target made again %" PRIu64 " time%s", r->totals.remakes, r->totals.remakes == 1 ? "" : "s");
        fputc('\n', f);
        for (size_t i = 0; i < n; i++)
                closing_finding(r, f, i);
        if (n > 0)
                fputc('\n', f);
}

/* At least one in how many: 1/bound, rounded down. A bound of 1 says nothing. */
static void closing_bound(const Report *r, FILE *f) {
        char n[TEXT_NUMBER_MAX], x[TEXT_NUMBER_MAX];
        double bound;

        if (!report_bound_95(r, &bound) || bound >= 1)
                return;
        row(f, "bound", "%s clean collisions: with 95 %% confidence fewer than 1 in %s collisions fail.",
            text_number(r->totals.collisions, n), text_number((uint64_t)(1 / bound), x));
}

static void closing_soak(const Report *r, FILE *f) {
        char starts[160];

        if (r->soak)
                row(f, "soak", "%s; totals and findings are of all of them, other numbers of the last.",
                    soak_describe_starts(r->soak, starts, sizeof(starts)));
}

static void closing_held(const Report *r, FILE *f) {
        char held[TEXT_NUMBER_MAX];

        if (r->held.at)
                row(f, "held", "%s at the finding %s, for a debugger; that is not in the time under stress.", text_duration(r->held.ns, held),
                    finding_classes[r->held.at->class].name);
}

static void closing_notes(const Report *r, FILE *f) {
        if (r->totals.lost_observations || r->totals.lost_trace_events)
                row(f, "note", "%" PRIu64 " observations and %" PRIu64 " trace events were lost because they came too fast; "
                    "collisions and removals are at least what is printed here.", r->totals.lost_observations, r->totals.lost_trace_events);
        for (size_t i = 0; i < r->n_notes; i++)
                row(f, "note", "%s", r->notes[i]);
}

void report_closing(const Report *r, FILE *f, bool color) {
        closing_verdict(r, f, color);
        closing_totals(r, f);
        closing_aim(r, f);
        closing_checks(r, f);
        closing_pairs(r, f);
        closing_faults(r, f);
        closing_operations(r, f);
        closing_disks(r, f);
        closing_findings(r, f);
        closing_bound(r, f);
        closing_held(r, f);
        closing_soak(r, f);
        closing_notes(r, f);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger-internal.h"
#include "ledger/thinning.h"

/* Old samples go in small steps: once a minute under stress at most so many of a level, which is more than become old meanwhile. */
#define THIN_AT_ONCE UINT64_C(16)

int record_prepare(Ledger *l) {
        char sql[256] = "INSERT INTO sample VALUES (?, ?, ?, ?, ?";

        for (unsigned i = 0; i < schema_n_totals(); i++)
                strcat(sql, ", ?");
        strcat(sql, ")");
        return sql_prepare(l, &l->insert_sample, sql, "");
}

static int insert_sample(const Ledger *l, uint64_t real_ns, const Totals *t, unsigned level) {
        const uint64_t before[] = { (uint64_t)l->soak, (uint64_t)l->sample + 1, l->start, level, real_ns };
        Totals totals = *t;
        int n = 0, r;

        for (size_t i = 0; i < ELEMENTSOF(before); i++)
                sqlite3_bind_int64(l->insert_sample, ++n, (sqlite3_int64)before[i]);
        for (unsigned i = 0; i < schema_n_totals(); i++)
                sqlite3_bind_int64(l->insert_sample, ++n, (sqlite3_int64)*schema_totals_field(&totals, i));
        r = sqlite3_step(l->insert_sample);
        sqlite3_reset(l->insert_sample);
        return r == SQLITE_DONE ? SQLITE_OK : r;
}

static int thin(const Ledger *l, uint64_t stress_ns) {
        int r = SQLITE_OK;

        for (unsigned level = 0; level < THINNING_LEVELS && r == SQLITE_OK; level++) {
                uint64_t keep_ns = thinning_keep_ns(level);
                if (stress_ns > keep_ns)
                        r = sql_run(l, "DELETE FROM sample WHERE soak = ?1 AND number IN (SELECT number FROM sample INDEXED BY sample_age"
                                       " WHERE soak = ?1 AND level = ?2 AND stress_ns < ?3 LIMIT ?4)", "iiii",
                                    (uint64_t)l->soak, (uint64_t)level, stress_ns - keep_ns, THIN_AT_ONCE);
        }
        return r;
}

int record_sample(Ledger *l, uint64_t real_ns, const Totals *t) {
        unsigned level = l->sample == 0 ? THINNING_LEVELS - 1 : thinning_level(l->sampled_ns, t->stress_ns);
        int r = insert_sample(l, real_ns, t, level);

        return r == SQLITE_OK && level > 0 ? thin(l, t->stress_ns) : r;
}

/* What stays as it was is not written again. */
static int record_finding(const Ledger *l, size_t i, const Finding *f) {
        char line[OBS_LINE_MAX] = "";

        observation_print(&f->first, line, sizeof(line));
        return sql_run(l, "INSERT INTO finding VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                          " last_ns = excluded.last_ns, count = excluded.count, confirmed = excluded.confirmed,"
                          " consequences = excluded.consequences, evidence = excluded.evidence WHERE count != excluded.count OR"
                          " confirmed != excluded.confirmed OR consequences != excluded.consequences OR evidence != excluded.evidence",
                       "iiisssiiiiiiiiisssss",
                       (uint64_t)l->soak, (uint64_t)i + 1, (uint64_t)l->start, finding_classes[f->class].name, grade_name(f->grade),
                       operation_name(f->op), (uint64_t)(int64_t)f->result, f->devid, f->physical, f->logical, f->first_ns + l->real_minus_mono_ns,
                       f->last_ns + l->real_minus_mono_ns, f->count, f->confirmed, f->consequences,
                       f->why ?: finding_classes[f->class].sentence, f->text, f->reference, f->evidence, line);
}

static int record_findings(const Ledger *l, Judge *j) {
        int r = SQLITE_OK;

        for (size_t i = 0; i < judge_n_findings(j) && r == SQLITE_OK; i++)
                r = record_finding(l, i, judge_finding(j, i));
        return r;
}

/* Of this start alone; a row for each operation that was called, written over. */
static int record_latency(const Ledger *l, const Board *b) {
        char text[HISTOGRAM_TEXT_MAX];
        int r = SQLITE_OK;

        for (Operation op = OP_NONE + 1; b && op < _OP_MAX && r == SQLITE_OK; op++) {
                Histogram h = { 0 };
                board_latency(b, op, &h);
                if (histogram_count(&h) > 0)
                        r = sql_run(l, "INSERT INTO latency VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET histogram = excluded.histogram"
                                       " WHERE histogram != excluded.histogram", "iiss",
                                    (uint64_t)l->soak, (uint64_t)l->start, operation_name(op), histogram_print(&h, text));
        }
        return r;
}

int record_moment(Ledger *l, uint64_t real_ns, const Report *p) {
        int r = record_sample(l, real_ns, &p->totals);

        if (r == SQLITE_OK)
                r = record_findings(l, p->judge);
        return r == SQLITE_OK ? record_latency(l, p->board) : r;
}

typedef struct Moment {
        uint64_t real_ns;
        const Report *report;
} Moment;

static int record(Ledger *l, void *arg) {
        const Moment *m = arg;

        return record_moment(l, m->real_ns, m->report);
}

int ledger_sample(Ledger *l, uint64_t real_ns, const Report *p, Error *e) {
        int r = sql_together(l, record, &(Moment){ .real_ns = real_ns, .report = p });

        if (r != SQLITE_OK)
                return sql_error(l, r, "written", e);
        l->sample++;
        l->sampled_ns = p->totals.stress_ns;
        return 0;
}

int ledger_finding(Ledger *l, Judge *j, size_t i, Error *e) {
        int r = record_finding(l, i, judge_finding(j, i));

        return r == SQLITE_OK ? 0 : sql_error(l, r, "written", e);
}

/* A loop device has no identity. */
static const Identity *disk_of(const Target *t, const TargetDevice *d) {
        static const Identity none;
        const char *slash = strrchr(d->path, '/');

        for (unsigned i = 0; i < t->n_disks; i++)
                if (strcmp(t->disks[i].identity.name, slash ? slash + 1 : d->path) == 0)
                        return &t->disks[i].identity;
        return &none;
}

static int record_devices(Ledger *l, void *arg) {
        const Target *t = *(const Target *const *)arg;
        int r = sql_run(l, "DELETE FROM device WHERE soak = ? AND start = ?", "ii", (uint64_t)l->soak, (uint64_t)l->start);

        for (unsigned i = 0; i < t->n_devices && r == SQLITE_OK; i++) {
                const TargetDevice *d = &t->devices[i];
                const Identity *disk = disk_of(t, d);
                r = sql_run(l, "INSERT INTO device VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", "iiisissss", (uint64_t)l->soak, (uint64_t)l->start, d->devid,
                            d->path, d->size, disk->name, disk->serial, disk->wwid, disk->model);
        }
        return r;
}

int ledger_devices(Ledger *l, const Target *t, Error *e) {
        int r = sql_together(l, record_devices, &t);

        return r == SQLITE_OK ? 0 : sql_error(l, r, "written", e);
}

int ledger_incident(Ledger *l, const LedgerIncident *i, Error *e) {
        int r = sql_run(l, "INSERT INTO incident SELECT ?1, 1 + count(*), ?2, ?3, ?4, ?5, ?6 FROM incident WHERE soak = ?1", "iiiiii",
                        (uint64_t)l->soak, (uint64_t)l->start, i->real_ns, i->stress_ns, (uint64_t)i->finding, (uint64_t)(int64_t)i->check_status);

        return r == SQLITE_OK ? 0 : sql_error(l, r, "written", e);
}

typedef struct Choice {
        const Tuner *tuner;
        const Config *config;
} Choice;

static int record_choice(Ledger *l, void *arg) {
        char asked[UNITS_MAX], chosen[UNITS_MAX];
        const Choice *c = arg;
        int r = SQLITE_OK;

        for (Knob k = 0; k < _KNOB_MAX && r == SQLITE_OK; k++)
                r = sql_run(l, "INSERT OR REPLACE INTO choice VALUES (?, ?, ?, ?, ?)", "iisss", (uint64_t)l->soak, (uint64_t)l->start, knob_name(k),
                            knob_print(k, knob_asked(k, c->config), asked), knob_print(k, tuner_setting(c->tuner, k), chosen));
        return r;
}

int ledger_choice(Ledger *l, const Tuner *t, const Config *c, Error *e) {
        int r = sql_together(l, record_choice, &(Choice){ .tuner = t, .config = c });

        return r == SQLITE_OK ? 0 : sql_error(l, r, "written", e);
}

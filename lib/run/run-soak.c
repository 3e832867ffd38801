/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run that is a soak: what the ledger knows comes back at its start, what happens goes into the ledger. A ledger that cannot be written is told of
 * once, and the run goes on. */
#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "report/text.h"
#include "run/run-internal.h"

/* This moment of the run, by the clock that a restart does not set back. */
static uint64_t real_ns(const Run *r) {
        return report_real_ns(&r->report, r->now_ns);
}

/* What the notes have of the start before. */
static void say_carried_on(Run *r) {
        const SoakStart *now = &r->soak.starts[r->soak.n_starts - 1], *before = now - 1;
        char done[TEXT_NUMBER_MAX], asked[TEXT_NUMBER_MAX];

        run_note(r, "The soak %s carries on with start %u, after %s: %s of %s under stress are done.", r->soak.run_id, now->number,
                 recovered_after(now->recovered),
                 text_duration(r->soak.totals.stress_ns, done), text_duration(r->soak.asked_ns, asked));
        if (strcmp(now->kernel, before->kernel) != 0)
                run_note(r, "The kernel of this start is %s, that of the one before was %s: the verdict is on both.", now->kernel, before->kernel);
}

static void say_begun(Run *r) {
        if (r->soak.abandoned[0])
                run_note(r, "The soak %s was not at its end, but its configuration was another: it is abandoned, and a new one begins.",
                         r->soak.abandoned);
}

static int begin(Run *r, const char *configuration, Error *e) {
        char boot_id[SOAK_BOOT_ID_MAX];
        const LedgerStart start = { .run_id = r->report.run_id, .seed = r->plan.seed, .asked_ns = r->config.soak.duration_ns,
                                    .instance = r->config.run.instance, .version = r->report.version, .kernel = r->report.kernel,
                                    .boot_id = boot_id, .configuration = configuration, .real_ns = r->report.started_real_ns,
                                    .mono_ns = r->report.started_mono_ns };
        int k = fs_read("", "/proc/sys/kernel/random/boot_id", boot_id, sizeof(boot_id));

        if (k < 0)
                return error_set(e, EXIT_ERROR, -k, "/proc/sys/kernel/random/boot_id cannot be read: %s, so a soak could not tell a crash from a "
                                 "reboot; mount proc.", strerror(-k));
        k = ledger_open(&r->ledger, r->config.soak.ledger_directory, r->config.run.instance, LEDGER_WRITE, e);
        return k < 0 ? k : ledger_begin(r->ledger, &start, &r->soak, e);
}

int run_soak_begin(Run *r, Error *e) {
        _cleanup_free_ char *configuration = NULL;
        size_t size;
        FILE *f;
        int k, restored;

        if (r->config.soak.duration_ns == 0)
                return 0;
        f = open_memstream(&configuration, &size);
        if (!f)
                return error_set(e, EXIT_ERROR, ENOMEM, "Not enough memory for the configuration of the soak.");
        config_print_values(&r->config, f);
        if (fclose(f) != 0)
                return error_set(e, EXIT_ERROR, ENOMEM, "Not enough memory for the configuration of the soak.");
        k = begin(r, configuration, e);
        if (k < 0)
                return k;
        restored = ledger_restore(r->ledger, r->judge, e);
        if (restored < 0)
                return restored;
        memcpy(r->report.run_id, r->soak.run_id, sizeof(r->report.run_id));
        r->plan.seed = r->soak.seed;
        r->report.totals = r->soak.totals;
        r->report.soak = &r->soak;
        r->control_ns = r->soak.totals.stress_ns;
        r->findings_told = judge_n_findings(r->judge);
        r->findings_before = run_failing_findings(r);
        r->sampled_ns = r->report.started_mono_ns;
        (k > 0 ? say_carried_on : say_begun)(r);
        run_last_boot(r, "");
        return 0;
}

/* `k` of a ledger function. */
static void complain(Run *r, int k, const Error *e) {
        if (k < 0)
                run_note(r, "%s What the soak does meanwhile may be lost.", e->sentence);
}

/* While it is held nothing is counted, and samples of one time under stress would never become old: one is enough. */
static bool sample_due(const Run *r) {
        return r->now_ns >= r->sampled_ns + LEDGER_SAMPLE_NS && !(r->state == RUN_HOLDING && r->sampled_ns >= r->entered_ns);
}

void run_soak(Run *r) {
        Error e = ERROR_NULL;

        if (!r->ledger || !sample_due(r))
                return;
        r->sampled_ns = r->now_ns;
        complain(r, ledger_sample(r->ledger, real_ns(r), &r->report, &e), &e);
}

void run_soak_finding(Run *r, size_t i) {
        Error e = ERROR_NULL;

        if (r->ledger)
                complain(r, ledger_finding(r->ledger, r->judge, i, &e), &e);
}

void run_soak_devices(Run *r) {
        Error e = ERROR_NULL;

        if (r->ledger)
                complain(r, ledger_devices(r->ledger, &r->desk->target, &e), &e);
}

void run_soak_incident(Run *r) {
        const LedgerIncident i = { .real_ns = real_ns(r), .stress_ns = r->report.totals.stress_ns, .finding = judge_n_findings(r->judge),
                                   .check_status = r->desk->check_status };
        Error e = ERROR_NULL;

        if (r->ledger)
                complain(r, ledger_incident(r->ledger, &i, &e), &e);
}

void run_soak_choice(Run *r) {
        Error e = ERROR_NULL;

        if (r->ledger)
                complain(r, ledger_choice(r->ledger, &r->tuner, &r->config, &e), &e);
}

/* A soak that is not at its end waits for its next start, whatever the verdict so far. */
static void say_left(Run *r) {
        Report *p = &r->report;
        char done[TEXT_NUMBER_MAX], asked[TEXT_NUMBER_MAX], left[TEXT_NUMBER_MAX];

        text_duration(p->totals.stress_ns, done);
        text_duration(r->soak.asked_ns, asked);
        text_duration(soak_left_ns(r->soak.asked_ns, p->totals.stress_ns), left);
        if (p->verdict == EXIT_INCONCLUSIVE)
                snprintf(p->why, sizeof(p->why), "the soak pauses after %s of %s under stress: %s are left, and the next start carries on", done,
                         asked, left);
        else
                run_note(r, "The soak is not at its end: %s of %s are left, and the next start carries on.", left, asked);
}

void run_soak_conclude(Run *r) {
        Error e = ERROR_NULL;
        int k;

        if (!r->ledger)
                return;
        if (!r->completed)
                say_left(r);
        k = ledger_end(r->ledger, real_ns(r), &r->report, r->completed, &e);
        complain(r, k, &e);
        r->soak.starts[r->soak.n_starts - 1].ended = k == 0;
}

void run_soak_close(Run *r) {
        r->report.soak = NULL;
        ledger_free(r->ledger);
        r->ledger = NULL;
        soak_done(&r->soak);
        last_boot_done(&r->last_boot);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * An evidence directory with folders of findings of a made-up run, for the tests of replaying them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/fs.h"
#include "folder-fixture.h"
#include "made-up-report.h"
#include "report/evidence.h"
#include "report/original.h"

#define FOUND_NS (MADE_UP_MONO + 5 * NSEC_PER_SEC)

typedef struct Kept {
        MadeUp m;
        char base[64];
        History history;
        Finding finding; /* the last that was kept */
        Original original;
        Error error;
} Kept;

static inline int kept_setup(void **state) {
        Kept *k = calloc(1, sizeof(Kept));
        char assignment[128];

        assert_non_null(k);
        assert_true(made_up_new(&k->m));
        strcpy(k->base, "/tmp/test-original-XXXXXX");
        assert_non_null(mkdtemp(k->base));
        /* As a file would: what was never set goes back to its default when a profile is. */
        snprintf(assignment, sizeof(assignment), "Run.EvidenceDirectory=%s", k->base);
        assert_int_equal(config_set(&k->m.config, assignment, &k->error), 0);
        k->m.report.totals.stress_ns = 4200 * NSEC_PER_MSEC;
        k->finding = (Finding){ .class = CLASS_ERRNO, .grade = GRADE_FINDING, .op = OP_UNLINK, .result = -ENOSPC, .first_ns = FOUND_NS,
                                .last_ns = FOUND_NS, .count = 1 };
        *state = k;
        return 0;
}

static inline int kept_teardown(void **state) {
        Kept *k = *state;

        folder_remove(k->base);
        made_up_free(&k->m);
        free(k);
        return 0;
}

/* Keeps the finding as number n of the run. */
static inline void keep(Kept *k, const char *run_id, unsigned number) {
        snprintf(k->m.report.run_id, sizeof(k->m.report.run_id), "%s", run_id);
        k->finding.evidence[0] = 0;
        assert_int_equal(evidence_save(&(Evidence){ &k->finding, &k->m.report, &k->history, &k->history, NULL }, number, &k->error), 0);
}

static inline void keep_and_read(Kept *k) {
        keep(k, "3f2c9a54-0c1e-4a7b-9f11-1d2e3f405162", 1);
        assert_int_equal(original_read(&k->original, k->finding.evidence, &k->error), 0);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "base/rng.h"
#include "command.h"
#include "disk-list.h"
#include "plan/plan.h"
#include "run/known-files.h"
#include "target/disks.h"

/* The dry run of consent: all but the exclusive claim, which would be in the way of others. */
static int print_disks(const Config *c) {
        _cleanup_(disks_close) Disks d = DISKS_NULL;
        Error e = ERROR_NULL;

        disks_open(&d, c, "", NULL);
        for (unsigned i = 0; i < d.n; i++) {
                putchar('\n');
                disk_list_identity(&d.candidates[i], stdout);
        }
        if (disks_check(&d, &e) == 0) {
                puts("\nEvery interlock agrees; the run also has to open each disk exclusively.");
                return EXIT_PASS;
        }
        printf("\nThe run would be %s\n", e.sentence);
        return EXIT_REFUSED;
}

int print_plan(const Config *c, Error *e) {
        _cleanup_(known_issues_free) KnownIssues known = KNOWN_ISSUES_NULL;
        Plan plan;
        int r = plan_make(&plan, c, rng_random_seed(), e);

        /* Only whether they can be read: a run with them could not start. */
        if (r < 0 || (r = known_files_load(&known, "", e)) < 0)
                return r;
        plan_print(&plan, c, stdout);
        return c->target.disks ? print_disks(c) : EXIT_PASS;
}

static int plan(const Options *o, Error *e) {
        Config c;
        int r = run_config(o, &c, e);

        return r < 0 ? r : print_plan(&c, e);
}

const Command command_plan = {
        .name = "plan",
        .allowed = "dtsciShV",
        .help = "say what a run would do, device by device, and touch nothing",
        .run = plan,
};

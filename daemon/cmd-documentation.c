/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints what the tables in the code document: the sample configuration, the tables of the man pages, the journal's message catalog. */
#include <errno.h>
#include <string.h>

#include "command.h"
#include "sink-journal.h"
#include "judge/known-issue.h"
#include "stress/stressor.h"
#include "target/consent.h"

static void print_sample(FILE *f) {
        config_print_sample(f);
}

static void print_keys(FILE *f) {
        config_print_man(f);
}

static void print_profiles(FILE *f) {
        config_print_man_profiles(f);
}

static void print_exit_codes(FILE *f) {
        for (unsigned i = 0; i < _EXIT_CODE_MAX; i++)
                fprintf(f, ".TP\n.B %u %s\n%s.\n", i, exit_code_name((ExitCode)i), exit_code_meaning((ExitCode)i));
}

static void print_interlocks(FILE *f) {
        for (size_t i = 0; i < n_interlocks; i++)
                fprintf(f, ".TP\n.B %s\nIt %s.\n", interlocks[i].name, interlocks[i].demand);
}

static void print_classes(FILE *f) {
        for (unsigned i = 0; i < _CLASS_MAX; i++)
                fprintf(f, ".TP\n.B %s\n%s\n.br\nMESSAGE_ID=%s\n", finding_classes[i].name, finding_classes[i].sentence,
                        finding_classes[i].message_id);
}

/* Those that are carried, whatever files this machine has. */
static void print_known_issues(FILE *f) {
        _cleanup_(known_issues_free) KnownIssues k = KNOWN_ISSUES_NULL;
        Error e = ERROR_NULL;

        for (const ConfCarried *c = known_issues_carried; c->name; c++)
                if (conf_text_read(c->name, c->text, &(ConfTaker){ known_issues_take, &k }, &e) < 0)
                        return;
        for (size_t i = 0; i < k.n; i++)
                fprintf(f, ".TP\n.BR %s \" (%s, %s)\"\n%s.\n.br\n%s\n", k.issues[i]->name, grade_name(k.issues[i]->grade),
                        finding_classes[k.issues[i]->class].name, k.issues[i]->what, k.issues[i]->reference);
}

static void print_stressors(FILE *f) {
        for (size_t i = 0; i < n_stressors; i++)
                fprintf(f, ".TP\n.B %s\n%s.\n", stressors[i]->name, stressors[i]->help);
}

/* The journal's catalog format: -- ID, headers, empty line, text. */
static void print_catalog(FILE *f) {
        for (unsigned i = 0; i < _CLASS_MAX; i++)
                fprintf(f, "%s-- %s\nSubject: %s\nDefined-By: scrubstress\nDocumentation: man:scrubstress(1)\n\n%s\n\n"
                           "Run: @SCRUBSTRESS_RUN_ID@\nDevice: @SCRUBSTRESS_DEVICE@ (devid @SCRUBSTRESS_DEVID@)\n"
                           "Evidence: @SCRUBSTRESS_EVIDENCE@\n",
                        i ? "\n" : "", finding_classes[i].message_id, finding_classes[i].name, finding_classes[i].sentence);
        fprintf(f, "\n-- " VERDICT_MESSAGE_ID "\nSubject: verdict of a run\nDefined-By: scrubstress\nDocumentation: man:scrubstress(1)\n\n"
                   "A run has ended with a verdict: @SCRUBSTRESS_VERDICT@, after @SCRUBSTRESS_COLLISIONS@ collisions.\n\n"
                   "Run: @SCRUBSTRESS_RUN_ID@\n");
}

static const struct {
        const char *name;
        void (*print)(FILE *f);
} parts[] = {
        { "catalog", print_catalog },         /* systemd/scrubstress.catalog */
        { "exit-codes", print_exit_codes },   /* man pages */
        { "finding-classes", print_classes },
        { "interlocks", print_interlocks },
        { "keys", print_keys },
        { "known-issues", print_known_issues },
        { "load-profiles", print_profiles },
        { "sample", print_sample },           /* conf/scrubstress.conf */
        { "stressors", print_stressors },
};

static int run(const Options *o, Error *e) {
        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                if (o->part && strcmp(o->part, parts[i].name) == 0) {
                        parts[i].print(stdout);
                        return EXIT_PASS;
                }
        return error_set(e, EXIT_USAGE, EINVAL,
                         "Say which part with --part: catalog, exit-codes, finding-classes, interlocks, keys, known-issues, load-profiles, sample "
                         "or stressors.");
}

const Command command_documentation = {
        .name = "documentation",
        .allowed = "PhV",
        .help = "print what the tables in the code document (man pages and sample are made from it)",
        .run = run,
};

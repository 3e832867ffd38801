/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scrubstress: the command people type.
 *
 * The story: a Config (what is asked for) becomes a Plan (what to do). The run makes a Target (a btrfs on loop devices, or on disks that
 * every interlock consents to, in a mount namespace of its own), looks with a control scrub whether it is sound, and starts the Stressors,
 * a process each: churn fills and empties block groups, sync lets the kernel's cleaner delete them, balance moves them, scrub walks over
 * them all the while. What stressors, the kernel log and the trace events show are Observations; the Judge says what they mean; an -EINVAL
 * from scrub is decided by a control scrub of the quiesced target. At the end there is a verdict, and nothing else is left on the machine
 * but the evidence.
 */
#include <errno.h>
#include <string.h>

#include "command.h"

static const Command *const commands[] = {
        &command_config,
        &command_devices,
        &command_documentation,
        &command_ledger,
        &command_plan,
        &command_replay,
        &command_run,
        &command_smart,
};

static void print_help(void) {
        printf("Usage: scrubstress COMMAND [OPTION…]\n\n"
               "Stresses a btrfs filesystem to find the race between scrub and block group deletion.\n\nCommands:\n");
        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                printf("  %-26s %s\n", commands[i]->name, commands[i]->help);
        printf("\nscrubstress COMMAND --help shows the options of a command. See scrubstress(1).\n\nExit codes:\n");
        for (unsigned i = 0; i < _EXIT_CODE_MAX; i++)
                printf("  %u %-24s %s\n", i, exit_code_name((ExitCode)i), exit_code_meaning((ExitCode)i));
}

static int run_command(const Command *c, int argc, char **argv, Error *e) {
        Options o = { 0 };
        int r = options_parse(&o, argc, argv, c->allowed, e);

        if (r < 0)
                return r;
        if (o.version) {
                puts("scrubstress " PACKAGE_VERSION);
                return EXIT_PASS;
        }
        if (o.help) {
                printf("Usage: scrubstress %s%s%s [OPTION…]\n\n%s.\n\nOptions:\n", c->name, c->operand ? " " : "", c->operand ?: "", c->help);
                options_print(stdout, c->allowed);
                return EXIT_PASS;
        }
        return c->run(&o, e);
}

static int dispatch(int argc, char **argv, Error *e) {
        const char *verb = argc > 1 ? argv[1] : "--help";

        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                if (strcmp(verb, commands[i]->name) == 0)
                        return run_command(commands[i], argc - 1, argv + 1, e);
        if (strcmp(verb, "--version") == 0 || strcmp(verb, "-V") == 0) {
                puts("scrubstress " PACKAGE_VERSION);
                return EXIT_PASS;
        }
        if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0 || strcmp(verb, "help") == 0) {
                print_help();
                return argc > 1 ? EXIT_PASS : EXIT_USAGE;
        }
        return error_set(e, EXIT_USAGE, EINVAL, "There is no command '%s'; scrubstress --help lists them.", verb);
}

int main(int argc, char **argv) {
        Error e = ERROR_NULL;
        int r = dispatch(argc, argv, &e);

        if (r >= 0)
                return r;
        fprintf(stderr, "scrubstress: %s\n", e.sentence);
        return (int)e.exit;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Command: a verb of the program that people type. To add one: a file cmd-NAME.c with a const Command at its bottom, an extern line here
 * and a line in the table of scrubstress.c; --help follows.
 */
#include "base/error.h"
#include "options.h"

typedef struct Command {
        const char *name;
        const char *allowed; /* option letters, see options.c */
        const char *operand; /* what OPTIONS_OPERAND of these is called; NULL: there is none */
        const char *help;
        /* Returns an ExitCode, or a negative errno with a sentence. */
        int (*run)(const Options *o, Error *e);
} Command;

extern const Command command_config;
extern const Command command_devices;
extern const Command command_documentation;
extern const Command command_ledger;
extern const Command command_plan;
extern const Command command_replay;
extern const Command command_run;
extern const Command command_smart;

/* Of `run` and `plan`: as asked for, and for so long that one waits for it where nothing says how long. */
int run_config(const Options *o, Config *ret, Error *e);
/* What a run with it would do. Returns an ExitCode, or a negative errno with a sentence. */
int print_plan(const Config *c, Error *e);

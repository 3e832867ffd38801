/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Options: the command line of both programs, one table. What an option means ends up in a Config, so that the command line is only the
 * last layer of the configuration.
 */
#include <stdio.h>

#include "config/config.h"

typedef enum OutputFormat { FORMAT_TEXT, FORMAT_JSON, _FORMAT_MAX } OutputFormat;

#define OPTIONS_SETS_MAX 64

typedef struct Options {
        const char *config_file;            /* --config; NULL: the system's folders are searched */
        const char *instance;               /* --instance; NULL: none */
        const char *sets[OPTIONS_SETS_MAX]; /* --set, in order; --duration, --target and --seed are spelt out into it */
        unsigned n_sets;
        char spelt[3][CONFIG_LIST_MAX + 32];
        unsigned n_spelt;
        OutputFormat format;
        const char *part;                   /* --part, of `documentation` */
        const char *operand;                /* NULL: none was given */
        unsigned times;                     /* --times, of `replay`; 0: not given */
        bool plan;                          /* --plan: print what would be done, touch nothing */
        bool help, version;
} Options;

/* In the letters of a command: one word that is no option may be given. */
#define OPTIONS_OPERAND '*'

/* Options that a program does not have are usage errors: `allowed` is a string of their letters ("cidtsSfphV"). EXIT_USAGE. */
int options_parse(Options *o, int argc, char **argv, const char *allowed, Error *e);
/* The lines of --help. */
void options_print(FILE *f, const char *allowed);

/* --set and its other spellings over what *c has. EXIT_USAGE. */
int options_set(const Options *o, Config *c, Error *e);
/* Defaults, files, then the options. Warnings (unknown keys) go to stderr. */
int options_load(const Options *o, Config *c, Error *e);
/* What options_load() warns with. */
extern const ConfigWarn options_warn;
/* The same, checked. */
int options_config(const Options *o, Config *c, Error *e);

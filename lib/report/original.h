/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Original: the finding of an evidence folder, as `scrubstress replay` needs it to meet it again and to know it when it comes.
 */
#include <limits.h>

#include "report/report.h"

typedef struct Original {
        char folder[PATH_MAX];
        char version[32];  /* of scrubstress */
        char kernel[128];  /* release and machine */
        char run_id[RUN_ID_MAX];
        FindingClass class;
        Operation op;      /* OP_NONE: it is of none */
        char result[16];   /* as in result_name(); "": it is not about a result */
        uint64_t seed;
        uint64_t found_ns; /* under stress, of the start that found it */
        uint64_t asked_ns; /* that the run was to be stressed for; 0: until stopped */
} Original;

/* True when `name` is a folder as it stands; its absolute path is then in `folder`. */
bool original_at(char folder[static PATH_MAX], const char *name);
/* Looks below an evidence directory for "RUN/FINDING". Of both the beginning will do where only one folder begins so, and FINDING may be left out
 * where a run has one. What begins with / or . is a path, and there is none. EXIT_USAGE: there is none, or more than one. */
int original_find(char folder[static PATH_MAX], const char *directory, const char *name, Error *e);
/* Reads finding.json of the folder. EXIT_USAGE: there is none (another folder, an older version), or it cannot be understood. */
int original_read(Original *o, const char *folder, Error *e);

/* The same class, operation and result: a row of the judge's, but for where it is known. */
bool original_is(const Original *o, const Finding *f);
/* "kernel/errno of unlink (ENOSPC)" */
#define ORIGINAL_TEXT_MAX 128
char *original_describe(const Original *o, char buf[static ORIGINAL_TEXT_MAX]);

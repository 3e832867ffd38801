/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * KnownIssue: a failure of the kernel that somebody has met and written up, and how to recognize it among the findings. Nothing is known by the
 * code: those that the program carries are the files of conf/known-issues.d, and an administrator's are files too. The first that matches a
 * finding gives it its grade, its sentence and its reference. Pure.
 *
 * Life: KNOWN_ISSUES_NULL → known_issues_take() as a ConfTaker, for each text → known_issues_check() → known_issue_find() →
 *       known_issues_free(). A Judge points into them.
 */
#include <regex.h>

#include "base/conf-search.h"
#include "base/kernel-version.h"
#include "judge/finding.h"

#define KNOWN_NAME_MAX 48     /* inih cuts longer names of sections */
#define KNOWN_VERSIONS_MAX 16
#define KNOWN_PATTERNS_MAX 8

typedef struct KnownIssue {
        char *name;          /* of its section */
        char *origin;        /* "FILE:LINE" of that */
        bool carried;        /* by the program: not an administrator's file */
        Grade grade;         /* KNOWN: does not fail the run; FINDING: does, but has been seen before */
        FindingClass class;
        char *what;          /* stands in for what the judge's tables say of it */
        char *reference;     /* where it is known; after known_issues_check() it names the file unless it is carried */

        /* All that is said must hold. */
        uint64_t operations; /* a bit for each Operation; 0: any */
        int result;          /* a negative errno; 0: any */
        uint32_t when;       /* ObservationFlags, all of them */
        regex_t patterns[KNOWN_PATTERNS_MAX]; /* each met by a line */
        unsigned n_patterns;
        KernelVersion since[KNOWN_VERSIONS_MAX], fixed_in[KNOWN_VERSIONS_MAX]; /* see kernel_version_has() */
        unsigned n_since, n_fixed_in;

        char *example;       /* observations, a line each without their time; NULL: none */
        unsigned given;      /* keys, by their index in known-issue-read.c */
} KnownIssue;

typedef struct KnownIssues {
        KernelVersion kernel; /* under test; when it is not known, issues with versions match nothing */
        KnownIssue **issues;
        size_t n;
} KnownIssues;

#define KNOWN_ISSUES_NULL ((KnownIssues){ 0 })

/* What a finding is recognized by. */
typedef struct KnownQuery {
        FindingClass class;
        Operation op;
        int result;
        uint32_t flags;    /* ObservationFlag */
        const char *lines; /* of the kernel log, or the observation's text */
} KnownQuery;

/* Those of conf/known-issues.d, made into C by conf/conf.am. */
extern const ConfCarried known_issues_carried[];

/* A ConfTaker's take(); userdata: KnownIssues. Unlike in other configuration an unknown key is an error: it would have narrowed what matches. */
int known_issues_take(void *userdata, const ConfLine *line, Error *e);
/* After all texts: is each complete? EXIT_USAGE. */
int known_issues_check(KnownIssues *k, Error *e);
void known_issues_free(KnownIssues *k);

/* The first that matches; NULL: it is news. `k` may be NULL. */
const KnownIssue *known_issue_find(const KnownIssues *k, const KnownQuery *q);
/* The kernel under test has it. */
bool known_issue_applies(const KnownIssues *k, const KnownIssue *i);
/* It hides the race that this program is for. */
bool known_issue_hides_race(const KnownIssue *i);

/* For `scrubstress config`: each as a comment. */
void known_issues_print(const KnownIssues *k, FILE *f);

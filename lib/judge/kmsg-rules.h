/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * KmsgRules: what a line of the kernel log means; one table of extended regular expressions, kmsg-rules.c. Compiled once by the judge.
 */
#include <regex.h>

#include "judge/finding.h"

typedef struct KmsgRule {
        const char *pattern;
        Grade grade;
        FindingClass class;
        bool ours_only;   /* only when the line names a device of the target (or no device at all) */
        bool lost;        /* the filesystem is aborted or read-only after this: the target must be made again */
        const char *why;
        const char *reference;
} KmsgRule;

extern const KmsgRule kmsg_rules[];
extern const size_t n_kmsg_rules;

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * ErrnoPolicy: what each errno of each operation means; one table, errno-policy.c, rows with their source. Pure.
 * Looked up by (operation, errno); the first row whose condition holds for the observation's flags wins; a last row without condition,
 * or the default (an errno nobody expects from this operation is a FINDING of class kernel/errno). Rows are grouped by operation, in the
 * order of operation.h.
 */
#include "judge/finding.h"

typedef struct ErrnoRule {
        Operation op;
        int result;         /* positive errno; negative: a positive ioctl return (-8 = the ioctl returned 8) */
        uint32_t when;      /* ObservationFlag: any of these set; 0: always */
        Grade grade;
        FindingClass class; /* for FINDING, HW, SETUP; for CONSEQUENCE and `lingers`: what it becomes when there is no cause */
        bool suspect;       /* decide by a control scrub: passes → grade and class as here; fails → SETUP, setup/scrub-unsupported */
        bool lingers;       /* EXPECT; a FINDING when it keeps coming for JUDGE_LINGER_NS */
        const char *why;    /* one sentence, shown in the report */
} ErrnoRule;

extern const ErrnoRule errno_rules[];
extern const size_t n_errno_rules;

/* `result` as in Observation: 0, a negative errno, or a positive ioctl return. Never NULL; 0 is GRADE_OK for every operation. */
const ErrnoRule *errno_rule(Operation op, int result, uint32_t flags);

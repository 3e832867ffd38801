/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * KmsgRules: what a line of the kernel log means; one table of extended regular expressions, kmsg-rules.c, first match wins. Compiled once
 * by the judge. Pure.
 *
 * Whose line is it? A line that names a btrfs device which is not one of the target is ignored. A line that names no device
 * ("WARNING: …", "BTRFS: Transaction aborted (error -28)") opens a report: this line and those that follow it, up to the end mark of the
 * kernel, KMSG_REPORT_LINES lines, or the judge's settling time. A report is held against the run when one of its lines speaks of
 * btrfs or of a task of ours (kmsg_is_related()); otherwise it is another subsystem's (a graphics driver's warning, another program
 * that ran out of memory) and becomes a note: shown, never failing the run. An abort whose report names a foreign device is that
 * device's.
 */
#include <regex.h>

#include "judge/finding.h"

#define KMSG_REPORT_LINES 60
#define KMSG_DEVICE_MAX 64

typedef struct KmsgRule {
        const char *pattern;
        uint32_t when;     /* ObservationFlag that must hold: COLLIDED or DISCARDS of this line; 0: always */
        Grade grade;
        FindingClass class;
        bool ours_only;    /* only when the line names a device of the target */
        bool lost;         /* the filesystem is aborted or read-only after this: the target must be made again */
        bool fatal;        /* kills its task, maybe with locks held: deaths and hangs that follow are consequences */
        bool teardown;     /* also seen when an aborted filesystem is taken down: a consequence while the target is lost */
        const char *why;
} KmsgRule;

extern const KmsgRule kmsg_rules[];
extern const size_t n_kmsg_rules;

typedef struct KmsgMatcher KmsgMatcher;

int kmsg_matcher_new(KmsgMatcher **ret);
void kmsg_matcher_free(KmsgMatcher *m);
void kmsg_matcher_freep(KmsgMatcher **m);
/* The first rule that matches and whose `when` holds; NULL: the line means nothing. `flags`: what was seen lately. */
const KmsgRule *kmsg_match(const KmsgMatcher *m, const char *line, uint32_t flags);

/* The device a line is about ("loop3", "dm-0", "mapper/x"): of "(device X…)", or of "error, dev X". False: it names none. */
bool kmsg_device(const char *line, char ret[static KMSG_DEVICE_MAX]);
/* The errno a line names ("(error -28)", "errno=-5", "ro: -28"), negative; 0: none. */
int kmsg_errno(const char *line);
/* Speaks of btrfs or of a task of ours (their names begin with "ss:"). */
bool kmsg_is_related(const char *line);
/* The kernel's end mark of a report. */
bool kmsg_ends_report(const char *line);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Evidence: the folder a finding leaves behind: <EvidenceDirectory>/<run id>/<nn>-<class>-<operation>/ with finding.txt (the sentence and
 * all that a kernel developer asks for first), finding.json (the same for `scrubstress replay`, see original.h), removals.txt (block
 * groups removed in the last second, logical and physical ranges), kernel.log (lines around it), observations.obs (replayable), config.conf,
 * versions.txt (kernel, taint, mount options, generation, seed).
 */
#include "observe/collision.h"
#include "report/report.h"

/* The last kernel-log lines and observations, kept in memory for this. */
#define HISTORY_MAX 256

typedef struct History {
        Observation ring[HISTORY_MAX];
        uint64_t head; /* entries ever added */
} History;

void history_add(History *h, const Observation *o);

/* A finding and what its evidence is drawn from; nothing owned. */
typedef struct Evidence {
        Finding *finding;
        const Report *report;
        const History *kmsg;         /* kernel-log lines */
        const History *observations; /* all others */
        const Collider *collider;    /* NULL: removals were not traced */
} Evidence;

/* Writes the folder and sets finding->evidence; `number` is the finding's row, from 1. The folder appears whole or not at all, over a loss
 * of power too (written beside, synced, renamed). Blocks for a few fsync(2) of the evidence directory's filesystem. A negative errno with
 * a sentence: nothing is left behind, the run goes on and says so. */
int evidence_save(const Evidence *x, unsigned number, Error *e);
/* Whether evidence could be kept in `directory`, asked before a run: writes a file without a name in it or, when it does not exist yet, in
 * its nearest parent that does. Nothing is left behind. EXIT_ERROR. */
int evidence_check(const char *directory, Error *e);
/* Adds a file to a folder that is there already, and has it on the disk when it returns: what became known later (what btrfs check said of the lost
 * target), or is of one class alone (what smartctl said of a disk, smart-before-sda.json and smart-after-sda.json). A finding without a folder is
 * success. */
int evidence_add(const Finding *f, const char *name, const char *text);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Evidence: the folder a finding leaves behind: <EvidenceDirectory>/<run id>/<nn>-<class>-<operation>/ with finding.txt (the sentence and
 * all that a kernel developer asks for first), removals.txt (block groups removed in the last second, logical and physical ranges),
 * kernel.log (lines around it), observations.obs (replayable), config.conf, versions.txt (kernel, taint, mount options, generation, seed).
 */
#include "observe/collision.h"
#include "report/report.h"

/* The last kernel-log lines and observations, kept in memory for this. */
#define HISTORY_MAX 256

typedef struct History {
        Observation ring[HISTORY_MAX];
        uint64_t head;
} History;

void history_add(History *h, const Observation *o);

/* Writes the folder and sets f->evidence. `collider` may be NULL. A negative errno with a sentence: the run goes on and says so. */
int evidence_save(Finding *f, unsigned number, const Report *r, const History *kmsg, const History *observations,
                  const Collider *collider, Error *e);

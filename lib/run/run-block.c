/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blocks that were read wrong, in the evidence of the finding that tells of them. */
#include <errno.h>
#include <string.h>

#include "report/block-text.h"
#include "report/evidence.h"
#include "run/run-internal.h"

void run_blocks(Run *r) {
        for (size_t i = 0; i < judge_n_findings(r->judge); i++)
                run_block_evidence(r, judge_finding(r->judge, i));
}

void run_block_evidence(Run *r, const Finding *f) {
        if (f->class != CLASS_MISCOMPARE)
                return;
        for (unsigned i = 0; i < BOARD_BLOCKS_KEPT; i++) {
                const BlockKept *k = board_block(r->board, i);
                _cleanup_free_ char *text = k ? block_text(k) : NULL;
                char name[32];
                int error;

                if (!k)
                        continue;
                snprintf(name, sizeof(name), "block-%u.txt", i + 1);
                error = text ? evidence_add(f, name, text) : -ENOMEM;
                if (error < 0 && error != -EEXIST) /* it is there since the finding was told */
                        run_note(r, "A block that was read wrong cannot be kept in %.150s: %s.", f->evidence, strerror(-error));
        }
}

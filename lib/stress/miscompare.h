/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Miscompare: a block that does not read as it was written, on its way to the judge: what is wrong with it and where it lies on the devices in an
 * observation, the block itself and what it should be on the board, for the evidence.
 */
#include "stress/pattern.h"
#include "stress/worker.h"

/* What was found wrong in the file that is open on `fd`; `name` is the file's, for people. The time is not filled in. Blocks: asks where the block lies. */
void miscompare_make(Observation *ret, const BtrfsOps *ops, int fd, const char *name, const PatternMismatch *m);
/* The same, kept on the board and sent. */
void miscompare_say(Worker *w, int fd, const char *name, const PatternMismatch *m);

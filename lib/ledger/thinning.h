/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Thinning: which samples of a soak stay as they age; one table, thinning.c. Pure.
 *
 * A sample gets its level when it is written: the coarsest spacing of which it is the first. To thin is then to delete those of a level that are
 * older than its samples are kept: nothing has to be compared, and what was missed once goes the next time. Age and spacing are of the time under
 * stress: the clock of the machine may jump, and after a pause of a week the last hour before it is still there in full.
 */
#include <stdbool.h>
#include <stdint.h>

#define THINNING_LEVELS 4
#define THINNING_FOREVER UINT64_MAX

/* Of the sample at now_ns under stress, when the one before it is of before_ns; that a soak's first gets the highest is the caller's. */
unsigned thinning_level(uint64_t before_ns, uint64_t now_ns);
/* How old samples of a level get; THINNING_FOREVER for the highest. */
uint64_t thinning_keep_ns(unsigned level);

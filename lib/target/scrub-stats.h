/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * ScrubStats: the progress counters of a scrub, one table of them (name, offset, what it counts, whether it must stay zero), so that
 * nobody keeps the list a second time.
 */
#include <linux/btrfs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct btrfs_scrub_progress ScrubStats;

typedef enum ScrubCounterSort {
        SCRUB_AMOUNT,   /* work done */
        SCRUB_ERROR,    /* must be 0 on a healthy target without injected faults */
        SCRUB_POSITION, /* last_physical */
        SCRUB_HINT,     /* informative: no_csum, csum_discards, unverified_errors, malloc_errors */
} ScrubCounterSort;

typedef struct ScrubCounter {
        const char *name;
        size_t offset;
        ScrubCounterSort sort;
} ScrubCounter;

extern const ScrubCounter scrub_counters[];
extern const size_t n_scrub_counters;

uint64_t scrub_stat(const ScrubStats *s, const ScrubCounter *c);
void scrub_stats_add(ScrubStats *sum, const ScrubStats *s);
/* Sum of the SCRUB_ERROR counters that are independent of each other (read, csum, verify, super). */
uint64_t scrub_stats_errors(const ScrubStats *s);
/* True when the counters are clean: no error, and read+csum+verify errors = corrected + uncorrectable. Otherwise `text` names each
 * counter that is wrong, with its value, and the sum that does not hold. */
bool scrub_stats_clean(const ScrubStats *s, char *text, size_t size);
/* True when this kernel counts errors by the sector, as all do since 6.4; before it was by the block of up to 64 KiB, and by the tree block. */
bool scrub_counts_sectors(void);

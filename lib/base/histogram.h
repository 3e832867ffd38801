/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Histogram: how often which value came, in buckets that grow with the value (log-linear): eight to each power of two, so a value is known
 * to an eighth of itself. Values below 8 have a bucket each; those of 2^44 and more (five hours in ns) share the last.
 *
 * Zeroed memory is an empty one. Adding is one relaxed atomic, so it may lie in memory that a worker shares with the supervisor and be read at any
 * time: every count is then as of some moment of the reading. Histograms add up.
 */
#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_SUB_BITS 3
#define HISTOGRAM_TOP_BITS 44
#define HISTOGRAM_BUCKETS ((HISTOGRAM_TOP_BITS - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

typedef struct Histogram {
        _Atomic uint64_t counts[HISTOGRAM_BUCKETS];
        _Atomic uint64_t max;
} Histogram;

/* One writer at a time; readers any time. */
void histogram_add(Histogram *h, uint64_t value);
void histogram_merge(Histogram *into, const Histogram *from);
uint64_t histogram_count(const Histogram *h);
uint64_t histogram_max(const Histogram *h);
/* The value that `permyriad` of 10,000 do not exceed (5000: the median), as the upper end of its bucket, at most the maximum; 0 when empty. */
uint64_t histogram_quantile(const Histogram *h, unsigned permyriad);
/* How many were below `value`, rounded down to a bucket's edge. */
uint64_t histogram_below(const Histogram *h, uint64_t value);

/*
 * As text, to be kept: "3/44 20113456 40:12 41:7" is the layout (the two BITS), the maximum, and each bucket that is not empty with its count. One
 * that is being written to is printed as of some moment, like everything else of it: with a maximum that fits the counts.
 */
#define HISTOGRAM_TEXT_MAX (64 + HISTOGRAM_BUCKETS * 25)
char *histogram_print(const Histogram *h, char buf[static HISTOGRAM_TEXT_MAX]);
/* What is printed and nothing else: -EINVAL, and *ret is as it was. Another layout is refused as well. */
int histogram_parse(const char *text, Histogram *ret);

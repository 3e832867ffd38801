/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/histogram.h"

#include "base/macro.h"

#define SUB (UINT64_C(1) << HISTOGRAM_SUB_BITS)

static unsigned bucket_of(uint64_t value) {
        unsigned shift;

        if (value < SUB)
                return (unsigned)value;
        if (value >> HISTOGRAM_TOP_BITS)
                return HISTOGRAM_BUCKETS - 1;
        shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
        return (unsigned)((shift << HISTOGRAM_SUB_BITS) + (value >> shift));
}

/* The first value of a bucket; of the one behind the last: where the last ends. */
static uint64_t bucket_start(unsigned bucket) {
        unsigned shift = bucket >> HISTOGRAM_SUB_BITS;

        return shift <= 1 ? bucket : ((bucket & (SUB - 1)) | SUB) << (shift - 1);
}

static uint64_t load(const _Atomic uint64_t *n) {
        return atomic_load_explicit(n, memory_order_relaxed);
}

void histogram_add(Histogram *h, uint64_t value) {
        atomic_fetch_add_explicit(&h->counts[bucket_of(value)], 1, memory_order_relaxed);
        if (value > load(&h->max))
                atomic_store_explicit(&h->max, value, memory_order_relaxed);
}

void histogram_merge(Histogram *into, const Histogram *from) {
        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
                atomic_fetch_add_explicit(&into->counts[i], load(&from->counts[i]), memory_order_relaxed);
        atomic_store_explicit(&into->max, MAX_OF(load(&into->max), load(&from->max)), memory_order_relaxed);
}

uint64_t histogram_count(const Histogram *h) {
        uint64_t n = 0;

        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
                n += load(&h->counts[i]);
        return n;
}

uint64_t histogram_max(const Histogram *h) {
        return load(&h->max);
}

uint64_t histogram_quantile(const Histogram *h, unsigned permyriad) {
        uint64_t all = histogram_count(h), wanted = (all * permyriad + 9999) / 10000, n = 0;

        for (unsigned i = 0; i < HISTOGRAM_BUCKETS && all > 0; i++) {
                n += load(&h->counts[i]);
                if (n >= MAX_OF(wanted, UINT64_C(1)))
                        return i == HISTOGRAM_BUCKETS - 1 ? histogram_max(h) : MIN_OF(bucket_start(i + 1) - 1, histogram_max(h));
        }
        return histogram_max(h);
}

uint64_t histogram_below(const Histogram *h, uint64_t value) {
        uint64_t n = 0;

        for (unsigned i = 0; i < HISTOGRAM_BUCKETS && bucket_start(i + 1) <= value; i++)
                n += load(&h->counts[i]);
        return n;
}

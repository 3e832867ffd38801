/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/histogram.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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

/* The count comes before the maximum (histogram_add()), and is read before it: either may be of a value that the other does not have yet. */
static uint64_t fitting_max(const Histogram *h, unsigned last) {
        uint64_t max = MAX_OF(histogram_max(h), bucket_start(last));

        return last == HISTOGRAM_BUCKETS - 1 ? max : MIN_OF(max, bucket_start(last + 1) - 1);
}

char *histogram_print(const Histogram *h, char buf[static HISTOGRAM_TEXT_MAX]) {
        uint64_t counts[HISTOGRAM_BUCKETS], max = 0;
        int n;

        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
                counts[i] = load(&h->counts[i]);
                if (counts[i] > 0)
                        max = fitting_max(h, i);
        }
        n = snprintf(buf, HISTOGRAM_TEXT_MAX, "%d/%d %" PRIu64, HISTOGRAM_SUB_BITS, HISTOGRAM_TOP_BITS, max);
        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
                if (counts[i] > 0)
                        n += snprintf(buf + n, HISTOGRAM_TEXT_MAX - (size_t)n, " %u:%" PRIu64, i, counts[i]);
        return buf;
}

/* Digits, as they are printed: no sign, no zero before others. */
static bool take_number(const char **p, uint64_t *ret) {
        size_t n = strspn(*p, "0123456789");
        uint64_t number = 0;

        if (n == 0 || (n > 1 && **p == '0'))
                return false;
        for (; n > 0; n--, (*p)++)
                if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, (uint64_t)(**p - '0'), &number))
                        return false;
        *ret = number;
        return true;
}

static bool take(const char **p, char c) {
        if (**p != c)
                return false;
        (*p)++;
        return true;
}

static bool take_layout(const char **p) {
        uint64_t sub, top;

        return take_number(p, &sub) && take(p, '/') && take_number(p, &top) && sub == HISTOGRAM_SUB_BITS && top == HISTOGRAM_TOP_BITS && take(p, ' ');
}

int histogram_parse(const char *text, Histogram *ret) {
        uint64_t max, bucket, count, next = 0, all = 0;
        Histogram h = { 0 };

        if (!take_layout(&text) || !take_number(&text, &max))
                return -EINVAL;
        while (take(&text, ' ')) {
                if (!take_number(&text, &bucket) || !take(&text, ':') || !take_number(&text, &count))
                        return -EINVAL;
                if (bucket < next || bucket >= HISTOGRAM_BUCKETS || count == 0 || __builtin_add_overflow(all, count, &all))
                        return -EINVAL;
                atomic_store_explicit(&h.counts[bucket], count, memory_order_relaxed);
                next = bucket + 1;
        }
        if (*text || (all > 0 ? bucket_of(max) + 1 != next : max != 0))
                return -EINVAL;
        atomic_store_explicit(&h.max, max, memory_order_relaxed);
        memcpy(ret, &h, sizeof(h));
        return 0;
}

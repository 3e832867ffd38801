/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/scrub-stats.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/macro.h"

#define COUNTER(field, sort) { #field, offsetof(struct btrfs_scrub_progress, field), sort }

/* In the order of struct btrfs_scrub_progress. */
const ScrubCounter scrub_counters[] = {
        COUNTER(data_extents_scrubbed, SCRUB_AMOUNT),
        COUNTER(tree_extents_scrubbed, SCRUB_AMOUNT),
        COUNTER(data_bytes_scrubbed, SCRUB_AMOUNT),
        COUNTER(tree_bytes_scrubbed, SCRUB_AMOUNT),
        COUNTER(read_errors, SCRUB_ERROR),
        COUNTER(csum_errors, SCRUB_ERROR),
        COUNTER(verify_errors, SCRUB_ERROR),
        COUNTER(no_csum, SCRUB_HINT),
        COUNTER(csum_discards, SCRUB_HINT),
        COUNTER(super_errors, SCRUB_ERROR),
        COUNTER(malloc_errors, SCRUB_HINT),
        COUNTER(uncorrectable_errors, SCRUB_ERROR),
        COUNTER(corrected_errors, SCRUB_ERROR),
        COUNTER(last_physical, SCRUB_POSITION),
        COUNTER(unverified_errors, SCRUB_HINT),
};
const size_t n_scrub_counters = ELEMENTSOF(scrub_counters);

_Static_assert(ELEMENTSOF(scrub_counters) * sizeof(uint64_t) == sizeof(struct btrfs_scrub_progress), "the kernel has another counter");

uint64_t scrub_stat(const ScrubStats *s, const ScrubCounter *c) {
        uint64_t value;

        memcpy(&value, (const char *)s + c->offset, sizeof(value));
        return value;
}

void scrub_stats_add(ScrubStats *sum, const ScrubStats *s) {
        for (size_t i = 0; i < n_scrub_counters; i++) {
                const ScrubCounter *c = &scrub_counters[i];
                uint64_t a = scrub_stat(sum, c), b = scrub_stat(s, c);
                uint64_t value = c->sort == SCRUB_POSITION ? MAX_OF(a, b) : a + b;
                memcpy((char *)sum + c->offset, &value, sizeof(value));
        }
}

uint64_t scrub_stats_errors(const ScrubStats *s) {
        return s->read_errors + s->csum_errors + s->verify_errors + s->super_errors;
}

static void append(char *text, size_t size, const char *format, ...) _printf_(3, 4);

static void append(char *text, size_t size, const char *format, ...) {
        size_t have = size > 0 ? strnlen(text, size) : 0;
        va_list ap;

        if (have >= size)
                return;
        va_start(ap, format);
        vsnprintf(text + have, size - have, format, ap);
        va_end(ap);
}

/*
 * What holds, read from fs/btrfs/scrub.c:
 *
 * - All SCRUB_ERROR counters are 0 on a healthy filesystem, in every kernel and under load: scrub reads by the commit root, what it reads
 *   there cannot be freed and written again before a commit, and a commit first pauses the scrub. Superblocks are read with the device
 *   list locked and compared with the last committed transaction; a commit that has begun keeps a new scrub from starting
 *   (scrub_pause_req). So a non-zero one is news, and nothing else makes the counters unclean.
 * - read + csum + verify = corrected + uncorrectable holds exactly since 6.5 (79b8ee702c91) for data: sectors, counted when first read,
 *   each with one error; what is still bad after the repair is uncorrectable, the rest corrected, in a read-only scrub too.
 * - It need not hold for damaged metadata: a tree block's sector that cannot be read and whose block fails the check counts as read and
 *   as verify error; and a block whose first sector cannot be read may turn out bad in its other sectors only during the repair.
 *   Nor in 6.1, which counts blocks instead of sectors, and in a read-only scrub counts neither corrected nor uncorrectable.
 *   In 6.4.0 corrected errors were missing on the left. So the sum is text for the reader of counters that are unclean anyway.
 * - super_errors are on neither side: the next commit writes the superblocks anew.
 * - unverified_errors (before 6.4: a read failed and then did not, sector by sector) are neither found nor corrected; since 6.4 always 0,
 *   as csum_discards. no_csum counts preallocated and nodatasum sectors. malloc_errors come from memory pressure.
 */
bool scrub_stats_clean(const ScrubStats *s, char *text, size_t size) {
        uint64_t found = s->read_errors + s->csum_errors + s->verify_errors;
        uint64_t settled = s->corrected_errors + s->uncorrectable_errors;
        bool clean = true;

        if (size > 0)
                text[0] = 0;
        for (size_t i = 0; i < n_scrub_counters; i++) {
                const ScrubCounter *c = &scrub_counters[i];
                uint64_t value = scrub_stat(s, c);
                if (c->sort != SCRUB_ERROR || value == 0)
                        continue;
                append(text, size, "%s%s=%" PRIu64, clean ? "" : " ", c->name, value);
                clean = false;
        }
        if (found != settled)
                append(text, size, "; read+csum+verify=%" PRIu64 " but corrected+uncorrectable=%" PRIu64, found, settled);
        return clean;
}

bool scrub_counts_sectors(void) {
        unsigned major = 0, minor = 0;
        struct utsname u;

        if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2)
                return true;
        return major > 6 || (major == 6 && minor >= 4);
}

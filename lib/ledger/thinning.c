/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ledger/thinning.h"

#include "base/macro.h"

#define MINUTE (60 * NSEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* The first of every `spacing_ns` is kept for `keep_ns`. Four weeks are some 3,100 samples, and each week more are 168. */
static const struct {
        uint64_t spacing_ns, keep_ns;
} steps[THINNING_LEVELS] = {
        { 1, HOUR }, /* each */
        { MINUTE, DAY },
        { 10 * MINUTE, 7 * DAY },
        { HOUR, THINNING_FOREVER },
};

unsigned thinning_level(uint64_t before_ns, uint64_t now_ns) {
        unsigned level = THINNING_LEVELS - 1;

        while (level > 0 && now_ns / steps[level].spacing_ns == before_ns / steps[level].spacing_ns)
                level--;
        return level;
}

uint64_t thinning_keep_ns(unsigned level) {
        return steps[level].keep_ns;
}

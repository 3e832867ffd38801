/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/rng.h"

#include <sys/random.h>

#include "base/clock.h"

uint64_t rng_next(Rng *r) {
        uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

void rng_seed(Rng *r, uint64_t seed, uint64_t stream) {
        r->state = seed;
        r->state = rng_next(r) ^ (stream * UINT64_C(0xd1342543de82ef95));
}

uint64_t rng_below(Rng *r, uint64_t n) {
        if (n == 0)
                return 0;
        return (uint64_t)(((unsigned __int128)rng_next(r) * n) >> 64);
}

uint64_t rng_random_seed(void) {
        uint64_t seed;

        if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
                seed = clock_real_ns();
        return seed ?: 1;
}

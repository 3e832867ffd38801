/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Rng: small, seeded, reproducible random numbers (splitmix64). Not for secrets. One seed reproduces a whole run: every stressor
 * instance derives its own stream from the run's seed.
 */
#include <stdint.h>

typedef struct Rng {
        uint64_t state;
} Rng;

void rng_seed(Rng *r, uint64_t seed, uint64_t stream);
uint64_t rng_next(Rng *r);
/* Uniform in [0, n); 0 for n == 0. */
uint64_t rng_below(Rng *r, uint64_t n);
/* A seed from the kernel, for a run that was given none; never 0. */
uint64_t rng_random_seed(void);

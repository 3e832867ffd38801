/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <time.h>

#include "base/clock.h"
#include "base/macro.h"
#include "collision-fixture.h"

static uint64_t cpu_ns(void) {
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

enum { BUSY_DEVS = 8, BUSY_REMOVALS = 1000, BUSY_SCRUBS = 500, BUSY_STEPS = 100 };
#define BUSY_STEP_NS (100 * NSEC_PER_MSEC)

/* One device a slot, ten steps a second, for ten seconds: of 5000 scrubs/s on each device and 10,000 removals/s a share of one in `less`.
 * Returns the CPU time in ns that a removal took. */
static uint64_t run_busily(unsigned less) {
        const uint64_t n_scrubs = BUSY_SCRUBS / less, n_removals = BUSY_REMOVALS / less;
        _cleanup_(collider_freep) Collider *c = NULL;
        _cleanup_(board_freep) Board *b = board_new();
        uint64_t cost = 0, logical = 0;

        assert_int_equal(collider_new(&c, BUSY_DEVS), 0);
        collider_bring_in(c); /* that memory is new costs the shorter run as much, and is not what is asked here */
        for (uint64_t step = 1; step <= BUSY_STEPS; step++) {
                uint64_t now = step * BUSY_STEP_NS, begin;

                for (unsigned d = 0; d < BUSY_DEVS; d++)
                        for (uint64_t i = 0; i < n_scrubs; i++) {
                                uint64_t at = now + i * BUSY_STEP_NS / n_scrubs;

                                slot_window_open(&b->slots[d], d + 1, 0, UINT64_MAX, at);
                                slot_window_close(&b->slots[d], at + BUSY_STEP_NS / n_scrubs / 2 - 1);
                        }
                for (uint64_t i = 0; i < n_removals; i++) {
                        uint64_t at = now + i * BUSY_STEP_NS / n_removals;

                        logical++;
                        slot_place(&b->slots[10], &(GroupPlace){ .logical = logical << 20, .length = 1 << 20, .seen_ns = at - 1,
                                   .extent_length = 1 << 20, .n_extents = 1, .extents[0] = { 1 + i % BUSY_DEVS, i << 20 } });
                        remove_group(c, at, logical << 20);
                }
                begin = cpu_ns();
                collider_step(c, b);
                cost += cpu_ns() - begin;
        }
        assert_int_equal(collider_removals(c), n_removals * BUSY_STEPS);
        assert_int_equal(collider_collisions(c), n_removals * BUSY_STEPS / 2);
        return cost / (n_removals * BUSY_STEPS);
}

/* What it costs in a run is the bench's to say (make bench, user time): how fast this machine is today is no bug. Here a removal must not cost
 * four times as much when its rings are full: windows and places are looked up, not walked. The best of three, in turn, for a busy machine's sake. */
static void a_removal_costs_the_same_in_a_busy_run(void **state _unused_) {
        uint64_t quiet = UINT64_MAX, busy = UINT64_MAX;

        for (unsigned i = 0; i < 3; i++) {
                quiet = MIN_OF(quiet, run_busily(100));
                busy = MIN_OF(busy, run_busily(1));
        }
        print_message("a removal costs %llu ns with %u of them and %u scrubs on each of %u devices per second, %llu ns with a hundredth\n",
                      (unsigned long long)busy, BUSY_REMOVALS * 10, BUSY_SCRUBS * 10, BUSY_DEVS, (unsigned long long)quiet);
        assert_true(busy < 4 * quiet);
}

/* Returns the CPU time in ns of 100,000 removals in a window that never ends, of as many addresses. */
static uint64_t run_addresses(uint64_t n_addresses) {
        _cleanup_(collider_freep) Collider *c = NULL;
        _cleanup_(board_freep) Board *b = board_new();
        uint64_t cost = 0, now = 0;

        assert_int_equal(collider_new(&c, 1), 0);
        collider_bring_in(c);
        put_window(b, 0, &(ScrubWindow){ 1, 0, UINT64_MAX, 1, 0 });
        for (unsigned step = 0; step < 5000; step++) {
                uint64_t begin;

                for (unsigned i = 0; i < 20; i++) {
                        now += 2;
                        put_place(b, now, now % n_addresses, 1, 0);
                        remove_group(c, now + 1, now % n_addresses);
                }
                begin = cpu_ns();
                collider_step(c, b);
                cost += cpu_ns() - begin;
        }
        assert_int_equal(collider_collisions(c), 100000);
        return cost;
}

/* An address that comes back for ever must not make chains that are walked for ever. */
static void one_hot_address_stays_cheap(void **state _unused_) {
        uint64_t many = UINT64_MAX, one = UINT64_MAX;

        for (unsigned i = 0; i < 3; i++) {
                many = MIN_OF(many, run_addresses(1 << 20));
                one = MIN_OF(one, run_addresses(1));
        }
        print_message("one address, 100000 times: %llu ns each; as many addresses: %llu\n", (unsigned long long)(one / 100000),
                      (unsigned long long)(many / 100000));
        assert_true(one < 4 * many);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_removal_costs_the_same_in_a_busy_run),
                cmocka_unit_test(one_hot_address_stays_cheap),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

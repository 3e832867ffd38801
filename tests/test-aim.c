/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How closely removals and scrubs meet, as the collider has it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "collision-fixture.h"

/* One group at [100, 110) of device 1, seen at 50, removed at 1000; the distance that is told. */
static uint64_t distance(const ScrubWindow *windows, unsigned n, bool *ret_collided) {
        _cleanup_(collider_freep) Collider *c = NULL;
        _cleanup_(board_freep) Board *b = board_new();
        Removal r;

        assert_int_equal(collider_new(&c, 2), 0);
        put_place(b, 50, 7, 1, 100);
        for (unsigned i = 0; i < n; i++)
                put_window(b, (unsigned)windows[i].devid, &windows[i]);
        remove_group(c, 1000, 7);
        collider_step(c, b);
        assert_int_equal(collider_history(c, 0, UINT64_MAX, &r, 1), 1);
        *ret_collided = r.collided;
        assert_int_equal(histogram_count(&collider_aim(c)->collided), r.collided);
        assert_int_equal(histogram_count(&collider_aim(c)->missed), !r.collided && r.distance_ns != UINT64_MAX);
        assert_true((collider_aim(c)->nearness > 0.999) == (r.distance_ns != UINT64_MAX)); /* all of them far nearer than 10 ms */
        if (r.distance_ns != UINT64_MAX)
                assert_int_equal(histogram_max(r.collided ? &collider_aim(c)->collided : &collider_aim(c)->missed), r.distance_ns);
        return r.distance_ns;
}

static void distances_are_to_the_nearest_scrub_of_the_place(void **state _unused_) {
        static const struct {
                ScrubWindow windows[4];
                unsigned n;
                bool collided;
                uint64_t distance;
        } cases[] = {
                { { { 1, 0, UINT64_MAX, 900, 1100 } }, 1, true, 100 },
                { { { 1, 0, UINT64_MAX, 700, 0 } }, 1, true, 300 },
                { { { 1, 0, UINT64_MAX, 700, 950 } }, 1, false, 50 },
                { { { 1, 0, UINT64_MAX, 1030, 1040 } }, 1, false, 30 },
                { { { 1, 0, UINT64_MAX, 1030, 0 } }, 1, false, 30 },
                { { { 1, 0, UINT64_MAX, 700, 950 }, { 1, 0, UINT64_MAX, 1030, 1040 } }, 2, false, 30 },
                { { { 1, 0, UINT64_MAX, 700, 980 }, { 1, 0, UINT64_MAX, 1030, 0 } }, 2, false, 20 },
                /* Between them others, of another place. */
                { { { 1, 0, UINT64_MAX, 700, 750 }, { 1, 0, 100, 800, 990 }, { 1, 110, 200, 1010, 1020 }, { 1, 100, 110, 1800, 1900 } }, 4,
                  false, 250 },
                { { { 2, 0, UINT64_MAX, 900, 950 } }, 1, false, UINT64_MAX },
                { { { 0 } }, 0, false, UINT64_MAX },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                bool collided;
                assert_int_equal(distance(cases[i].windows, cases[i].n, &collided), cases[i].distance);
                assert_int_equal(collided, cases[i].collided);
        }
}

static void nearness_halves_at_ten_milliseconds(void **state _unused_) {
        _cleanup_(collider_freep) Collider *c = NULL;
        _cleanup_(board_freep) Board *b = board_new();

        assert_int_equal(collider_new(&c, 2), 0);
        put_window(b, 0, &(ScrubWindow){ 1, 0, UINT64_MAX, 1000, 0 });
        for (uint64_t i = 0; i < 2; i++) {
                put_place(b, 50, 7 + i, 1, 100);
                remove_group(c, 1000 + (i == 0 ? NEARNESS_NS : 3 * NEARNESS_NS), 7 + i);
        }
        collider_step(c, b);
        assert_true(collider_aim(c)->nearness > 0.7499 && collider_aim(c)->nearness < 0.7501); /* a half and a quarter */
}

static void hits_are_counted(void **state _unused_) {
        _cleanup_(collider_freep) Collider *c = NULL;

        assert_int_equal(collider_new(&c, 2), 0);
        collider_event(c, &(TraceEvent){ .kind = TRACE_HIT, .pid = 7 });
        collider_event(c, &(TraceEvent){ .kind = TRACE_HIT, .pid = 8 });
        remove_group(c, 65, 70);
        assert_int_equal(collider_hits(c), 2);
        assert_int_equal(collider_removals(c), 1);
}

static void what_collided_is_known_by_its_address(void **state _unused_) {
        _cleanup_(collider_freep) Collider *c = NULL;
        _cleanup_(board_freep) Board *b = board_new();

        assert_int_equal(collider_new(&c, 2), 0);
        put_place(b, 50, 70, 1, 100);
        put_place(b, 50, 90, 1, 300);
        put_window(b, 0, &(ScrubWindow){ 1, 100, 110, 60, 0 });
        remove_group(c, 65, 70); /* [70, 80) */
        remove_group(c, 66, 90); /* not under the scrub */
        collider_step(c, b);
        assert_true(collider_has_collided(c, 70, 65));
        assert_true(collider_has_collided(c, 79, 0));
        assert_false(collider_has_collided(c, 80, 0));
        assert_false(collider_has_collided(c, 69, 0));
        assert_false(collider_has_collided(c, 90, 0));
        assert_false(collider_has_collided(c, 70, 66)); /* too long ago */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(distances_are_to_the_nearest_scrub_of_the_place),
                cmocka_unit_test(nearness_halves_at_ten_milliseconds),
                cmocka_unit_test(hits_are_counted),
                cmocka_unit_test(what_collided_is_known_by_its_address),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

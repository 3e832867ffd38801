/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/macro.h"
#include "base/rng.h"
#include "collision-fixture.h"

/* One group at [100, 110) of device 1, seen at 50, one window, a removal at t. */
static bool collides(const ScrubWindow *w, uint64_t t) {
        _cleanup_(collider_freep) Collider *c = NULL;
        _cleanup_(board_freep) Board *b = board_new();

        assert_int_equal(collider_new(&c, 2), 0);
        put_place(b, 50, 7, 1, 100);
        put_window(b, 0, w);
        remove_group(c, t, 7);
        collider_step(c, b);
        assert_int_equal(collider_removals(c), 1);
        return collider_collisions(c) == 1;
}

static void the_edges(void **state _unused_) {
        assert_true(collides(&(ScrubWindow){ 1, 0, UINT64_MAX, 60, 70 }, 65));
        assert_true(collides(&(ScrubWindow){ 1, 0, UINT64_MAX, 60, 70 }, 60));
        assert_true(collides(&(ScrubWindow){ 1, 0, UINT64_MAX, 60, 70 }, 70));
        assert_false(collides(&(ScrubWindow){ 1, 0, UINT64_MAX, 60, 70 }, 59));
        assert_false(collides(&(ScrubWindow){ 1, 0, UINT64_MAX, 60, 70 }, 71));
        assert_true(collides(&(ScrubWindow){ 1, 0, UINT64_MAX, 60, 0 }, 71));
        assert_false(collides(&(ScrubWindow){ 1, 0, UINT64_MAX, 60, 0 }, 59));
        assert_false(collides(&(ScrubWindow){ 2, 0, UINT64_MAX, 60, 0 }, 71));
        assert_true(collides(&(ScrubWindow){ 1, 109, 120, 60, 0 }, 71));
        assert_false(collides(&(ScrubWindow){ 1, 110, 120, 60, 0 }, 71));
        assert_true(collides(&(ScrubWindow){ 1, 90, 101, 60, 0 }, 71));
        assert_false(collides(&(ScrubWindow){ 1, 90, 100, 60, 0 }, 71));
        assert_true(collides(&(ScrubWindow){ 1, 102, 103, 60, 0 }, 71));
}

/* Removed before its place was seen: not placed, and then both devices must be scrubbed from end to end. */
static void without_a_place_all_devices_must_be_scrubbed(void **state _unused_) {
        static const struct {
                ScrubWindow a, b;
                unsigned collisions;
        } cases[] = {
                { { 1, 0, UINT64_MAX, 20, 0 }, { 2, 0, UINT64_MAX, 20, 45 }, 1 },
                { { 1, 0, UINT64_MAX, 20, 0 }, { 1, 0, UINT64_MAX, 20, 45 }, 0 },
                { { 1, 0, UINT64_MAX, 20, 0 }, { 2, 0, UINT64_MAX, 20, 35 }, 0 },
                { { 1, 0, UINT64_MAX, 20, 0 }, { 2, 0, 1000000, 20, 45 }, 0 },
                { { 1, 1, UINT64_MAX, 20, 0 }, { 2, 0, UINT64_MAX, 20, 45 }, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(collider_freep) Collider *c = NULL;
                _cleanup_(board_freep) Board *b = board_new();

                assert_int_equal(collider_new(&c, 2), 0);
                put_place(b, 50, 7, 1, 100);
                put_window(b, 0, &cases[i].a);
                put_window(b, 1, &cases[i].b);
                remove_group(c, 40, 7);
                collider_step(c, b);
                assert_int_equal(collider_collisions(c), cases[i].collisions);
        }
}

/* The same logical address three times, each time on another device; only device 2 is scrubbed. */
static void addresses_are_used_again(void **state _unused_) {
        _cleanup_(collider_freep) Collider *c = NULL;
        _cleanup_(board_freep) Board *b = board_new();
        Removal r[8];

        assert_int_equal(collider_new(&c, 3), 0);
        put_window(b, 0, &(ScrubWindow){ 2, 0, UINT64_MAX, 1, 0 });
        put_place(b, 10, 7, 1, 0);
        put_place(b, 12, 7, 1, 0); /* seen twice */
        put_place(b, 30, 7, 2, 0);
        put_place(b, 50, 7, 3, 0);
        remove_group(c, 60, 7); /* out of order */
        remove_group(c, 20, 7);
        remove_group(c, 40, 7);
        remove_group(c, 70, 7); /* nobody saw this one: the place of the one before must not serve */
        collider_step(c, b);
        assert_int_equal(collider_collisions(c), 1);
        assert_int_equal(collider_history(c, 0, UINT64_MAX, r, 8), 4);
        assert_int_equal(r[0].place.seen_ns, 12);
        assert_int_equal(r[1].place.seen_ns, 30);
        assert_true(r[1].collided);
        assert_int_equal(r[2].place.seen_ns, 50);
        assert_false(r[3].placed);
        assert_int_equal(r[3].time_ns, 70);
}

/* The writer's state between "into the ring" and "not current any more": the end is known, so it is not in flight. */
static void a_window_seen_twice_has_ended(void **state _unused_) {
        _cleanup_(collider_freep) Collider *c = NULL;
        _cleanup_(board_freep) Board *b = board_new();
        const ScrubWindow w = { 1, 0, UINT64_MAX, 60, 70 };

        assert_int_equal(collider_new(&c, 1), 0);
        put_window(b, 0, &w);
        b->slots[0].windows.current = (ScrubWindow){ w.devid, w.start, w.end, w.begin_ns, 0 };
        remove_group(c, 65, 7);
        remove_group(c, 75, 7);
        collider_step(c, b);
        assert_int_equal(collider_collisions(c), 1);
}

/* One CPU's trace buffer may come a step later than another's. */
static void a_late_removal_is_decided_too(void **state _unused_) {
        _cleanup_(collider_freep) Collider *c = NULL;
        _cleanup_(board_freep) Board *b = board_new();

        assert_int_equal(collider_new(&c, 1), 0);
        for (uint64_t t = 100; t < 1000; t += 100)
                put_window(b, 0, &(ScrubWindow){ 1, 0, UINT64_MAX, t, t + 50 });
        remove_group(c, 975, 7);
        collider_step(c, b);
        assert_int_equal(collider_collisions(c), 0);
        remove_group(c, 310, 8);
        collider_step(c, b);
        assert_int_equal(collider_collisions(c), 1);
        remove_group(c, 260, 9);
        remove_group(c, 99, 9);
        collider_step(c, b);
        assert_int_equal(collider_collisions(c), 1);
}

static void history_is_a_second_of_evidence(void **state _unused_) {
        _cleanup_(collider_freep) Collider *c = NULL;
        _cleanup_(board_freep) Board *b = board_new();
        static Removal r[COLLIDER_HISTORY];
        const uint64_t n = COLLIDER_HISTORY + 500;

        assert_int_equal(collider_new(&c, 1), 0);
        for (uint64_t t = 1; t <= n; t++)
                remove_group(c, t, t * 100);
        collider_step(c, b);
        assert_int_equal(collider_history(c, 0, UINT64_MAX, r, COLLIDER_HISTORY), COLLIDER_HISTORY);
        assert_int_equal(r[0].time_ns, n - COLLIDER_HISTORY + 1);
        assert_int_equal(collider_history(c, 1000, 1010, r, 64), 11);
        assert_int_equal(r[0].time_ns, 1000);
        assert_int_equal(r[10].logical, 101000);
        assert_int_equal(collider_history(c, 1000, 1010, r, 2), 2);
        assert_int_equal(r[0].time_ns, 1009);
        assert_int_equal(collider_history(c, n + 1, n + 1000, r, 64), 0);
}

static void other_events_only_tell_the_generation(void **state _unused_) {
        _cleanup_(collider_freep) Collider *c = NULL;
        _cleanup_(board_freep) Board *b = board_new();

        assert_int_equal(collider_new(&c, 1), 0);
        assert_int_equal(collider_generation(c), 0);
        collider_event(c, &(TraceEvent){ .kind = TRACE_COMMIT, .generation = 8 });
        collider_event(c, &(TraceEvent){ .kind = TRACE_COMMIT, .generation = 7 });
        collider_event(c, &(TraceEvent){ .kind = TRACE_GROUP_ADDED, .logical = 7 });
        collider_event(c, &(TraceEvent){ .kind = TRACE_GROUP_UNUSED, .logical = 7 });
        collider_step(c, b);
        assert_int_equal(collider_generation(c), 8);
        assert_int_equal(collider_removals(c), 0);
}

static void a_flood_is_counted_not_decided(void **state _unused_) {
        _cleanup_(collider_freep) Collider *c = NULL;
        _cleanup_(board_freep) Board *b = board_new();

        assert_int_equal(collider_new(&c, 1), 0);
        put_window(b, 0, &(ScrubWindow){ 1, 0, UINT64_MAX, 1, 0 });
        for (uint64_t i = 0; i < COLLIDER_QUEUE + 10; i++)
                remove_group(c, 5, i);
        collider_step(c, b);
        assert_int_equal(collider_removals(c), COLLIDER_QUEUE + 10);
        assert_int_equal(collider_collisions(c), COLLIDER_QUEUE);
}

/*
 * The property: on any timeline, delivered in any number of steps, with scrubs in flight at the steps, the count is that of a reference
 * which knows everything and compares everything with everything.
 */
#define SLOTS 5
#define DEVICES 3
#define EVENTS 60

typedef struct Timeline {
        unsigned n_windows[SLOTS], n_places[SLOTS], n_removals;
        ScrubWindow windows[SLOTS][EVENTS];
        GroupPlace places[SLOTS][EVENTS];
        Removal removals[EVENTS];
} Timeline;

static void make_windows(Timeline *t, Rng *r, unsigned slot) {
        uint64_t at = rng_below(r, 20), busy = 1 + rng_below(r, 60), rest = rng_below(r, 40);

        t->n_windows[slot] = (unsigned)rng_below(r, 20);
        for (unsigned i = 0; i < t->n_windows[slot]; i++) {
                bool whole = rng_below(r, 3) > 0;
                uint64_t start = rng_below(r, 100);
                ScrubWindow *w = &t->windows[slot][i];

                *w = (ScrubWindow){ .devid = 1 + rng_below(r, DEVICES), .begin_ns = 1 + at, .finish_ns = 1 + at + rng_below(r, busy) };
                w->start = whole ? 0 : start;
                w->end = whole ? UINT64_MAX : start + 1 + rng_below(r, 50);
                at = w->finish_ns - 1 + rng_below(r, rest + 1);
                if (at < w->begin_ns)
                        at = w->begin_ns; /* begins differ: a clock in nanoseconds */
        }
}

/* Logical addresses are few, so that they are used again and again. Each is seen zero to two times before it is removed. */
static void make_groups(Timeline *t, Rng *r) {
        uint64_t at[4] = { 0 };

        for (unsigned n = (unsigned)rng_below(r, 40); n > 0; n--) {
                uint64_t l = rng_below(r, ELEMENTSOF(at));
                GroupPlace p = { .logical = l * 1000, .extent_length = 1 + rng_below(r, 30), .n_extents = (uint32_t)rng_below(r, 4) };

                for (uint64_t seen = rng_below(r, 3); seen > 0; seen--) {
                        unsigned slot = (unsigned)rng_below(r, SLOTS);

                        for (unsigned i = 0; i < 3; i++) {
                                p.extents[i].devid = 1 + rng_below(r, DEVICES);
                                p.extents[i].physical = rng_below(r, 120);
                        }
                        p.seen_ns = at[l] += 1 + rng_below(r, 15);
                        t->places[slot][t->n_places[slot]++] = p;
                        if (t->n_places[slot] == EVENTS)
                                return;
                }
                at[l] += rng_below(r, 30);
                t->removals[t->n_removals++] = (Removal){ .time_ns = at[l], .logical = l * 1000 };
                at[l]++;
        }
}

static bool in_flight(const ScrubWindow *w, uint64_t t) {
        return w->begin_ns <= t && t <= w->finish_ns;
}

static bool reference_placed(const Timeline *t, uint64_t at, const GroupPlace *p) {
        for (unsigned s = 0; s < SLOTS; s++)
                for (unsigned i = 0; i < t->n_windows[s]; i++)
                        for (unsigned e = 0; e < p->n_extents; e++) {
                                const ScrubWindow *w = &t->windows[s][i];

                                if (!in_flight(w, at) || w->devid != p->extents[e].devid)
                                        continue;
                                for (uint64_t byte = 0; byte < p->extent_length; byte++)
                                        if (p->extents[e].physical + byte >= w->start && p->extents[e].physical + byte < w->end)
                                                return true;
                        }
        return false;
}

static bool reference_unplaced(const Timeline *t, uint64_t at) {
        for (uint64_t devid = 1; devid <= DEVICES; devid++) {
                bool scrubbed = false;

                for (unsigned s = 0; s < SLOTS; s++)
                        for (unsigned i = 0; i < t->n_windows[s]; i++) {
                                const ScrubWindow *w = &t->windows[s][i];

                                scrubbed |= in_flight(w, at) && w->devid == devid && w->start == 0 && w->end == UINT64_MAX;
                        }
                if (!scrubbed)
                        return false;
        }
        return true;
}

/* The newest place seen at or before the removal, and after the removal before it of the same address. */
static bool reference(const Timeline *t, const Removal *r) {
        const GroupPlace *best = NULL;
        uint64_t before = 0;

        for (unsigned i = 0; i < t->n_removals; i++)
                if (t->removals[i].logical == r->logical && t->removals[i].time_ns < r->time_ns)
                        before = MAX_OF(before, t->removals[i].time_ns);
        for (unsigned s = 0; s < SLOTS; s++)
                for (unsigned i = 0; i < t->n_places[s]; i++) {
                        const GroupPlace *p = &t->places[s][i];

                        if (p->logical == r->logical && p->seen_ns <= r->time_ns && p->seen_ns > before &&
                            (!best || p->seen_ns > best->seen_ns))
                                best = p;
                }
        return best ? reference_placed(t, r->time_ns, best) : reference_unplaced(t, r->time_ns);
}

/* Writes to the board all that had been written there by `now`, and hands on all trace events until `now`. */
typedef struct Delivery {
        unsigned opened[SLOTS], closed[SLOTS], placed[SLOTS], removed;
} Delivery;

static void deliver(const Timeline *t, Delivery *d, uint64_t now, Board *b, Collider *c) {
        /* Reversed on purpose: the trace merges CPUs, and what is late is late. */
        unsigned from = d->removed, until = from;

        while (until < t->n_removals && t->removals[until].time_ns <= now)
                until++;
        for (unsigned i = until; i > from; i--)
                remove_group(c, t->removals[i - 1].time_ns, t->removals[i - 1].logical);
        d->removed = until;
        for (unsigned s = 0; s < SLOTS; s++) {
                for (; d->placed[s] < t->n_places[s] && t->places[s][d->placed[s]].seen_ns <= now; d->placed[s]++)
                        slot_place(&b->slots[s], &t->places[s][d->placed[s]]);
                for (;;) {
                        const ScrubWindow *w = &t->windows[s][d->closed[s]];

                        if (d->closed[s] == t->n_windows[s] || w->begin_ns > now)
                                break;
                        if (d->opened[s] == d->closed[s]) {
                                slot_window_open(&b->slots[s], w->devid, w->start, w->end, w->begin_ns);
                                d->opened[s]++;
                        }
                        if (w->finish_ns > now)
                                break;
                        slot_window_close(&b->slots[s], w->finish_ns);
                        d->closed[s]++;
                }
        }
}

static int by_seen(const void *a, const void *b) {
        uint64_t x = ((const GroupPlace *)a)->seen_ns, y = ((const GroupPlace *)b)->seen_ns;

        return (x > y) - (x < y);
}

static int by_time(const void *a, const void *b) {
        uint64_t x = ((const Removal *)a)->time_ns, y = ((const Removal *)b)->time_ns;

        return (x > y) - (x < y);
}

/* When all of it has happened. */
static uint64_t end_of(const Timeline *t) {
        uint64_t end = t->n_removals ? t->removals[t->n_removals - 1].time_ns : 0;

        for (unsigned s = 0; s < SLOTS; s++) {
                if (t->n_windows[s])
                        end = MAX_OF(end, t->windows[s][t->n_windows[s] - 1].finish_ns);
                if (t->n_places[s])
                        end = MAX_OF(end, t->places[s][t->n_places[s] - 1].seen_ns);
        }
        return end;
}

static void any_timeline_counts_as_the_reference(void **state _unused_) {
        _cleanup_(board_freep) Board *b = board_new();
        /* A tracker is megabytes, which sanitizers mark byte for byte: with them a tenth says as much about memory. */
        const char *sanitizers = getenv("SANITIZERS");
        uint64_t timelines = sanitizers && strcmp(sanitizers, "yes") == 0 ? 1200 : 12000, collisions = 0, removals = 0;

        for (uint64_t seed = 0; seed < timelines; seed++) {
                _cleanup_(collider_freep) Collider *c = NULL;
                Timeline t = { 0 };
                Delivery d = { 0 };
                uint64_t want = 0;
                Rng r;

                /* One board for all: bringing in the memory of each costs more than all that is done with it. */
                memset(b->slots, 0, SLOTS * sizeof(b->slots[0]));
                rng_seed(&r, seed, 3);
                for (unsigned s = 0; s < SLOTS; s++)
                        make_windows(&t, &r, s);
                make_groups(&t, &r);
                for (unsigned s = 0; s < SLOTS; s++)
                        qsort(t.places[s], t.n_places[s], sizeof(t.places[s][0]), by_seen);
                qsort(t.removals, t.n_removals, sizeof(t.removals[0]), by_time);
                for (unsigned i = 0; i < t.n_removals; i++)
                        want += reference(&t, &t.removals[i]);
                assert_int_equal(collider_new(&c, DEVICES), 0);
                for (uint64_t now = 0; now < end_of(&t); now += 1 + rng_below(&r, seed % 2 ? 400 : 20)) {
                        deliver(&t, &d, now, b, c);
                        collider_step(c, b);
                }
                deliver(&t, &d, UINT64_MAX, b, c);
                collider_step(c, b);
                if (collider_collisions(c) != want || collider_removals(c) != t.n_removals)
                        fail_msg("seed %llu: %llu collisions, the reference says %llu", (unsigned long long)seed,
                                 (unsigned long long)collider_collisions(c), (unsigned long long)want);
                collisions += want;
                removals += t.n_removals;
        }
        print_message("%llu timelines, %llu removals, %llu collisions\n", (unsigned long long)timelines, (unsigned long long)removals,
                      (unsigned long long)collisions);
        assert_true(collisions > removals / 10 && collisions < removals * 9 / 10);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_edges),
                cmocka_unit_test(without_a_place_all_devices_must_be_scrubbed),
                cmocka_unit_test(addresses_are_used_again),
                cmocka_unit_test(a_window_seen_twice_has_ended),
                cmocka_unit_test(a_late_removal_is_decided_too),
                cmocka_unit_test(history_is_a_second_of_evidence),
                cmocka_unit_test(other_events_only_tell_the_generation),
                cmocka_unit_test(a_flood_is_counted_not_decided),
                cmocka_unit_test(any_timeline_counts_as_the_reference),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/collision.h"

#include <errno.h>
#include <string.h>

#include "base/macro.h"

/*
 * Both sides are read in one order: the trace source is stepped first, then each slot's window in flight is read, then the closed windows
 * are drained, then removals are decided. So every window that began before a queued removal has been seen when it is decided: it was
 * in flight when we looked, or closed, and then in the ring, before.
 */
#define PLACE_CHAINS 4096 /* power of two */
#define DRAIN_MAX 64
#define MISS_SEARCH 64 /* so many windows of a slot before a removal, and after it, are looked at for the nearest */

/* The windows of one slot. A worker scrubs one range after the other, so they are ordered and do not overlap. */
typedef struct Windows {
        uint64_t cursor, head; /* of the board's ring; of ours */
        uint64_t finger;       /* where the last search ended */
        bool open;
        ScrubWindow current;   /* when `open` */
        ScrubWindow ring[COLLIDER_WINDOWS];
} Windows;

/* Places in the order they came, and for each logical address (hashed) a chain from the newest to older ones. Numbers count from 1; an
 * entry that the ring has passed ends the chain. */
typedef struct Places {
        uint64_t cursors[BOARD_SLOTS]; /* of the board's rings */
        uint64_t head;                 /* number of the newest */
        uint64_t chains[PLACE_CHAINS]; /* number of the newest in the chain */
        uint64_t older[COLLIDER_PLACES];
        GroupPlace ring[COLLIDER_PLACES];
} Places;

typedef struct Queued {
        uint64_t time_ns, logical, length, flags;
} Queued;

struct Collider {
        unsigned n_devices;
        bool brought_in;
        uint64_t removals, collisions, hits, generation;
        Aim aim;
        Windows *windows[BOARD_SLOTS]; /* NULL: no scrub seen in this slot */
        Places places;
        size_t n_queued;
        Queued queue[COLLIDER_QUEUE];
        uint64_t history_head;
        Removal history[COLLIDER_HISTORY];
};

int collider_new(Collider **ret, unsigned n_devices) {
        Collider *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;
        c->n_devices = n_devices;
        *ret = c;
        return 0;
}

static void bring_in(void *memory, size_t size) {
        for (size_t i = 0; i < size; i += 4096)
                ((volatile char *)memory)[i] = 0;
}

void collider_bring_in(Collider *c) {
        bring_in(c, sizeof(*c));
        c->brought_in = true;
}

static Windows *new_windows(const Collider *c) {
        Windows *w = calloc(1, sizeof(*w));

        if (w && c->brought_in)
                bring_in(w, sizeof(*w));
        return w;
}

void collider_free(Collider *c) {
        if (!c)
                return;
        for (size_t i = 0; i < BOARD_SLOTS; i++)
                free(c->windows[i]);
        free(c);
}

void collider_freep(Collider **c) {
        collider_free(*c);
}

void collider_event(void *collider, const TraceEvent *event) {
        Collider *c = collider;

        c->hits += event->kind == TRACE_HIT;
        if (event->kind == TRACE_COMMIT)
                c->generation = MAX_OF(c->generation, event->generation);
        if (event->kind != TRACE_GROUP_REMOVED)
                return;
        c->removals++;
        if (c->n_queued < COLLIDER_QUEUE)
                c->queue[c->n_queued++] = (Queued){ event->time_ns, event->logical, event->length, event->flags };
}

static const ScrubWindow *window_at(const Windows *w, uint64_t number) {
        return &w->ring[number % COLLIDER_WINDOWS];
}

/* A window that is closed between the two readings is seen twice: then its end is known, and it is not in flight. */
static void read_windows(Windows *w, const Slot *s) {
        ScrubWindow batch[DRAIN_MAX];
        uint64_t lost;
        unsigned n;

        w->open = slot_window_current(s, &w->current);
        while ((n = slot_windows_drain(s, &w->cursor, batch, ELEMENTSOF(batch), &lost)) > 0)
                for (unsigned i = 0; i < n; i++) {
                        w->ring[w->head++ % COLLIDER_WINDOWS] = batch[i];
                        if (w->open && batch[i].begin_ns == w->current.begin_ns)
                                w->open = false;
                }
}

static uint64_t oldest_window(const Windows *w) {
        return w->head - MIN_OF(w->head, (uint64_t)COLLIDER_WINDOWS);
}

/* Moves the finger behind the last window that began at or before t. Removals come ordered by time, so it hardly ever goes back. */
static void seek(Windows *w, uint64_t t) {
        uint64_t oldest = oldest_window(w);

        w->finger = MAX_OF(w->finger, oldest);
        while (w->finger < w->head && window_at(w, w->finger)->begin_ns <= t)
                w->finger++;
        while (w->finger > oldest && window_at(w, w->finger - 1)->begin_ns > t)
                w->finger--;
}

typedef bool (*WindowFunc)(void *userdata, const ScrubWindow *w);

/* True when a window in flight at t is accepted. In one slot there may be two of them: where one ends the next may begin. */
static bool any_in_flight(Collider *c, uint64_t t, WindowFunc accept, void *userdata) {
        for (size_t slot = 0; slot < BOARD_SLOTS; slot++) {
                Windows *w = c->windows[slot];

                if (!w)
                        continue;
                if (w->open && w->current.begin_ns <= t && accept(userdata, &w->current))
                        return true;
                seek(w, t);
                for (uint64_t i = w->finger; i > oldest_window(w) && window_at(w, i - 1)->finish_ns >= t; i--)
                        if (accept(userdata, window_at(w, i - 1)))
                                return true;
        }
        return false;
}

static bool is_over(const ScrubWindow *w, const GroupPlace *p) {
        for (size_t i = 0; i < MIN_OF(p->n_extents, (uint32_t)BOARD_EXTENTS); i++) {
                uint64_t begin = p->extents[i].physical, end = begin + p->extent_length;

                if (w->devid == p->extents[i].devid && begin < w->end && w->start < end)
                        return true;
        }
        return false;
}

typedef struct Meeting {
        const GroupPlace *place;
        uint64_t begin_ns; /* of the window accepted */
} Meeting;

static bool meets_place(void *userdata, const ScrubWindow *w) {
        Meeting *m = userdata;

        if (!is_over(w, m->place))
                return false;
        m->begin_ns = w->begin_ns;
        return true;
}

/* From the end of the last scrub of the place before t, or to the start of the first after it, whichever is nearer. What begins after this
 * is decided is not seen: then the distance is too long. */
static uint64_t nearest_of_slot(Windows *w, const GroupPlace *p, uint64_t t) {
        uint64_t oldest = oldest_window(w), nearest = UINT64_MAX;

        seek(w, t);
        for (uint64_t i = w->finger; i > oldest && w->finger - i < MISS_SEARCH; i--)
                if (is_over(window_at(w, i - 1), p)) {
                        nearest = t - MIN_OF(t, window_at(w, i - 1)->finish_ns);
                        break;
                }
        for (uint64_t i = w->finger; i < w->head && i - w->finger < MISS_SEARCH; i++)
                if (is_over(window_at(w, i), p))
                        return MIN_OF(nearest, window_at(w, i)->begin_ns - t);
        if (w->open && w->current.begin_ns > t && is_over(&w->current, p))
                nearest = MIN_OF(nearest, w->current.begin_ns - t);
        return nearest;
}

static uint64_t nearest_scrub(Collider *c, const GroupPlace *p, uint64_t t) {
        uint64_t nearest = UINT64_MAX;

        for (size_t slot = 0; slot < BOARD_SLOTS; slot++)
                if (c->windows[slot])
                        nearest = MIN_OF(nearest, nearest_of_slot(c->windows[slot], p, t));
        return nearest;
}

typedef struct Devices {
        unsigned wanted, n;
        uint64_t devids[BOARD_SLOTS];
} Devices;

/* Collects the devices that are scrubbed from end to end; accepts when it has all. */
static bool completes_devices(void *userdata, const ScrubWindow *w) {
        Devices *d = userdata;

        if (w->start != 0 || w->end != UINT64_MAX)
                return false;
        for (unsigned i = 0; i < d->n; i++)
                if (d->devids[i] == w->devid)
                        return false;
        if (d->n < ELEMENTSOF(d->devids))
                d->devids[d->n++] = w->devid;
        return d->n == d->wanted;
}

static uint64_t *place_chain(Places *p, uint64_t logical) {
        return &p->chains[(logical * UINT64_C(0x9e3779b97f4a7c15)) >> 32 & (PLACE_CHAINS - 1)];
}

static void add_place(Places *p, const GroupPlace *place) {
        uint64_t *chain = place_chain(p, place->logical), number = ++p->head;

        p->ring[number % COLLIDER_PLACES] = *place;
        p->older[number % COLLIDER_PLACES] = *chain;
        *chain = number;
}

static void read_places(Places *p, const Slot *s, uint64_t *cursor) {
        GroupPlace batch[DRAIN_MAX];
        uint64_t lost;
        unsigned n;

        while ((n = slot_places_drain(s, cursor, batch, ELEMENTSOF(batch), &lost)) > 0)
                for (unsigned i = 0; i < n; i++)
                        add_place(p, &batch[i]);
}

/* The newest place of the group that was removed at t. All that were seen until then go out of the chain: they served, or were stale. */
static bool take_place(Places *p, uint64_t logical, uint64_t t, GroupPlace *ret) {
        uint64_t oldest = p->head - MIN_OF(p->head, (uint64_t)COLLIDER_PLACES - 1);
        uint64_t *link = place_chain(p, logical);
        bool found = false;

        while (*link >= oldest && *link > 0) {
                const GroupPlace *place = &p->ring[*link % COLLIDER_PLACES];
                uint64_t *older = &p->older[*link % COLLIDER_PLACES];

                if (place->logical != logical || place->seen_ns > t) {
                        link = older;
                        continue;
                }
                if (!found || place->seen_ns > ret->seen_ns)
                        *ret = *place;
                found = true;
                *link = *older;
        }
        return found;
}

static void decide_placed(Collider *c, Removal *r) {
        Meeting m = { .place = &r->place };

        r->collided = any_in_flight(c, r->time_ns, meets_place, &m);
        r->distance_ns = r->collided ? r->time_ns - m.begin_ns : nearest_scrub(c, &r->place, r->time_ns);
        if (r->distance_ns == UINT64_MAX)
                return;
        histogram_add(r->collided ? &c->aim.collided : &c->aim.missed, r->distance_ns);
        c->aim.nearness += (double)NEARNESS_NS / ((double)NEARNESS_NS + (double)r->distance_ns);
}

static void decide(Collider *c, const Queued *q) {
        Removal *r = &c->history[c->history_head++ % COLLIDER_HISTORY];

        *r = (Removal){ .time_ns = q->time_ns, .logical = q->logical, .length = q->length, .flags = q->flags, .distance_ns = UINT64_MAX };
        r->placed = take_place(&c->places, q->logical, q->time_ns, &r->place);
        if (r->placed)
                decide_placed(c, r);
        else
                r->collided = any_in_flight(c, q->time_ns, completes_devices, &(Devices){ .wanted = c->n_devices });
        c->collisions += r->collided;
}

static int compare_times(uint64_t a, uint64_t b) {
        return (a > b) - (a < b);
}

static int compare_queued(const void *a, const void *b) {
        return compare_times(((const Queued *)a)->time_ns, ((const Queued *)b)->time_ns);
}

static int compare_removals(const void *a, const void *b) {
        return compare_times(((const Removal *)a)->time_ns, ((const Removal *)b)->time_ns);
}

static bool has_windows(const Slot *s) {
        ScrubWindow w;

        return slot_window_current(s, &w) || atomic_load(&s->windows.head) > 0;
}

void collider_step(Collider *c, const Board *b) {
        for (size_t i = 0; i < BOARD_SLOTS; i++) {
                const Slot *s = &b->slots[i];

                if (!atomic_load(&s->touched))
                        continue;
                if (!c->windows[i] && has_windows(s))
                        c->windows[i] = new_windows(c); /* none: tried again with the next step, fewer collisions until then */
                if (c->windows[i])
                        read_windows(c->windows[i], s);
                read_places(&c->places, s, &c->places.cursors[i]);
        }
        qsort(c->queue, c->n_queued, sizeof(c->queue[0]), compare_queued);
        for (size_t i = 0; i < c->n_queued; i++)
                decide(c, &c->queue[i]);
        c->n_queued = 0;
}

uint64_t collider_removals(const Collider *c) {
        return c->removals;
}

uint64_t collider_collisions(const Collider *c) {
        return c->collisions;
}

uint64_t collider_hits(const Collider *c) {
        return c->hits;
}

const Aim *collider_aim(const Collider *c) {
        return &c->aim;
}

uint64_t collider_generation(const Collider *c) {
        return c->generation;
}

bool collider_has_collided(const Collider *c, uint64_t logical, uint64_t since_ns) {
        for (uint64_t i = 0; i < MIN_OF(c->history_head, (uint64_t)COLLIDER_HISTORY); i++) {
                const Removal *r = &c->history[(c->history_head - 1 - i) % COLLIDER_HISTORY];

                if (r->time_ns < since_ns)
                        return false;
                if (r->collided && logical - r->logical < r->length)
                        return true;
        }
        return false;
}

unsigned collider_history(const Collider *c, uint64_t since_ns, uint64_t until_ns, Removal *out, unsigned max) {
        unsigned n = 0;

        for (uint64_t i = 0; i < MIN_OF(c->history_head, (uint64_t)COLLIDER_HISTORY) && n < max; i++) {
                const Removal *r = &c->history[(c->history_head - 1 - i) % COLLIDER_HISTORY];

                if (r->time_ns >= since_ns && r->time_ns <= until_ns)
                        out[n++] = *r;
        }
        qsort(out, n, sizeof(out[0]), compare_removals);
        return n;
}

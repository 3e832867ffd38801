/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/scrub-aim.h"

#include <errno.h>
#include <stdlib.h>

#include "target/group-usage.h"

#define SLOW_EXTENT (64 * MiB) /* more than system groups have */
#define ANY_RANGE_OF 4         /* draws, one is of all ranges */

static int by_start(const void *a, const void *b) {
        const AimRange *x = a, *y = b;

        return (x->start > y->start) - (x->start < y->start);
}

static bool is_of_types(const ScrubAim *a, const Chunk *c) {
        return (c->type & a->types) != 0;
}

typedef struct Weighing {
        uint64_t floor;
        uint64_t *light;
        size_t n_light, n_below; /* all of them; those below the floor */
} Weighing;

/* The chunks are sorted by logical address. */
static int weigh(Weighing *w, const ScrubAim *a, const BtrfsOps *ops, int fd) {
        for (size_t i = 0; i < a->map.n_chunks; i++) {
                const Chunk *c = &a->map.chunks[i];
                uint64_t used;
                int r;

                if (!is_of_types(a, c))
                        continue;
                r = group_usage_read(&used, ops, fd, c);
                if (r < 0)
                        return r;
                if (used <= a->heavy) {
                        w->light[w->n_light++] = c->logical;
                        continue;
                }
                w->floor = c->logical + 1;
                w->n_below = w->n_light;
        }
        return 0;
}

int scrub_aim_weigh(ScrubAim *a, const BtrfsOps *ops, int fd) {
        _cleanup_free_ uint64_t *light = NULL;
        Weighing w = { 0 };
        int r = extent_map_read(&a->map, ops, fd);

        if (r < 0)
                return r;
        w.light = light = calloc(a->map.n_chunks + 1, sizeof(*light));
        if (!light)
                return -ENOMEM;
        r = weigh(&w, a, ops, fd);
        if (r < 0)
                return r;
        free(a->light);
        a->light = TAKE_PTR(light);
        a->n_light = w.n_below;
        a->floor = w.floor;
        return 0;
}

static int make_room(ScrubAim *a) {
        size_t need = a->map.n_chunks * EXTENT_MAP_STRIPES;
        AimRange *grown;

        if (need <= a->allocated)
                return 0;
        grown = reallocarray(a->ranges, need, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        a->ranges = grown;
        a->allocated = need;
        return 0;
}

/* Appends the extents of a chunk on this device: several for dup. */
static void add_extents(ScrubAim *a, const Chunk *c) {
        for (uint16_t i = 0; i < c->n_stripes; i++)
                if (c->stripes[i].devid == a->devid)
                        a->ranges[a->n_ranges++] = (AimRange){ c->stripes[i].physical, c->stripes[i].physical + c->extent_length };
}

/* Neighbours without a gap become one range. */
static void join(ScrubAim *a) {
        size_t n = 0;

        qsort(a->ranges, a->n_ranges, sizeof(*a->ranges), by_start);
        for (size_t i = 0; i < a->n_ranges; i++)
                if (n > 0 && a->ranges[n - 1].end == a->ranges[i].start)
                        a->ranges[n - 1].end = a->ranges[i].end;
                else
                        a->ranges[n++] = a->ranges[i];
        a->n_ranges = n;
}

/* Into the first n_system of the ranges, those that hold an extent of the group. */
static void bring_to_the_front(ScrubAim *a, const Chunk *c) {
        for (size_t i = a->n_system; i < a->n_ranges; i++)
                if (scrub_aim_meets(a, c, &a->ranges[i])) {
                        AimRange other = a->ranges[a->n_system];
                        a->ranges[a->n_system++] = a->ranges[i];
                        a->ranges[i] = other;
                }
}

/* The light groups below the floor that are still there, and all above it. */
static int read_light(ScrubAim *a, const BtrfsOps *ops, int fd) {
        a->map.n_chunks = 0;
        for (size_t i = 0; i < a->n_light; i++) {
                int r = extent_map_add(&a->map, ops, fd, a->light[i], a->light[i]);
                if (r < 0)
                        return r;
        }
        return extent_map_add(&a->map, ops, fd, a->floor, UINT64_MAX);
}

bool scrub_aim_is_slow(const Chunk *c) {
        const uint64_t striped = BTRFS_BLOCK_GROUP_RAID0 | BTRFS_BLOCK_GROUP_RAID10 | BTRFS_BLOCK_GROUP_RAID56_MASK;

        return c->type & striped && c->extent_length > SLOW_EXTENT;
}

static void add_groups(ScrubAim *a, AimPace pace) {
        for (size_t i = 0; i < a->map.n_chunks; i++)
                if (is_of_types(a, &a->map.chunks[i]) && (pace == AIM_ANY || scrub_aim_is_slow(&a->map.chunks[i]) == (pace == AIM_SLOW)))
                        add_extents(a, &a->map.chunks[i]);
}

int scrub_aim_look(ScrubAim *a, const BtrfsOps *ops, int fd) {
        int r;

        a->n_ranges = a->n_system = 0;
        r = read_light(a, ops, fd);
        if (r == 0)
                r = make_room(a);
        if (r < 0)
                return r;
        add_groups(a, a->pace);
        if (a->n_ranges == 0)
                add_groups(a, AIM_ANY);
        if (a->n_ranges > 1)
                join(a);
        for (size_t i = 0; i < a->map.n_chunks; i++)
                if (a->map.chunks[i].type & BTRFS_BLOCK_GROUP_SYSTEM && a->map.chunks[i].logical >= a->settled)
                        bring_to_the_front(a, &a->map.chunks[i]);
        return 0;
}

bool scrub_aim_draw(const ScrubAim *a, Rng *rng, AimRange *ret) {
        size_t n = a->n_ranges;

        if (n == 0)
                return false;
        if (a->n_system > 0 && rng_below(rng, ANY_RANGE_OF) > 0)
                n = a->n_system;
        *ret = a->ranges[rng_below(rng, n)];
        return true;
}

/* With dup both, which the kernel lays next to each other (volumes.c, create_chunk()). False: it has none on this device. */
static bool extents_on_device(const ScrubAim *a, const Chunk *c, AimRange *ret) {
        unsigned n = 0;

        for (uint16_t i = 0; i < c->n_stripes; i++) {
                uint64_t start = c->stripes[i].physical;

                if (c->stripes[i].devid != a->devid)
                        continue;
                if (n++ == 0)
                        *ret = (AimRange){ start, start + c->extent_length };
                else if (start == ret->end)
                        ret->end += c->extent_length;
                else if (start + c->extent_length == ret->start)
                        ret->start = start;
        }
        return n > 0;
}

/* New groups get addresses above all there are, and the map is sorted by them. NULL: there is none, or none is asked for. */
static const Chunk *oldest(const ScrubAim *a) {
        for (size_t i = 0; i < a->map.n_chunks; i++) {
                const Chunk *c = &a->map.chunks[i];
                if (c->logical >= a->settled && c->type & a->types & BTRFS_BLOCK_GROUP_SYSTEM)
                        for (uint16_t k = 0; k < c->n_stripes; k++)
                                if (c->stripes[k].devid == a->devid)
                                        return c;
        }
        return NULL;
}

bool scrub_aim_oldest(const ScrubAim *a, AimRange *ret) {
        const Chunk *c = oldest(a);

        return c && extents_on_device(a, c, ret);
}

void scrub_aim_scrubbed(ScrubAim *a) {
        const Chunk *c = oldest(a);

        if (!c)
                return;
        a->scrubbed = c->logical == a->oldest ? a->scrubbed + 1 : 1;
        a->oldest = c->logical;
        if (a->scrubbed == SCRUB_AIM_OUTLIVED)
                a->settled = c->logical + 1;
}

bool scrub_aim_meets(const ScrubAim *a, const Chunk *c, const AimRange *range) {
        for (uint16_t i = 0; i < c->n_stripes; i++)
                if (c->stripes[i].devid == a->devid && c->stripes[i].physical < range->end &&
                    range->start < c->stripes[i].physical + c->extent_length)
                        return true;
        return false;
}

void scrub_aim_free(ScrubAim *a) {
        free(a->light);
        free(a->ranges);
        extent_map_free(&a->map);
        *a = SCRUB_AIM_NULL;
}

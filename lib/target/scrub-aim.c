/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/scrub-aim.h"

#include <errno.h>
#include <stdlib.h>

#include "target/group-usage.h"

static int by_logical(const void *a, const void *b) {
        const uint64_t *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

static int by_start(const void *a, const void *b) {
        const AimRange *x = a, *y = b;

        return (x->start > y->start) - (x->start < y->start);
}

static bool is_of_types(const ScrubAim *a, const Chunk *c) {
        return (c->type & a->types) != 0;
}

/* The chunks are sorted by logical address, so what is found is. */
static int find_heavy(uint64_t *found, size_t *n, const ScrubAim *a, const BtrfsOps *ops, int fd) {
        for (size_t i = 0; i < a->map.n_chunks; i++) {
                const Chunk *c = &a->map.chunks[i];
                uint64_t used = 0;
                int r = is_of_types(a, c) ? group_usage_read(&used, ops, fd, c) : 0;
                if (r < 0)
                        return r;
                if (used > a->heavy)
                        found[(*n)++] = c->logical;
        }
        return 0;
}

/* The first group that is not heavy: new ones get addresses above all there are. */
static uint64_t floor_above(const uint64_t *heavy, size_t n, const ExtentMap *m) {
        size_t i = 0;

        while (i < n && heavy[i] == m->chunks[i].logical)
                i++;
        return i < m->n_chunks ? m->chunks[i].logical : i > 0 ? heavy[i - 1] + 1 : 0;
}

int scrub_aim_weigh(ScrubAim *a, const BtrfsOps *ops, int fd) {
        _cleanup_free_ uint64_t *found = NULL;
        size_t n = 0;
        int r = extent_map_read(&a->map, ops, fd);

        if (r < 0)
                return r;
        found = calloc(a->map.n_chunks + 1, sizeof(*found));
        if (!found)
                return -ENOMEM;
        r = find_heavy(found, &n, a, ops, fd);
        if (r < 0)
                return r;
        a->floor = floor_above(found, n, &a->map);
        a->n_heavy = n;
        free(a->heavy_groups);
        a->heavy_groups = TAKE_PTR(found);
        return 0;
}

static bool is_heavy(const ScrubAim *a, const Chunk *c) {
        return a->n_heavy > 0 && bsearch(&c->logical, a->heavy_groups, a->n_heavy, sizeof(*a->heavy_groups), by_logical);
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

int scrub_aim_look(ScrubAim *a, const BtrfsOps *ops, int fd) {
        int r;

        a->n_ranges = 0;
        r = extent_map_read_from(&a->map, ops, fd, a->floor);
        if (r == 0)
                r = make_room(a);
        if (r < 0)
                return r;
        for (size_t i = 0; i < a->map.n_chunks; i++)
                if (is_of_types(a, &a->map.chunks[i]) && !is_heavy(a, &a->map.chunks[i]))
                        add_extents(a, &a->map.chunks[i]);
        if (a->n_ranges > 1)
                join(a);
        return 0;
}

bool scrub_aim_meets(const ScrubAim *a, const Chunk *c, const AimRange *range) {
        for (uint16_t i = 0; i < c->n_stripes; i++)
                if (c->stripes[i].devid == a->devid && c->stripes[i].physical < range->end &&
                    range->start < c->stripes[i].physical + c->extent_length)
                        return true;
        return false;
}

void scrub_aim_free(ScrubAim *a) {
        free(a->heavy_groups);
        free(a->ranges);
        extent_map_free(&a->map);
        *a = SCRUB_AIM_NULL;
}

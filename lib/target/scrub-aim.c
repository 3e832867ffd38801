/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/scrub-aim.h"

#include <errno.h>
#include <stdlib.h>

#include "target/group-usage.h"

static int by_start(const void *a, const void *b) {
        const AimRange *x = a, *y = b;

        return (x->start > y->start) - (x->start < y->start);
}

/* Appends the extents of a chunk on this device: several for dup. */
static void add_extents(AimRange *extents, size_t *n, const Chunk *c, uint64_t devid) {
        for (uint16_t i = 0; i < c->n_stripes; i++)
                if (c->stripes[i].devid == devid)
                        extents[(*n)++] = (AimRange){ c->stripes[i].physical, c->stripes[i].physical + c->extent_length };
}

static int find_heavy(AimRange *extents, size_t *n, const ScrubAim *a, const BtrfsOps *ops, int fd) {
        for (size_t i = 0; i < a->map.n_chunks; i++) {
                uint64_t used;
                int r = group_usage_read(&used, ops, fd, &a->map.chunks[i]);
                if (r < 0)
                        return r;
                if (used > a->heavy)
                        add_extents(extents, n, &a->map.chunks[i], a->devid);
        }
        return 0;
}

/* In place: the gaps are one more than the extents at most, and there is room for it. */
static size_t gaps_between(AimRange *extents, size_t n) {
        uint64_t end = 0;
        size_t gaps = 0;

        for (size_t i = 0; i < n; i++) {
                AimRange extent = extents[i];
                if (extent.start > end)
                        extents[gaps++] = (AimRange){ end, extent.start };
                end = MAX_OF(end, extent.end);
        }
        extents[gaps++] = (AimRange){ end, UINT64_MAX };
        return gaps;
}

int scrub_aim_look(ScrubAim *a, const BtrfsOps *ops, int fd) {
        _cleanup_free_ AimRange *extents = NULL;
        size_t n = 0;
        int r = extent_map_read(&a->map, ops, fd);

        if (r < 0)
                return r;
        extents = calloc(a->map.n_chunks * EXTENT_MAP_STRIPES + 1, sizeof(*extents));
        if (!extents)
                return -ENOMEM;
        r = find_heavy(extents, &n, a, ops, fd);
        if (r < 0)
                return r;
        qsort(extents, n, sizeof(*extents), by_start);
        free(a->ranges);
        a->n_ranges = gaps_between(extents, n);
        a->ranges = TAKE_PTR(extents);
        return 0;
}

void scrub_aim_free(ScrubAim *a) {
        free(a->ranges);
        extent_map_free(&a->map);
        *a = SCRUB_AIM_NULL;
}

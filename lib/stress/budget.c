/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stress/budget.h"

#include "config/profile.h"
#include "stress/population.h"

#define WALK_BYTES_PER_SEC (20 * MiB)

#define COPIES_MOST 4 /* raid1c4 */

unsigned budget_copies(const char *profile, unsigned n_devices) {
        const Profile *p = profile_find(profile);
        unsigned n, n_data;

        if (!p)
                return COPIES_MOST;
        n = MAX_OF(n_devices, p->parity + 1);
        n_data = n - p->parity;
        return p->copies * ((n + n_data - 1) / n_data);
}

/* fs/btrfs/volumes.c init_alloc_chunk_ctl_policy_regular() and fs/btrfs/space-info.c calc_chunk_size(): 256 MiB up to 50 GiB, 1 GiB above,
 * and never more than a tenth of the filesystem. */
uint64_t budget_metadata_chunk(uint64_t total) {
        return MIN_OF(total > 50 * GiB ? GiB : 256 * MiB, total / 10);
}

/* Device replace sets each group read-only, makes a new one where the others have no room for what it holds, and fails with ENOSPC when it
 * cannot (block-group.c, btrfs_inc_block_group_ro() with do_chunk_alloc); a scrub goes on without. The new ones go when the cleaner runs. */
#define REPLACE_GROUPS 2

static uint64_t replace_room(const Config *c, const Target *t, uint64_t total) {
        uint64_t group = t->data_chunk_size ?: MIN_OF(GiB, total / 10);

        return c->replace.enabled ? REPLACE_GROUPS * group * budget_copies(c->target.data_profile, t->n_devices) : 0;
}

void budget_make(Budget *b, const Config *c, const Target *t) {
        uint64_t total = 0;

        for (unsigned i = 0; i < t->n_devices; i++)
                total += t->devices[i].size;
        b->headroom = 2 * (t->metadata_chunk_size ?: budget_metadata_chunk(total));
        b->headroom *= budget_copies(config_metadata_profile(c), t->n_devices);
        b->headroom += replace_room(c, t, total);
        b->data_copies = budget_copies(c->target.data_profile, t->n_devices);
}

bool budget_room(const Budget *b, uint64_t unallocated, uint64_t length) {
        return unallocated >= b->headroom && (unallocated - b->headroom) / b->data_copies >= length;
}

uint64_t budget_unallocated(const Target *t, const BtrfsOps *ops, int fd) {
        uint64_t sum = 0;

        for (unsigned i = 0; i < t->n_devices; i++) {
                BtrfsDevice d;
                if (ops->device_info(fd, t->devices[i].devid, &d) == 0 && d.bytes_used < d.total_bytes)
                        sum += d.total_bytes - d.bytes_used;
        }
        return sum;
}

/* What may stay in the group of the churn's files: the soak's Populate=, with its small file. */
#define CHURN_SLACK (16 * MiB + POPULATION_SMALL_BYTES)

/* A snapshot, and one that is not all dropped yet, keep the files of earlier cycles. */
uint64_t budget_churn_bytes(const Config *c) {
        return c->churn.workers * c->churn.files * c->churn.file_size * (c->snapshot.enabled ? 3 : 1) + CHURN_SLACK;
}

#define DAY_NS (86400e9)

uint64_t budget_write_limit(const Config *c, const Target *t, uint64_t stress_ns) {
        const WriteBudget *w = &c->churn.write_budget;
        double raw = 0;

        if (w->bytes > 0)
                return w->bytes;
        if (w->milli_dwpd == 0)
                return UINT64_MAX;
        for (unsigned i = 0; i < t->n_devices; i++)
                raw += (double)t->devices[i].size;
        raw = raw * (double)w->milli_dwpd / 1000 * (double)stress_ns / DAY_NS / budget_copies(c->target.data_profile, t->n_devices);
        return raw < (double)INT64_MAX ? (uint64_t)raw : UINT64_MAX;
}

uint64_t budget_walk_ns(uint64_t bytes) {
        return bytes / WALK_BYTES_PER_SEC * NSEC_PER_SEC;
}

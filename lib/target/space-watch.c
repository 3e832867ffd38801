/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/space-watch.h"

#include "base/clock.h"
#include "base/units.h"

#define POLL_NS (50 * NSEC_PER_MSEC)
#define PATIENCE 4
#define SUPER_MIRRORS 3
#define STRIPE (64 * KiB)
#define RISES 8
#define RISEN_LEAST (64 * MiB)

/* What must be nothing; read-only first, for it does not change meanwhile. */
static const struct {
        SpaceType type;
        SpaceCount count;
} rules[] = {
        { SPACE_DATA, SPACE_READONLY },     { SPACE_METADATA, SPACE_READONLY }, { SPACE_SYSTEM, SPACE_READONLY },
        { SPACE_DATA, SPACE_MAY_USE },      { SPACE_DATA, SPACE_PINNED },       { SPACE_METADATA, SPACE_PINNED },
        { SPACE_SYSTEM, SPACE_PINNED },
};

typedef struct Leak {
        SpaceType type;
        SpaceCount count;
        uint64_t bytes; /* as counted */
} Leak;

/* Of every superblock that lies in a block group a stripe is counted as read-only, of RAID 5 and 6 a row of stripes (exclude_super_stripes(),
 * fs/btrfs/block-group.c), and so may be the very beginning. */
static uint64_t super_bytes(const Target *t) {
        return STRIPE + SUPER_MIRRORS * STRIPE * t->n_devices * t->n_devices;
}

static bool leak_find(Leak *ret, const SpaceWatch *w, const Target *t, const Space *s) {
        for (size_t i = 0; i < ELEMENTSOF(rules); i++) {
                bool readonly = rules[i].count == SPACE_READONLY;

                *ret = (Leak){ rules[i].type, rules[i].count, s->bytes[rules[i].type][rules[i].count] };
                if (readonly && w->readonly[ret->type])
                        continue;
                if (ret->bytes > (readonly ? super_bytes(t) : 0))
                        return true;
        }
        return false;
}

/*
 * What is pinned is let go at the end of the commit (btrfs_finish_extent_commit()), and what the cleaner does next is pinned until the next one; a
 * group is read-only for as long as the cleaner has it in hand. All of that changes from commit to commit. What is lost does not. A relocation of
 * somebody else's may take as long as it likes.
 */
static bool leak_stays(Leak *ret, Space *s, const SpaceWatch *w, const SpaceLook *l) {
        uint64_t needed = l->wait_ns / POLL_NS + 2, steady = 0;
        Leak before = { 0 };

        for (uint64_t i = 0; i < PATIENCE * needed; i++) {
                if (space_read(s, l->target, l->root) != 0 || !leak_find(ret, w, l->target, s) || space_is_moved(l->target, l->root))
                        return false;
                steady = ret->type == before.type && ret->count == before.count && ret->bytes == before.bytes ? steady + 1 : 0;
                if (steady == needed)
                        return true;
                before = *ret;
                clock_sleep_ns(POLL_NS);
                if (l->ops->sync(l->fd) != 0)
                        return false;
        }
        return false;
}

static uint64_t promised(const Space *s) {
        uint64_t bytes = s->bytes[SPACE_METADATA][SPACE_MAY_USE];

        return bytes - MIN_OF(bytes, s->global_reserve);
}

/* Mount makes groups read-only that have fewer copies than others of their type (btrfs_read_block_groups()). */
static void begin(SpaceWatch *w, const Target *t, const Space *s) {
        *w = (SpaceWatch){ .begun = true, .promised_first = promised(s), .promised_most = promised(s) };
        for (SpaceType type = 0; type < _SPACE_TYPE_MAX; type++)
                w->readonly[type] = s->bytes[type][SPACE_READONLY] > super_bytes(t);
}

static bool has_risen(SpaceWatch *w, uint64_t bytes) {
        w->rises = bytes > w->promised_most ? w->rises + 1 : 0;
        w->promised_most = MAX_OF(w->promised_most, bytes);
        return w->rises >= RISES && bytes > RISEN_LEAST && bytes / 2 > w->promised_first;
}

uint64_t space_watch_look(SpaceWatch *w, const SpaceLook *l, char *text, size_t size) {
        char time[UNITS_MAX];
        Space s;
        Leak leak;

        if (space_read(&s, l->target, l->root) != 0)
                return 0;
        if (!w->begun) {
                begin(w, l->target, &s);
                return 0;
        }
        if (leak_stays(&leak, &s, w, l)) {
                const uint64_t *bytes = s.bytes[leak.type];

                snprintf(text, size, "%s of %s stayed at %llu for %s of syncs of the quiesced target (total_bytes %llu, bytes_used %llu)",
                         space_count_names[leak.count], space_type_names[leak.type], (unsigned long long)leak.bytes,
                         units_human_duration(l->wait_ns, time), (unsigned long long)bytes[SPACE_TOTAL], (unsigned long long)bytes[SPACE_USED]);
                return leak.bytes;
        }
        if (!has_risen(w, promised(&s)))
                return 0;
        snprintf(text, size, "bytes_may_use of metadata, beside the global reserve, was higher than ever before at each of %u quiet moments in a row: "
                 "%llu at the first of all, now %llu (total_bytes %llu, bytes_used %llu)", w->rises, (unsigned long long)w->promised_first,
                 (unsigned long long)promised(&s), (unsigned long long)s.bytes[SPACE_METADATA][SPACE_TOTAL],
                 (unsigned long long)s.bytes[SPACE_METADATA][SPACE_USED]);
        return promised(&s) - w->promised_first;
}

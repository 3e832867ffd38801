/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/board.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/clock.h"
#include "base/macro.h"

/* A writer is in its critical section for some nanoseconds; one that stays longer is preempted or dead. */
#define CURRENT_TRIES 1000

Board *board_new(void) {
        void *p = mmap(NULL, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                return NULL;
        /* Most of it is never touched, so that huge pages would only be waste; a kernel without them says EINVAL, which is as good. */
        madvise(p, sizeof(Board), MADV_NOHUGEPAGE);
        return p;
}

void board_keep_block(Board *b, const char *text, const void *found, const void *expected, size_t length) {
        for (unsigned i = 0; i < BOARD_BLOCKS_KEPT; i++) {
                BlockKept *k = &b->blocks[i];
                uint32_t none = 0;

                if (!atomic_compare_exchange_strong(&k->state, &none, 1))
                        continue;
                snprintf(k->text, sizeof(k->text), "%s", text);
                k->length = (uint32_t)MIN_OF(length, sizeof(k->found));
                memcpy(k->found, found, k->length);
                memcpy(k->expected, expected, k->length);
                atomic_store(&k->state, 2);
                return;
        }
}

const BlockKept *board_block(const Board *b, unsigned i) {
        return i < BOARD_BLOCKS_KEPT && atomic_load(&b->blocks[i].state) == 2 ? &b->blocks[i] : NULL;
}

void board_free(Board *b) {
        if (b)
                munmap(b, sizeof(Board));
}

void board_freep(Board **b) {
        board_free(*b);
}

void board_set_phase(Board *b, Phase phase) {
        atomic_store(&b->phase, (uint32_t)phase);
        syscall(SYS_futex, &b->phase, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

Phase board_phase(const Board *b) {
        return (Phase)atomic_load(&b->phase);
}

void board_wait_phase(Board *b, Phase phase, uint64_t timeout_ns) {
        uint64_t begin = clock_mono_ns(), spent = 0;

        while (board_phase(b) == phase && spent < timeout_ns) {
                uint64_t left = timeout_ns - spent;
                struct timespec ts = { .tv_sec = (time_t)(left / NSEC_PER_SEC), .tv_nsec = (long)(left % NSEC_PER_SEC) };

                syscall(SYS_futex, &b->phase, FUTEX_WAIT, (uint32_t)phase, &ts, NULL, 0);
                spent = clock_mono_ns() - begin;
        }
}

void board_set_knob(Board *b, Knob k, uint64_t setting) {
        atomic_store_explicit(&b->knobs[k], setting + 1, memory_order_relaxed);
}

uint64_t board_knob(const Board *b, Knob k, const Config *c) {
        uint64_t set = atomic_load_explicit(&b->knobs[k], memory_order_relaxed);

        return set > 0 ? set - 1 : knob_asked(k, c);
}

void board_set_write_limit(Board *b, uint64_t bytes) {
        atomic_store_explicit(&b->write_limit, bytes + 1, memory_order_relaxed);
}

bool board_may_write(const Board *b) {
        uint64_t limit = atomic_load_explicit(&b->write_limit, memory_order_relaxed);

        return limit == 0 || board_bytes_written(b) < limit - 1;
}

/* Set before anything below the slot's first page is written: the supervisor need not read (and thereby allocate) what nobody wrote. */
static void touch(Slot *s) {
        if (!atomic_load_explicit(&s->touched, memory_order_relaxed))
                atomic_store_explicit(&s->touched, true, memory_order_release);
}

static bool touched(const Slot *s) {
        return atomic_load_explicit(&s->touched, memory_order_acquire);
}

static unsigned tally_index(int result) {
        if (result <= 0 && result > -TALLY_POSITIVE)
                return (unsigned)-result;
        if (result > 0 && result < TALLY_OTHER - TALLY_POSITIVE)
                return TALLY_POSITIVE + (unsigned)result;
        return TALLY_OTHER;
}

void slot_count(Slot *s, Operation op, int result) {
        if ((unsigned)op >= _OP_MAX)
                return;
        touch(s);
        atomic_fetch_add_explicit(&s->tally[op][tally_index(result)], 1, memory_order_relaxed);
}

void slot_time(Slot *s, Operation op, uint64_t ns) {
        if ((unsigned)op >= _OP_MAX)
                return;
        touch(s);
        histogram_add(&s->latency[op], ns);
}

/*
 * The rings. The writer fills the entry behind the newest and then moves the head; so while the head is h, the entry h - size may be
 * in the middle of being overwritten, and size - 1 entries are safe to read. The reader copies first and looks at the head again after.
 * The fences order the copy against the head on both sides, as in a sequence lock.
 */
static void ring_publish(_Atomic uint64_t *head, void *entry, const void *value, size_t size) {
        atomic_thread_fence(memory_order_release);
        memcpy(entry, value, size);
        atomic_fetch_add_explicit(head, 1, memory_order_release);
}

typedef struct Ring {
        const _Atomic uint64_t *head;
        const char *entries;
        size_t entry_size;
        uint64_t n_entries;
} Ring;

/* Entries that a writer may have overwritten are skipped, and some more, so that the next copy is not lost to it too. */
static uint64_t ring_skip(const Ring *r, uint64_t head, uint64_t cursor) {
        return head - cursor < r->n_entries ? 0 : head - cursor - r->n_entries / 4 * 3;
}

static unsigned ring_drain(const Ring *r, uint64_t *cursor, void *out, unsigned max, uint64_t *lost) {
        uint64_t end = atomic_load_explicit(r->head, memory_order_acquire), skip = ring_skip(r, end, *cursor);
        unsigned n = 0;

        *lost = 0;
        while (n < max && *cursor + skip < end) {
                *cursor += skip;
                *lost += skip;
                memcpy((char *)out + n * r->entry_size, r->entries + *cursor % r->n_entries * r->entry_size, r->entry_size);
                atomic_thread_fence(memory_order_acquire);
                skip = ring_skip(r, atomic_load_explicit(r->head, memory_order_relaxed), *cursor);
                if (skip > 0)
                        continue;
                n++;
                (*cursor)++;
        }
        return n;
}

/* A predecessor in this slot may have been killed with the counter odd: what counts is that it changes, and is odd while we write. */
static void current_write(Slot *s, const ScrubWindow *w) {
        uint32_t odd = (atomic_load_explicit(&s->windows.current_seq, memory_order_relaxed) + 1) | 1;

        atomic_store_explicit(&s->windows.current_seq, odd, memory_order_relaxed);
        atomic_thread_fence(memory_order_release);
        s->windows.current = *w;
        atomic_store_explicit(&s->windows.current_seq, odd + 1, memory_order_release);
}

void slot_window_open(Slot *s, uint64_t devid, uint64_t start, uint64_t end, uint64_t begin_ns) {
        touch(s);
        current_write(s, &(ScrubWindow){ .devid = devid, .start = start, .end = end, .begin_ns = begin_ns });
}

/* First into the ring, then not current any more: a reader that looks at them in the other order misses none. */
void slot_window_close(Slot *s, uint64_t finish_ns) {
        uint64_t head = atomic_load_explicit(&s->windows.head, memory_order_relaxed);
        ScrubWindow w;

        if (slot_window_current(s, &w)) {
                w.finish_ns = finish_ns;
                ring_publish(&s->windows.head, &s->windows.ring[head % BOARD_WINDOWS], &w, sizeof(w));
        }
        if (touched(s))
                current_write(s, &(ScrubWindow){ 0 });
}

void slot_place(Slot *s, const GroupPlace *place) {
        uint64_t head = atomic_load_explicit(&s->places.head, memory_order_relaxed);

        touch(s);
        ring_publish(&s->places.head, &s->places.ring[head % BOARD_PLACES], place, sizeof(*place));
}

uint64_t board_tally(const Board *b, Operation op, unsigned index) {
        uint64_t sum = 0;

        if ((unsigned)op >= _OP_MAX || index >= TALLY_SLOTS)
                return 0;
        for (size_t i = 0; i < BOARD_SLOTS; i++)
                if (touched(&b->slots[i]))
                        sum += atomic_load_explicit(&b->slots[i].tally[op][index], memory_order_relaxed);
        return sum;
}

static uint64_t slot_calls(const Slot *s, Operation op) {
        uint64_t sum = 0;

        for (unsigned index = 0; (unsigned)op < _OP_MAX && touched(s) && index < TALLY_SLOTS; index++)
                sum += atomic_load_explicit(&s->tally[op][index], memory_order_relaxed);
        return sum;
}

uint64_t board_calls(const Board *b, Operation op) {
        uint64_t sum = 0;

        for (size_t i = 0; i < BOARD_SLOTS; i++)
                sum += slot_calls(&b->slots[i], op);
        return sum;
}

/* Those of slots that never called it are not read: reading allocates them. */
void board_latency(const Board *b, Operation op, Histogram *add_to) {
        for (size_t i = 0; i < BOARD_SLOTS; i++)
                if (slot_calls(&b->slots[i], op) > 0)
                        histogram_merge(add_to, &b->slots[i].latency[op]);
}

uint64_t board_bytes_written(const Board *b) {
        uint64_t sum = 0;

        for (size_t i = 0; i < BOARD_SLOTS; i++)
                sum += atomic_load_explicit(&b->slots[i].bytes_written, memory_order_relaxed);
        return sum;
}

uint64_t board_groups_gone(const Board *b) {
        uint64_t sum = 0;

        for (size_t i = 0; i < BOARD_SLOTS; i++)
                sum += atomic_load_explicit(&b->slots[i].groups_gone, memory_order_relaxed);
        return sum;
}

void slot_reset(Slot *s) {
        atomic_store(&s->paused, false);
        atomic_store(&s->op, OP_NONE);
        atomic_store(&s->heartbeat_ns, clock_mono_ns());
        if (touched(s))
                current_write(s, &(ScrubWindow){ 0 });
}

bool slot_window_current(const Slot *s, ScrubWindow *ret) {
        if (!touched(s))
                return false;
        for (unsigned try = 0; try < CURRENT_TRIES; try++) {
                uint32_t before = atomic_load_explicit(&s->windows.current_seq, memory_order_acquire);

                *ret = s->windows.current;
                atomic_thread_fence(memory_order_acquire);
                if (before % 2 == 0 && atomic_load_explicit(&s->windows.current_seq, memory_order_relaxed) == before)
                        return ret->begin_ns != 0;
        }
        return false;
}

unsigned slot_windows_drain(const Slot *s, uint64_t *cursor, ScrubWindow *out, unsigned max, uint64_t *lost) {
        const Ring r = { &s->windows.head, (const char *)s->windows.ring, sizeof(*out), BOARD_WINDOWS };

        *lost = 0;
        return touched(s) ? ring_drain(&r, cursor, out, max, lost) : 0;
}

unsigned slot_places_drain(const Slot *s, uint64_t *cursor, GroupPlace *out, unsigned max, uint64_t *lost) {
        const Ring r = { &s->places.head, (const char *)s->places.ring, sizeof(*out), BOARD_PLACES };

        *lost = 0;
        return touched(s) ? ring_drain(&r, cursor, out, max, lost) : 0;
}

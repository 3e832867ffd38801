/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/clock.h"
#include "observe/board.h"

typedef struct Writer {
        Slot *slot;
        uint64_t n;        /* windows to write; 0: until killed */
        uint64_t pause_ns; /* after every 64 */
} Writer;

/* Each field follows from begin_ns, so that a torn copy shows. */
static void assert_whole(const ScrubWindow *w) {
        assert_int_equal(w->devid, w->begin_ns * 3);
        assert_int_equal(w->start, w->begin_ns * 5);
        assert_int_equal(w->end, w->begin_ns * 7);
}

static int write_windows(void *arg) {
        const Writer *w = arg;

        for (uint64_t i = 1; w->n == 0 || i <= w->n; i++) {
                slot_window_open(w->slot, i * 3, i * 5, i * 7, i);
                slot_window_close(w->slot, i * 11);
                if (w->pause_ns > 0 && i % 64 == 0)
                        clock_sleep_ns(w->pause_ns);
        }
        return 0;
}

static void tally_counts_every_result(void **state _unused_) {
        _cleanup_(board_freep) Board *b = board_new();

        assert_non_null(b);
        slot_count(&b->slots[0], OP_SCRUB, 0);
        slot_count(&b->slots[1], OP_SCRUB, 0);
        slot_count(&b->slots[63], OP_SCRUB, -EINVAL);
        slot_count(&b->slots[2], OP_BALANCE, 8);
        slot_count(&b->slots[2], OP_BALANCE, -133);
        slot_count(&b->slots[2], OP_BALANCE, -134);
        slot_count(&b->slots[2], OP_BALANCE, INT32_MIN);
        slot_count(&b->slots[2], OP_BALANCE, INT32_MAX);
        slot_count(&b->slots[2], OP_BALANCE, TALLY_OTHER - TALLY_POSITIVE);
        slot_count(&b->slots[2], (Operation)_OP_MAX, 0);
        assert_int_equal(board_tally(b, OP_SCRUB, 0), 2);
        assert_int_equal(board_tally(b, OP_SCRUB, EINVAL), 1);
        assert_int_equal(board_calls(b, OP_SCRUB), 3);
        assert_int_equal(board_tally(b, OP_BALANCE, TALLY_POSITIVE + 8), 1);
        assert_int_equal(board_tally(b, OP_BALANCE, 133), 1);
        assert_int_equal(board_tally(b, OP_BALANCE, TALLY_OTHER), 4);
        assert_int_equal(board_calls(b, OP_BALANCE), 6);
        assert_int_equal(board_calls(b, OP_SYNC), 0);
        assert_int_equal(board_tally(b, OP_SCRUB, TALLY_SLOTS), 0);
        atomic_store(&b->slots[5].bytes_written, 7);
        atomic_store(&b->slots[6].bytes_written, 5);
        assert_int_equal(board_bytes_written(b), 12);
        atomic_store(&b->slots[5].groups_gone, 3);
        assert_int_equal(board_groups_gone(b), 3);
}

static void latencies_add_up_over_workers(void **state _unused_) {
        _cleanup_(board_freep) Board *b = board_new();
        Histogram scrub = { 0 }, sync = { 0 };

        for (unsigned i = 0; i < 3; i++) {
                slot_count(&b->slots[i], OP_SCRUB, i == 2 ? -EINVAL : 0);
                slot_time(&b->slots[i], OP_SCRUB, 100 << i);
        }
        slot_time(&b->slots[0], (Operation)_OP_MAX, 1);
        board_latency(b, OP_SCRUB, &scrub);
        board_latency(b, OP_SYNC, &sync);
        assert_int_equal(histogram_count(&scrub), 3);
        assert_int_equal(histogram_max(&scrub), 400);
        assert_int_equal(histogram_below(&scrub, 150), 1);
        assert_int_equal(histogram_count(&sync), 0);
}

static void a_knob_is_as_configured_until_it_is_set(void **state _unused_) {
        _cleanup_(board_freep) Board *b = board_new();
        Config c = { .sync.rest_ns = 5, .churn.files = 3 };

        assert_int_equal(board_knob(b, KNOB_SYNC_REST, &c), 5);
        board_set_knob(b, KNOB_SYNC_REST, 0);
        assert_int_equal(board_knob(b, KNOB_SYNC_REST, &c), 0);
        assert_int_equal(board_knob(b, KNOB_FILES, &c), 3);
}

static int wait_for_pause(void *arg) {
        board_wait_phase(arg, PHASE_RUN, 20 * NSEC_PER_SEC);
        return (int)board_phase(arg);
}

static void phase_wakes_another_process(void **state _unused_) {
        _cleanup_(board_freep) Board *b = board_new();
        Child c = CHILD_NULL;
        uint64_t begin;
        int status;

        assert_int_equal(child_fork(&c, "waiter", wait_for_pause, b), 0);
        clock_sleep_ns(100 * NSEC_PER_MSEC);
        assert_int_equal(child_reap(&c, &status), 0);
        begin = clock_mono_ns();
        board_set_phase(b, PHASE_PAUSE);
        assert_int_equal(child_wait(&c, 10 * NSEC_PER_SEC, &status), 1);
        assert_true(clock_mono_ns() - begin < 5 * NSEC_PER_SEC);
        assert_int_equal(WEXITSTATUS(status), PHASE_PAUSE);

        begin = clock_mono_ns();
        board_wait_phase(b, PHASE_PAUSE, 50 * NSEC_PER_MSEC);
        assert_true(clock_mono_ns() - begin >= 50 * NSEC_PER_MSEC);
        begin = clock_mono_ns();
        board_wait_phase(b, PHASE_RUN, 10 * NSEC_PER_SEC);
        assert_true(clock_mono_ns() - begin < NSEC_PER_SEC);
}

static void windows_open_and_close(void **state _unused_) {
        _cleanup_(board_freep) Board *b = board_new();
        Slot *s = &b->slots[3];
        ScrubWindow w, out[4];
        uint64_t cursor = 0, lost = 99;

        assert_false(slot_window_current(s, &w));
        slot_window_close(s, 5);
        assert_int_equal(slot_windows_drain(s, &cursor, out, 4, &lost), 0);
        assert_int_equal(lost, 0);
        slot_window_open(s, 1, 10, 20, 100);
        assert_true(slot_window_current(s, &w));
        assert_int_equal(w.devid, 1);
        assert_int_equal(w.end, 20);
        assert_int_equal(w.finish_ns, 0);
        assert_int_equal(slot_windows_drain(s, &cursor, out, 4, &lost), 0);
        slot_window_close(s, 200);
        slot_window_close(s, 300);
        assert_false(slot_window_current(s, &w));
        assert_int_equal(slot_windows_drain(s, &cursor, out, 4, &lost), 1);
        assert_int_equal(out[0].begin_ns, 100);
        assert_int_equal(out[0].finish_ns, 200);
        slot_window_open(s, 1, 10, 20, 400);
        slot_reset(s);
        assert_false(slot_window_current(s, &w));
        assert_int_equal(slot_windows_drain(s, &cursor, out, 4, &lost), 0);
}

static void places_come_in_order(void **state _unused_) {
        _cleanup_(board_freep) Board *b = board_new();
        GroupPlace out[3];
        uint64_t cursor = 0, lost, n = 0;

        for (uint64_t i = 0; i < 10; i++)
                slot_place(&b->slots[0], &(GroupPlace){ .logical = i, .n_extents = 8, .extents[7] = { i, i } });
        for (unsigned got; (got = slot_places_drain(&b->slots[0], &cursor, out, 3, &lost)) > 0;)
                for (unsigned i = 0; i < got; i++, n++) {
                        assert_int_equal(out[i].logical, n);
                        assert_int_equal(out[i].extents[7].physical, n);
                }
        assert_int_equal(n, 10);
        assert_int_equal(cursor, 10);
}

/* Every window is either handed out whole, in order, or counted as lost. */
static uint64_t drain_all(const Slot *s, uint64_t *cursor, uint64_t *next, uint64_t *ret_lost) {
        ScrubWindow out[100];
        uint64_t lost, got = 0;
        unsigned n;

        do {
                n = slot_windows_drain(s, cursor, out, 100, &lost);
                *ret_lost += lost;
                for (unsigned i = 0; i < n; i++) {
                        assert_whole(&out[i]);
                        assert_int_equal(out[i].finish_ns, out[i].begin_ns * 11);
                        assert_true(out[i].begin_ns >= *next);
                        *next = out[i].begin_ns + 1;
                }
                got += n;
        } while (n > 0);
        return got;
}

static void overrun_is_counted(void **state _unused_) {
        _cleanup_(board_freep) Board *b = board_new();
        uint64_t cursor = 0, next = 1, lost = 0, got;

        write_windows(&(Writer){ .slot = &b->slots[0], .n = BOARD_WINDOWS - 1 });
        assert_int_equal(drain_all(&b->slots[0], &cursor, &next, &lost), BOARD_WINDOWS - 1);
        assert_int_equal(lost, 0);
        /* one more: its place is that of the entry after the oldest, which the writer might be filling now */
        write_windows(&(Writer){ .slot = &b->slots[2], .n = BOARD_WINDOWS });
        cursor = 0;
        next = 1;
        got = drain_all(&b->slots[2], &cursor, &next, &lost);
        assert_true(lost > 0);
        assert_int_equal(got + lost, BOARD_WINDOWS);
        lost = 0;
        write_windows(&(Writer){ .slot = &b->slots[1], .n = 3 * BOARD_WINDOWS });
        cursor = 0;
        next = 1;
        got = drain_all(&b->slots[1], &cursor, &next, &lost);
        assert_true(got >= BOARD_WINDOWS / 2 && got < BOARD_WINDOWS);
        assert_int_equal(got + lost, 3 * BOARD_WINDOWS);
        assert_int_equal(next, 3 * BOARD_WINDOWS + 1);
}

static void read_while_written(uint64_t n, uint64_t pause_ns, uint64_t sleep_ns, bool may_lose) {
        _cleanup_(board_freep) Board *b = board_new();
        uint64_t cursor = 0, next = 1, lost = 0, got = 0, seen_open = 0, until = clock_mono_ns() + 20 * NSEC_PER_SEC;
        Child c = CHILD_NULL;
        int status = 0, ended = 0;

        assert_int_equal(child_fork(&c, "writer", write_windows, &(Writer){ &b->slots[0], n, pause_ns }), 0);
        while (!ended && clock_mono_ns() < until) {
                ScrubWindow w;

                ended = child_reap(&c, &status);
                if (slot_window_current(&b->slots[0], &w)) {
                        assert_whole(&w);
                        seen_open++;
                }
                got += drain_all(&b->slots[0], &cursor, &next, &lost);
                clock_sleep_ns(sleep_ns);
        }
        child_kill(&c, SIGKILL);
        assert_int_equal(ended, 1);
        assert_int_equal(got + lost, n);
        assert_int_equal(next, n + 1);
        if (may_lose)
                assert_true(lost > 0);
        else
                assert_int_equal(lost, 0);
        print_message("read while written: %llu got, %llu lost, %llu times seen in flight\n", (unsigned long long)got,
                      (unsigned long long)lost, (unsigned long long)seen_open);
}

static void a_reader_in_time_loses_nothing(void **state _unused_) {
        read_while_written(50000, NSEC_PER_MSEC, NSEC_PER_MSEC, false);
}

static void a_slow_reader_never_sees_a_torn_window(void **state _unused_) {
        read_while_written(20000000, 0, 0, true);
}

static void the_window_in_flight_is_never_torn(void **state _unused_) {
        _cleanup_(board_freep) Board *b = board_new();
        uint64_t until = clock_mono_ns() + 2 * NSEC_PER_SEC, seen = 0;
        Child c = CHILD_NULL;
        int status;

        assert_int_equal(child_fork(&c, "writer", write_windows, &(Writer){ .slot = &b->slots[0] }), 0);
        while (seen < 3000000 && clock_mono_ns() < until)
                for (unsigned i = 0; i < 1000; i++) {
                        ScrubWindow w;

                        if (!slot_window_current(&b->slots[0], &w))
                                continue;
                        seen++;
                        assert_whole(&w);
                        assert_int_equal(w.finish_ns, 0);
                }
        child_kill(&c, SIGKILL);
        assert_int_equal(child_wait(&c, 10 * NSEC_PER_SEC, &status), 1);
        assert_true(seen > 100);
}

static void a_killed_writer_blocks_nobody(void **state _unused_) {
        unsigned torn = 0;

        for (unsigned i = 0; i < 200; i++) {
                _cleanup_(board_freep) Board *b = board_new();
                Slot *s = &b->slots[0];
                uint64_t cursor = 0, next = 1, lost = 0, before, sink = 0;
                Child c = CHILD_NULL;
                ScrubWindow w;
                int status;

                assert_int_equal(child_fork(&c, "writer", write_windows, &(Writer){ .slot = s }), 0);
                while (atomic_load(&s->windows.head) < 1000 + i)
                        ;
                assert_int_equal(child_kill(&c, SIGKILL), 0);
                assert_int_equal(child_wait(&c, 10 * NSEC_PER_SEC, &status), 1);
                torn += atomic_load(&s->windows.current_seq) % 2;
                before = clock_mono_ns();
                if (slot_window_current(s, &w))
                        assert_whole(&w);
                drain_all(s, &cursor, &next, &lost);
                assert_true(clock_mono_ns() - before < NSEC_PER_SEC);
                slot_window_close(s, UINT64_MAX); /* what is current now is dropped or closed, in either state */
                slot_windows_drain(s, &cursor, &w, 1, &sink);
                /* the next worker in the same slot */
                slot_window_open(s, 3, 5, 7, 1);
                assert_true(slot_window_current(s, &w));
                assert_whole(&w);
                slot_window_close(s, 11);
                assert_int_equal(slot_windows_drain(s, &cursor, &w, 1, &sink), 1);
                assert_whole(&w);
        }
        print_message("%u of 200 writers were killed while writing the window in flight\n", torn);
}

/* As if killed between the two halves of the sequence lock: that moment, not left to chance. */
static void a_torn_window_is_given_up(void **state _unused_) {
        _cleanup_(board_freep) Board *b = board_new();
        Slot *s = &b->slots[0];
        uint64_t cursor = 0, lost;
        ScrubWindow w;

        slot_window_open(s, 3, 5, 7, 1);
        atomic_fetch_add(&s->windows.current_seq, 1);
        s->windows.current.devid = 77;
        assert_false(slot_window_current(s, &w));
        slot_window_close(s, 9);
        assert_int_equal(slot_windows_drain(s, &cursor, &w, 1, &lost), 0);
        assert_false(slot_window_current(s, &w));
        atomic_store(&s->windows.current_seq, 41);
        slot_window_open(s, 3, 5, 7, 1);
        assert_int_equal(atomic_load(&s->windows.current_seq) % 2, 0);
        assert_true(slot_window_current(s, &w));
        assert_whole(&w);
}

/* A reading page fault on shared memory allocates: looking at unused slots must cost one page each, not all of them. */
static void unused_slots_cost_no_memory(void **state _unused_) {
        _cleanup_(board_freep) Board *b = board_new();
        size_t page = (size_t)sysconf(_SC_PAGESIZE), n = (sizeof(Board) + page - 1) / page, resident = 0;
        _cleanup_free_ unsigned char *map = calloc(n, 1);

        slot_count(&b->slots[0], OP_SCRUB, 0);
        for (unsigned i = 0; i < BOARD_SLOTS; i++) {
                uint64_t cursor = 0, lost;
                GroupPlace place;
                ScrubWindow w;

                slot_window_current(&b->slots[i], &w);
                slot_windows_drain(&b->slots[i], &cursor, &w, 1, &lost);
                slot_places_drain(&b->slots[i], &cursor, &place, 1, &lost);
        }
        for (int op = 0; op < _OP_MAX; op++)
                board_calls(b, (Operation)op);
        board_bytes_written(b);
        assert_int_equal(mincore(b, sizeof(Board), map), 0);
        for (size_t i = 0; i < n; i++)
                resident += map[i] & 1;
        print_message("board: %zu KiB, %zu KiB resident\n", sizeof(Board) / 1024, resident * page / 1024);
        assert_true(resident <= 2 * BOARD_SLOTS + (sizeof(b->slots[0].tally) / page + 4));
}

static void the_first_blocks_are_kept(void **state _unused_) {
        _cleanup_(board_freep) Board *b = board_new();
        uint8_t found[BOARD_BLOCK] = { 1 }, expected[BOARD_BLOCK] = { 2 };

        assert_null(board_block(b, 0));
        for (unsigned i = 0; i < BOARD_BLOCKS_KEPT + 3; i++) {
                char text[16];
                snprintf(text, sizeof(text), "block %u", i);
                board_keep_block(b, text, found, expected, i == 1 ? 100 : BOARD_BLOCK + 1);
        }
        for (unsigned i = 0; i < BOARD_BLOCKS_KEPT; i++) {
                const BlockKept *k = board_block(b, i);
                assert_non_null(k);
                assert_int_equal(k->text[6], '0' + i);
                assert_int_equal(k->length, i == 1 ? 100 : BOARD_BLOCK);
                assert_int_equal(k->found[0], 1);
                assert_int_equal(k->expected[0], 2);
        }
        assert_null(board_block(b, BOARD_BLOCKS_KEPT));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_first_blocks_are_kept),
                cmocka_unit_test(tally_counts_every_result),
                cmocka_unit_test(a_knob_is_as_configured_until_it_is_set),
                cmocka_unit_test(latencies_add_up_over_workers),
                cmocka_unit_test(phase_wakes_another_process),
                cmocka_unit_test(windows_open_and_close),
                cmocka_unit_test(places_come_in_order),
                cmocka_unit_test(overrun_is_counted),
                cmocka_unit_test(a_reader_in_time_loses_nothing),
                cmocka_unit_test(a_slow_reader_never_sees_a_torn_window),
                cmocka_unit_test(the_window_in_flight_is_never_torn),
                cmocka_unit_test(a_killed_writer_blocks_nobody),
                cmocka_unit_test(a_torn_window_is_given_up),
                cmocka_unit_test(unused_slots_cost_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Board: the one shared anonymous mapping between supervisor and workers. A slot per worker, each field written by one side only,
 * no locks: a worker may be killed, or stuck in the kernel, at any instruction. Counters only grow.
 *
 * Life: board_new() in the supervisor before any fork; inherited; board_free() when no child needs it.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"
#include "config/knob.h"
#include "observe/operation.h"

#define BOARD_SLOTS 64
#define BOARD_NAME_MAX 24
#define BOARD_WINDOWS 2048 /* power of two; drained some times a second */
#define BOARD_PLACES 1024  /* power of two */
#define BOARD_BLOCK 4096
#define BOARD_TEXT_MAX 400
#define BOARD_BLOCKS_KEPT 4 /* the first ones of a run */
#define BOARD_EXTENTS 8    /* device extents recorded per block group; targets have 1 to 8 devices */

/* Result counters of one operation: index 0 = success, 1…133 = errno, TALLY_POSITIVE+n = ioctl returned n > 0, the last = any other. */
#define TALLY_POSITIVE 134
#define TALLY_SLOTS 160
#define TALLY_OTHER (TALLY_SLOTS - 1)

typedef enum Phase {
        PHASE_RUN,
        PHASE_PAUSE, /* workers finish their step and wait */
        PHASE_STOP,  /* workers finish their step, verify, clean up and exit */
} Phase;

/* A scrub, or a replace, which walks its source as a scrub does, in flight or past: [begin_ns, finish_ns] on CLOCK_MONOTONIC, physical range [start, end) of devid. finish_ns 0: in flight. */
typedef struct ScrubWindow {
        uint64_t devid, start, end, begin_ns, finish_ns;
} ScrubWindow;

/* Where a block group that a worker is about to empty or scrub lies. Logical addresses are used again: the newest place with
 * seen_ns <= the removal's time is the right one. */
typedef struct GroupPlace {
        uint64_t logical, length, flags; /* flags: BTRFS_BLOCK_GROUP_* */
        uint64_t seen_ns;
        uint64_t extent_length; /* bytes per device extent */
        uint32_t n_extents;     /* may exceed BOARD_EXTENTS: then the rest is not recorded */
        struct {
                uint64_t devid, physical;
        } extents[BOARD_EXTENTS];
} GroupPlace;

typedef struct Slot {
        char name[BOARD_NAME_MAX]; /* "scrub/2"; supervisor writes before the fork */
        _Atomic bool paused;       /* worker: I have seen PHASE_PAUSE and am waiting */
        _Atomic bool benched;      /* supervisor: others have their turn (plan/pairs.h); the worker finishes its step and rests */
        _Atomic bool touched;      /* board.c: tally, windows or places were written; else nobody reads them (reading allocates pages) */
        _Atomic uint32_t op;       /* Operation in flight, OP_NONE between */
        _Atomic uint64_t op_begin_ns;
        _Atomic uint64_t heartbeat_ns; /* last begin or end of anything */
        _Atomic uint64_t steps;
        _Atomic uint64_t bytes_written;
        _Atomic uint64_t groups_gone;  /* block groups that were in one reading of the chunk tree and not in the next: a lower bound */
        _Atomic uint64_t lost_observations; /* the socket was full: counted here, never blocked on */
        _Atomic uint64_t tally[_OP_MAX][TALLY_SLOTS];
        Histogram latency[_OP_MAX]; /* ns in the kernel, of every call, however it ended */
        struct {
                ScrubWindow current; /* guarded by current_seq: odd while being written */
                _Atomic uint32_t current_seq;
                _Atomic uint64_t head; /* entries ever written */
                ScrubWindow ring[BOARD_WINDOWS];
        } windows;
        struct {
                _Atomic uint64_t head;
                GroupPlace ring[BOARD_PLACES];
        } places;
} Slot;

/* A block that was read wrong. */
typedef struct BlockKept {
        _Atomic uint32_t state; /* 0: none; 1: being written; 2: whole */
        char text[BOARD_TEXT_MAX]; /* what it is, and where */
        uint32_t length;
        uint8_t found[BOARD_BLOCK], expected[BOARD_BLOCK];
} BlockKept;

typedef struct Board {
        _Atomic uint32_t phase;      /* Phase; a futex: board_set_phase() wakes */
        _Atomic bool cancelling;     /* the supervisor is cancelling scrub, balance and replace: results now are ours */
        _Atomic bool near_full;      /* a churn has no room for a file above the headroom */
        _Atomic uint32_t balances_in_flight; /* operations that exclude others: for OBS_OVERLAP */
        _Atomic uint32_t replaces_in_flight;
        _Atomic uint32_t cancels_in_flight;  /* of scrubs, by the stressor cancel, … */
        _Atomic uint64_t cancelled_ns;       /* … and when the last came back: a scrub that was in flight then may have been cancelled by it */
        _Atomic uint64_t commits;            /* that workers have asked for and seen end: what they do in turns goes by it */
        _Atomic uint64_t knobs[_KNOB_MAX];   /* the tuner's setting + 1; 0: as configured */
        _Atomic uint64_t write_limit;        /* bytes that may be written in all, + 1; 0: no limit */
        BlockKept blocks[BOARD_BLOCKS_KEPT];
        Slot slots[BOARD_SLOTS];
} Board;

Board *board_new(void); /* NULL: errno of mmap */
void board_free(Board *b);
void board_freep(Board **b);

void board_set_phase(Board *b, Phase phase);
Phase board_phase(const Board *b);
/* Sleeps until the phase is not `phase` any more or timeout_ns have passed. Sleeps on through signals. */
void board_wait_phase(Board *b, Phase phase, uint64_t timeout_ns);

/* What the tuner has set, else what the configuration asks for. */
void board_set_knob(Board *b, Knob k, uint64_t setting);
uint64_t board_knob(const Board *b, Knob k, const Config *c);

/* So many bytes may be written, of all slots together; UINT64_MAX: no limit, which a new board has. A worker looks before it writes, so that it is
 * passed by what is under way. */
void board_set_write_limit(Board *b, uint64_t bytes);
bool board_may_write(const Board *b);

/* Of whoever has read it; dropped when enough are kept. */
void board_keep_block(Board *b, const char *text, const void *found, const void *expected, size_t length);
/* NULL: there are fewer, or it is being written. */
const BlockKept *board_block(const Board *b, unsigned i);

/* Worker's side. slot_window_close() without an open window does nothing. */
void slot_count(Slot *s, Operation op, int result);
void slot_time(Slot *s, Operation op, uint64_t ns);
void slot_window_open(Slot *s, uint64_t devid, uint64_t start, uint64_t end, uint64_t begin_ns);
void slot_window_close(Slot *s, uint64_t finish_ns);
void slot_place(Slot *s, const GroupPlace *place);

/* Supervisor's side. */
uint64_t board_tally(const Board *b, Operation op, unsigned index);   /* summed over slots */
uint64_t board_calls(const Board *b, Operation op);                   /* all results of op */
void board_latency(const Board *b, Operation op, Histogram *add_to);
uint64_t board_bytes_written(const Board *b);
uint64_t board_groups_gone(const Board *b);                           /* summed over slots */
/* Before a worker starts on this slot, and after one has died: no operation, no scrub in flight. Counters and rings stay. */
void slot_reset(Slot *s);
/* The window in flight: false when there is none. */
bool slot_window_current(const Slot *s, ScrubWindow *ret);
/* Entries [*cursor, head) into out, at most max; advances the cursor; skips what was overwritten and returns that number in *lost. */
unsigned slot_windows_drain(const Slot *s, uint64_t *cursor, ScrubWindow *out, unsigned max, uint64_t *lost);
unsigned slot_places_drain(const Slot *s, uint64_t *cursor, GroupPlace *out, unsigned max, uint64_t *lost);

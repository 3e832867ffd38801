/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stress/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/macro.h"
#include "stress/stressor.h"

#define BACKOFF_MAX_NS NSEC_PER_SEC
#define PAUSE_LOOK_NS NSEC_PER_SEC
#define BENCH_LOOK_NS (20 * NSEC_PER_MSEC) /* nothing wakes those who are called from the bench: a turn lasts some seconds */

/* Exclusive operations exclude each other; of them only a replace excludes scrubs too. own: the balances among those in flight that are the
 * caller's. */
static bool is_excluded(const Worker *w, uint32_t own) {
        const Board *b = w->board;

        /* Of the kernel's own reclaim nobody sees when it runs. */
        if ((w->op == OP_BALANCE || w->op == OP_REPLACE) && (w->config->target.reclaim_threshold > 0 || w->config->target.dynamic_reclaim))
                return true;
        return ((w->op == OP_BALANCE || w->op == OP_REPLACE) && atomic_load(&b->balances_in_flight) > own) ||
               ((w->op == OP_BALANCE || w->op == OP_SCRUB) && atomic_load(&b->replaces_in_flight) > 0);
}

/* What excludes it may end between the kernel's refusal and our look at the board, so it is looked for before, too. A balance is counted when it
 * begins, and no more when it ends. */
void worker_begin(Worker *w, Operation op) {
        w->op = op;
        w->excluded = is_excluded(w, op == OP_BALANCE);
        w->begin_ns = clock_mono_ns();
        atomic_store_explicit(&w->slot->op_begin_ns, w->begin_ns, memory_order_relaxed);
        atomic_store_explicit(&w->slot->heartbeat_ns, w->begin_ns, memory_order_relaxed);
        atomic_store_explicit(&w->slot->op, op, memory_order_release);
}

/* What a cancelled operation returns, or one that finds nothing left to cancel, or one that our SIGSTOP has interrupted (defrag says -EAGAIN then).
 * Only these can be our doing: an -EINVAL while we are cancelling is as bad as at any other time. */
static bool is_cancel_result(const Worker *w, int result) {
        return result == -ECANCELED || result == -EINTR || result == -ENOTCONN || (result == -EAGAIN && w->op == OP_DEFRAG);
}

/* By the supervisor, or by the stressor that does so for a living, which stops the copy of a replace as well (scrub.c, btrfs_scrub_cancel()). */
static bool is_cancelled(const Worker *w) {
        const Board *b = w->board;

        if (atomic_load(&b->cancelling) || board_phase(b) != PHASE_RUN)
                return true;
        return (w->op == OP_SCRUB || w->op == OP_REPLACE) &&
               (atomic_load(&b->cancels_in_flight) > 0 || atomic_load(&b->cancelled_ns) >= w->begin_ns);
}

static uint32_t result_flags(const Worker *w, int result) {
        const Board *b = w->board;
        uint32_t flags = 0;

        if (is_cancel_result(w, result) && is_cancelled(w))
                flags |= OBS_OURS;
        if (atomic_load(&b->near_full))
                flags |= OBS_NEAR_FULL;
        if (w->excluded || is_excluded(w, 0))
                flags |= OBS_OVERLAP;
        return flags;
}

static void send_observation(Worker *w, const Observation *o) {
        if (w->socket < 0)
                return;
        if (send(w->socket, o, sizeof(*o), MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof(*o))
                atomic_fetch_add_explicit(&w->slot->lost_observations, 1, memory_order_relaxed);
}

static void back_off(Worker *w) {
        unsigned n = w->failures_in_a_row++;
        uint64_t ns = n == 0 ? 0 : MIN_OF(NSEC_PER_MSEC << MIN_OF(n - 1, 16u), BACKOFF_MAX_NS);

        w->step_failed = true;
        worker_rest(w, ns);
}

_Static_assert(_OP_MAX <= 32, "failed_ops has a bit per operation");

int worker_end(Worker *w, int result, const Observation *detail) {
        uint64_t now = clock_mono_ns();
        Observation o;

        slot_count(w->slot, w->op, result);
        slot_time(w->slot, w->op, now - w->begin_ns);
        atomic_store_explicit(&w->slot->heartbeat_ns, now, memory_order_relaxed);
        atomic_store_explicit(&w->slot->op, OP_NONE, memory_order_release);
        if (result == 0 && (w->op == OP_SYNC || w->op == OP_WAIT_SYNC))
                atomic_fetch_add_explicit(&w->board->commits, 1, memory_order_relaxed);
        if (result == 0 && !(w->failed_ops & (1u << w->op)))
                return 0;
        w->failed_ops = result == 0 ? w->failed_ops & ~(1u << w->op) : w->failed_ops | (1u << w->op);
        o = detail ? *detail : (Observation){ 0 };
        o.time_ns = now;
        o.kind = OBS_RESULT;
        o.op = w->op;
        o.result = result;
        o.flags = result_flags(w, result);
        o.worker = w->index + 1;
        o.begin_ns = w->begin_ns;
        send_observation(w, &o);
        if (result != 0)
                back_off(w);
        return result;
}

void worker_observe(Worker *w, Observation *o) {
        o->time_ns = clock_mono_ns();
        o->worker = w->index + 1;
        send_observation(w, o);
}

void worker_note(Worker *w, const char *format, ...) {
        Observation o = { .kind = OBS_NOTE };
        va_list ap;

        va_start(ap, format);
        vsnprintf(o.text, sizeof(o.text), format, ap);
        va_end(ap);
        worker_observe(w, &o);
}

void worker_rest(Worker *w, uint64_t ns) {
        if (ns > 0)
                board_wait_phase(w->board, PHASE_RUN, ns);
}

static bool is_benched(const Worker *w) {
        return atomic_load_explicit(&w->slot->benched, memory_order_relaxed);
}

bool worker_should_yield(const Worker *w) {
        return board_phase(w->board) != PHASE_RUN || is_benched(w);
}

uint64_t worker_knob(const Worker *w, Knob k) {
        return board_knob(w->board, k, w->config);
}

static void ignore_terminal_signals(void) {
        static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE };

        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                signal(signals[i], SIG_IGN);
}

/* `paused` is taken back before the phase is looked at again: a supervisor that asks for a pause just then must not take the old answer
 * for the new one. */
static void wait_while_paused(Worker *w) {
        atomic_store(&w->slot->paused, true);
        while (board_phase(w->board) == PHASE_PAUSE)
                board_wait_phase(w->board, PHASE_PAUSE, PAUSE_LOOK_NS);
        atomic_store(&w->slot->paused, false);
}

int worker_step(Worker *w) {
        int r;

        w->step_failed = false;
        r = w->stressor->step(w);
        if (!w->step_failed)
                w->failures_in_a_row = 0;
        atomic_fetch_add_explicit(&w->slot->steps, 1, memory_order_relaxed);
        return r;
}

static int run_steps(Worker *w) {
        int r = 0;

        for (;;) {
                Phase phase = board_phase(w->board);
                if (phase == PHASE_STOP || r < 0)
                        return r;
                if (phase == PHASE_PAUSE)
                        wait_while_paused(w);
                else if (is_benched(w)) /* no operation is in flight, so nobody takes it for stuck */
                        worker_rest(w, BENCH_LOOK_NS);
                else
                        r = worker_step(w);
        }
}

static int say_ended(Worker *w, const char *where, int r) {
        worker_note(w, "The worker %s/%u has to end: %s failed: %s.", w->stressor->name, w->instance + 1, where, strerror(-r));
        return EXIT_ERROR;
}

static int run_life(Worker *w) {
        const Stressor *s = w->stressor;
        int r;

        r = s->prepare ? s->prepare(w) : 0;
        if (r < 0)
                return say_ended(w, "preparing it", r);
        r = run_steps(w);
        if (r < 0)
                return say_ended(w, "a step of it", r);
        r = s->verify ? s->verify(w) : 0;
        return r < 0 ? say_ended(w, "verifying", r) : 0;
}

int worker_run(Worker *w) {
        _cleanup_close_ int root_fd = w->root_fd;
        _cleanup_free_ void *state = calloc(1, MAX_OF(w->stressor->state_size, (size_t)1));
        int status;

        ignore_terminal_signals();
        if (root_fd < 0)
                return say_ended(w, "opening the target", root_fd);
        if (!state)
                return say_ended(w, "preparing it", -ENOMEM);
        w->state = state;
        status = run_life(w);
        if (w->stressor->cleanup)
                w->stressor->cleanup(w);
        w->state = NULL;
        return status;
}

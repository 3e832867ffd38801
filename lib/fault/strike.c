/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fault/strike.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"

typedef struct Work {
        const Fault *fault;
        FaultScene scene;
        FaultPlan plan;
        Wound *wounds; /* one per block of the plan */
        Strike *strike;
        Error *error;
} Work;

/* What the kernel answers on the way is told, and is no failure of ours. */
static int hindered(Work *w, Operation op, int result) {
        w->strike->end = STRIKE_HINDERED;
        w->strike->op = op;
        w->strike->result = result;
        return 1;
}

/* -ENODATA: by chance it lies so that faults cannot be aimed at it. */
static int cannot_lay(Work *w, int r) {
        if (r != -ENODATA)
                return hindered(w, OP_WRITE, r);
        w->strike->end = STRIKE_VOID;
        return 1;
}

static StrikeEnd compare(const uint64_t *expected, const uint64_t *seen) {
        uint64_t had = 0, came = 0;

        for (FaultCount k = FAULT_CHECKSUMS; k <= FAULT_READ_ERRORS; k++) {
                had += expected[k];
                came += seen[k];
        }
        came += seen[FAULT_ELSEWHERE];
        if (seen[FAULT_WRONG] > 0)
                return STRIKE_WRONG;
        if (came != had)
                return came < had ? STRIKE_MISSED : STRIKE_EXCESS;
        return memcmp(expected, seen, _FAULT_COUNT_MAX * sizeof(*seen)) == 0 ? STRIKE_MET : STRIKE_OTHER;
}

/* The prey stays where it is, so its chunk is what is looked at afterwards. */
static int act(Work *w) {
        FaultScene *s = &w->scene;
        int r;

        w->plan.chunk = extent_map_find(&s->map, s->prey.logical[0]);
        r = w->plan.chunk ? w->fault->act(s, w->strike->seen) : -ENODATA;
        if (r == -ENODATA || r == FAULT_NOT_HERE) {
                w->strike->end = r == -ENODATA ? STRIKE_VOID : STRIKE_NOT_HERE;
                return 1;
        }
        if (memcmp(w->strike->seen, w->strike->expected, sizeof(w->strike->seen)) != 0) { /* whatever fails because of it */
                w->strike->end = compare(w->strike->expected, w->strike->seen);
                return 1;
        }
        return r < 0 ? hindered(w, s->op, r) : 0;
}

static const char *device_path(const Target *t, uint64_t devid) {
        for (unsigned i = 0; i < t->n_devices; i++)
                if (t->devices[i].devid == devid)
                        return t->devices[i].path;
        return NULL;
}

static int choose(Work *w) {
        int r = w->fault->choose(&w->scene, &w->plan);

        if (r == FAULT_NOT_HERE) {
                w->strike->end = STRIKE_NOT_HERE;
                return 1;
        }
        if (r == -ENODATA) {
                w->strike->end = STRIKE_VOID;
                return 1;
        }
        if (r < 0)
                return hindered(w, OP_TREE_SEARCH, r);
        w->strike->n_blocks = (unsigned)w->plan.n_blocks;
        w->strike->logical = w->plan.blocks[0].logical;
        w->strike->devid = w->plan.blocks[0].place.devid;
        w->strike->physical = w->plan.blocks[0].place.physical;
        memcpy(w->strike->expected, w->plan.expected, sizeof(w->strike->expected));
        w->wounds = aligned_alloc(DISK_BLOCK, FAULT_BLOCKS_MAX * sizeof(Wound));
        if (!w->wounds)
                return -ENOMEM;
        memset(w->wounds, 0, FAULT_BLOCKS_MAX * sizeof(Wound));
        return 0;
}

static int cannot_strike(Work *w, const char *path, int r) {
        return error_set(w->error, EXIT_ERROR, -r, "Faults ([Fault] Enabled=) cannot strike %s below the mounted filesystem: %s. %s",
                         path ?: "a device that is gone", strerror(-r), w->fault->means->needs);
}

static int spoil(Work *w) {
        size_t n = w->plan.n_blocks, i;
        int r = 0;

        for (i = 0; i < n && r == 0; i++) {
                const FaultBlock *b = &w->plan.blocks[i];
                Wound *wound = &w->wounds[i];

                wound->path = device_path(w->scene.target, b->place.devid);
                wound->at = b->place.physical;
                wound->bit = b->bit;
                r = wound->path ? disk_block_read(&wound->was, wound->path, wound->at) : -ENODEV;
                if (r < 0)
                        return cannot_strike(w, wound->path, r);
        }
        r = w->fault->means->strike(w->wounds, n);
        for (i = 0; i + 1 < n && w->wounds[i].struck; i++)
                ;
        return r < 0 ? cannot_strike(w, w->wounds[i].path, r) : 0;
}

static bool is_struck(const Work *w, uint64_t devid) {
        for (size_t i = 0; i < w->plan.n_blocks; i++)
                if (w->plan.blocks[i].place.devid == devid)
                        return true;
        return false;
}

/* What a slow device cannot have done yet, was not done. */
static void time_it(Work *w, uint64_t begin_ns) {
        w->strike->seen[FAULT_QUICK] += clock_mono_ns() - begin_ns < w->plan.least_ns;
}

static int scrub(Work *w, uint64_t devid, uint64_t start, uint64_t end, ScrubStats *sum) {
        const ScrubRange range = { .devid = devid, .start = start, .end = end };
        ScrubStats stats = { 0 };
        uint64_t begin = clock_mono_ns();
        int r = w->scene.ops->scrub(w->scene.fd, &range, &stats);

        if (is_struck(w, devid))
                time_it(w, begin);
        scrub_stats_add(sum, &stats);
        return r == 0 ? 0 : hindered(w, OP_SCRUB, r);
}

/* The devices that were struck, or the others: where the struck chunk lies. Every scrub looks at the superblocks as well. */
static int scrub_some(Work *w, bool struck, ScrubStats *sum) {
        const Target *t = w->scene.target;
        const Chunk *c = w->plan.chunk;
        int r = 0;

        *sum = (ScrubStats){ 0 };
        for (unsigned i = 0; i < t->n_devices && r == 0; i++) {
                uint64_t devid = t->devices[i].devid;
                if (is_struck(w, devid) != struck)
                        continue;
                if (!c)
                        r = scrub(w, devid, 0, w->plan.whole ? UINT64_MAX : 1, sum);
                for (unsigned k = 0; c && k < c->n_stripes && r == 0; k++)
                        if (c->stripes[k].devid == devid)
                                r = scrub(w, devid, c->stripes[k].physical, c->stripes[k].physical + c->extent_length, sum);
        }
        return r;
}

/* The struck ones first: a scrub of another device may read the block too, to look at its parity, and a commit in between writes superblocks. */
static int scrub_first(Work *w) {
        uint64_t *seen = w->strike->seen;
        ScrubStats struck, others;
        int r = scrub_some(w, true, &struck);

        if (r == 0)
                r = scrub_some(w, false, &others);
        if (r != 0)
                return r;
        seen[FAULT_CHECKSUMS] = struck.csum_errors + struck.verify_errors;
        seen[FAULT_SUPERS] = struck.super_errors;
        seen[FAULT_READ_ERRORS] = struck.read_errors;
        seen[FAULT_CORRECTED] = struck.corrected_errors + others.corrected_errors;
        seen[FAULT_UNCORRECTABLE] = struck.uncorrectable_errors + others.uncorrectable_errors;
        seen[FAULT_ELSEWHERE] = scrub_stats_errors(&others);
        return 0;
}

/* 1: something has written the block anew, so it was not there for the scrub to find. */
static int look_at_blocks(Work *w) {
        for (size_t i = 0; i < w->plan.n_blocks; i++) {
                const Wound *wound = &w->wounds[i];
                DiskBlock now;
                int r = w->fault->means->look(wound, &now);

                if (r < 0)
                        return cannot_strike(w, wound->path, r);
                if (r == WOUND_OPEN)
                        continue;
                if (memcmp(&now, &wound->was, sizeof(now)) != 0 && !w->fault->renewed) {
                        w->strike->end = STRIKE_VOID;
                        return 1;
                }
                w->strike->seen[FAULT_REPAIRED]++;
        }
        return 0;
}

static void look_at_prey(Work *w) {
        PreyState state;

        prey_look(&w->scene.prey, &state);
        w->strike->seen[FAULT_UNREADABLE] += state.unreadable;
        w->strike->seen[FAULT_WRONG] += state.wrong;
        if (state.wrong > 0)
                snprintf(w->strike->text, sizeof(w->strike->text), "%s", state.text);
}

/* What is written while the device is broken; then it is whole again. */
static int suffer(Work *w) {
        FaultScene *s = &w->scene;
        int r;

        prey_close(&s->prey);
        r = prey_lay(&s->prey, s->ops, s->fd, rng_next(&s->rng));
        if (r < 0)
                return cannot_lay(w, r);
        extent_map_free(&s->map);
        r = extent_map_read(&s->map, s->ops, s->fd);
        if (r < 0)
                return hindered(w, OP_TREE_SEARCH, r);
        w->fault->suffer(s, &w->plan);
        memcpy(w->strike->expected, w->plan.expected, sizeof(w->strike->expected));
        look_at_prey(w);
        r = w->fault->means->heal(w->wounds, w->plan.n_blocks);
        return r < 0 ? cannot_strike(w, w->wounds[0].path, r) : 0;
}

static int scrub_again(Work *w) {
        ScrubStats struck, others;
        int r = scrub_some(w, true, &struck);

        if (r == 0)
                r = scrub_some(w, false, &others);
        if (r == 0)
                w->strike->seen[FAULT_AGAIN] = scrub_stats_errors(&struck) + scrub_stats_errors(&others);
        return r;
}

/* Where more may come, more is as many; and all of them are to be corrected. */
static void level(uint64_t *expected, const uint64_t *seen, unsigned at_least) {
        for (FaultCount k = FAULT_CHECKSUMS; k <= FAULT_READ_ERRORS; k++)
                if (at_least & 1U << k)
                        expected[k] = MAX_OF(expected[k], seen[k]);
        if (at_least & 1U << FAULT_CORRECTED)
                expected[FAULT_CORRECTED] = expected[FAULT_CHECKSUMS];
}

static void append(Strike *k, const char *format, ...) _printf_(2, 3);

static void append(Strike *k, const char *format, ...) {
        size_t n = strlen(k->text);
        va_list ap;

        va_start(ap, format);
        vsnprintf(k->text + n, sizeof(k->text) - n, format, ap);
        va_end(ap);
}

void strike_say_differences(Strike *k) {
        bool first = true;

        for (FaultCount i = 0; i < _FAULT_COUNT_MAX; i++)
                if (k->seen[i] != k->expected[i]) {
                        append(k, "%s %" PRIu64 " %s instead of %" PRIu64, first ? ":" : ",", k->seen[i], fault_count_names[i], k->expected[i]);
                        first = false;
                }
}

static void say(Work *w) {
        Strike *k = w->strike;

        append(k, "%s%s", k->text[0] ? "; " : "", w->fault->help);
        if (k->n_blocks > 0)
                append(k, ": %u block%s, the first on devid %" PRIu64 " at %" PRIu64, k->n_blocks, k->n_blocks == 1 ? "" : "s", k->devid, k->physical);
        strike_say_differences(k);
}

/* The commit in between writes the superblocks. A file is changed for it: without a change there is none. */
static int commit(Work *w) {
        uint64_t begin = clock_mono_ns();
        int r = futimens(w->scene.prey.fd, NULL) < 0 ? -errno : w->scene.ops->sync(w->scene.fd);

        time_it(w, begin);
        return r < 0 ? hindered(w, OP_SYNC, r) : 0;
}

static int examine(Work *w) {
        int r = w->fault->suffer ? suffer(w) : 0;

        if (r == 0)
                r = scrub_first(w);
        if (r == 0)
                r = commit(w);
        if (r == 0)
                r = look_at_blocks(w);
        if (r == 0 && w->fault->stays && !w->fault->stays(&w->scene, &w->plan)) {
                w->strike->end = STRIKE_VOID;
                r = 1;
        }
        if (r != 0)
                return r;
        look_at_prey(w);
        r = scrub_again(w);
        level(w->strike->expected, w->strike->seen, w->plan.at_least);
        if (r == 0)
                w->strike->end = compare(w->strike->expected, w->strike->seen);
        return r;
}

static int strike(Work *w, uint64_t seed) {
        FaultScene *s = &w->scene;
        int r = prey_lay(&s->prey, s->ops, s->fd, seed);

        if (r < 0)
                return cannot_lay(w, r);
        r = extent_map_read(&s->map, s->ops, s->fd);
        if (r < 0)
                return hindered(w, OP_TREE_SEARCH, r);
        r = w->fault->act ? act(w) : choose(w);
        if (r == 0 && !w->fault->act)
                r = spoil(w);
        return r == 0 ? examine(w) : r;
}

/* A device that was broken under writes, and that no scrub has looked at since. */
static void bring_up_to_date(Work *w) {
        const Strike keep = *w->strike;
        ScrubStats unused;

        if (w->fault->suffer && w->wounds[0].struck && (keep.end == STRIKE_HINDERED || keep.end == STRIKE_VOID))
                scrub_some(w, true, &unused);
        *w->strike = keep;
}

int strike_run(Strike *ret, const StrikeOrder *order, Error *e) {
        Work w = { .fault = order->fault, .strike = ret, .error = e };
        FaultScene *s = &w.scene;
        int r, removed = 0, healed = 0;

        *ret = (Strike){ 0 };
        *s = (FaultScene){ .target = order->target, .ops = order->ops, .fd = order->root_fd, .replaces = order->replaces,
                            .prey = PREY_NULL };
        rng_seed(&s->rng, order->seed, 0);
        r = strike(&w, order->seed);
        if (w.wounds)
                healed = order->fault->means->heal(w.wounds, w.plan.n_blocks);
        if (w.wounds && healed == 0)
                bring_up_to_date(&w);
        if (s->prey.fd >= 0)
                removed = prey_remove(&s->prey, s->ops, s->fd);
        if (removed < 0 && r == 0)
                r = hindered(&w, OP_UNLINK, removed);
        if (ret->n_blocks > 0 || order->fault->act)
                say(&w);
        prey_close(&s->prey);
        extent_map_free(&s->map);
        free(w.wounds);
        if (healed < 0 && r >= 0)
                return error_set(e, EXIT_ERROR, -healed, "What a fault (%s) has broken cannot be put back: %s; what is seen from now on could be its doing. "
                                 "Start again.", order->fault->name, strerror(-healed));
        return r == -ENOMEM ? error_set(e, EXIT_ERROR, ENOMEM, "No memory for a fault to strike.") : MIN_OF(r, 0);
}

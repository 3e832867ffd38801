/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stressor: the creator and emptier. A cycle fills files, commits, says on the board where the block groups lie that are about to die,
 * now and then reads back what it filled, empties the files in one of the ways enabled and commits again: now the groups are unused and the cleaner takes them.
 *
 * Files that are emptied by overwriting stay full, of data in new groups: those die when the next cycle fills the files.
 *
 * A failing call ends the cycle; what was filled is emptied in this cycle or, when that fails too, before the next one fills anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/units.h"
#include "stress/churn.h"
#include "stress/place.h"
#include "stress/stressor.h"

#define SHORT_CYCLES_NOTED 100
#define SHORT_CYCLE_REST_NS NSEC_PER_MSEC
#define IDLE_REST_NS (20 * NSEC_PER_MSEC)

static unsigned churn_instances(const Config *c, unsigned n_devices _unused_) {
        return (unsigned)c->churn.workers;
}

/* A write, or the commit after it, may carry all data of a cycle. */
static uint64_t churn_deadline_ns(const Config *c) {
        return c->run.operation_deadline_ns + budget_walk_ns(c->churn.workers * c->churn.files * c->churn.file_size);
}

/* No more and no larger buffers than a file has blocks. */
static WriterShape writer_shape(const Worker *w, uint64_t seed) {
        uint64_t size = (w->config->churn.file_size + PATTERN_BLOCK - 1) / PATTERN_BLOCK * PATTERN_BLOCK;
        uint64_t block = MIN_OF(w->config->churn.block_size, MAX_OF(size, (uint64_t)PATTERN_BLOCK));

        return (WriterShape){
                .engine = w->config->churn.engine,
                .block_size = (size_t)block,
                .depth = (unsigned)MIN_OF(w->config->churn.depth, MAX_OF((size + block - 1) / block, UINT64_C(1))),
                .seed = seed,
        };
}

static int churn_prepare(Worker *w) {
        Churn *s = w->state;
        const WriterShape shape = writer_shape(w, rng_next(&w->rng));
        Error e = ERROR_NULL;
        int r;

        s->dir_fd = s->subvolume_fd = -1;
        snprintf(s->directory, sizeof(s->directory), "churn-%u", w->instance + 1);
        budget_make(&s->budget, w->config, w->target);
        r = churn_verify_prepare(w, s);
        if (r < 0 || w->config->churn.fill == FILL_FALLOCATE)
                return r;
        r = writer_new(&s->writer, &shape, &e);
        /* All churns fall back for the same reason: one says it. */
        if (r < 0 || (r == WRITER_FELL_BACK && w->instance == 0))
                worker_note(w, "%s", e.sentence);
        return r < 0 ? r : 0;
}

static int open_below(Worker *w, int parent_fd, const char *name, int *ret_fd) {
        worker_begin(w, OP_OPEN);
        *ret_fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        return worker_end(w, *ret_fd < 0 ? -errno : 0, NULL);
}

/* A directory that is there already belonged to a worker that was killed: its files are overwritten or removed, its subvolume deleted. */
static int open_directory(Worker *w, Churn *s) {
        bool used;
        int r;

        if (s->dir_fd >= 0)
                return 0;
        worker_begin(w, OP_OPEN);
        r = mkdirat(w->root_fd, s->directory, 0700) < 0 ? -errno : 0;
        used = r == -EEXIST;
        r = worker_end(w, used ? 0 : r, NULL);
        if (r == 0)
                r = open_below(w, w->root_fd, s->directory, &s->dir_fd);
        if (r == 0 && used) {
                s->named = (unsigned)w->config->churn.files + 1; /* and the second file of a reflink */
                s->subvolume = faccessat(s->dir_fd, CHURN_SUBVOLUME, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
        }
        return r;
}

static int make_subvolume(Worker *w, Churn *s) {
        int r;

        worker_begin(w, OP_SUBVOL_CREATE);
        r = worker_end(w, w->ops->subvol_create(s->dir_fd, CHURN_SUBVOLUME), NULL);
        if (r != 0)
                return r;
        s->subvolume = true;
        return open_below(w, s->dir_fd, CHURN_SUBVOLUME, &s->subvolume_fd);
}

int churn_commit(Worker *w) {
        if (!w->config->churn.sync_between)
                return 0;
        worker_begin(w, OP_SYNC);
        return worker_end(w, w->ops->sync(w->root_fd), NULL);
}

/* A logical address that lies elsewhere now is another group's. */
static uint64_t count_gone(const ExtentMap *before, const ExtentMap *now) {
        uint64_t n = 0;

        for (size_t i = 0; i < before->n_chunks; i++) {
                const Chunk *b = &before->chunks[i], *c = extent_map_find(now, b->logical);
                n += !c || c->logical != b->logical || memcmp(&c->stripes[0], &b->stripes[0], sizeof(c->stripes[0])) != 0;
        }
        return n;
}

/*
 * Says where the groups lie; of metadata and system too: while scrubs set groups read-only, new ones are taken for every type that is
 * scrubbed, and the old ones die as soon as the commits have moved on (on the default target, most removals are those of system groups). All
 * are said each time: the same place may hold the next generation.
 */
static int say_places(Worker *w, Churn *s) {
        uint64_t seen_ns = clock_mono_ns();
        ExtentMap map = s->before;
        int r;

        s->before = s->map;
        s->map = map;
        worker_begin(w, OP_TREE_SEARCH);
        r = worker_end(w, extent_map_read(&s->map, w->ops, w->root_fd), NULL);
        if (r != 0)
                return r;
        for (size_t i = 0; i < s->map.n_chunks; i++)
                place_say(w->slot, &s->map.chunks[i], seen_ns);
        /* Every churn sees the same chunk tree: only the first counts, so that none is counted twice. */
        if (w->instance == 0)
                atomic_fetch_add_explicit(&w->slot->groups_gone, count_gone(&s->before, &s->map), memory_order_relaxed);
        return 0;
}

/* ENOENT is no news here. */
static int unlink_named(Worker *w, Churn *s) {
        char name[CHURN_NAME_MAX];

        for (unsigned i = 0; i < s->named; i++) {
                int r;
                worker_begin(w, OP_UNLINK);
                r = unlinkat(s->dir_fd, churn_file_name(i, name), 0) < 0 && errno != ENOENT ? -errno : 0;
                r = worker_end(w, r, NULL);
                if (r != 0)
                        return r;
        }
        s->named = 0;
        return 0;
}

/* No room for a single file: what was overwritten holds some. Then commit, so that the cleaner can make some, and let it run. */
static void wait_for_room(Worker *w, Churn *s) {
        if (++s->short_cycles == SHORT_CYCLES_NOTED)
                worker_note(w, "%s has found no room for a file for %u cycles: block groups are not removed, or the target is too small: "
                               "lower [Churn] FileSize= or take larger devices.", s->directory, SHORT_CYCLES_NOTED);
        unlink_named(w, s);
        worker_begin(w, OP_SYNC);
        worker_end(w, w->ops->sync(w->root_fd), NULL);
        worker_rest(w, SHORT_CYCLE_REST_NS);
}

/* From a cycle that failed. Files go by unlink, whatever failed before. */
static int empty_leftovers(Worker *w, Churn *s) {
        if (!s->subvolume && s->filled == 0)
                return 0;
        s->way = EMPTY_UNLINK;
        return churn_empty(w, s);
}

/* Of drive writes per day there will be more in a moment: that is no news. */
static void note_spent(Worker *w, Churn *s) {
        char size[UNITS_MAX];

        if (s->spent_noted || w->config->churn.write_budget.bytes == 0 || board_may_write(w->board))
                return;
        s->spent_noted = true;
        worker_note(w, "The churn has written WriteBudget=%s and writes no more: files are only allocated from here on.",
                    units_format_size(w->config->churn.write_budget.bytes, size));
}

static int fill_and_commit(Worker *w, Churn *s) {
        int r = 0;

        note_spent(w, s);
        s->generation++;
        s->file_size = worker_knob(w, KNOB_FILE_SIZE);
        s->files = (unsigned)worker_knob(w, KNOB_FILES);
        s->way = churn_pick_way(w);
        s->fill = churn_pick_fill(w, s->way);
        if (s->way == EMPTY_SUBVOLUME)
                r = make_subvolume(w, s);
        if (r == 0)
                r = churn_fill(w, s);
        return r == 0 ? churn_commit(w) : r;
}

/* What was overwritten is still there, in new groups, which die when the next cycle fills the files: where they lie is said now. */
static void look_at_overwritten(Worker *w, Churn *s, unsigned n) {
        if (s->way != EMPTY_OVERWRITE)
                return;
        say_places(w, s);
        churn_verify(w, s, n);
}

/* The tuner may want fewer churns than there are. */
static bool is_idle(const Worker *w) {
        return w->instance >= worker_knob(w, KNOB_CHURNS);
}

static int churn_step(Worker *w) {
        Churn *s = w->state;
        unsigned n;

        if (is_idle(w)) {
                worker_rest(w, IDLE_REST_NS);
                return 0;
        }
        if (open_directory(w, s) != 0 || empty_leftovers(w, s) != 0)
                return 0;
        if (!churn_has_room(w, s)) {
                wait_for_room(w, s);
                return 0;
        }
        s->short_cycles = 0;
        if (fill_and_commit(w, s) == 0) {
                say_places(w, s);
                churn_verify(w, s, s->filled);
                worker_rest(w, worker_knob(w, KNOB_DWELL));
        } else if (s->way & EMPTY_WRITES)
                s->way = EMPTY_UNLINK; /* writing has just failed */
        n = s->filled;
        if (churn_empty(w, s) == 0 && churn_commit(w) == 0)
                look_at_overwritten(w, s, n);
        return 0;
}

/* Truncated, punched and overwritten files are still there, and a directory cannot be removed before them. */
static void remove_files(Worker *w, Churn *s) {
        if (unlink_named(w, s) != 0)
                return;
        worker_begin(w, OP_UNLINK);
        worker_end(w, unlinkat(w->root_fd, s->directory, AT_REMOVEDIR) < 0 ? -errno : 0, NULL);
}

static void churn_cleanup(Worker *w) {
        Churn *s = w->state;

        if (s->dir_fd >= 0 && empty_leftovers(w, s) == 0)
                remove_files(w, s);
        if (s->subvolume_fd >= 0)
                close(s->subvolume_fd);
        if (s->dir_fd >= 0)
                close(s->dir_fd);
        writer_free(s->writer);
        free(s->read_buffer);
        extent_map_free(&s->map);
        extent_map_free(&s->before);
}

const Stressor stressor_churn = {
        .name = "churn",
        .help = "fills block groups and empties them, so that the cleaner deletes them",
        .state_size = sizeof(Churn),
        .instances = churn_instances,
        .deadline_ns = churn_deadline_ns,
        .prepare = churn_prepare,
        .step = churn_step,
        .cleanup = churn_cleanup,
};

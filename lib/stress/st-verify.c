/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stressor: reads the data that stays ([Target] Populate=) over and over, from the devices, and looks whether each block is what was written: after a
 * balance, replace or remount as before. It takes a share of the time; the rest of it belongs to the race. (All of it is read once more when the stress
 * has ended, see run/control.c. What the churn writes is read by the churn, for it does not stay.)
 */
#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "stress/miscompare.h"
#include "stress/population.h"
#include "stress/stressor.h"

#define PIECE_BYTES MiB

/* A population that is sparse holds nothing. */
static unsigned verify_instances(const Config *c, unsigned n_devices _unused_) {
        return c->verify.share > 0 && c->target.populate > 0 && c->target.populate_fill == POPULATE_WRITE ? 1 : 0;
}

static uint64_t verify_deadline_ns(const Config *c) {
        return c->run.operation_deadline_ns;
}

static void mismatch_found(void *userdata, int fd, const char *name, const PatternMismatch *m) {
        miscompare_say(userdata, fd, name, m);
}

static int verify_prepare(Worker *w) {
        PopulationReader *s = w->state;
        Error e = ERROR_NULL;
        int r;

        *s = POPULATION_READER_NULL;
        s->func = mismatch_found;
        s->userdata = w;
        r = population_writer(&s->writer, w->config->churn.engine, &e);
        if (r != 0)
                worker_note(w, "%s", e.sentence);
        return MIN_OF(r, 0);
}

static int open_directory(Worker *w, PopulationReader *s) {
        worker_begin(w, OP_OPEN);
        s->dir_fd = openat(w->root_fd, POPULATION_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        return worker_end(w, s->dir_fd < 0 ? -errno : 0, NULL);
}

static int verify_step(Worker *w) {
        uint64_t share = w->config->verify.share, begin = clock_mono_ns();
        PopulationReader *s = w->state;
        Observation o = { .logical = s->offset, .length = PIECE_BYTES };

        s->bytes = w->target->populated;
        if (s->bytes == 0) { /* a new configuration wants it to be, and the target is not made anew yet */
                worker_rest(w, NSEC_PER_SEC);
                return 0;
        }
        if (s->dir_fd < 0 && open_directory(w, s) != 0)
                return 0;
        snprintf(o.text, sizeof(o.text), POPULATION_DIRECTORY "/%llu", (unsigned long long)s->file);
        worker_begin(w, OP_READ);
        worker_end(w, population_read(s, PIECE_BYTES), &o);
        worker_rest(w, (clock_mono_ns() - begin) * (100 - share) / share);
        return 0;
}

static void verify_cleanup(Worker *w) {
        population_reader_close(w->state);
}

const Stressor stressor_verify = {
        .name = "verify",
        .help = "reads the data that stays, and compares",
        .state_size = sizeof(PopulationReader),
        .instances = verify_instances,
        .deadline_ns = verify_deadline_ns,
        .prepare = verify_prepare,
        .step = verify_step,
        .cleanup = verify_cleanup,
};

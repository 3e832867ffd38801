/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tuner in a run: fed with what the collider has seen, its settings go to the board, where the workers look. */
#include <errno.h>
#include <string.h>

#include "run/run-internal.h"

/* Scrubs that were in the window of the race: told by the kprobe, or, by a kernel that does not survive it, with -EINVAL. */
static uint64_t hits(const Run *r) {
        return collider_hits(r->collider) + board_tally(r->board, OP_SCRUB, EINVAL);
}

static double score(const Run *r) {
        return r->tuner.by_hits ? (double)hits(r) : collider_aim(r->collider)->nearness;
}

static void set_knobs(Run *r) {
        for (Knob k = 0; k < _KNOB_MAX; k++)
                board_set_knob(r->board, k, tuner_setting(&r->tuner, k));
}

void run_tune_begin(Run *r) {
        r->report.tuner = NULL;
        for (Knob k = 0; k < _KNOB_MAX; k++)
                board_set_knob(r->board, k, knob_asked(k, &r->config));
        if (!r->config.run.tune)
                return;
        if (!r->trace)
                return run_note(r, "Nothing is tuned (Run.Tune=yes): without trace events nobody knows how closely removals and scrubs meet.");
        tuner_init(&r->tuner, &r->config);
        r->report.tuner = &r->tuner;
        set_knobs(r);
}

void run_tune_resume(Run *r) {
        r->tuned_score = score(r);
}

/* What all this is for is a better measure than what should lead to it, as soon as there is any: what was tried until then was scored otherwise. */
static void begin_by_hits(Run *r) {
        if (r->tuner.by_hits || hits(r) == 0)
                return;
        tuner_init(&r->tuner, &r->config);
        r->tuner.by_hits = true;
        r->tuned_score = score(r);
        set_knobs(r);
}

static void say_settled(Run *r) {
        char list[160] = "", now[UNITS_MAX], asked[UNITS_MAX];

        for (Knob k = 0; k < _KNOB_MAX; k++) {
                size_t n = strlen(list);
                if (tuner_setting(&r->tuner, k) != knob_asked(k, &r->config))
                        snprintf(list + n, sizeof(list) - n, "%s%s=%s (asked: %s)", n > 0 ? ", " : "", knob_name(k),
                                 knob_print(k, tuner_setting(&r->tuner, k), now), knob_print(k, knob_asked(k, &r->config), asked));
        }
        run_note(r, "Tuned: %s; %s %.1f/s, as asked for %.1f/s.", list[0] ? list : "what is asked for is as good as anything tried",
                 r->tuner.by_hits ? "hits" : "near meetings", tuner_rate(&r->tuner.best), tuner_rate(&r->tuner.asked));
}

void run_tune_end(Run *r) {
        if (r->report.tuner && !r->tuner.settled && r->report.totals.stress_ns > 0)
                run_note(r, "The tuner (Run.Tune=yes) was still trying settings when the run ended: its rates are those of many settings. Where "
                            "little meets it takes some minutes.");
}

void run_tune(Run *r, uint64_t ns) {
        double now;

        if (!r->report.tuner || r->tuner.settled)
                return;
        begin_by_hits(r);
        now = score(r);
        if (tuner_feed(&r->tuner, now - r->tuned_score, ns))
                set_knobs(r);
        r->tuned_score = now;
        if (!r->tuner.settled)
                return;
        say_settled(r);
        run_soak_choice(r);
}

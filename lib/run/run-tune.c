/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tuner in a run: fed with what the collider has seen, its settings go to the board, where the workers look. */
#include <string.h>

#include "run/run-internal.h"

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
        r->tuned_nearness = collider_aim(r->collider)->nearness;
}

static void say_settled(Run *r) {
        char list[160] = "", now[UNITS_MAX], asked[UNITS_MAX];

        for (Knob k = 0; k < _KNOB_MAX; k++) {
                size_t n = strlen(list);
                if (tuner_setting(&r->tuner, k) != knob_asked(k, &r->config))
                        snprintf(list + n, sizeof(list) - n, "%s%s=%s (asked: %s)", n > 0 ? ", " : "", knob_name(k),
                                 knob_print(k, tuner_setting(&r->tuner, k), now), knob_print(k, knob_asked(k, &r->config), asked));
        }
        run_note(r, "Tuned: %s; near meetings %.0f/s, as asked for %.0f/s.", list[0] ? list : "what is asked for is as good as anything tried",
                 tuner_rate(&r->tuner.best), tuner_rate(&r->tuner.asked));
}

void run_tune_end(Run *r) {
        if (r->report.tuner && !r->tuner.settled && r->report.totals.stress_ns > 0)
                run_note(r, "The tuner (Run.Tune=yes) was still trying settings when the run ended: its rates are those of many settings. Where "
                            "little meets it takes some minutes.");
}

void run_tune(Run *r, uint64_t ns) {
        double nearness = collider_aim(r->collider)->nearness;

        if (!r->report.tuner || r->tuner.settled)
                return;
        if (tuner_feed(&r->tuner, nearness - r->tuned_nearness, ns))
                set_knobs(r);
        r->tuned_nearness = nearness;
        if (!r->tuner.settled)
                return;
        say_settled(r);
        run_soak_choice(r);
}

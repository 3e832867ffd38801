/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/tuner.h"

#include <string.h>

#include "base/macro.h"

double tuner_rate(const TunerTrial *trial) {
        return trial->ns > 0 ? trial->score * (double)NSEC_PER_SEC / (double)trial->ns : 0;
}

/* To the next knob that can be turned; the sweep ends behind the last. Without any at all it has settled. */
static void next_knob(Tuner *t) {
        memset(t->trials, 0, sizeof(t->trials));
        t->setting = t->round = 0;
        while (t->knob < _KNOB_MAX && t->n_settings[t->knob] < 2)
                t->knob++;
        if (t->knob < _KNOB_MAX)
                return;
        t->settled = !t->turned || ++t->sweep == TUNER_SWEEPS;
        t->turned = false;
        t->knob = 0;
        if (!t->settled)
                next_knob(t);
}

void tuner_init(Tuner *t, const Config *c) {
        *t = (Tuner){ 0 };
        for (Knob k = 0; k < _KNOB_MAX; k++)
                t->n_settings[k] = knob_settings(k, c, t->settings[k]);
        next_knob(t);
}

uint64_t tuner_setting(const Tuner *t, Knob k) {
        return t->settings[k][k == t->knob && !t->settled ? t->setting : t->chosen[k]];
}

static void choose(Tuner *t) {
        unsigned best = t->chosen[t->knob];

        if (t->asked.ns == 0)
                t->asked = t->trials[best];
        for (unsigned i = 0; i < t->n_settings[t->knob]; i++)
                if (tuner_rate(&t->trials[i]) > tuner_rate(&t->trials[best]) * (best == t->chosen[t->knob] ? TUNER_MARGIN : 1))
                        best = i;
        t->turned |= best != t->chosen[t->knob];
        t->chosen[t->knob] = best;
        t->best = t->trials[best];
        t->knob++;
        next_knob(t);
}

static void end_turn(Tuner *t) {
        t->trials[t->setting].score += t->turn.score;
        t->trials[t->setting].ns += t->turn.ns;
        t->turn = (TunerTrial){ 0 };
        if (++t->setting < t->n_settings[t->knob])
                return;
        t->setting = 0;
        if (++t->round == TUNER_ROUNDS)
                choose(t);
}

bool tuner_feed(Tuner *t, double score, uint64_t ns) {
        uint64_t before[_KNOB_MAX];
        bool changed = false;

        if (t->settled)
                return false;
        t->turn.score += score;
        t->turn.ns += ns;
        if (t->turn.ns < TUNER_TURN_NS || (t->turn.score < TUNER_ENOUGH && t->turn.ns < TUNER_TURN_MAX_NS))
                return false;
        for (Knob k = 0; k < _KNOB_MAX; k++)
                before[k] = tuner_setting(t, k);
        end_turn(t);
        for (Knob k = 0; k < _KNOB_MAX; k++)
                changed |= before[k] != tuner_setting(t, k);
        return changed;
}

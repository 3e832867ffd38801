/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/tuner.h"

#include <string.h>

#include "base/macro.h"

double tuner_rate(const TunerTrial *trial) {
        return trial->ns > 0 ? trial->score * (double)NSEC_PER_SEC / (double)trial->ns : 0;
}

static bool is_as_asked(const Tuner *t) {
        for (Knob k = 0; k < _KNOB_MAX; k++)
                if (t->chosen[k] != 0)
                        return false;
        return true;
}

/* To the next knob that can be turned; the sweep ends behind the last. Without any at all it has settled. */
static void next_knob(Tuner *t) {
        bool over;

        memset(t->trials, 0, sizeof(t->trials));
        t->setting = t->round = 0;
        while (t->knob < _KNOB_MAX && t->n_settings[t->knob] < 2)
                t->knob++;
        if (t->knob < _KNOB_MAX)
                return;
        over = !t->turned || ++t->sweep == TUNER_SWEEPS;
        t->turned = false;
        t->knob = 0;
        if (!over)
                return next_knob(t);
        t->settled = is_as_asked(t);
        t->proving = !t->settled;
}

void tuner_init(Tuner *t, const Config *c) {
        *t = (Tuner){ 0 };
        for (Knob k = 0; k < _KNOB_MAX; k++)
                t->n_settings[k] = knob_settings(k, c, t->settings[k]);
        next_knob(t);
}

uint64_t tuner_setting(const Tuner *t, Knob k) {
        if (t->proving)
                return t->settings[k][t->setting == 0 ? 0 : t->chosen[k]];
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

/* What is asked for against what is chosen. */
static void prove(Tuner *t) {
        t->asked = t->trials[0];
        t->best = t->trials[1];
        t->proving = false;
        t->settled = true;
        if (tuner_rate(&t->best) > tuner_rate(&t->asked))
                return;
        memset(t->chosen, 0, sizeof(t->chosen));
        t->best = t->asked;
}

static void end_turn(Tuner *t) {
        t->trials[t->setting].score += t->turn.score;
        t->trials[t->setting].ns += t->turn.ns;
        t->turn = (TunerTrial){ 0 };
        if (++t->setting < (t->proving ? 2 : t->n_settings[t->knob]))
                return;
        t->setting = 0;
        if (++t->round == TUNER_ROUNDS)
                (t->proving ? prove : choose)(t);
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

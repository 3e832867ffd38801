/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Tuner: finds the settings of the knobs with which removals and scrubs meet most closely and most often on this machine, by trying them. Pure:
 * time and score are handed in, there is no chance in it: the same scores make the same choices.
 *
 * One knob after the other: each of its settings is played TUNER_ROUNDS times in turn, so that a machine that becomes slower is no setting's
 * fault, and one that is better than the present one by more than TUNER_MARGIN stays. When a whole sweep over the knobs has turned none, it
 * is over, and after TUNER_SWEEPS too. Then all that was chosen is played against all that was asked for, in turn as well, and given up where it is
 * no better: so that it never settles on what only a quieter moment made look good.
 */
#include "config/knob.h"

#define TUNER_ROUNDS 3
#define TUNER_SWEEPS 3
#define TUNER_MARGIN 1.1
/* A turn lasts at least so long, and longer, up to the other, until there is enough to compare. */
#define TUNER_TURN_NS (300 * NSEC_PER_MSEC)
#define TUNER_TURN_MAX_NS (3 * NSEC_PER_SEC)
#define TUNER_ENOUGH 100.0

typedef struct TunerTrial {
        double score;
        uint64_t ns;
} TunerTrial;

typedef struct Tuner {
        unsigned n_settings[_KNOB_MAX], chosen[_KNOB_MAX]; /* indexes of settings */
        uint64_t settings[_KNOB_MAX][KNOB_SETTINGS_MAX];
        /* Where it is. */
        Knob knob;
        unsigned setting, round, sweep;
        bool turned, proving, settled;
        bool by_hits; /* of the caller: what the scores are; false: nearness */
        TunerTrial turn, trials[KNOB_SETTINGS_MAX];
        TunerTrial asked, best; /* of what is asked for and of what is chosen: in the proof, or, where nothing was turned, in the first and last trial */
} Tuner;

void tuner_init(Tuner *t, const Config *c);
/* What the last `ns` under stress have brought: score, any number of which more is better, and comparable between equal times. Returns true when
 * tuner_setting() of some knob has changed. */
bool tuner_feed(Tuner *t, double score, uint64_t ns);
/* What is to be set now. */
uint64_t tuner_setting(const Tuner *t, Knob k);
/* Score per second; 0 when nothing was played yet. */
double tuner_rate(const TunerTrial *trial);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Knob: a key of the configuration that the tuner may turn while the run goes on, and the settings worth trying. One table, knob.c; to add
 * one: a line there and in the enum, and worker_knob() where the stressor reads the key.
 *
 * What the configuration asks for is always a setting, and of sizes and numbers the largest: buffers, deadlines and room are made for it.
 */
#include "config/config.h"
#include "base/units.h"

typedef enum Knob {
        KNOB_FILE_SIZE,
        KNOB_FILES,
        KNOB_CHURNS,
        KNOB_DWELL,
        KNOB_SYNC_REST,
        KNOB_SCRUB_REST,
        KNOB_BALANCE_REST,
        _KNOB_MAX,
} Knob;

#define KNOB_SETTINGS_MAX 6

/* "Churn.FileSize" */
const char *knob_name(Knob k);
/* What the configuration asks for. */
uint64_t knob_asked(Knob k, const Config *c);
/* The settings worth trying, without doubles, what is asked for first. Returns how many: 1, when there is nothing to turn. */
unsigned knob_settings(Knob k, const Config *c, uint64_t out[static KNOB_SETTINGS_MAX]);
/* "1MiB", "300us", "4" */
char *knob_print(Knob k, uint64_t setting, char buf[static UNITS_MAX]);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/knob.h"

#include <inttypes.h>
#include <stddef.h>

#include "base/macro.h"

typedef enum KnobKind { KNOB_SIZE, KNOB_NUMBER, KNOB_DURATION } KnobKind;

/* A quarter and a sixteenth of what is asked for, but not less than this. */
static const uint64_t least[] = { [KNOB_SIZE] = 4 * KiB, [KNOB_NUMBER] = 1 };

static const struct {
        const char *name;
        KnobKind kind;
        size_t offset;                                /* in Config */
        uint64_t durations_ns[KNOB_SETTINGS_MAX - 1]; /* worth trying; the first may be 0, a 0 behind it ends the list */
} knobs[_KNOB_MAX] = {
        [KNOB_FILE_SIZE] = { "Churn.FileSize", KNOB_SIZE, offsetof(Config, churn.file_size), { 0 } },
        [KNOB_FILES] = { "Churn.Files", KNOB_NUMBER, offsetof(Config, churn.files), { 0 } },
        [KNOB_CHURNS] = { "Churn.Workers", KNOB_NUMBER, offsetof(Config, churn.workers), { 0 } },
        /* Between the commit that fills a group and its emptying: time for scrubs to find it. */
        [KNOB_DWELL] = { "Churn.Dwell", KNOB_DURATION, offsetof(Config, churn.dwell_ns), { 0, NSEC_PER_MSEC, 10 * NSEC_PER_MSEC } },
        /* A slow disk is best left alone by syncs, a fast one is not. */
        [KNOB_SYNC_REST] = { "Sync.Rest", KNOB_DURATION, offsetof(Config, sync.rest_ns),
                             { 0, 3 * NSEC_PER_MSEC, 30 * NSEC_PER_MSEC, 10 * NSEC_PER_SEC } },
        [KNOB_SCRUB_REST] = { "Scrub.Rest", KNOB_DURATION, offsetof(Config, scrub.rest_ns), { 0, NSEC_PER_MSEC, 10 * NSEC_PER_MSEC } },
        [KNOB_BALANCE_REST] = { "Balance.Rest", KNOB_DURATION, offsetof(Config, balance.rest_ns), { 100 * NSEC_PER_MSEC, 10 * NSEC_PER_SEC } },
};

const char *knob_name(Knob k) {
        return knobs[k].name;
}

uint64_t knob_asked(Knob k, const Config *c) {
        return *(const uint64_t *)((const char *)c + knobs[k].offset);
}

static bool is_switched_off(Knob k, const Config *c) {
        switch (k) {
        case KNOB_SYNC_REST:
                return c->sync.workers == 0;
        case KNOB_SCRUB_REST:
                return !c->scrub.enabled;
        case KNOB_BALANCE_REST:
                return !c->balance.enabled;
        default:
                return c->churn.workers == 0;
        }
}

static unsigned add(uint64_t *out, unsigned n, uint64_t setting) {
        for (unsigned i = 0; i < n; i++)
                if (out[i] == setting)
                        return n;
        out[n] = setting;
        return n + 1;
}

unsigned knob_settings(Knob k, const Config *c, uint64_t out[static KNOB_SETTINGS_MAX]) {
        uint64_t asked = knob_asked(k, c);
        unsigned n = add(out, 0, asked);

        if (is_switched_off(k, c))
                return n;
        if (knobs[k].kind == KNOB_DURATION) {
                for (size_t i = 0; i < ELEMENTSOF(knobs[k].durations_ns) && (i == 0 || knobs[k].durations_ns[i] > 0); i++)
                        n = add(out, n, knobs[k].durations_ns[i]);
                return n;
        }
        for (uint64_t part = 4; part <= 16; part *= 4)
                if (asked / part >= least[knobs[k].kind])
                        n = add(out, n, asked / part / least[knobs[k].kind] * least[knobs[k].kind]);
        return n;
}

char *knob_print(Knob k, uint64_t setting, char buf[static UNITS_MAX]) {
        if (knobs[k].kind == KNOB_DURATION)
                return units_format_duration(setting, buf);
        if (knobs[k].kind == KNOB_SIZE)
                return units_format_size(setting, buf);
        snprintf(buf, UNITS_MAX, "%" PRIu64, setting);
        return buf;
}

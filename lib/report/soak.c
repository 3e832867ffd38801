/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/soak.h"

#include <errno.h>
#include <string.h>

static const char *const states[_SOAK_STATE_MAX] = {
        [SOAK_RUNNING] = "running",
        [SOAK_DONE] = "done",
        [SOAK_ABANDONED] = "abandoned",
};

static const struct {
        const char *name, *after;
} recoveries[_RECOVERED_MAX] = {
        [RECOVERED_FIRST] = { "first", NULL },
        [RECOVERED_CLEAN] = { "clean", "an orderly end" },
        [RECOVERED_CRASH] = { "crash", "a crash" },
        [RECOVERED_REBOOT] = { "reboot", "a reboot" },
};

const char *soak_state_name(SoakState s) {
        return (unsigned)s < _SOAK_STATE_MAX ? states[s] : "unknown";
}

const char *recovered_name(Recovered r) {
        return (unsigned)r < _RECOVERED_MAX ? recoveries[r].name : "unknown";
}

const char *recovered_after(Recovered r) {
        return (unsigned)r < _RECOVERED_MAX ? recoveries[r].after : NULL;
}

void soak_done(Soak *s) {
        free(s->starts);
        free(s->latency);
        *s = (Soak){ 0 };
}

int soak_add_start(Soak *s, const SoakStart *start) {
        SoakStart *more = reallocarray(s->starts, s->n_starts + 1, sizeof(*more));

        if (!more)
                return -ENOMEM;
        more[s->n_starts++] = *start;
        s->starts = more;
        return 0;
}

int soak_add_latency(Soak *s, Operation op, const Histogram *h) {
        if (!s->latency)
                s->latency = calloc(_OP_MAX, sizeof(*s->latency));
        if (!s->latency)
                return -ENOMEM;
        histogram_merge(&s->latency[op], h);
        return 0;
}

void soak_latency(const Soak *s, Operation op, Histogram *add_to) {
        if (s->latency)
                histogram_merge(add_to, &s->latency[op]);
}

Recovered soak_recovered(const SoakStart *before, const char *boot_id) {
        if (!before)
                return RECOVERED_FIRST;
        if (before->ended)
                return RECOVERED_CLEAN;
        return strcmp(before->boot_id, boot_id) == 0 ? RECOVERED_CRASH : RECOVERED_REBOOT;
}

bool soak_continues(SoakState state, const char *its_configuration, const char *configuration) {
        return state == SOAK_RUNNING && strcmp(its_configuration, configuration) == 0;
}

uint64_t soak_left_ns(uint64_t asked_ns, uint64_t stress_ns) {
        return asked_ns > stress_ns ? asked_ns - stress_ns : 0;
}

char *soak_describe_starts(const Soak *s, char *buf, size_t size) {
        size_t counts[_RECOVERED_MAX] = { 0 }, have;

        for (size_t i = 0; i < s->n_starts; i++)
                counts[s->starts[i].recovered]++;
        have = (size_t)snprintf(buf, size, "%zu start%s", s->n_starts, s->n_starts == 1 ? "" : "s");
        for (Recovered r = RECOVERED_CLEAN; r < _RECOVERED_MAX && have < size; r++)
                if (counts[r] > 0)
                        have += (size_t)snprintf(buf + have, size - have, ", %zu after %s", counts[r], recoveries[r].after);
        return buf;
}

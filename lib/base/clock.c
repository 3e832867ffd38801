/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/macro.h"

static uint64_t read_clock(clockid_t id) {
        struct timespec ts = { 0 };

        clock_gettime(id, &ts);
        return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t clock_mono_ns(void) {
        return read_clock(CLOCK_MONOTONIC);
}

uint64_t clock_real_ns(void) {
        return read_clock(CLOCK_REALTIME);
}

void clock_sleep_ns(uint64_t ns) {
        struct timespec ts = { .tv_sec = (time_t)(ns / NSEC_PER_SEC), .tv_nsec = (long)(ns % NSEC_PER_SEC) };

        while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
                ;
}

char *clock_iso(uint64_t real_ns, char buf[static CLOCK_ISO_MAX]) {
        time_t seconds = (time_t)(real_ns / NSEC_PER_SEC);
        struct tm tm;
        size_t n;

        gmtime_r(&seconds, &tm);
        n = strftime(buf, CLOCK_ISO_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(buf + n, CLOCK_ISO_MAX - n, ".%03uZ", (unsigned)(real_ns / NSEC_PER_MSEC % 1000));
        return buf;
}

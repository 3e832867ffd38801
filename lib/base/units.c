/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/macro.h"

typedef struct Unit {
        const char *name;
        uint64_t factor;
} Unit;

/* Canonical names first, largest first: formatting takes the first that divides evenly, the last canonical one always does. */
static const Unit size_units[] = {
        { "EiB", TiB * MiB }, { "PiB", TiB * KiB }, { "TiB", TiB }, { "GiB", GiB }, { "MiB", MiB }, { "KiB", KiB }, { "", 1 },
        { "E", TiB * MiB },   { "P", TiB * KiB },   { "T", TiB },   { "G", GiB },   { "M", MiB },   { "K", KiB },   { "B", 1 },
};

#define SECONDS(n) ((n) * NSEC_PER_SEC)
static const Unit duration_units[] = {
        { "w", SECONDS(604800) },     { "d", SECONDS(86400) },    { "h", SECONDS(3600) },    { "m", SECONDS(60) },
        { "s", SECONDS(1) },          { "ms", NSEC_PER_MSEC },    { "us", NSEC_PER_USEC },   { "ns", 1 },
        { "week", SECONDS(604800) },  { "day", SECONDS(86400) },  { "hour", SECONDS(3600) }, { "min", SECONDS(60) },
        { "weeks", SECONDS(604800) }, { "days", SECONDS(86400) }, { "hours", SECONDS(3600) }, { "minute", SECONDS(60) },
        { "minutes", SECONDS(60) },   { "hr", SECONDS(3600) },    { "sec", SECONDS(1) },     { "second", SECONDS(1) },
        { "seconds", SECONDS(1) },    { "msec", NSEC_PER_MSEC },  { "usec", NSEC_PER_USEC }, { "nsec", 1 },
};

/* A written number: whole + fraction / FRACTION_ONE. */
#define FRACTION_ONE UINT64_C(1000000000000000000)
typedef struct Number {
        uint64_t whole, fraction;
} Number;

static const char *skip_blanks(const char *s) {
        return s + strspn(s, " \t");
}

/* "12" or "1.5"; digits on both sides of the point. Moves *s behind it. */
static int parse_number(const char **s, Number *ret) {
        const char *p = *s;

        *ret = (Number){ 0 };
        if (!isdigit((unsigned char)*p))
                return -EINVAL;
        for (; isdigit((unsigned char)*p); p++)
                if (__builtin_mul_overflow(ret->whole, 10, &ret->whole) || __builtin_add_overflow(ret->whole, *p - '0', &ret->whole))
                        return -ERANGE;
        if (*p == '.') {
                if (!isdigit((unsigned char)*++p))
                        return -EINVAL;
                for (uint64_t place = FRACTION_ONE / 10; isdigit((unsigned char)*p); p++, place /= 10)
                        ret->fraction += (uint64_t)(*p - '0') * place;
        }
        *s = p;
        return 0;
}

static int scale(Number n, uint64_t factor, uint64_t *ret) {
        unsigned __int128 v = (unsigned __int128)n.whole * factor + (unsigned __int128)n.fraction * factor / FRACTION_ONE;

        if (v > UINT64_MAX)
                return -ERANGE;
        *ret = (uint64_t)v;
        return 0;
}

/* Takes the letters at *s as one of the n units; 0: no such unit. */
static uint64_t take_unit(const char **s, const Unit *units, size_t n, int (*compare)(const char *, const char *, size_t)) {
        size_t length = 0;

        while (isalpha((unsigned char)(*s)[length]))
                length++;
        for (size_t i = 0; i < n; i++)
                if (strlen(units[i].name) == length && compare(units[i].name, *s, length) == 0) {
                        *s += length;
                        return units[i].factor;
                }
        return 0;
}

static uint64_t take_size_unit(const char **s) {
        return take_unit(s, size_units, ELEMENTSOF(size_units), strncasecmp);
}

/* Case counts here: M is a month elsewhere. */
static uint64_t take_duration_unit(const char **s) {
        return take_unit(s, duration_units, ELEMENTSOF(duration_units), strncmp);
}

int units_parse_size(const char *s, uint64_t *ret) {
        uint64_t factor, value;
        Number n;
        int r;

        s = skip_blanks(s);
        r = parse_number(&s, &n);
        if (r < 0)
                return r;
        s = skip_blanks(s);
        factor = take_size_unit(&s);
        if (factor == 0 || *skip_blanks(s) || (factor == 1 && n.fraction > 0))
                return -EINVAL;
        r = scale(n, factor, &value);
        if (r < 0)
                return r;
        *ret = value;
        return 0;
}

int units_parse_duration(const char *s, uint64_t *ret_ns) {
        uint64_t sum = 0;
        bool first = true;

        s = skip_blanks(s);
        do {
                uint64_t factor, value;
                Number n;
                int r = parse_number(&s, &n);
                if (r < 0)
                        return r;
                s = skip_blanks(s);
                /* A bare number is seconds, but only alone: "1h 30" would be read as minutes by some and as seconds by others. */
                factor = first && *s == 0 ? NSEC_PER_SEC : take_duration_unit(&s);
                if (factor == 0)
                        return -EINVAL;
                r = scale(n, factor, &value);
                if (r < 0 || __builtin_add_overflow(sum, value, &sum))
                        return -ERANGE;
                s = skip_blanks(s);
                first = false;
        } while (*s);
        *ret_ns = sum;
        return 0;
}

static char *format_exact(const Unit *u, uint64_t value, char *buf) {
        if (value == 0)
                return strcpy(buf, "0");
        while (value % u->factor != 0)
                u++;
        snprintf(buf, UNITS_MAX, "%llu%s", (unsigned long long)(value / u->factor), u->name);
        return buf;
}

char *units_format_size(uint64_t bytes, char buf[static UNITS_MAX]) {
        return format_exact(size_units, bytes, buf);
}

char *units_format_duration(uint64_t ns, char buf[static UNITS_MAX]) {
        return format_exact(duration_units, ns, buf);
}

static char *format_three_digits(double v, const char *unit, char *buf) {
        snprintf(buf, UNITS_MAX, "%.*f %s", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v, unit);
        return buf;
}

char *units_human_size(uint64_t bytes, char buf[static UNITS_MAX]) {
        const Unit *u = size_units;

        /* 999.5 of a unit would be printed with four digits: that is 0.98 of the next. */
        while (u->factor > 1 && (double)bytes < 999.5 * (double)(u->factor / KiB))
                u++;
        if (u->factor == 1) {
                snprintf(buf, UNITS_MAX, "%u B", (unsigned)bytes);
                return buf;
        }
        return format_three_digits((double)bytes / (double)u->factor, u->name, buf);
}

char *units_human_duration(uint64_t ns, char buf[static UNITS_MAX]) {
        const Unit *u = duration_units;

        while (u->factor > NSEC_PER_SEC || (u->factor > 1 && (double)ns < 0.9995 * (double)u->factor))
                u++;
        if (u->factor > 1)
                return format_three_digits((double)ns / (double)u->factor, u->name, buf);
        snprintf(buf, UNITS_MAX, "%u ns", (unsigned)ns);
        return buf;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/units.h"
#include "report/report.h"
#include "report/text.h"

#define SMOOTH_NS NSEC_PER_SEC        /* time constant of the rates */
#define PLAIN_NS (10 * NSEC_PER_SEC)
#define BAR_MIN 4U
#define BAR_MAX 40U
#define FIELD_MAX 48
#define FIELDS_MAX 10

/* One item of the line. Where there is no room the highest rank is left out first; rank 0 stays. */
typedef struct Field {
        char text[FIELD_MAX];
        unsigned rank;
        bool alarm;
} Field;

typedef struct Line {
        Field fields[FIELDS_MAX];
        unsigned n;
        bool words;  /* "312 collisions/s", not "312 coll/s" */
        bool padded; /* rates keep their width, so that the line does not jitter */
} Line;

static const struct {
        Total which;
        const char *label, *brief;
        unsigned rank;
} rate_fields[] = {
        { TOTAL_COLLISIONS, "collisions/s", "coll/s", 2 },
        { TOTAL_REMOVALS, "removals/s", "rem/s", 4 },
        { TOTAL_SCRUBS, "scrubs/s", "scrubs/s", 3 },
};

static void _printf_(3, 4) add(Line *l, unsigned rank, const char *format, ...) {
        Field *f = &l->fields[l->n++];
        va_list ap;

        *f = (Field){ .rank = rank };
        va_start(ap, format);
        vsnprintf(f->text, sizeof(f->text), format, ap);
        va_end(ap);
}

static const char *plural(uint64_t n) {
        return n == 1 ? "" : "s";
}

/* Nothing moves: how long, where, and what ends it. */
static void compose_held(Line *l, const Held *h) {
        char held[TEXT_NUMBER_MAX];

        l->n = 0;
        add(l, 0, "held %s", text_duration(h->ns, held));
        l->fields[0].alarm = true;
        add(l, 2, "at %s", finding_classes[h->at->class].name);
        add(l, 1, "for a debugger: SIGTERM or SIGINT ends it");
}

static void compose(Line *l, const Progress *p, const Report *r) {
        const Totals *t = &r->totals;
        char now[TEXT_NUMBER_MAX], asked[TEXT_NUMBER_MAX], size[UNITS_MAX];

        if (r->held.at) {
                compose_held(l, &r->held);
                return;
        }
        l->n = 0;
        text_duration(t->stress_ns, now);
        if (r->duration_asked_ns)
                add(l, 0, "%s/%s", now, text_duration(r->duration_asked_ns, asked));
        else
                add(l, 0, "%s", now);
        for (size_t i = 0; i < ELEMENTSOF(rate_fields); i++) {
                double rate = p->rates[rate_fields[i].which];
                add(l, rate_fields[i].rank, "%*.*f %s", l->padded ? 4 : 0, rate < 9.95 ? 1 : 0, rate,
                    l->words ? rate_fields[i].label : rate_fields[i].brief);
        }
        add(l, 5, "%" PRIu64 " %s%s", t->balances, l->words ? "balance" : "bal", l->words ? plural(t->balances) : "");
        add(l, 6, "%s", units_human_size(t->bytes_written, size));
        if (t->known)
                add(l, 7, "%" PRIu64 " known", t->known);
        if (t->remakes)
                add(l, 8, "%" PRIu64 " re-made", t->remakes);
        add(l, 1, "%" PRIu64 " finding%s", t->findings, plural(t->findings));
        l->fields[l->n - 1].alarm = t->findings > 0;
}

static unsigned length(const Line *l) {
        unsigned n = 0;

        for (unsigned i = 0; i < l->n; i++)
                n += (unsigned)strlen(l->fields[i].text) + (i > 0);
        return n;
}

/* Leaves out the least important field; false when only rank 0 is left. */
static bool drop_one(Line *l) {
        unsigned worst = 0;

        for (unsigned i = 1; i < l->n; i++)
                if (l->fields[i].rank > l->fields[worst].rank)
                        worst = i;
        if (l->fields[worst].rank == 0)
                return false;
        memmove(&l->fields[worst], &l->fields[worst + 1], (l->n - worst - 1) * sizeof(Field));
        l->n--;
        return true;
}

/* Makes the line fit into `columns`: long words if the bar stays long with them, else a shorter bar, else none, else fewer fields.
 * Returns the bar's cells. */
static unsigned fit(Line *l, const Progress *p, const Report *r, unsigned columns) {
        const unsigned frame = r->duration_asked_ns ? (unsigned)strlen("[] ") : 0, long_bar = r->duration_asked_ns ? BAR_MAX / 2 : 0;

        l->padded = true;
        l->words = true;
        compose(l, p, r);
        if (length(l) + frame + long_bar > columns) {
                l->words = false;
                compose(l, p, r);
        }
        if (r->duration_asked_ns && length(l) + frame + BAR_MIN <= columns)
                return MIN_OF(columns - length(l) - frame, BAR_MAX);
        while (length(l) > columns && drop_one(l))
                ;
        if (length(l) > columns)
                l->n = 0;
        return 0;
}

static void draw_bar(const Progress *p, const Report *r, unsigned cells) {
        static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
        const Totals *t = &r->totals;
        double share = MIN_OF((double)t->stress_ns / (double)r->duration_asked_ns, 1.0);
        unsigned steps = (unsigned)(share * cells * 8), full = steps / 8, part = p->utf8 && steps % 8;

        fputc('[', p->file);
        for (unsigned i = 0; i < full; i++)
                fputs(p->utf8 ? "█" : "#", p->file);
        if (part)
                fputs(eighths[steps % 8], p->file);
        for (unsigned i = full + part; i < cells; i++)
                fputc(p->utf8 ? ' ' : '.', p->file);
        fputs("] ", p->file);
}

static void draw_fields(const Line *l, FILE *f, bool color) {
        for (unsigned i = 0; i < l->n; i++)
                fprintf(f, "%s%s%s%s", i ? " " : "", color && l->fields[i].alarm ? "\033[1;31m" : "", l->fields[i].text,
                        color && l->fields[i].alarm ? "\033[0m" : "");
}

static void draw(Progress *p, const Report *r) {
        /* The last column stays free: a character there makes some terminals wrap. */
        unsigned columns = p->width - 1, cells;
        Line l = { 0 };

        cells = fit(&l, p, r, columns);
        fputc('\r', p->file);
        if (cells)
                draw_bar(p, r, cells);
        draw_fields(&l, p->file, p->color);
        fputs("\033[K", p->file);
        fflush(p->file);
        p->drawn = true;
}

/* Exponential, by the time that has really passed: weight dt / (dt + SMOOTH_NS). The first difference stands as it is. */
static void smooth(Progress *p, const Totals *t) {
        uint64_t dt = t->time_ns > p->last.time_ns ? t->time_ns - p->last.time_ns : 0;
        double weight = p->warm ? (double)dt / (double)(dt + SMOOTH_NS) : 1;

        if (dt == 0)
                return;
        for (Total i = 0; i < _TOTAL_MAX; i++)
                p->rates[i] += weight * (totals_rate(&p->last, t, dt, i) - p->rates[i]);
        p->last = *t;
        p->warm = true;
}

static void print_plain(Progress *p, const Report *r) {
        const Totals *t = &r->totals;
        Line l = { .words = true };

        if (t->time_ns < p->next_plain_ns)
                return;
        for (Total i = 0; i < _TOTAL_MAX; i++)
                p->rates[i] = totals_rate(&p->last, t, t->time_ns - p->last.time_ns, i);
        p->last = *t;
        while (p->next_plain_ns <= t->time_ns)
                p->next_plain_ns += PLAIN_NS;
        compose(&l, p, r);
        draw_fields(&l, p->file, false);
        fputc('\n', p->file);
        fflush(p->file);
}

void progress_init(Progress *p, FILE *f) {
        *p = (Progress){ .file = f };
}

void progress_update(Progress *p, const Report *r) {
        if (p->next_plain_ns == 0) {
                p->last = r->totals;
                p->next_plain_ns = r->totals.time_ns + PLAIN_NS;
        }
        if (p->width == 0) {
                print_plain(p, r);
                return;
        }
        smooth(p, &r->totals);
        draw(p, r);
}

void progress_clear(Progress *p) {
        if (!p->drawn)
                return;
        fputs("\r\033[K", p->file);
        fflush(p->file);
        p->drawn = false;
}

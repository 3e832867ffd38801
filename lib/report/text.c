/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text.h"

#include <inttypes.h>
#include <string.h>

#include "base/macro.h"
#include "base/units.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

char *text_number(uint64_t n, char buf[static TEXT_NUMBER_MAX]) {
        char digits[TEXT_NUMBER_MAX];
        int length = snprintf(digits, sizeof(digits), "%" PRIu64, n);
        char *p = buf;

        for (int i = 0; i < length; i++) {
                if (i > 0 && (length - i) % 3 == 0)
                        *p++ = ',';
                *p++ = digits[i];
        }
        *p = 0;
        return buf;
}

char *text_duration(uint64_t ns, char buf[static TEXT_NUMBER_MAX]) {
        uint64_t s = ns / NSEC_PER_SEC, m = s / 60, h = m / 60;

        if (s < 120)
                snprintf(buf, TEXT_NUMBER_MAX, "%" PRIu64 "s", s);
        else if (m < 120)
                snprintf(buf, TEXT_NUMBER_MAX, "%" PRIu64 "m%02" PRIu64 "s", m, s % 60);
        else if (h < 48)
                snprintf(buf, TEXT_NUMBER_MAX, "%" PRIu64 "h%02" PRIu64 "m", h, m % 60);
        else
                snprintf(buf, TEXT_NUMBER_MAX, "%" PRIu64 "d%02" PRIu64 "h", h / 24, h % 24);
        return buf;
}

void text_quantiles(FILE *f, const Histogram *h) {
        static const unsigned permyriads[] = { 5000, 9900, 9990 };
        char text[UNITS_MAX];

        if (histogram_count(h) == 0)
                return;
        for (size_t i = 0; i < ELEMENTSOF(permyriads); i++)
                fprintf(f, " %8s", units_human_duration(histogram_quantile(h, permyriads[i]), text));
        fprintf(f, " %8s", units_human_duration(histogram_max(h), text));
}

/* Length of the well-formed sequence at s (Unicode, table 3-7: no overlong form, no surrogate, nothing above U+10FFFF); 0: none. */
static size_t sequence(const char *s) {
        const unsigned char *u = (const unsigned char *)s;
        unsigned char low = u[0] == 0xe0 ? 0xa0 : u[0] == 0xf0 ? 0x90 : 0x80;
        unsigned char high = u[0] == 0xed ? 0x9f : u[0] == 0xf4 ? 0x8f : 0xbf;
        size_t n = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;

        if (u[0] < 0x80)
                return 1;
        if (u[0] < 0xc2 || u[0] > 0xf4 || u[1] < low || u[1] > high)
                return 0;
        for (size_t i = 2; i < n; i++)
                if ((u[i] & 0xc0) != 0x80)
                        return 0;
        return n;
}

char *text_utf8(const char *s, char *buf, size_t size) {
        size_t have = 0;

        while (*s) {
                size_t n = sequence(s), take = n ?: strlen(REPLACEMENT);
                if (have + take >= size)
                        break;
                memcpy(buf + have, n ? s : REPLACEMENT, take);
                have += take;
                s += n ?: 1;
        }
        buf[have] = 0;
        return buf;
}

/* C0, DEL, and C1 (U+0080…U+009F), which some terminals obey too. */
static bool is_control(const char *s, size_t n) {
        const unsigned char *u = (const unsigned char *)s;

        if (n == 1)
                return (u[0] < 0x20 && u[0] != '\n' && u[0] != '\t') || u[0] == 0x7f;
        return n == 2 && u[0] == 0xc2 && u[1] < 0xa0;
}

/* Writes at most `length` bytes; returns the number of characters. */
static unsigned write_safely(FILE *f, const char *s, size_t length) {
        unsigned columns = 0;

        for (size_t i = 0; i < length && s[i]; columns++) {
                size_t n = sequence(s + i);
                if (n == 0 || is_control(s + i, n))
                        fputc('?', f);
                else
                        fwrite(s + i, 1, n, f);
                i += n ?: 1;
        }
        return columns;
}

static unsigned columns_of(const char *s, size_t length) {
        unsigned columns = 0;

        for (size_t i = 0; i < length; columns++)
                i += sequence(s + i) ?: 1;
        return columns;
}

void text_write(FILE *f, const char *s) {
        write_safely(f, s, strlen(s));
}

void text_wrap(FILE *f, unsigned indent, const char *s) {
        static const char blanks[] = " \t\n";
        unsigned column = indent;

        for (s += strspn(s, blanks); *s; s += strspn(s, blanks)) {
                size_t length = strcspn(s, blanks);
                if (column > indent && column + 1 + columns_of(s, length) > TEXT_COLUMNS) {
                        fprintf(f, "\n%*s", (int)indent, "");
                        column = indent;
                }
                if (column > indent) {
                        fputc(' ', f);
                        column++;
                }
                column += write_safely(f, s, length);
                s += length;
        }
        fputc('\n', f);
}

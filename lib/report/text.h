/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Text: what the reports share in writing for people and for parsers: numbers, durations, lines that wrap, and foreign bytes (kernel log,
 * paths) made harmless.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/histogram.h"

#define TEXT_COLUMNS 80
#define TEXT_NUMBER_MAX 32

/* "18,734". */
char *text_number(uint64_t n, char buf[static TEXT_NUMBER_MAX]);
/* Two units at most: "60s", "12m05s", "24h00m", "3d05h". */
char *text_duration(uint64_t ns, char buf[static TEXT_NUMBER_MAX]);

/* What text_quantiles() prints below. */
#define TEXT_QUANTILES "   median     99 %   99.9 %  longest"
/* Median, what 99 and 99.9 % did not exceed, and the longest, of nanoseconds; nothing of an empty one. */
void text_quantiles(FILE *f, const Histogram *h);

/* Copies s so that it is well-formed UTF-8: each byte that is not becomes U+FFFD. What does not fit is cut between characters. */
char *text_utf8(const char *s, char *buf, size_t size);
/* Writes s so that a terminal cannot be driven by it: control characters and malformed bytes become '?'; newlines and tabs stay. */
void text_write(FILE *f, const char *s);
/* Writes the words of s and a newline. The cursor is at column `indent`; further lines begin there. Words are never broken. */
void text_wrap(FILE *f, unsigned indent, const char *s);

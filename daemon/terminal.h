/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Terminal: what the stream that people read can do.
 */
#include <stdbool.h>
#include <stdio.h>

/* Columns, or 0 when it is not a terminal (or a dumb one, which cannot redraw a line). */
unsigned terminal_width(FILE *f);
/* SGR colours: a terminal, and NO_COLOR is not set (no-color.org). */
bool terminal_color(FILE *f);
/* The locale's character set is UTF-8; after setlocale(). */
bool terminal_utf8(void);
/* "Note: " and a sentence, wrapped. */
void terminal_note(FILE *f, const char *sentence);

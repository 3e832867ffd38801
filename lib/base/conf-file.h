/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * ConfFile: a text of [Section]s and Key=VALUEs, taken apart line by line. What they mean is the taker's business.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* A line that says something. The strings are valid during the call only. */
typedef struct ConfLine {
        const char *path;
        unsigned number;
        bool carried;         /* the program carries this text; there is no such file */
        const char *section;
        const char *name;     /* NULL: the head of the section */
        const char *value;
} ConfLine;

/* Given each line. Returns 0, or a negative errno with a sentence, which ends the reading. */
typedef struct ConfTaker {
        int (*take)(void *userdata, const ConfLine *line, Error *e);
        void *userdata;
} ConfTaker;

/* "PATH:NUMBER: " and the rest of the sentence; EXIT_USAGE, -EINVAL. */
int conf_fail(const ConfLine *line, Error *e, const char *format, ...) _printf_(3, 4);

/* A file of at most 1 MiB. EXIT_USAGE with path, line and reason: it cannot be read, is no text, a line is not understood, or the taker said so. */
int conf_file_read(const char *path, const ConfTaker *t, Error *e);
/* A text that the program carries; `path` is what sentences call it. */
int conf_text_read(const char *path, const char *text, const ConfTaker *t, Error *e);

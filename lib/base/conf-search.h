/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * ConfSearch: the directories that configuration is looked for in, as systemd does, and the drop-ins in them.
 */
#include "base/conf-file.h"

#define CONF_DIRECTORIES 4
extern const char *const conf_directories[CONF_DIRECTORIES]; /* highest first */

/* A drop-in that the program carries. An array of them ends with one without a name. */
typedef struct ConfCarried {
        const char *name, *text;
} ConfCarried;

/* Reads every *.conf of the folder `folder` of all directories, sorted by file name, the earlier directory hiding the same name in later
 * ones, an empty or /dev/null-linked file masking; what is carried (NULL: nothing) comes after the last directory. `root` is put in front
 * of all ("": none). EXIT_USAGE as conf_file_read(). */
int conf_drop_ins(const char *root, const char *folder, const ConfCarried *carried, const ConfTaker *t, Error *e);

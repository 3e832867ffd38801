/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * KnownFiles: the known issues of this machine: what the program carries, and the files of the known-issues.d in the folders of the
 * configuration (base/conf-search.h), which hide what is carried under the same name.
 */
#include "judge/known-issue.h"

/* For the running kernel. `root` is put in front of all ("": none). EXIT_USAGE: a file is not understood; nothing is left then. */
int known_files_load(KnownIssues *ret, const char *root, Error *e);

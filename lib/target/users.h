/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Users: who keeps a mount or a device busy, from the links in /proc. Looks at names only, so that a stuck filesystem is not touched.
 */
#include <stdbool.h>
#include <stddef.h>

/* "churn (pid 12), bash (pid 34)": the first few processes with an open file, working directory or root at `path` or below. One that has
 * only mapped a file, or sits in another mount namespace, cannot be told: then the text says so. */
void users_of(const char *path, char *buf, size_t size);
/* Has this very process `path` open? */
bool user_is_self(const char *path);

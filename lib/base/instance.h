/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Instance: two runs of one name exclude each other. The lock is one of a file, /run/scrubstress/NAME.lock, and not a socket of the abstract
 * namespace, which a service with a network namespace of its own would share with nobody. The kernel takes the lock from who is killed;
 * the file then waits for the next run.
 *
 * Life: INSTANCE_NULL → instance_lock() → instance_unlock(), which removes the file.
 */
#include "base/error.h"

typedef struct Instance {
        int fd; /* -1: not locked */
        char path[256];
} Instance;

#define INSTANCE_NULL ((Instance){ .fd = -1 })

/* `root` prefixes /run (tests; NULL or "": none). 0, or -EADDRINUSE with a sentence that names the holder's pid (EXIT_REFUSED). */
int instance_lock(Instance *i, const char *root, const char *name, Error *e);
void instance_unlock(Instance *i);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Instance: two runs of one name exclude each other. The lock is a listening socket in the abstract namespace: it has no file, and the
 * kernel removes it with its holder, kill -9 included.
 */
#include "base/error.h"

/* Returns the lock's file descriptor (keep it open), or -EADDRINUSE with a sentence that names the holder's pid (EXIT_REFUSED). */
int instance_lock(const char *name, Error *e);

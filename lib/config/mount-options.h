/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * MountOptions: what the keys that take mount options must not hold, one table for all of them; and what may be changed while the target is
 * mounted, with what undoes it, another table. Pure.
 *
 * Options are separated by commas, sets of them by blanks.
 */
#include <stdbool.h>
#include <stddef.h>

#define MOUNT_UNDO_MAX 192 /* what undoes all that may be changed */

/* An option that would defeat the run or harm the machine. One with a value is meant as a whole, else every value of it. */
typedef struct RefusedOption {
        const char *option, *reason;
} RefusedOption;

/* The first in the list that is refused, or NULL. */
const RefusedOption *mount_options_refused(const char *list);

/* The i-th set (0: the first), or false: there are fewer, or it is too long. */
bool mount_options_set(const char *sets, size_t i, char *set, size_t size);
/* The first option that a remount cannot change and take back, of *n bytes, or NULL. */
const char *mount_options_fixed(const char *sets, size_t *n);
/* The names of those that it can: "[no]autodefrag, …". */
void mount_options_describe(char *buf, size_t size);
/* What puts all that the sets change back to the defaults of the kernel, each option with a comma after it. */
void mount_options_undo(const char *sets, char undo[static MOUNT_UNDO_MAX]);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * MountOptions: what the keys that take mount options must not hold; one table for all of them. Pure.
 */

/* An option that would defeat the run or harm the machine. One with a value is meant as a whole, else every value of it. */
typedef struct RefusedOption {
        const char *option, *reason;
} RefusedOption;

/* The first in the list that is refused, or NULL. Options are separated by commas, lists of them by blanks. */
const RefusedOption *mount_options_refused(const char *list);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * VfsOptions: takes mount options apart as mount(8) does, into what mount(2) wants as flags and what it hands to the filesystem.
 */

/* *fs is the caller's to free; NULL: nothing is left for the filesystem. A negative errno: not understood, or no memory. */
int vfs_options_split(const char *options, unsigned long *flags, char **fs);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Fs: small files of /proc and /sys, read and written below a prefix, so that a folder of a test can stand for the machine.
 */
#include <stddef.h>
#include <stdint.h>

/* Reads at most size-1 bytes of `root``path` into buf, NUL-terminated, trailing newline removed. Returns the length or a negative errno. */
int fs_read(const char *root, const char *path, char *buf, size_t size);
/* First number in the file. */
int fs_read_u64(const char *root, const char *path, uint64_t *ret);
/* Writes all of `text` into `root``path`, which must exist, in one call. 0 or a negative errno. */
int fs_write(const char *root, const char *path, const char *text);
/* mkdir -p with mode 0755; an existing directory is success. */
int fs_mkdir_p(const char *path);

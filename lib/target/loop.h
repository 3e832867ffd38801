/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Loop: a loop device over an image that has no name (O_TMPFILE). Autoclear from the first moment (LOOP_CONFIGURE, kernel 5.8):
 * when the last opener is gone, kill -9 included, the kernel detaches the device and frees the image. Nothing to clean up.
 */
#include "base/error.h"

typedef struct Loop {
        int fd; /* the open loop device: keeps it configured until it is mounted */
        char path[32];
} Loop;

#define LOOP_NULL ((Loop){ .fd = -1 })

/* Picks the first of the directories (NULL-terminated list) in which `count` images of `size` bytes fit (sparse, but what could be
 * written must fit: tmpfs counts against memory) and which supports O_TMPFILE. Returns its index or a negative errno with a sentence
 * that names each directory and why not. */
int loop_choose_directory(const char *const *directories, unsigned count, uint64_t size, Error *e);
/* Blocks shortly. -ENOENT/-ENODEV: no loop driver; -EBUSY after several tries. */
int loop_create(Loop *l, const char *directory, uint64_t size, uint32_t sector_size, Error *e);
void loop_close(Loop *l);

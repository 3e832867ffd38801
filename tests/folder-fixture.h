/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A folder of a test's own goes when the test has ended.
 */
#include <ftw.h>
#include <stdio.h>

#include "base/macro.h"

static inline int folder_remove_one(const char *path, const struct stat *st _unused_, int flag _unused_, struct FTW *where _unused_) {
        return remove(path);
}

/* The folder and all that is in it. 0, or what nftw(3) says. */
static inline int folder_remove(const char *path) {
        return nftw(path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

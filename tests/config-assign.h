/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* A configuration from assignments on one line: for tests, after cmocka.h. */
#include <string.h>

#include "base/macro.h"
#include "config/config.h"

/* Separated by '|'. */
static inline void assign_all(Config *c, const char *assignments) {
        _cleanup_free_ char *copy = strdup(assignments);
        char *rest = copy, *one;

        while ((one = strsep(&rest, "|")))
                if (*one)
                        assert_int_equal(config_set(c, one, NULL), 0);
}

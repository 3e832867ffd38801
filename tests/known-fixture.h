/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The known issues that the program carries, whatever files this machine has. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "judge/known-issue.h"

/* As if on this kernel. */
static inline KnownIssues carried_issues(const char *kernel) {
        KnownIssues k = KNOWN_ISSUES_NULL;
        Error e = ERROR_NULL;

        assert_int_equal(kernel_version_parse(kernel, &k.kernel), 0);
        for (const ConfCarried *c = known_issues_carried; c->name; c++)
                if (conf_text_read(c->name, c->text, &(ConfTaker){ known_issues_take, &k }, &e) < 0)
                        fail_msg("%s", e.sentence);
        if (known_issues_check(&k, &e) < 0)
                fail_msg("%s", e.sentence);
        return k;
}

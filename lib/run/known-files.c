/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/known-files.h"

int known_files_load(KnownIssues *ret, const char *root, Error *e) {
        KnownIssues k = KNOWN_ISSUES_NULL;
        int r;

        kernel_version_running(root, &k.kernel); /* not known: issues with versions match nothing */
        r = conf_drop_ins(root, "known-issues.d", known_issues_carried, &(ConfTaker){ known_issues_take, &k }, e);
        if (r == 0)
                r = known_issues_check(&k, e);
        if (r < 0)
                known_issues_free(&k);
        *ret = k;
        return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command.h"
#include "run/known-files.h"

static int run(const Options *o, Error *e) {
        _cleanup_(known_issues_free) KnownIssues known = KNOWN_ISSUES_NULL;
        Config c;
        int r = options_config(o, &c, e);

        if (r >= 0)
                r = known_files_load(&known, "", e);
        if (r < 0)
                return r;
        config_print(&c, stdout);
        known_issues_print(&known, stdout);
        return EXIT_PASS;
}

const Command command_config = {
        .name = "config",
        .allowed = "ciSdtshV",
        .help = "print every key, its value and where it came from, and the known issues",
        .run = run,
};

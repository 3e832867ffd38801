/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command.h"

static int run(const Options *o, Error *e) {
        Config c;
        int r = options_config(o, &c, e);

        if (r < 0)
                return r;
        config_print(&c, stdout);
        return EXIT_PASS;
}

const Command command_config = {
        .name = "config",
        .allowed = "ciSdtshV",
        .help = "print every key, its value and where it came from",
        .run = run,
};

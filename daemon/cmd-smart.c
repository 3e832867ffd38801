/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What scrubstress-smart@.service runs, with a connection to scrubstress-smart.socket as standard input and output. */
#include <errno.h>
#include <string.h>

#include "command.h"
#include "observe/smart-ask.h"

static int run(const Options *o _unused_, Error *e) {
        int r = smart_serve("", STDIN_FILENO, STDOUT_FILENO, SMART_TIMEOUT_NS);

        /* A service that is stopped does not wait for its answer: that is no failure of ours for PID 1 to tell of. */
        if (r == -EPIPE || r == -ECONNRESET)
                return EXIT_PASS;
        return r < 0 ? error_set(e, EXIT_ERROR, -r, "The answer could not be written to standard output: %s.", strerror(-r)) : EXIT_PASS;
}

const Command command_smart = {
        .name = "smart",
        .allowed = "hV",
        .help = "ask smartctl for the disk that is named on standard input (what scrubstress-smart@.service runs)",
        .run = run,
};

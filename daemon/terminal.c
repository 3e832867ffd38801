/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "terminal.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/text.h"

static bool is_terminal(FILE *f) {
        const char *term = getenv("TERM");

        return isatty(fileno(f)) && term && strcmp(term, "dumb") != 0;
}

unsigned terminal_width(FILE *f) {
        struct winsize size = { 0 };

        if (!is_terminal(f))
                return 0;
        return ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool terminal_color(FILE *f) {
        const char *no_color = getenv("NO_COLOR");

        return is_terminal(f) && !(no_color && no_color[0]);
}

bool terminal_utf8(void) {
        return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

void terminal_note(FILE *f, const char *sentence) {
        fputs("Note: ", f);
        text_wrap(f, strlen("Note: "), sentence);
}

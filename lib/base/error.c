/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static const struct {
        const char *name;
        const char *meaning;
} exit_codes[_EXIT_CODE_MAX] = {
        [EXIT_PASS] = { "PASS", "enough pressure, no finding" },
        [EXIT_FAIL] = { "FAIL", "at least one finding against the kernel or the hardware" },
        [EXIT_USAGE] = { "USAGE", "the command line or the configuration is wrong; nothing was touched" },
        [EXIT_INCONCLUSIVE] = { "INCONCLUSIVE", "too little pressure, or the run was cut short" },
        [EXIT_ERROR] = { "ERROR", "scrubstress or its environment failed; says nothing about the kernel" },
        [EXIT_REFUSED] = { "REFUSED", "a safety interlock said no; nothing was written" },
};

int error_set(Error *e, ExitCode exit, int err, const char *format, ...) {
        va_list ap;

        if (e) {
                e->exit = exit;
                va_start(ap, format);
                vsnprintf(e->sentence, sizeof(e->sentence), format, ap);
                va_end(ap);
        }
        return -err;
}

const char *exit_code_name(ExitCode code) {
        return code < _EXIT_CODE_MAX ? exit_codes[code].name : "UNKNOWN";
}

const char *exit_code_meaning(ExitCode code) {
        return code < _EXIT_CODE_MAX ? exit_codes[code].meaning : "not an exit code of this program";
}

const char *errno_name(int err, char buf[static 16]) {
        const char *name = err > 0 ? strerrorname_np(err) : NULL;

        if (name)
                return name;
        snprintf(buf, 16, "E%d", err);
        return buf;
}

int errno_from_name(const char *name) {
        char buf[16];

        /* 133 (EHWPOISON) is the last errno user space can see; the walk is short and keeps the names in one place, the C library. */
        for (int err = 1; err <= 133; err++)
                if (strcmp(errno_name(err, buf), name) == 0)
                        return err;
        return -1;
}

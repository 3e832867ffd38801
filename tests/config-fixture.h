/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* A machine with configuration files: what the tests of reading them share. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/macro.h"
#include "config/config.h"
#include "folder-fixture.h"


/* A folder that stands for the machine, and the warnings heard. */
typedef struct Place {
        char root[64];
        char path[PATH_MAX];
        char warnings[16384];
        unsigned n_warnings;
        Config config;
        Error error;
} Place;

static inline int setup(void **state) {
        Place *p = calloc(1, sizeof(*p));

        strcpy(p->root, "/tmp/scrubstress-test-config-XXXXXX");
        assert_non_null(mkdtemp(p->root));
        config_init(&p->config);
        *state = p;
        return 0;
}

static inline int teardown(void **state) {
        Place *p = *state;

        folder_remove(p->root);
        free(p);
        return 0;
}

static inline void on_warning(void *userdata, const char *sentence) {
        Place *p = userdata;
        size_t n = strlen(p->warnings);

        snprintf(p->warnings + n, sizeof(p->warnings) - n, "%s\n", sentence);
        p->n_warnings++;
}

static inline const char *full(Place *p, const char *name) {
        snprintf(p->path, sizeof(p->path), "%s%s", p->root, name);
        return p->path;
}

static inline const char *put_bytes(Place *p, const char *name, const void *bytes, size_t n) {
        _cleanup_fclose_ FILE *f = NULL;
        char *slash;

        full(p, name);
        slash = strrchr(p->path, '/');
        *slash = 0;
        assert_int_equal(fs_mkdir_p(p->path), 0);
        *slash = '/';
        f = fopen(p->path, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(bytes, 1, n, f), n);
        return p->path;
}

static inline const char *put(Place *p, const char *name, const char *text) {
        return put_bytes(p, name, text, strlen(text));
}

static inline void assert_has(const char *text, const char *part) {
        if (!strstr(text, part))
                fail_msg("\"%s\" is not in \"%s\"", part, text);
}

/* A refusal: the errno, the exit code, and words of the sentence. */
static inline void assert_refused(const Place *p, int r, ExitCode exit, const char *part) {
        if (r >= 0 || p->error.exit != exit)
                fail_msg("%d, exit code %d: \"%s\"; expected exit code %d with \"%s\"", r, p->error.exit, p->error.sentence, exit, part);
        assert_has(p->error.sentence, part);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "folder-fixture.h"
#include "target/reclaim.h"

#define FSID "01234567-89ab-cdef-0123-456789abcdef"
#define DATA "/sys/fs/btrfs/" FSID "/allocation/data"

/* A folder that stands for the machine. */
typedef struct Place {
        char root[32];
        Target target;
        Config config;
} Place;

static int setup(void **state) {
        static Place p;
        char path[160];

        p = (Place){ .root = "/tmp/test-reclaim-XXXXXX", .target.fsid_text = FSID };
        if (!mkdtemp(p.root))
                return -1;
        snprintf(path, sizeof(path), "%s%s", p.root, DATA);
        *state = &p;
        return fs_mkdir_p(path);
}

static int teardown(void **state) {
        return folder_remove(((Place *)*state)->root);
}

static void has_file(const Place *p, const char *name, const char *text) {
        char path[200];
        FILE *f;

        snprintf(path, sizeof(path), "%s%s/%s", p->root, DATA, name);
        f = fopen(path, "we");
        assert_non_null(f);
        fputs(text, f);
        fclose(f);
}

static void assert_file(const Place *p, const char *name, const char *text) {
        char path[160], content[16];

        snprintf(path, sizeof(path), "%s/%s", DATA, name);
        assert_true(fs_read(p->root, path, content, sizeof(content)) >= 0);
        assert_string_equal(content, text);
}

static void what_is_not_asked_for_is_left_alone(void **state) {
        Place *p = *state;

        has_file(p, "bg_reclaim_threshold", "75\n");
        has_file(p, "dynamic_reclaim", "0\n");
        assert_int_equal(reclaim_set(&p->target, &p->config, p->root, NULL), 0);
        assert_file(p, "bg_reclaim_threshold", "75");
        assert_file(p, "dynamic_reclaim", "0");
}

static void a_threshold_is_written(void **state) {
        Place *p = *state;

        has_file(p, "bg_reclaim_threshold", "100\n");
        has_file(p, "dynamic_reclaim", "0\n");
        p->config.target.reclaim_threshold = 7;
        assert_int_equal(reclaim_set(&p->target, &p->config, p->root, NULL), 0);
        assert_file(p, "bg_reclaim_threshold", "7");
        assert_file(p, "dynamic_reclaim", "0");
}

static void the_dynamic_one_is_switched_on(void **state) {
        Place *p = *state;

        has_file(p, "bg_reclaim_threshold", "0\n");
        has_file(p, "dynamic_reclaim", "0\n");
        p->config.target.dynamic_reclaim = true;
        assert_int_equal(reclaim_set(&p->target, &p->config, p->root, NULL), 0);
        assert_file(p, "bg_reclaim_threshold", "0");
        assert_file(p, "dynamic_reclaim", "1");
}

/* Said once in a run, though the target is made again: so the sentence must not name the filesystem. And it must fit a note. */
static void a_kernel_without_it_is_told(void **state) {
        Place *p = *state;
        Error e = ERROR_NULL;

        p->config.target.reclaim_threshold = 30;
        assert_int_equal(reclaim_set(&p->target, &p->config, p->root, &e), RECLAIM_MISSING);
        assert_non_null(strstr(e.sentence, "ReclaimThreshold= has no effect: this kernel has no bg_reclaim_threshold"));
        assert_non_null(strstr(e.sentence, "Linux 5.19"));
        assert_null(strstr(e.sentence, FSID));
        assert_true(strlen(e.sentence) < 256);
        p->config.target.reclaim_threshold = 0;
        p->config.target.dynamic_reclaim = true;
        has_file(p, "bg_reclaim_threshold", "0\n");
        assert_int_equal(reclaim_set(&p->target, &p->config, p->root, &e), RECLAIM_MISSING);
        assert_non_null(strstr(e.sentence, "DynamicReclaim= has no effect: this kernel has no dynamic_reclaim"));
        assert_non_null(strstr(e.sentence, "Linux 6.11"));
        assert_file(p, "bg_reclaim_threshold", "0");
}

static void what_cannot_be_written_is_an_error(void **state) {
        Place *p = *state;
        Error e = ERROR_NULL;
        char path[200];

        snprintf(path, sizeof(path), "%s%s/bg_reclaim_threshold", p->root, DATA);
        assert_int_equal(mkdir(path, 0700), 0);
        p->config.target.reclaim_threshold = 30;
        assert_int_equal(reclaim_set(&p->target, &p->config, p->root, &e), -EISDIR);
        assert_int_equal(e.exit, EXIT_ERROR);
        assert_non_null(strstr(e.sentence, "writing 30 to " DATA "/bg_reclaim_threshold failed: Is a directory"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_is_not_asked_for_is_left_alone, setup, teardown),
                cmocka_unit_test_setup_teardown(a_threshold_is_written, setup, teardown),
                cmocka_unit_test_setup_teardown(the_dynamic_one_is_switched_on, setup, teardown),
                cmocka_unit_test_setup_teardown(a_kernel_without_it_is_told, setup, teardown),
                cmocka_unit_test_setup_teardown(what_cannot_be_written_is_an_error, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

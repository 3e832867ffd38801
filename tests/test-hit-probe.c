/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The probe as it is written to the kernel; whether the kernel likes it is seen by tests/vm/check, where there are kprobe events. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/macro.h"
#include "observe/hit-probe.h"

static char directory[] = "/tmp/test-hit-probe-XXXXXX", path[64];

static int setup(void **state _unused_) {
        assert_non_null(mkdtemp(directory));
        snprintf(path, sizeof(path), "%s/kprobe_events", directory);
        return 0;
}

static int teardown(void **state _unused_) {
        unlink(path);
        return rmdir(directory);
}

static void content_is(const char *wanted) {
        char text[512] = "";

        fs_read(NULL, path, text, sizeof(text));
        assert_string_equal(text, wanted);
}

static void put(const char *text) {
        _cleanup_fclose_ FILE *f = fopen(path, "w");

        assert_non_null(f);
        fputs(text, f);
}

static void each_run_has_a_system_of_its_own(void **state _unused_) {
        char system[HIT_SYSTEM_MAX];

        assert_string_equal(hit_probe_system("scrubstress-123", system), "scrubstress_123");
}

static void without_kprobe_events_there_is_none(void **state _unused_) {
        unlink(path);
        assert_int_equal(hit_probe_add(directory, "scrubstress_1"), -ENOENT);
        assert_int_equal(hit_probe_remove(directory, "scrubstress_1"), 0);
}

static void probes_of_others_stay(void **state _unused_) {
        put("p:other/probe vfs_read\n");
        assert_int_equal(hit_probe_add(directory, "scrubstress_1"), 0);
        content_is("p:other/probe vfs_read\np:scrubstress_1/hit btrfs_remove_chunk_map");
        put("p:other/probe vfs_read\n");
        assert_int_equal(hit_probe_remove(directory, "scrubstress_1"), 0);
        content_is("p:other/probe vfs_read\n-:scrubstress_1/hit");
}

/* Nothing can be written to it: as a kernel that has none of the functions says no to each. */
static void a_kernel_without_the_functions_is_told(void **state _unused_) {
        unlink(path);
        assert_int_equal(symlink("/dev/full", path), 0);
        assert_int_equal(hit_probe_add(directory, "scrubstress_1"), -EOPNOTSUPP);
        assert_int_equal(hit_probe_remove(directory, "scrubstress_1"), -ENOSPC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_run_has_a_system_of_its_own),
                cmocka_unit_test(without_kprobe_events_there_is_none),
                cmocka_unit_test(probes_of_others_stay),
                cmocka_unit_test(a_kernel_without_the_functions_is_told),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}

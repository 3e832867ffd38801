/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder stands for the machine: the kernel's own files do not appear in it by themselves, so those that are written to are laid beforehand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/cgroup.h"
#include "base/fs.h"
#include "folder-fixture.h"

#define TOP "/sys/fs/cgroup"
#define SERVICE TOP "/system.slice/x.service"

static char root[32];

static int setup(void **state _unused_) {
        strcpy(root, "/tmp/test-cgroup-XXXXXX");
        return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state _unused_) {
        return folder_remove(root);
}

static void has_file(const char *directory, const char *name, const char *text) {
        char path[200];
        FILE *f;

        snprintf(path, sizeof(path), "%s%s", root, directory);
        assert_int_equal(fs_mkdir_p(path), 0);
        snprintf(path, sizeof(path), "%s%s/%s", root, directory, name);
        f = fopen(path, "we");
        assert_non_null(f);
        fputs(text, f);
        fclose(f);
}

static void assert_file(const char *path, const char *text) {
        char content[64];

        assert_true(fs_read(root, path, content, sizeof(content)) >= 0);
        assert_string_equal(content, text);
}

static bool is_there(const char *path) {
        char full[200];

        snprintf(full, sizeof(full), "%s%s", root, path);
        return access(full, F_OK) == 0;
}

/* A group that is not the top, with us in it. */
static void we_are_in(const char *directory) {
        char line[160];

        snprintf(line, sizeof(line), "4:memory:/elsewhere\n0::%s\n", directory + strlen(TOP));
        has_file("/proc/self", "cgroup", line);
        has_file(TOP, "cgroup.controllers", "io memory\n");
        has_file(directory, "cgroup.type", "domain\n");
        has_file(directory, "cgroup.procs", "");
        has_file(directory, "cgroup.subtree_control", "");
}

static void delegate(const char *directory) {
        char path[200];

        snprintf(path, sizeof(path), "%s%s", root, directory);
        if (setxattr(path, "user.delegate", "1", 1, 0) < 0)
                skip(); /* /tmp knows no attributes */
}

static void at_the_top_there_is_nothing_to_settle(void **state _unused_) {
        Cgroup g;

        has_file("/proc/self", "cgroup", "0::/\n");
        has_file(TOP, "cgroup.controllers", "io memory\n");
        has_file(TOP, "cgroup.subtree_control", "");
        assert_int_equal(cgroup_settle(root), 0);
        assert_false(is_there(TOP "/supervisor"));
        assert_int_equal(cgroup_make(&g, root, "limited", "io"), 0);
        assert_string_equal(g.path, TOP "/limited");
        assert_file(TOP "/cgroup.subtree_control", "+io");
        cgroup_remove(&g);
        assert_false(is_there(TOP "/limited"));
        cgroup_remove(&g);
}

static void a_group_that_is_not_ours_is_left_alone(void **state _unused_) {
        Cgroup g;

        we_are_in(SERVICE);
        assert_int_equal(cgroup_settle(root), -EPERM);
        assert_int_equal(cgroup_make(&g, root, "limited", "memory"), -EPERM);
        assert_false(is_there(SERVICE "/supervisor"));
        assert_false(is_there(SERVICE "/limited"));
        assert_file(SERVICE "/cgroup.subtree_control", "");
        cgroup_remove(&g);
}

static void in_one_that_is_we_go_into_its_leaf(void **state _unused_) {
        we_are_in(SERVICE);
        delegate(SERVICE);
        has_file(SERVICE "/supervisor", "cgroup.procs", "");
        assert_int_equal(cgroup_settle(root), 0);
        assert_file(SERVICE "/supervisor/cgroup.procs", "0");
        assert_file(SERVICE "/cgroup.procs", "");
}

static void and_make_others_beside_it(void **state _unused_) {
        unsigned long long n = 7;
        Cgroup g;

        we_are_in(SERVICE);
        delegate(SERVICE);
        we_are_in(SERVICE "/supervisor");
        assert_int_equal(cgroup_settle(root), 0);
        assert_file(SERVICE "/supervisor/cgroup.procs", "");
        has_file(SERVICE "/limited", "memory.max", "");
        has_file(SERVICE "/limited", "cgroup.procs", "");
        has_file(SERVICE "/limited", "memory.events", "low 0\nmax 12\noom 3\noom_kill 4\n");
        assert_int_equal(cgroup_make(&g, root, "limited", "memory"), 0);
        assert_file(SERVICE "/cgroup.subtree_control", "+memory");
        assert_int_equal(cgroup_set(&g, "/memory.max", "4096"), 0);
        assert_file(SERVICE "/limited/memory.max", "4096");
        assert_int_equal(cgroup_set(&g, "/io.max", "7:0 rbps=1"), -ENOENT);
        assert_int_equal(cgroup_enter(&g), 0);
        assert_file(SERVICE "/limited/cgroup.procs", "0");
        assert_int_equal(cgroup_count(&g, "/memory.events", "oom_kill", &n), 0);
        assert_int_equal(n, 4);
        assert_int_equal(cgroup_count(&g, "/memory.events", "oom", &n), 0);
        assert_int_equal(n, 3);
        assert_int_equal(cgroup_count(&g, "/memory.events", "oo", &n), -ENODATA);
        assert_int_equal(cgroup_count(&g, "/io.stat", "max", &n), -ENOENT);
}

/* Whose group it is, is said by the one above the leaf. */
static void a_leaf_of_somebody_elses_group_is_not_ours(void **state _unused_) {
        Cgroup g;

        we_are_in(SERVICE);
        we_are_in(SERVICE "/supervisor");
        delegate(SERVICE "/supervisor");
        assert_int_equal(cgroup_settle(root), -EPERM);
        assert_int_equal(cgroup_make(&g, root, "limited", "memory"), -EPERM);
}

static void without_version_2_there_is_none(void **state _unused_) {
        Cgroup g;

        assert_int_equal(cgroup_settle(root), -ENOENT);
        has_file("/proc/self", "cgroup", "4:memory:/\n3:cpu:/\n");
        assert_int_equal(cgroup_settle(root), -ENOENT);
        has_file("/proc/self", "cgroup", "4:memory:/\n0::/\n"); /* a kernel that has it, and a machine that has not mounted it there */
        assert_int_equal(cgroup_settle(root), -ENOENT);
        assert_int_equal(cgroup_make(&g, root, "limited", "memory"), -ENOENT);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                test(at_the_top_there_is_nothing_to_settle),
                test(a_group_that_is_not_ours_is_left_alone),
                test(in_one_that_is_we_go_into_its_leaf),
                test(and_make_others_beside_it),
                test(a_leaf_of_somebody_elses_group_is_not_ours),
                test(without_version_2_there_is_none),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

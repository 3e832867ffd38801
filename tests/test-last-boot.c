/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fs.h"
#include "folder-fixture.h"
#include "observe/last-boot.h"

#define BOOT "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
#define SINCE (1000 * NSEC_PER_SEC)
#define ARCHIVE "/var/lib/systemd/pstore"
#define RAW "/sys/fs/pstore"

typedef struct Machine {
        char root[64];
        char *path; /* PATH of the test */
        LastBoot log;
} Machine;

static void put(const Machine *m, const char *name, const char *text, uint64_t second, mode_t mode) {
        const struct timespec times[2] = { { .tv_sec = (time_t)second }, { .tv_sec = (time_t)second } };
        char path[256], folder[256];
        FILE *f;

        snprintf(path, sizeof(path), "%s%s", m->root, name);
        strcpy(folder, path);
        *strrchr(folder, '/') = 0;
        assert_int_equal(fs_mkdir_p(folder), 0);
        f = fopen(path, "w");
        assert_non_null(f);
        fputs(text, f);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(chmod(path, mode), 0);
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* A journal of its own: prints what it was asked for, and these lines. */
static void put_journal(const Machine *m, const char *script) {
        char text[512];

        snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
        put(m, "/bin/journalctl", text, 0, 0755);
}

static int set_up(void **state) {
        Machine *m = calloc(1, sizeof(*m));
        char path[512];

        assert_non_null(m);
        strcpy(m->root, "/tmp/test-last-boot-XXXXXX");
        assert_non_null(mkdtemp(m->root));
        m->path = strdup(getenv("PATH"));
        snprintf(path, sizeof(path), "%s/bin:/usr/bin:/bin", m->root);
        setenv("PATH", path, 1);
        put_journal(m, "exit 1");
        *state = m;
        return 0;
}

static int tear_down(void **state) {
        Machine *m = *state;

        setenv("PATH", m->path, 1);
        last_boot_done(&m->log);
        assert_int_equal(folder_remove(m->root), 0);
        free(m->path);
        free(m);
        return 0;
}

static void expect(Machine *m, const char *text, const char *where) {
        assert_int_equal(last_boot_read(&m->log, m->root, BOOT, SINCE), 0);
        assert_string_equal(m->log.text, text);
        assert_string_equal(m->log.where, where);
}

static void nothing_is_left(void **state) {
        Machine *m = *state;

        assert_int_equal(last_boot_read(&m->log, m->root, BOOT, SINCE), -ENODATA);
        assert_null(m->log.text);
}

static void what_systemd_has_put_together(void **state) {
        Machine *m = *state;

        put(m, ARCHIVE "/1001/0/dmesg.txt", "Panic#1 Part2\n<4>[    9.5] one\nPanic#1 Part1\n<0>[   10.5][  T12] Kernel panic - not syncing: two [3]\n", 1001, 0600);
        put(m, ARCHIVE "/1001/0/dmesg-erst-7", "Panic#1 Part1\n<0>[   10.5] Kernel panic - other\n", 1001, 0600);
        expect(m, "one\nKernel panic - not syncing: two [3]\n", ARCHIVE "/1001/0/dmesg.txt");
}

/* The parts of one crash, the oldest lines first, whatever their names. */
static void what_nobody_has_moved(void **state) {
        Machine *m = *state;

        put(m, RAW "/dmesg-erst-1", "Panic#1 Part1\n<1>[    3.0] Kernel panic - third\n", 1010, 0400);
        put(m, RAW "/dmesg-erst-2", "Panic#1 Part2\n<1>[    2.0] second\n", 1011, 0400);
        put(m, RAW "/dmesg-erst-3", "Panic#1 Part10\n<1>[    1.0] first\n", 1012, 0400);
        expect(m, "first\nsecond\nKernel panic - third\n", RAW "/dmesg-erst-3");
}

static void only_what_is_newer_and_of_the_first_crash(void **state) {
        Machine *m = *state;

        put(m, ARCHIVE "/999/dmesg.txt", "Kernel panic - long ago\n", 999, 0600);
        assert_int_equal(last_boot_read(&m->log, m->root, BOOT, SINCE), -ENODATA);
        put(m, ARCHIVE "/2000/dmesg.txt", "Kernel panic - another\n", 2000, 0600);
        put(m, ARCHIVE "/1000/dmesg.txt", "Kernel panic - this\n", 1000, 0600); /* seconds are all that firmware keeps */
        expect(m, "Kernel panic - this\n", ARCHIVE "/1000/dmesg.txt");
}

static void the_journal_of_that_boot(void **state) {
        Machine *m = *state;

        put_journal(m, "echo \"$@\"; echo 'BUG: gone'");
        expect(m, "--quiet --no-pager --output=cat --since=@1000.000000 _BOOT_ID=0f1e2d3c4b5a69788796a5b4c3d2e1f0 _TRANSPORT=kernel\nBUG: gone\n",
               "the journal");
        last_boot_done(&m->log);
        put_journal(m, "exit 0");
        assert_int_equal(last_boot_read(&m->log, m->root, BOOT, SINCE), -ENODATA);
        put(m, ARCHIVE "/1001/dmesg.txt", "Kernel panic - better\n", 1001, 0600);
        put_journal(m, "echo worse");
        expect(m, "Kernel panic - better\n", ARCHIVE "/1001/dmesg.txt");
}

/* What the machine survived was told when it happened; what is compressed says nothing. Both leave the journal to be asked. */
static void records_that_are_no_end(void **state) {
        Machine *m = *state;

        put(m, ARCHIVE "/1001/dmesg.txt", "Oops#1 Part1\n<1>[    3.0] Oops: 0000\n", 1001, 0600);
        put(m, RAW "/dmesg-erst-1.enc.z", "Kernel panic - so it seems\n", 1001, 0400);
        assert_int_equal(last_boot_read(&m->log, m->root, BOOT, SINCE), -ENODATA);
        put_journal(m, "echo journal");
        expect(m, "journal\n", "the journal");
}

/* As of an oops that repeats itself: the end is cut off. */
static void more_than_there_is_room_for(void **state) {
        Machine *m = *state;
        size_t length;

        put_journal(m, "yes 0123456789abcde | head -n 100000");
        assert_int_equal(last_boot_read(&m->log, m->root, BOOT, SINCE), 0);
        length = strlen(m->log.text);
        assert_in_range(length, 200 * 1024, 256 * 1024);
        assert_int_equal(m->log.text[length - 1], '\n');
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(nothing_is_left, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_systemd_has_put_together, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_nobody_has_moved, set_up, tear_down),
                cmocka_unit_test_setup_teardown(only_what_is_newer_and_of_the_first_crash, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_journal_of_that_boot, set_up, tear_down),
                cmocka_unit_test_setup_teardown(records_that_are_no_end, set_up, tear_down),
                cmocka_unit_test_setup_teardown(more_than_there_is_room_for, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the witness of a power cut says of files that are there, shorter, other or gone. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"
#include "fault/witness.h"

#define SEED 7
#define FILES 20 /* promised */

typedef struct Folder {
        char path[64];
        int fd;
} Folder;

/* As a witness that was killed has left it: all files there are, some of them promised. */
static int setup(void **state) {
        Folder *f = calloc(1, sizeof(*f));
        Witness w = { .seed = SEED };

        strcpy(f->path, "/dev/shm/test-witness-XXXXXX");
        assert_non_null(mkdtemp(f->path));
        f->fd = open(f->path, O_RDONLY | O_DIRECTORY);
        assert_true(f->fd >= 0);
        assert_int_equal(witness_write(&w, f->fd), 0);
        assert_int_equal(atomic_load(&w.promised), WITNESS_FILES_MAX);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Folder *f = *state;

        assert_int_equal(witness_remove(f->fd), 0);
        assert_int_equal(faccessat(f->fd, "witness", F_OK, 0), -1);
        assert_int_equal(witness_remove(f->fd), 0); /* nothing is no failure */
        close(f->fd);
        assert_int_equal(rmdir(f->path), 0);
        free(f);
        return 0;
}

static int open_file(const Folder *f, const char *name) {
        char path[64];
        int fd;

        snprintf(path, sizeof(path), "witness/%s", name);
        fd = openat(f->fd, path, O_RDWR);
        assert_true(fd >= 0);
        return fd;
}

static void what_was_promised_is_there(void **state) {
        const Folder *f = *state;
        WitnessState s;

        witness_look(SEED, FILES, f->fd, &s);
        assert_int_equal(s.lost, 0);
        assert_int_equal(s.wrong, 0);
        assert_string_equal(s.text, "");
        witness_look(SEED + 1, FILES, f->fd, &s); /* another outage wrote other files */
        assert_int_equal(s.lost + s.wrong, FILES);
        assert_true(s.wrong > 0);
}

static void a_file_that_is_gone_is_lost(void **state) {
        const Folder *f = *state;
        WitnessState s;

        assert_int_equal(unlinkat(f->fd, "witness/3", 0), 0);
        assert_int_equal(unlinkat(f->fd, "witness/19", 0), 0);
        assert_int_equal(unlinkat(f->fd, "witness/20", 0), 0); /* the first that nobody has promised */
        witness_look(SEED, FILES, f->fd, &s);
        assert_int_equal(s.lost, 2);
        assert_int_equal(s.wrong, 0);
        assert_non_null(strstr(s.text, "file 3 of "));
        assert_non_null(strstr(s.text, ": No such file or directory"));
}

static void a_file_without_its_end_is_lost(void **state) {
        const Folder *f = *state;
        WitnessState s;
        struct stat st;
        int fd = open_file(f, "5");

        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(ftruncate(fd, st.st_size - 1), 0);
        close(fd);
        witness_look(SEED, FILES, f->fd, &s);
        assert_int_equal(s.lost, 1);
        assert_int_equal(s.wrong, 0);
        assert_non_null(strstr(s.text, "file 5 of "));
        assert_non_null(strstr(s.text, ": its end is missing"));
}

static void a_bit_that_is_another_is_wrong(void **state) {
        const Folder *f = *state;
        WitnessState s;
        uint8_t byte;
        int fd = open_file(f, "11");

        assert_int_equal(pread(fd, &byte, 1, 0), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, 0), 1);
        close(fd);
        witness_look(SEED, FILES, f->fd, &s);
        assert_int_equal(s.lost, 0);
        assert_int_equal(s.wrong, 1);
        assert_non_null(strstr(s.text, "file 11 of "));
        assert_non_null(strstr(s.text, ": other bytes than were written"));
}

static void without_the_directory_all_is_lost(void **state) {
        const Folder *f = *state;
        WitnessState s;

        assert_int_equal(witness_remove(f->fd), 0);
        witness_look(SEED, FILES, f->fd, &s);
        assert_int_equal(s.lost, FILES);
        witness_look(SEED, 0, f->fd, &s);
        assert_int_equal(s.lost, 0);
}

/* Two outages may not be mixed up. */
static void a_directory_that_is_there_is_refused(void **state) {
        const Folder *f = *state;
        Witness w = { .seed = SEED };

        assert_int_equal(witness_write(&w, f->fd), -EEXIST);
        assert_int_equal(atomic_load(&w.promised), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_was_promised_is_there, setup, teardown),
                cmocka_unit_test_setup_teardown(a_file_that_is_gone_is_lost, setup, teardown),
                cmocka_unit_test_setup_teardown(a_file_without_its_end_is_lost, setup, teardown),
                cmocka_unit_test_setup_teardown(a_bit_that_is_another_is_wrong, setup, teardown),
                cmocka_unit_test_setup_teardown(without_the_directory_all_is_lost, setup, teardown),
                cmocka_unit_test_setup_teardown(a_directory_that_is_there_is_refused, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control scrub: what it scrubs, what it answers, and what it reads when the stress has ended. (Space and empty groups: test-job-space.c.) */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake-disk.h"
#include "job-fixture.h"
#include "stress/population.h"

static void the_control_scrub_visits_every_device(void **state) {
        static const FakeRule script[] = { { .call = FAKE_SYNC }, { .call = FAKE_SCRUB }, { .call = FAKE_TREE_SEARCH },
                                           { .call = FAKE_DEVICE_STATS } };
        Job *j = *state;

        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_equal(j->desk->result, 0);
        assert_int_equal(j->desk->control.kind, OBS_CONTROL);
        assert_int_equal(j->desk->control.result, 0);
        assert_int_equal(j->desk->control.count, 0);
        for (uint64_t devid = 1; devid <= 3; devid++)
                assert_int_equal(fake_btrfs_count_devid(FAKE_SCRUB, devid), 1);
        assert_int_equal(fake_btrfs_record(0)->call, FAKE_SYNC);
        assert_int_not_equal(j->desk->devstat.kind, OBS_DEVSTAT);
        fake_btrfs_end();
}

static void the_first_device_that_fails_speaks(void **state) {
        static const FakeRule script[] = {
                { .call = FAKE_SYNC },
                { .call = FAKE_SCRUB, .devid = 1 },
                { .call = FAKE_SCRUB, .devid = 2, .result = -EINVAL, .stats = { .last_physical = 4096 } },
                { .call = FAKE_DEVICE_STATS },
        };
        Job *j = *state;

        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_equal(j->desk->control.result, -EINVAL);
        assert_int_equal(j->desk->control.devid, 2);
        assert_int_equal(j->desk->control.physical, 4096);
        assert_non_null(strstr(j->desk->control.text, "/dev/loop41"));
        assert_int_equal(fake_btrfs_count_devid(FAKE_SCRUB, 3), 0);
        fake_btrfs_end();
}

#define DATA BTRFS_BLOCK_GROUP_DATA
#define SYSTEM BTRFS_BLOCK_GROUP_SYSTEM

/* A group that stays on devid 3, behind one that is nearly empty, and others of those. */
static const FakeGroup groups[] = { { SYSTEM, 4096, { { 1, MiB } } }, { DATA, 60 * MiB, { { 3, 200 * MiB } } }, { DATA, 4096, { { 3, MiB } } } };

/* Has a control scrub decide a scrub of devid 3 that came to this place. */
static void decide(Job *j, uint64_t place, const FakeRule *script, size_t n_rules) {
        const Suspects suspects = { .n = 1, .places = { { 3, place } } };

        fake_btrfs_begin(script, n_rules);
        j->suspects = &suspects;
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_equal(j->desk->control.result, 0);
}

/* The last of so many scrubs of devid 3. */
static void expect_last(unsigned scrubs, uint64_t start, uint64_t end) {
        assert_int_equal(fake_btrfs_last(FAKE_SCRUB)->start, start);
        assert_int_equal(fake_btrfs_last(FAKE_SCRUB)->end, end);
        assert_int_equal(fake_btrfs_last(FAKE_SCRUB)->devid, 3);
        assert_int_equal(fake_btrfs_count_devid(FAKE_SCRUB, 3), scrubs);
        fake_btrfs_end();
}

/* However large the disk and however full: the groups that the stress uses, and the place where the scrub failed. */
static void a_suspect_is_decided_where_the_stress_was(void **state) {
        static FakeDisk d;
        const FakeRule script[] = {
                { .call = FAKE_SYNC }, { .call = FAKE_SCRUB }, { .call = FAKE_DEVICE_STATS },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = d.chunk_items, .n_items = ELEMENTSOF(groups) },
                { .call = FAKE_TREE_SEARCH, .items = d.group_items, .n_items = ELEMENTSOF(groups) },
        };
        const size_t n = ELEMENTSOF(script);
        Job *j = *state;

        fake_disk_make(&d, groups, ELEMENTSOF(groups));
        decide(j, 0, script, n);
        assert_int_equal(fake_btrfs_count_devid(FAKE_SCRUB, 1), 1);
        assert_int_equal(fake_btrfs_count_devid(FAKE_SCRUB, 2), 0);
        expect_last(2, MiB, 65 * MiB);
        decide(j, 65 * MiB, script, n); /* the end of a group: the next one failed */
        expect_last(2, 200 * MiB, 264 * MiB);
        decide(j, 263 * MiB, script, n);
        expect_last(2, 200 * MiB, 264 * MiB);
        decide(j, 264 * MiB, script, n); /* what was there has gone */
        expect_last(1, MiB, 65 * MiB);
}

/* Whole devices then, for a scrub of nothing would confirm all. */
static void a_suspect_that_nobody_knows_where_is_decided_everywhere(void **state) {
        static const FakeRule blind[] = { { .call = FAKE_SYNC }, { .call = FAKE_SCRUB }, { .call = FAKE_DEVICE_STATS },
                                          { .call = FAKE_TREE_SEARCH, .result = -EIO } };
        static const FakeRule bare[] = { { .call = FAKE_SYNC }, { .call = FAKE_SCRUB }, { .call = FAKE_DEVICE_STATS }, { .call = FAKE_TREE_SEARCH } };
        Job *j = *state;

        for (unsigned i = 0; i < 2; i++) {
                decide(j, MiB, i == 0 ? blind : bare, 4);
                assert_int_equal(fake_btrfs_count(FAKE_SCRUB), 3);
                expect_last(1, 0, UINT64_MAX);
        }
}

/* The cleaner was not done: the race strikes the control scrub too, but not every time. */
static void one_that_fails_once_is_tried_again(void **state) {
        static const FakeRule script[] = {
                { .call = FAKE_SYNC }, { .call = FAKE_SCRUB, .devid = 2, .nth = 1, .result = -EINVAL }, { .call = FAKE_SCRUB },
                { .call = FAKE_TREE_SEARCH }, { .call = FAKE_DEVICE_STATS },
        };
        Job *j = *state;

        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_equal(j->desk->control.result, 0);
        assert_int_equal(fake_btrfs_count_devid(FAKE_SCRUB, 2), 2);
        assert_int_equal(fake_btrfs_count_devid(FAKE_SCRUB, 3), 1);
        fake_btrfs_end();
}

static void dirty_counters_fail_it(void **state) {
        static const FakeRule script[] = {
                { .call = FAKE_SYNC },
                { .call = FAKE_SCRUB, .devid = 1 },
                { .call = FAKE_SCRUB, .devid = 2 },
                { .call = FAKE_SCRUB, .devid = 3, .stats = { .csum_errors = 2, .corrected_errors = 2 } },
                { .call = FAKE_DEVICE_STATS },
        };
        Job *j = *state;

        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_equal(j->desk->control.result, 0);
        assert_int_equal(j->desk->control.count, 2);
        assert_int_equal(j->desk->control.devid, 3);
        assert_non_null(strstr(j->desk->control.text, "csum_errors"));
        fake_btrfs_end();
}

static void a_failed_sync_is_an_answer_too(void **state) {
        static const FakeRule script[] = { { .call = FAKE_SYNC, .result = -EROFS }, { .call = FAKE_DEVICE_STATS } };
        Job *j = *state;

        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_equal(j->desk->control.result, -EROFS);
        assert_int_equal(fake_btrfs_count(FAKE_SCRUB), 0);
        fake_btrfs_end();
}

/* A directory of this test's own. */
static char target_directory[] = "/tmp/test-control-XXXXXX";

static int open_directory(const Target *t _unused_, Error *e _unused_) {
        return open(target_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

#define POPULATED (3 * MiB)

static void population_path(char buf[static 64], uint64_t file) {
        snprintf(buf, 64, "%s/" POPULATION_DIRECTORY "/%llu", target_directory, (unsigned long long)file);
}

/* As populate() does it. */
static void populate_directory(void) {
        char path[64];
        Writer *w;
        Error e;
        int fd;

        assert_true(population_writer(&w, ENGINE_AUTO, &e) >= 0);
        fd = open(target_directory, O_RDONLY | O_DIRECTORY);
        assert_int_equal(mkdirat(fd, POPULATION_DIRECTORY, 0700), 0);
        close(fd);
        for (uint64_t i = 0; i < population_files(POPULATED); i++) {
                const Pattern p = population_pattern(i);
                population_path(path, i);
                fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
                assert_true(fd >= 0);
                assert_int_equal(writer_write(w, fd, population_file_size(POPULATED, i), &p), 0);
                close(fd);
        }
        writer_free(w);
}

static void damage_population(uint64_t file, off_t at) {
        char path[64];
        int fd;

        population_path(path, file);
        fd = open(path, O_WRONLY);
        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, "\x5a", 1, at), 1);
        close(fd);
}

static void remove_population(void) {
        char path[64];

        for (uint64_t i = 0; i < population_files(POPULATED); i++) {
                population_path(path, i);
                unlink(path);
        }
        *strrchr(path, '/') = 0;
        rmdir(path);
        rmdir(target_directory);
}

/* The last control scrub reads what stays; the others do not. */
static void what_stays_is_read_at_the_end(void **state) {
        static const FakeRule script[] = {
                { .call = FAKE_SYNC }, { .call = FAKE_SCRUB }, { .call = FAKE_TREE_SEARCH }, { .call = FAKE_DEVICE_STATS },
        };
        Config c = { .verify.share = 10 };
        Job *j = *state;
        const Observation *o = &j->desk->population;

        assert_non_null(mkdtemp(target_directory));
        populate_directory();
        j->desk->target.populated = POPULATED;
        j->open_target = open_directory;
        j->config = &c;
        j->cleaner_wait_ns = 0;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_equal(j->desk->verified, 0);
        j->last = true;
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_equal(j->desk->verified, POPULATED);
        assert_int_equal(o->time_ns, 0);

        damage_population(0, MiB + 200);
        damage_population(0, 2 * MiB + 300);
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_equal(j->desk->verified, 0);
        assert_int_equal(o->kind, OBS_MISCOMPARE);
        assert_true(o->time_ns > 0);
        assert_int_equal(o->count, 2);
        assert_true(o->logical == MiB || o->logical == 2 * MiB); /* in any order */
        assert_non_null(strstr(o->text, "population/0: flipped: payload differs from byte"));
        assert_non_null(board_block(j->board, 0));

        /* The small file as well. */
        remove_population();
        assert_int_equal(mkdir(target_directory, 0700), 0);
        populate_directory();
        damage_population(1, 4096 + 100);
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_equal(o->count, 1);
        assert_int_equal(o->logical, 4096);
        assert_non_null(strstr(o->text, "population/1: flipped: payload differs from byte 100 on"));

        remove_population();
        assert_int_equal(mkdir(target_directory, 0700), 0);
        assert_int_equal(job_run_to_end(j, JOB_CONTROL), 1);
        assert_int_equal(j->desk->verified, 0);
        assert_int_equal(o->kind, OBS_RESULT);
        assert_int_equal(o->result, -ENOENT);
        rmdir(target_directory);
        fake_btrfs_end();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(the_control_scrub_visits_every_device, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(the_first_device_that_fails_speaks, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(a_suspect_is_decided_where_the_stress_was, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(a_suspect_that_nobody_knows_where_is_decided_everywhere, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(one_that_fails_once_is_tried_again, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(dirty_counters_fail_it, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(a_failed_sync_is_an_answer_too, job_setup, job_teardown),
                cmocka_unit_test_setup_teardown(what_stays_is_read_at_the_end, job_setup, job_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

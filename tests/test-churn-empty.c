/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways of emptying that need more than one call: overwrite, reflink, defrag. The others are in test-st-churn.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "stress/churn.h"
#include "worker-fixture.h"

/* Devices of 1 GiB: headroom 2 x 102.4 MiB for metadata "single" on one. */
static const BtrfsDevice roomy = { .total_bytes = GiB, .bytes_used = 0 };
static const BtrfsDevice low = { .total_bytes = GiB, .bytes_used = GiB - 100 * MiB };

#define FILE_SIZE (128 * KiB)
#define BLOCK_SIZE (64 * KiB)

static void begin(WorkerFixture *f, unsigned empty, unsigned files) {
        fixture_begin(f, &stressor_churn, 1);
        f->config.churn.workers = 1;
        f->config.churn.empty = empty;
        f->config.churn.files = files;
        f->config.churn.file_size = FILE_SIZE;
        f->config.churn.block_size = BLOCK_SIZE;
        f->config.churn.depth = 2;
        f->config.churn.engine = ENGINE_PWRITE;
        f->config.churn.sync_between = true;
        f->config.churn.verify_every = 1;
        strcpy(f->config.target.metadata_profile, "single");
        strcpy(f->config.target.data_profile, "single");
        assert_int_equal(fixture_prepare(f), 0);
}

static const char *path_of(const WorkerFixture *f, unsigned i, char path[static 128]) {
        snprintf(path, 128, "%s/churn-1/%u", f->directory, i);
        return path;
}

static bool is_there(const WorkerFixture *f, unsigned i) {
        char path[128];

        return access(path_of(f, i, path), F_OK) == 0;
}

/* File i is full of what was written in this generation. */
static void assert_generation(const WorkerFixture *f, unsigned i, uint64_t generation) {
        static _Alignas(8) uint8_t content[FILE_SIZE];
        const Churn *s = f->worker.state;
        Pattern p = { .seed = s->writer->shape.seed, .owner = f->worker.index, .file = i, .generation = generation };
        PatternMismatch m;
        char path[128];
        int fd = open(path_of(f, i, path), O_RDONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(read(fd, content, sizeof(content)), sizeof(content));
        close(fd);
        for (; p.offset < sizeof(content); p.offset += BLOCK_SIZE)
                if (!pattern_check(content + p.offset, BLOCK_SIZE, &p, &m))
                        fail_msg("file %u at %llu: %s", i, (unsigned long long)m.offset, m.text);
}

/* The phase changes as soon as the files are filled, when the chunk tree is read. */
static void change_phase(void *fixture) {
        board_set_phase(((WorkerFixture *)fixture)->worker.board, PHASE_PAUSE);
}

static void what_is_overwritten_stays_for_the_next_cycle(void **state _unused_) {
        static const FakeRule script[] = {
                { .call = FAKE_SYNC }, { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_TREE_SEARCH },
        };
        WorkerFixture f;
        const Churn *s;

        begin(&f, EMPTY_OVERWRITE, 3);
        s = f.worker.state;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        for (unsigned cycle = 1; cycle <= 2; cycle++) {
                fixture_steps(&f, 1);
                assert_int_equal(s->filled, 0); /* nothing is left over that the next cycle would unlink first */
                assert_int_equal(s->named, 3);
                for (unsigned i = 0; i < 3; i++)
                        assert_generation(&f, i, 2 * cycle);
        }
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 12);
        assert_int_equal(fixture_tally(&f, OP_UNLINK, 0), 0);
        assert_int_equal(board_bytes_written(f.worker.board), 12 * FILE_SIZE);
        assert_int_equal(fake_btrfs_count(FAKE_SYNC), 4);
        /* What overwriting has written lies in groups that the next cycle empties: they are looked for too, and it is read back. */
        assert_int_equal(fake_btrfs_count(FAKE_TREE_SEARCH), 4);
        assert_int_equal(fixture_tally(&f, OP_READ, 0), 2 * 2 * 3 * FILE_SIZE / BLOCK_SIZE);
        fixture_told_nothing(&f);
        fixture_end(&f); /* and nothing is left */
        fake_btrfs_end();
}

/* As by a kernel that kept the old data: the byte becomes another one between the second commit and the reading back. */
static void damage(void *fixture) {
        WorkerFixture *f = fixture;
        char path[128];
        int fd = open(path_of(f, 1, path), O_WRONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, "?", 1, BLOCK_SIZE + 300), 1);
        close(fd);
}

static void what_is_overwritten_is_read_back(void **state _unused_) {
        FakeRule script[] = {
                { .call = FAKE_SYNC }, { .call = FAKE_DEVICE_INFO, .device = &roomy },
                { .call = FAKE_TREE_SEARCH, .nth = 2, .hook = damage }, { .call = FAKE_TREE_SEARCH },
        };
        WorkerFixture f;
        Observation o;

        begin(&f, EMPTY_OVERWRITE, 2);
        script[2].userdata = &f;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.kind, OBS_MISCOMPARE);
        assert_int_equal(o.logical, BLOCK_SIZE);
        assert_non_null(strstr(o.text, "churn-1/1, cycle 2: flipped: payload differs from byte 300"));
        assert_false(fixture_receive(&f, &o));
        fixture_steps(&f, 1); /* what a cycle finds in the file is written over, whatever it is */
        assert_false(fixture_receive(&f, &o));
        fixture_end(&f);
        fake_btrfs_end();
}

/* Room for filling 3 files and for overwriting one: from the second to be emptied on they are unlinked. What was overwritten is not read back:
 * which files that are is not kept. */
static void without_room_files_are_unlinked_instead(void **state _unused_) {
        static const FakeRule script[] = {
                { .call = FAKE_SYNC }, { .call = FAKE_DEVICE_INFO, .nth = 5, .device = &low },
                { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_TREE_SEARCH },
        };
        WorkerFixture f;

        begin(&f, EMPTY_OVERWRITE, 3);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1);
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 4);
        assert_int_equal(fixture_tally(&f, OP_UNLINK, 0), 2);
        assert_true(!is_there(&f, 0) && !is_there(&f, 1));
        assert_generation(&f, 2, 2);
        assert_int_equal(fake_btrfs_count(FAKE_TREE_SEARCH), 1);
        assert_int_equal(fixture_tally(&f, OP_READ, 0), 3 * FILE_SIZE / BLOCK_SIZE);
        fixture_steps(&f, 1);
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 10);
        fixture_told_nothing(&f);
        fixture_end(&f);
        fake_btrfs_end();
}

/* A pause has to be seen soon: there is no time to write. */
static void when_the_phase_changes_files_are_unlinked_instead(void **state _unused_) {
        static const ChurnEmpty ways[] = { EMPTY_OVERWRITE, EMPTY_DEFRAG };

        for (size_t i = 0; i < ELEMENTSOF(ways); i++) {
                FakeRule script[] = {
                        { .call = FAKE_SYNC }, { .call = FAKE_DEVICE_INFO, .device = &roomy },
                        { .call = FAKE_TREE_SEARCH, .hook = change_phase },
                };
                WorkerFixture f;

                begin(&f, ways[i], 3);
                script[2].userdata = &f;
                fake_btrfs_begin(script, ELEMENTSOF(script));
                fixture_steps(&f, 1);
                assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 3);
                assert_int_equal(fixture_tally(&f, OP_UNLINK, 0), 3);
                assert_int_equal(fake_btrfs_count(FAKE_SYNC), 2);
                fixture_told_nothing(&f);
                fixture_end(&f);
                fake_btrfs_end();
        }
}

/* What was overwritten must not keep the room that it waits for. */
static void what_is_overwritten_goes_when_there_is_no_room(void **state _unused_) {
        static const FakeRule script[] = {
                { .call = FAKE_SYNC }, { .call = FAKE_DEVICE_INFO, .nth = 5, .device = &low },
                { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_TREE_SEARCH },
        };
        WorkerFixture f;

        begin(&f, EMPTY_OVERWRITE, 2);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1);
        assert_true(is_there(&f, 0) && is_there(&f, 1));
        fixture_steps(&f, 1);
        assert_true(!is_there(&f, 0) && !is_there(&f, 1));
        assert_int_equal(fake_btrfs_count(FAKE_SYNC), 3); /* and the space is given back */
        fixture_steps(&f, 1);
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 8);
        fixture_told_nothing(&f);
        fixture_end(&f);
        fake_btrfs_end();
}

/* A limit of file sizes makes the write fail; a real ENOSPC takes the same way. */
static void what_could_not_be_filled_is_not_written_again(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_SYNC } };
        struct rlimit old, small;
        WorkerFixture f;

        begin(&f, EMPTY_OVERWRITE | EMPTY_DEFRAG, 3);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &old);
        small = (struct rlimit){ .rlim_cur = 100 * KiB, .rlim_max = old.rlim_max };
        setrlimit(RLIMIT_FSIZE, &small);
        fixture_steps(&f, 4);
        setrlimit(RLIMIT_FSIZE, &old);
        assert_int_equal(fixture_tally(&f, OP_WRITE, EFBIG), 4);
        assert_int_equal(fixture_tally(&f, OP_UNLINK, 0), 4);
        assert_false(is_there(&f, 0));
        fixture_end(&f);
        fake_btrfs_end();
}

/* The second file, number 2, has taken the extents of the one that is emptied. */
static void check_clone(void *fixture) {
        const WorkerFixture *f = fixture;
        const FakeRecord *r = fake_btrfs_last(FAKE_CLONE);
        struct stat source, fd, by_name;
        char path[128];

        assert_int_equal(fstat(r->source_fd, &source), 0);
        assert_int_equal(fstat(r->fd, &fd), 0);
        assert_int_equal(stat(path_of(f, 2, path), &by_name), 0);
        assert_true(fd.st_ino == by_name.st_ino);
        assert_int_equal(stat(path_of(f, fake_btrfs_count(FAKE_CLONE) % 2 ? 1 : 0, path), &by_name), 0);
        assert_true(source.st_ino == by_name.st_ino);
        assert_int_equal(source.st_size, FILE_SIZE);
}

static void check_second_alone(void *fixture) {
        const WorkerFixture *f = fixture;

        assert_true(is_there(f, 2));
        assert_false(is_there(f, fake_btrfs_count(FAKE_CLONE) % 2 ? 1 : 0));
}

static void a_clone_outlives_its_source_by_a_commit(void **state _unused_) {
        FakeRule script[] = {
                { .call = FAKE_CLONE, .hook = check_clone },
                /* Of a cycle: filled, one in between for each file, emptied. */
                { .call = FAKE_SYNC, .nth = 2, .times = 2, .hook = check_second_alone },
                { .call = FAKE_SYNC, .nth = 6, .times = 2, .hook = check_second_alone },
                { .call = FAKE_SYNC }, { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_TREE_SEARCH },
        };
        static const ChurnFill fills[] = { FILL_WRITE, FILL_FALLOCATE };

        for (size_t i = 0; i < ELEMENTSOF(fills); i++) {
                WorkerFixture f;

                begin(&f, EMPTY_REFLINK, 2);
                f.config.churn.fill = fills[i];
                script[0].userdata = script[1].userdata = script[2].userdata = &f;
                fake_btrfs_begin(script, ELEMENTSOF(script));
                fixture_steps(&f, 2);
                assert_true(!is_there(&f, 0) && !is_there(&f, 1) && !is_there(&f, 2));
                assert_int_equal(fixture_tally(&f, OP_CLONE, 0), 4);
                assert_int_equal(fixture_tally(&f, OP_UNLINK, 0), 8);
                assert_int_equal(fake_btrfs_count(FAKE_SYNC), 8);
                fixture_told_nothing(&f);
                fixture_end(&f);
                fake_btrfs_end();
        }
}

static void a_file_that_could_not_be_cloned_is_unlinked(void **state _unused_) {
        static const FakeRule script[] = {
                { .call = FAKE_CLONE, .nth = 2, .result = -ENOSPC }, { .call = FAKE_CLONE },
                { .call = FAKE_SYNC }, { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_TREE_SEARCH },
        };
        WorkerFixture f;
        const Churn *s;
        Observation o;

        begin(&f, EMPTY_REFLINK, 2);
        s = f.worker.state;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1);
        assert_int_equal(s->filled, 1);
        assert_true(is_there(&f, 0) && is_there(&f, 2)); /* the second file is removed at the end, unless it is used again */
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.op, OP_CLONE);
        assert_int_equal(o.result, -ENOSPC);
        f.config.churn.empty = EMPTY_UNLINK;
        fixture_steps(&f, 1);
        assert_int_equal(s->filled, 0);
        fixture_told_nothing(&f);
        fixture_end(&f);
        fake_btrfs_end();
}

static void steal_second(void *fixture) {
        char path[128];

        assert_int_equal(unlink(path_of(fixture, 1, path)), 0);
}

/* The first is gone then, and must not be looked for ever again. */
static void a_second_file_that_stays_is_told_and_nothing_else(void **state _unused_) {
        FakeRule script[] = {
                { .call = FAKE_SYNC, .nth = 2, .hook = steal_second }, { .call = FAKE_SYNC }, { .call = FAKE_CLONE },
                { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_TREE_SEARCH },
        };
        WorkerFixture f;

        begin(&f, EMPTY_REFLINK, 1);
        script[0].userdata = &f;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1);
        assert_int_equal(fixture_tally(&f, OP_UNLINK, ENOENT), 1);
        fixture_steps(&f, 2);
        assert_int_equal(fixture_tally(&f, OP_UNLINK, ENOENT), 1);
        assert_int_equal(fixture_tally(&f, OP_CLONE, 0), 3);
        fixture_end(&f);
        fake_btrfs_end();
}

static void the_second_file_of_a_killed_worker_is_removed(void **state _unused_) {
        static const FakeRule script[] = {
                { .call = FAKE_SYNC }, { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_TREE_SEARCH },
        };
        WorkerFixture f;
        char path[128];

        begin(&f, EMPTY_UNLINK, 1);
        snprintf(path, sizeof(path), "%s/churn-1", f.directory);
        assert_int_equal(mkdir(path, 0700), 0);
        close(open(path_of(&f, 1, path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1);
        fixture_told_nothing(&f);
        fixture_end(&f);
        fake_btrfs_end();
}

/* The file is there, and full. */
static void check_defrag(void *fixture) {
        const WorkerFixture *f = fixture;
        const FakeRecord *r = fake_btrfs_last(FAKE_DEFRAG);
        struct stat by_fd, by_name;
        char path[128];

        assert_int_equal(fstat(r->fd, &by_fd), 0);
        assert_int_equal(stat(path_of(f, fake_btrfs_count(FAKE_DEFRAG) == 1 ? 1 : 0, path), &by_name), 0);
        assert_true(by_fd.st_ino == by_name.st_ino);
        assert_int_equal(by_fd.st_size, FILE_SIZE);
}

static void check_still_there(void *fixture) {
        const WorkerFixture *f = fixture;

        assert_true(is_there(f, 0));
        assert_int_equal(is_there(f, 1), fake_btrfs_count(FAKE_DEFRAG) == 1);
}

static void what_is_defragmented_is_committed_and_unlinked(void **state _unused_) {
        FakeRule script[] = {
                { .call = FAKE_DEFRAG, .hook = check_defrag },
                { .call = FAKE_SYNC, .nth = 2, .times = 2, .hook = check_still_there },
                { .call = FAKE_SYNC }, { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_TREE_SEARCH },
        };
        WorkerFixture f;

        begin(&f, EMPTY_DEFRAG, 2);
        script[0].userdata = script[1].userdata = &f;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1);
        assert_int_equal(fixture_tally(&f, OP_DEFRAG, 0), 2);
        assert_int_equal(fixture_tally(&f, OP_UNLINK, 0), 2);
        assert_int_equal(fake_btrfs_count(FAKE_SYNC), 4);
        assert_int_equal(fake_btrfs_count(FAKE_TREE_SEARCH), 1);
        fixture_told_nothing(&f);
        fixture_end(&f);
        fake_btrfs_end();
}

static void without_room_nothing_is_defragmented(void **state _unused_) {
        static const FakeRule script[] = {
                { .call = FAKE_DEVICE_INFO, .nth = 2, .device = &low },
                { .call = FAKE_SYNC }, { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_TREE_SEARCH },
        };
        WorkerFixture f;

        begin(&f, EMPTY_DEFRAG, 1);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1);
        assert_int_equal(fake_btrfs_count(FAKE_DEFRAG), 0);
        assert_int_equal(fixture_tally(&f, OP_UNLINK, 0), 1);
        fixture_told_nothing(&f);
        fixture_end(&f);
        fake_btrfs_end();
}

static void a_file_that_could_not_be_defragmented_is_unlinked_next(void **state _unused_) {
        static const FakeRule script[] = {
                { .call = FAKE_DEFRAG, .nth = 1, .result = -EIO }, { .call = FAKE_DEFRAG },
                { .call = FAKE_SYNC }, { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_TREE_SEARCH },
        };
        WorkerFixture f;

        begin(&f, EMPTY_DEFRAG, 1);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1);
        assert_true(is_there(&f, 0));
        fixture_steps(&f, 1);
        assert_false(is_there(&f, 0));
        assert_int_equal(fixture_tally(&f, OP_UNLINK, 0), 2);
        assert_int_equal(fixture_tally(&f, OP_DEFRAG, 0), 1);
        fixture_end(&f);
        fake_btrfs_end();
}

/* What is only allocated would be overwritten in place, and not be moved. */
static void files_that_are_written_elsewhere_are_filled_by_writing(void **state _unused_) {
        static const struct {
                ChurnEmpty way;
                bool always;
        } cases[] = { { EMPTY_OVERWRITE, true }, { EMPTY_DEFRAG, true }, { EMPTY_REFLINK, false } };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                static const FakeRule script[] = {
                        { .call = FAKE_SYNC }, { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_TREE_SEARCH },
                        { .call = FAKE_CLONE, .optional = true }, { .call = FAKE_DEFRAG, .optional = true },
                };
                WorkerFixture f;

                begin(&f, cases[i].way, 1);
                f.config.churn.fill = FILL_MIXED;
                fake_btrfs_begin(script, ELEMENTSOF(script));
                fixture_steps(&f, 30);
                assert_true((fixture_tally(&f, OP_FALLOCATE, 0) == 0) == cases[i].always);
                fixture_told_nothing(&f);
                fixture_end(&f);
                fake_btrfs_end();
        }
}

static void without_sync_between_no_way_commits(void **state _unused_) {
        static const FakeRule script[] = {
                { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_TREE_SEARCH }, { .call = FAKE_CLONE }, { .call = FAKE_DEFRAG },
        };
        WorkerFixture f;

        begin(&f, EMPTY_OVERWRITE | EMPTY_REFLINK | EMPTY_DEFRAG, 1);
        f.config.churn.sync_between = false;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 30);
        assert_in_range(fixture_tally(&f, OP_CLONE, 0), 3, 20);
        assert_in_range(fixture_tally(&f, OP_DEFRAG, 0), 3, 20);
        assert_in_range(fixture_tally(&f, OP_WRITE, 0), 33, 50); /* one to fill, and one more to overwrite */
        fixture_told_nothing(&f);
        fixture_end(&f);
        fake_btrfs_end();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_overwritten_stays_for_the_next_cycle),
                cmocka_unit_test(what_is_overwritten_is_read_back),
                cmocka_unit_test(without_room_files_are_unlinked_instead),
                cmocka_unit_test(when_the_phase_changes_files_are_unlinked_instead),
                cmocka_unit_test(what_is_overwritten_goes_when_there_is_no_room),
                cmocka_unit_test(what_could_not_be_filled_is_not_written_again),
                cmocka_unit_test(a_clone_outlives_its_source_by_a_commit),
                cmocka_unit_test(a_file_that_could_not_be_cloned_is_unlinked),
                cmocka_unit_test(a_second_file_that_stays_is_told_and_nothing_else),
                cmocka_unit_test(the_second_file_of_a_killed_worker_is_removed),
                cmocka_unit_test(what_is_defragmented_is_committed_and_unlinked),
                cmocka_unit_test(without_room_nothing_is_defragmented),
                cmocka_unit_test(a_file_that_could_not_be_defragmented_is_unlinked_next),
                cmocka_unit_test(files_that_are_written_elsewhere_are_filled_by_writing),
                cmocka_unit_test(without_sync_between_no_way_commits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

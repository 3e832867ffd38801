/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/macro.h"
#include "stress/population.h"
#include "worker-fixture.h"

#define BYTES (POPULATION_FILE_BYTES + 2 * MiB + 100) /* two files, the second of three pieces, of which the last is short; and the small one */

/* A population of so many bytes, written as populate() does it. */
static void lay(const WorkerFixture *f, ChurnEngine engine) {
        Writer *w;
        Error e;
        int dir_fd;

        assert_true(population_writer(&w, engine, &e) >= 0);
        assert_int_equal(mkdirat(f->worker.root_fd, POPULATION_DIRECTORY, 0700), 0);
        dir_fd = openat(f->worker.root_fd, POPULATION_DIRECTORY, O_RDONLY | O_DIRECTORY);
        for (uint64_t i = 0; i < population_files(BYTES); i++) {
                const Pattern p = population_pattern(i);
                int fd = population_open(dir_fd, i, O_WRONLY | O_CREAT | O_EXCL);
                assert_true(fd >= 0);
                assert_int_equal(writer_write(w, fd, population_file_size(BYTES, i), &p), 0);
                close(fd);
        }
        close(dir_fd);
        writer_free(w);
}

static void begin(WorkerFixture *f, ChurnEngine engine) {
        fixture_begin(f, &stressor_verify, 1);
        f->target.populated = BYTES;
        f->config.churn.engine = engine;
        f->config.verify.share = 100;
        lay(f, engine);
        assert_int_equal(fixture_prepare(f), 0);
}

static void end(WorkerFixture *f) {
        unlinkat(f->worker.root_fd, POPULATION_DIRECTORY "/0", 0);
        unlinkat(f->worker.root_fd, POPULATION_DIRECTORY "/1", 0);
        unlinkat(f->worker.root_fd, POPULATION_DIRECTORY "/2", 0);
        unlinkat(f->worker.root_fd, POPULATION_DIRECTORY, AT_REMOVEDIR);
        fixture_end(f);
}

static void damage(const WorkerFixture *f, const char *name, off_t at, const char *byte) {
        int fd = openat(f->worker.root_fd, name, O_WRONLY);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, byte, 1, at), 1);
        close(fd);
}

#define PIECES (POPULATION_FILE_BYTES / MiB + 4)

static void all_of_it_is_read_and_then_again(void **state _unused_) {
        static const ChurnEngine engines[] = { ENGINE_PWRITE, ENGINE_AUTO };

        for (size_t i = 0; i < ELEMENTSOF(engines); i++) {
                WorkerFixture f;

                begin(&f, engines[i]);
                fixture_steps(&f, 2 * PIECES);
                assert_int_equal(fixture_tally(&f, OP_READ, 0), 2 * PIECES);
                assert_int_equal(fixture_tally(&f, OP_OPEN, 0), 1);
                fixture_told_nothing(&f);
                end(&f);
        }
}

static void a_block_that_reads_otherwise_is_told_and_kept(void **state _unused_) {
        static const ChurnEngine engines[] = { ENGINE_PWRITE, ENGINE_AUTO };
        static const FakeRule script[] = { { .call = FAKE_TREE_SEARCH } };
        static const off_t last = 2 * MiB + 32; /* of the second file, in its short end */

        for (size_t i = 0; i < ELEMENTSOF(engines); i++) {
                WorkerFixture f;
                Observation o;
                const BlockKept *k;

                begin(&f, engines[i]);
                damage(&f, POPULATION_DIRECTORY "/0", 3 * MiB + 100, "\x5a");
                damage(&f, POPULATION_DIRECTORY "/1", last, "\x5a");
                fake_btrfs_begin(script, ELEMENTSOF(script));
                fixture_steps(&f, PIECES);
                assert_true(fixture_receive(&f, &o));
                assert_int_equal(o.kind, OBS_MISCOMPARE);
                assert_int_equal(o.op, OP_READ);
                assert_int_equal(o.logical, 3 * MiB);
                assert_non_null(strstr(o.text, "population/0: flipped: payload differs from byte 100 on"));
                assert_non_null(strstr(o.text, "its place on the devices is not known"));
                assert_true(fixture_receive(&f, &o));
                assert_int_equal(o.logical, 2 * MiB);
                assert_non_null(strstr(o.text, "population/1: flipped: generation is"));
                fixture_told_nothing(&f);

                k = board_block(f.worker.board, 0);
                assert_non_null(k);
                assert_int_equal(k->length, 4096);
                assert_int_equal(k->found[100], 0x5a);
                assert_int_not_equal(k->expected[100], 0x5a);
                assert_memory_equal(k->found, k->expected, 100);
                assert_int_equal(board_block(f.worker.board, 1)->length, 100);
                assert_null(board_block(f.worker.board, 2));
                end(&f);
                fake_btrfs_end();
        }
}

static void a_file_that_is_gone_or_short_is_told(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_TREE_SEARCH } };
        WorkerFixture f;
        uint64_t first = UINT64_MAX;
        unsigned lacking = 0;
        Observation o;
        int fd;

        begin(&f, ENGINE_AUTO);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fd = openat(f.worker.root_fd, POPULATION_DIRECTORY "/1", O_WRONLY);
        assert_int_equal(ftruncate(fd, MiB + 4096), 0);
        close(fd);
        assert_int_equal(unlinkat(f.worker.root_fd, POPULATION_DIRECTORY "/0", 0), 0);
        fixture_steps(&f, 2);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.kind, OBS_RESULT);
        assert_int_equal(o.result, -ENOENT);
        assert_string_equal(o.text, "population/0");
        fixture_steps(&f, 1);
        while (fixture_receive(&f, &o)) { /* in any order; and that reads succeed again */
                if (o.kind == OBS_RESULT) {
                        assert_int_equal(o.result, 0);
                        continue;
                }
                assert_int_equal(o.kind, OBS_MISCOMPARE);
                assert_non_null(strstr(o.text, "population/1: lost: the file ends here"));
                first = MIN_OF(first, o.logical);
                lacking++;
        }
        assert_int_equal(first, MiB + 4096);
        assert_int_equal(lacking, 4); /* of 256 KiB each */
        end(&f);
        fake_btrfs_end();
}

static void it_takes_its_share_of_the_time(void **state _unused_) {
        uint64_t begin_ns;
        WorkerFixture f;

        begin(&f, ENGINE_AUTO);
        begin_ns = clock_mono_ns();
        fixture_steps(&f, 20);
        begin_ns = clock_mono_ns() - begin_ns;
        f.config.verify.share = 5;
        uint64_t slow_ns = clock_mono_ns();
        fixture_steps(&f, 20);
        slow_ns = clock_mono_ns() - slow_ns;
        print_message("20 pieces: %u us, at a share of 5 %%: %u us\n", (unsigned)(begin_ns / 1000), (unsigned)(slow_ns / 1000));
        assert_true(slow_ns > 5 * begin_ns);
        end(&f);
}

static void there_is_one_where_there_is_something_to_read(void **state _unused_) {
        Config c = { .run = { .operation_deadline_ns = 7 }, .verify = { .share = 10 } };

        assert_int_equal(stressor_verify.instances(&c, 4), 0);
        c.target.populate = GiB;
        assert_int_equal(stressor_verify.instances(&c, 4), 1);
        c.target.populate_fill = POPULATE_SPARSE;
        assert_int_equal(stressor_verify.instances(&c, 4), 0);
        c.target.populate_fill = POPULATE_WRITE;
        c.verify.share = 0;
        assert_int_equal(stressor_verify.instances(&c, 4), 0);
        assert_int_equal(stressor_verify.deadline_ns(&c), 7);
}

/* Beside what is asked for, and not where there are many groups. */
static void a_small_file_goes_with_some_gib(void **state _unused_) {
        const uint64_t limit = POPULATION_SMALL_LIMIT, n = limit / POPULATION_FILE_BYTES;

        assert_int_equal(population_files(MiB), 2);
        assert_int_equal(population_file_size(MiB, 0), MiB);
        assert_int_equal(population_file_size(MiB, 1), 64 * KiB);
        assert_int_equal(population_files(limit), n + 1);
        assert_int_equal(population_file_size(limit, n - 1), POPULATION_FILE_BYTES);
        assert_int_equal(population_file_size(limit, n), 64 * KiB);
        assert_int_equal(population_files(limit + MiB), n + 1);
        assert_int_equal(population_file_size(limit + MiB, n), MiB);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(all_of_it_is_read_and_then_again),
                cmocka_unit_test(a_block_that_reads_otherwise_is_told_and_kept),
                cmocka_unit_test(a_file_that_is_gone_or_short_is_told),
                cmocka_unit_test(it_takes_its_share_of_the_time),
                cmocka_unit_test(a_small_file_goes_with_some_gib),
                cmocka_unit_test(there_is_one_where_there_is_something_to_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

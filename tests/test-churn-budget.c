/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A churn whose write budget comes to its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/macro.h"
#include "stress/churn.h"
#include "worker-fixture.h"

static const BtrfsDevice roomy = { .total_bytes = GiB, .bytes_used = 0 };

#define FILE_SIZE (128 * KiB)

static void begin(WorkerFixture *f, unsigned empty, uint64_t limit) {
        static const FakeRule script[] = {
                { .call = FAKE_SYNC }, { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_TREE_SEARCH },
        };

        fixture_begin(f, &stressor_churn, 1);
        f->config.churn.workers = 1;
        f->config.churn.empty = empty;
        f->config.churn.files = 3;
        f->config.churn.file_size = FILE_SIZE;
        f->config.churn.block_size = 64 * KiB;
        f->config.churn.depth = 2;
        f->config.churn.engine = ENGINE_PWRITE;
        f->config.churn.sync_between = true;
        f->config.churn.write_budget.bytes = limit;
        f->config.churn.verify_every = 1;
        strcpy(f->config.target.metadata_profile, "single");
        strcpy(f->config.target.data_profile, "single");
        assert_int_equal(fixture_prepare(f), 0);
        board_set_write_limit(f->worker.board, limit);
        fake_btrfs_begin(script, ELEMENTSOF(script));
}

static void end(WorkerFixture *f) {
        fixture_end(f); /* and nothing is left */
        fake_btrfs_end();
}

static void what_is_spent_stops_the_writing_and_not_the_churn(void **state _unused_) {
        WorkerFixture f;
        Observation o;

        begin(&f, EMPTY_UNLINK, 4 * FILE_SIZE);
        fixture_steps(&f, 2); /* three files, and one more */
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 4);
        assert_int_equal(fixture_tally(&f, OP_UNLINK, 0), 4);
        assert_int_equal(fixture_tally(&f, OP_FALLOCATE, 0), 0);
        fixture_told_nothing(&f);
        fixture_steps(&f, 2);
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 4);
        assert_int_equal(fixture_tally(&f, OP_FALLOCATE, 0), 6);
        assert_int_equal(fixture_tally(&f, OP_UNLINK, 0), 10);
        assert_int_equal(board_bytes_written(f.worker.board), 4 * FILE_SIZE);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.kind, OBS_NOTE);
        assert_non_null(strstr(o.text, "WriteBudget=512KiB"));
        fixture_told_nothing(&f); /* a second time, or of what was only allocated */
        end(&f);
}

static void what_others_have_written_counts(void **state _unused_) {
        WorkerFixture f;

        begin(&f, EMPTY_UNLINK, GiB);
        atomic_store(&f.worker.board->slots[17].bytes_written, GiB);
        fixture_steps(&f, 1);
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 0);
        assert_int_equal(fixture_tally(&f, OP_FALLOCATE, 0), 3);
        end(&f);
}

static void in_the_middle_of_overwriting_the_rest_is_unlinked(void **state _unused_) {
        WorkerFixture f;

        begin(&f, EMPTY_OVERWRITE, 3 * FILE_SIZE + 1);
        fixture_steps(&f, 1);
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 4);
        assert_int_equal(fixture_tally(&f, OP_UNLINK, 0), 2);
        fixture_steps(&f, 1); /* no other way is enabled, but unlinking is always one */
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 4);
        assert_int_equal(fixture_tally(&f, OP_FALLOCATE, 0), 3);
        assert_int_equal(fixture_tally(&f, OP_UNLINK, 0), 5);
        end(&f);
}

/* The script knows no defrag. */
static void nothing_is_defragmented_any_more(void **state _unused_) {
        WorkerFixture f;

        begin(&f, EMPTY_DEFRAG, 3 * FILE_SIZE);
        fixture_steps(&f, 2);
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 3);
        assert_int_equal(fixture_tally(&f, OP_FALLOCATE, 0), 3);
        assert_int_equal(fixture_tally(&f, OP_UNLINK, 0), 6);
        end(&f);
}

static void ways_that_write_are_left_out_then(void **state _unused_) {
        WorkerFixture f;

        begin(&f, EMPTY_OVERWRITE | EMPTY_TRUNCATE | EMPTY_DEFRAG, 1);
        atomic_store(&f.worker.slot->bytes_written, 1);
        fixture_steps(&f, 20);
        assert_int_equal(fixture_tally(&f, OP_TRUNCATE, 0), 60);
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 0);
        assert_int_equal(fixture_tally(&f, OP_UNLINK, 0), 0);
        end(&f);
}

static void what_time_brings_is_written_without_a_word(void **state _unused_) {
        WorkerFixture f;

        begin(&f, EMPTY_UNLINK, 0);
        f.config.churn.write_budget.milli_dwpd = 500;
        fixture_steps(&f, 1);
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 0);
        assert_int_equal(fixture_tally(&f, OP_FALLOCATE, 0), 3);
        board_set_write_limit(f.worker.board, 1);
        fixture_steps(&f, 2);
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 1);
        assert_int_equal(fixture_tally(&f, OP_FALLOCATE, 0), 6);
        board_set_write_limit(f.worker.board, UINT64_MAX);
        fixture_steps(&f, 1);
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 4);
        fixture_told_nothing(&f);
        end(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_spent_stops_the_writing_and_not_the_churn),
                cmocka_unit_test(what_others_have_written_counts),
                cmocka_unit_test(in_the_middle_of_overwriting_the_rest_is_unlinked),
                cmocka_unit_test(nothing_is_defragmented_any_more),
                cmocka_unit_test(ways_that_write_are_left_out_then),
                cmocka_unit_test(what_time_brings_is_written_without_a_word),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

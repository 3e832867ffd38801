/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/macro.h"
#include "fake-disk.h"
#include "worker-fixture.h"

/* The third worker: the third device, devid 13. */
static void begin(WorkerFixture *f) {
        fixture_begin(f, &stressor_scrub, 4);
        f->worker.instance = 2;
        assert_int_equal(fixture_prepare(f), 0);
}

static void assert_window_open(void *slot) {
        ScrubWindow window;

        assert_true(slot_window_current(slot, &window));
        assert_int_equal(window.devid, 13);
        assert_int_equal(window.start, 0);
        assert_true(window.end == UINT64_MAX);
        assert_true(window.begin_ns <= clock_mono_ns());
}

static void the_window_is_open_exactly_while_the_scrub_runs(void **state _unused_) {
        FakeRule script[] = { { .call = FAKE_SCRUB, .devid = 13, .delay_ns = 5 * NSEC_PER_MSEC, .hook = assert_window_open } };
        uint64_t cursor = 0, lost, begin_ns, end_ns;
        WorkerFixture f;
        ScrubWindow window;
        Observation o;

        begin(&f);
        script[0].userdata = f.worker.slot;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        begin_ns = clock_mono_ns();
        assert_int_equal(worker_step(&f.worker), 0);
        end_ns = clock_mono_ns();
        assert_false(slot_window_current(f.worker.slot, &window));
        assert_int_equal(slot_windows_drain(f.worker.slot, &cursor, &window, 1, &lost), 1);
        assert_int_equal(window.devid, 13);
        assert_true(window.begin_ns >= begin_ns && window.finish_ns <= end_ns);
        assert_true(window.finish_ns - window.begin_ns >= 5 * NSEC_PER_MSEC);
        assert_int_equal(fixture_tally(&f, OP_SCRUB, 0), 1);
        assert_false(fixture_receive(&f, &o));
        assert_int_equal(fake_btrfs_last(FAKE_SCRUB)->fd, f.worker.root_fd);
        assert_int_equal(fake_btrfs_last(FAKE_SCRUB)->start, 0);
        assert_true(fake_btrfs_last(FAKE_SCRUB)->end == UINT64_MAX);
        assert_false(fake_btrfs_last(FAKE_SCRUB)->readonly);
        f.config.scrub.readonly = true;
        worker_step(&f.worker);
        assert_true(fake_btrfs_last(FAKE_SCRUB)->readonly);
        fake_btrfs_end();
        fixture_end(&f);
}

static void a_failure_says_where_it_was(void **state _unused_) {
        static const FakeRule script[] = {
                { .call = FAKE_SCRUB, .nth = 2, .result = -EINVAL, .stats = { .last_physical = 4096, .csum_errors = 1 } },
                { .call = FAKE_SCRUB },
        };
        uint64_t cursor = 0, lost;
        ScrubWindow windows[4];
        WorkerFixture f;
        Observation o;

        begin(&f);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        for (unsigned i = 0; i < 3; i++)
                assert_int_equal(worker_step(&f.worker), 0);
        assert_int_equal(fixture_tally(&f, OP_SCRUB, 0), 2);
        assert_int_equal(fixture_tally(&f, OP_SCRUB, EINVAL), 1);
        assert_int_equal(slot_windows_drain(f.worker.slot, &cursor, windows, 4, &lost), 3);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.kind, OBS_RESULT);
        assert_int_equal(o.op, OP_SCRUB);
        assert_int_equal(o.result, -EINVAL);
        assert_int_equal(o.devid, 13);
        assert_int_equal(o.physical, 4096);
        fixture_told_nothing(&f); /* the counters of a failed scrub are not told a second time */
        fake_btrfs_end();
        fixture_end(&f);
}

static void success_with_dirty_counters_is_told(void **state _unused_) {
        static const FakeRule script[] = {
                { .call = FAKE_SCRUB, .stats = { .last_physical = 8192, .csum_errors = 3, .uncorrectable_errors = 3 } },
        };
        WorkerFixture f;
        Observation o;

        begin(&f);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(worker_step(&f.worker), 0);
        assert_int_equal(fixture_tally(&f, OP_SCRUB, 0), 1);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.kind, OBS_COUNTERS);
        assert_int_equal(o.op, OP_SCRUB);
        assert_int_equal(o.result, 0);
        assert_int_equal(o.devid, 13);
        assert_int_equal(o.physical, 8192);
        assert_int_equal(o.count, 3);
        assert_non_null(strstr(o.text, "csum"));
        assert_int_equal(o.worker, f.worker.index + 1);
        assert_false(fixture_receive(&f, &o));
        fake_btrfs_end();
        fixture_end(&f);
}

static void a_cancelled_scrub_is_ours(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_SCRUB, .result = -ECANCELED } };
        WorkerFixture f;
        Observation o;

        begin(&f);
        f.config.scrub.rest_ns = 20 * NSEC_PER_MSEC;
        atomic_store(&f.worker.board->cancelling, true);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        uint64_t begin_ns = clock_mono_ns();
        assert_int_equal(worker_step(&f.worker), 0);
        assert_true(clock_mono_ns() - begin_ns >= 20 * NSEC_PER_MSEC);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.flags, OBS_OURS);
        fake_btrfs_end();
        fixture_end(&f);
}

static void instances_and_deadline_follow_the_configuration(void **state _unused_) {
        Config c = {
                .scrub = { .enabled = true }, .run = { .operation_deadline_ns = 7 }, .target = { .n_devices = 4, .device_size = 20 * MiB },
        };

        assert_int_equal(stressor_scrub.instances(&c, 4), 4);
        assert_int_equal(stressor_scrub.deadline_ns(&c), 7 + NSEC_PER_SEC);
        c.scrub.enabled = false;
        assert_int_equal(stressor_scrub.instances(&c, 4), 0);
}

#define HEAVY (22 * MiB + 64 * KiB) /* more is: 6 MiB of the churn and the slack */

/* On devid 13: a heavy group, one that the churn may have filled alone, another apart from it, one of metadata. */
static const FakeGroup groups[] = {
        { BTRFS_BLOCK_GROUP_DATA, HEAVY + 1, { { 13, 64 * MiB } } },
        { BTRFS_BLOCK_GROUP_DATA, HEAVY, { { 13, 256 * MiB } } },
        { BTRFS_BLOCK_GROUP_SYSTEM, 0, { { 13, 512 * MiB } } },
        { BTRFS_BLOCK_GROUP_METADATA, 0, { { 13, MiB } } },
};

/* Searches that weighing takes: the chunk tree, then each group of the types. */
#define WEIGH (1 + 3)

static void begin_aimed(WorkerFixture *f, FakeDisk *d) {
        begin(f);
        f->config.scrub.aim = true;
        f->config.scrub.groups = GROUP_DATA | GROUP_SYSTEM;
        f->config.churn.workers = 2;
        f->config.churn.files = 3;
        f->config.churn.file_size = MiB;
        fake_disk_make(d, groups, ELEMENTSOF(groups));
}

static void an_aimed_scrub_takes_a_group_that_lives(void **state _unused_) {
        static FakeDisk d;
        const FakeRule script[] = {
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = d.chunk_items, .n_items = ELEMENTSOF(groups),
                  .delay_ns = 2 * NSEC_PER_MSEC },
                { .call = FAKE_TREE_SEARCH, .items = d.group_items, .n_items = ELEMENTSOF(groups) },
                { .call = FAKE_SCRUB, .devid = 13 },
        };
        unsigned data = 0, system = 0;
        uint64_t cursor = 0, places = 0, lost;
        ScrubWindow window;
        GroupPlace place[2];
        WorkerFixture f;

        begin_aimed(&f, &d);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        for (unsigned i = 0; i < 160; i++) {
                worker_step(&f.worker);
                assert_int_equal(slot_windows_drain(f.worker.slot, &cursor, &window, 1, &lost), 1);
                assert_int_equal(window.start, fake_btrfs_last(FAKE_SCRUB)->start);
                assert_int_equal(window.end, fake_btrfs_last(FAKE_SCRUB)->end);
                /* What is in the range is said, and nothing else, as of before it was looked for. */
                assert_int_equal(slot_places_drain(f.worker.slot, &places, place, 2, &lost), 1);
                assert_int_equal(place[0].extents[0].devid, 13);
                assert_int_equal(place[0].extents[0].physical, window.start);
                assert_int_equal(place[0].logical, fake_logical(window.start == 256 * MiB ? 1 : 2));
                assert_int_equal(place[0].length, FAKE_GROUP_LENGTH);
                assert_true(place[0].seen_ns > 0 && place[0].seen_ns + 2 * NSEC_PER_MSEC <= window.begin_ns);
                data += window.start == 256 * MiB && window.end == 320 * MiB;
                system += window.start == 512 * MiB && window.end == 576 * MiB;
        }
        assert_int_equal(data + system, 160);
        assert_in_range(data, 8, 35); /* one of eight */
        assert_int_equal(fake_btrfs_count(FAKE_TREE_SEARCH), WEIGH + 160); /* weighed once, looked for each time */
        /* From end to end now and then all the same. */
        f.config.scrub.whole_interval_ns = 1;
        worker_step(&f.worker);
        assert_int_equal(fake_btrfs_last(FAKE_SCRUB)->start, 0);
        assert_true(fake_btrfs_last(FAKE_SCRUB)->end == UINT64_MAX);
        f.config.scrub.whole_interval_ns = 3600 * NSEC_PER_SEC;
        worker_step(&f.worker);
        assert_true(fake_btrfs_last(FAKE_SCRUB)->start != 0 || fake_btrfs_last(FAKE_SCRUB)->end != UINT64_MAX);
        fixture_told_nothing(&f);
        fake_btrfs_end();
        fixture_end(&f);
}

static void every_other_commit_all_go_to_the_oldest_system_group(void **state _unused_) {
        static FakeDisk d;
        const FakeRule script[] = {
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = d.chunk_items, .n_items = ELEMENTSOF(groups) },
                { .call = FAKE_TREE_SEARCH, .items = d.group_items, .n_items = ELEMENTSOF(groups) },
                { .call = FAKE_SCRUB, .devid = 13 },
        };
        WorkerFixture f;

        begin_aimed(&f, &d);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        for (uint64_t commits = 0; commits < 6; commits++) {
                unsigned data = 0;
                atomic_store(&f.worker.board->commits, commits);
                for (unsigned i = 0; i < (commits % 2 == 1 ? 5 : 100); i++) {
                        worker_step(&f.worker);
                        data += fake_btrfs_last(FAKE_SCRUB)->start == 256 * MiB;
                }
                if (commits % 2 == 1)
                        assert_int_equal(data, 0);
                else
                        assert_in_range(data, 3, 24);
        }
        /* It has not died of all these scrubs: it will not. */
        atomic_store(&f.worker.board->commits, 1);
        for (unsigned i = 0, data = 0; i < 21 || data == 0; i++) {
                assert_true(i < 100);
                worker_step(&f.worker);
                data += fake_btrfs_last(FAKE_SCRUB)->start == 256 * MiB;
                assert_true(i > 0 || data == 0);
        }
        /* Where there is none, to any. */
        f.config.scrub.groups = GROUP_DATA;
        atomic_store(&f.worker.board->commits, 1);
        stressor_scrub.cleanup(&f.worker);
        memset(f.worker.state, 0, stressor_scrub.state_size);
        worker_step(&f.worker);
        assert_int_equal(fake_btrfs_last(FAKE_SCRUB)->start, 256 * MiB);
        fake_btrfs_end();
        fixture_end(&f);
}

/* While the scrub is in the kernel: 20 ms for the group at 1 MiB, 2 ms for another. */
static void take_time(void *worker) {
        const Worker *w = worker;
        ScrubWindow window;

        assert_true(slot_window_current(w->slot, &window));
        clock_sleep_ns((window.start == MiB ? 20 : 2) * NSEC_PER_MSEC);
}

/* Groups that take long get a tenth of the time, however long that is. */
static void what_takes_long_is_scrubbed_less_often(void **state _unused_) {
        static FakeDisk d;
        const FakeGroup two[] = {
                { BTRFS_BLOCK_GROUP_DATA | BTRFS_BLOCK_GROUP_RAID0, 0, { { 13, MiB }, { 12, MiB } } },
                { BTRFS_BLOCK_GROUP_DATA, 0, { { 13, 2 * GiB } } },
        };
        WorkerFixture f;
        const FakeRule script[] = {
                { .call = FAKE_SCRUB, .hook = take_time, .userdata = &f.worker },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = d.chunk_items, .n_items = 2 },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_BLOCK_GROUP_TREE_OBJECTID, .result = -ENOENT },
                { .call = FAKE_TREE_SEARCH, .items = d.group_items, .n_items = 2 },
        };
        unsigned slow = 0, quick = 0;

        begin_aimed(&f, &d);
        fake_disk_make(&d, two, 2);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        for (uint64_t begin_ns = clock_mono_ns(); clock_mono_ns() - begin_ns < 500 * NSEC_PER_MSEC;) {
                fixture_steps(&f, 1);
                *(fake_btrfs_last(FAKE_SCRUB)->start == MiB ? &slow : &quick) += 1;
        }
        assert_true(slow >= 1 && slow <= 4); /* of 20 ms in 500 ms, the first at once */
        assert_true(quick > 8 * slow);
        fake_btrfs_end();
        fixture_end(&f);
}

/* The oldest system group, scrubbed in between, is none that takes long, and does not put those off. */
static void what_takes_long_is_not_put_off_by_what_does_not(void **state _unused_) {
        static FakeDisk d;
        const FakeGroup two[] = {
                { BTRFS_BLOCK_GROUP_DATA | BTRFS_BLOCK_GROUP_RAID0, 0, { { 13, MiB }, { 12, MiB } } },
                { BTRFS_BLOCK_GROUP_SYSTEM, 0, { { 13, 2 * GiB } } },
        };
        WorkerFixture f;
        const FakeRule script[] = {
                { .call = FAKE_SCRUB, .hook = take_time, .userdata = &f.worker },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = d.chunk_items, .n_items = 2 },
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_BLOCK_GROUP_TREE_OBJECTID, .result = -ENOENT },
                { .call = FAKE_TREE_SEARCH, .items = d.group_items, .n_items = 2 },
        };

        begin_aimed(&f, &d);
        fake_disk_make(&d, two, 2);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        atomic_store(&f.worker.board->commits, 1);
        fixture_steps(&f, 1);
        assert_int_equal(fake_btrfs_last(FAKE_SCRUB)->start, 2 * GiB);
        atomic_store(&f.worker.board->commits, 2);
        fixture_steps(&f, 1);
        assert_int_equal(fake_btrfs_last(FAKE_SCRUB)->start, MiB);
        fixture_steps(&f, 1);
        assert_int_equal(fake_btrfs_last(FAKE_SCRUB)->start, 2 * GiB); /* for what did take long has had its turn */
        fake_btrfs_end();
        fixture_end(&f);
}

static void without_a_group_it_rests(void **state _unused_) {
        const FakeRule script[] = { { .call = FAKE_TREE_SEARCH }, { .call = FAKE_SCRUB, .optional = true } };
        WorkerFixture f;

        begin(&f);
        f.config.scrub.aim = true;
        f.config.scrub.groups = GROUP_DATA;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        uint64_t begin_ns = clock_mono_ns();
        for (unsigned i = 0; i < 20; i++)
                worker_step(&f.worker);
        assert_true(clock_mono_ns() - begin_ns >= 20 * 500 * NSEC_PER_USEC);
        f.config.scrub.rest_ns = 30 * NSEC_PER_MSEC;
        begin_ns = clock_mono_ns();
        worker_step(&f.worker);
        assert_true(clock_mono_ns() - begin_ns >= 30 * NSEC_PER_MSEC);
        assert_int_equal(fake_btrfs_count(FAKE_SCRUB), 0);
        fake_btrfs_end();
        fixture_end(&f);
}

static void an_aimed_scrub_that_meets_much_weighs_again(void **state _unused_) {
        static FakeDisk d;
        const FakeRule script[] = {
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = d.chunk_items, .n_items = ELEMENTSOF(groups) },
                { .call = FAKE_TREE_SEARCH, .items = d.group_items, .n_items = ELEMENTSOF(groups) },
                { .call = FAKE_SCRUB, .nth = 1, .times = 2, .stats = { .data_bytes_scrubbed = HEAVY } },
                { .call = FAKE_SCRUB, .stats = { .data_bytes_scrubbed = HEAVY + 1 } },
        };
        WorkerFixture f;

        begin_aimed(&f, &d);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        worker_step(&f.worker);
        clock_sleep_ns(1050 * NSEC_PER_MSEC);
        worker_step(&f.worker);
        assert_int_equal(fake_btrfs_count(FAKE_TREE_SEARCH), WEIGH + 2); /* not more than heavy */
        worker_step(&f.worker);
        assert_int_equal(fake_btrfs_count(FAKE_TREE_SEARCH), 2 * WEIGH + 3);
        worker_step(&f.worker);
        assert_int_equal(fake_btrfs_count(FAKE_TREE_SEARCH), 2 * WEIGH + 4); /* not again within a second */
        fake_btrfs_end();
        fixture_end(&f);
}

static void without_an_answer_it_scrubs_nothing(void **state _unused_) {
        const FakeRule script[] = { { .call = FAKE_TREE_SEARCH, .result = -EIO } };
        WorkerFixture f;
        Observation o;

        begin(&f);
        f.config.scrub.aim = true;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        worker_step(&f.worker);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.op, OP_TREE_SEARCH);
        assert_int_equal(o.result, -EIO);
        fake_btrfs_end();
        fixture_end(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_window_is_open_exactly_while_the_scrub_runs),
                cmocka_unit_test(a_failure_says_where_it_was),
                cmocka_unit_test(success_with_dirty_counters_is_told),
                cmocka_unit_test(a_cancelled_scrub_is_ours),
                cmocka_unit_test(instances_and_deadline_follow_the_configuration),
                cmocka_unit_test(an_aimed_scrub_takes_a_group_that_lives),
                cmocka_unit_test(every_other_commit_all_go_to_the_oldest_system_group),
                cmocka_unit_test(what_takes_long_is_scrubbed_less_often),
                cmocka_unit_test(what_takes_long_is_not_put_off_by_what_does_not),
                cmocka_unit_test(without_a_group_it_rests),
                cmocka_unit_test(an_aimed_scrub_that_meets_much_weighs_again),
                cmocka_unit_test(without_an_answer_it_scrubs_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

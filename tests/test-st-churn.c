/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/macro.h"
#include "stress/churn.h"
#include "worker-fixture.h"

/* Devices of 1 GiB: headroom 2 x 102.4 MiB for metadata "single" on one. */
static const BtrfsDevice roomy = { .total_bytes = GiB, .bytes_used = 0 };
static const BtrfsDevice low = { .total_bytes = GiB, .bytes_used = GiB - 100 * MiB };

/* A group on one device. */
static FakeItem chunk_item(struct btrfs_chunk *item, uint64_t logical, uint64_t type, uint64_t devid, uint64_t physical) {
        *item = (struct btrfs_chunk){ .length = htole64(64 * MiB), .type = htole64(type), .num_stripes = htole16(1) };
        item->stripe.devid = htole64(devid);
        item->stripe.offset = htole64(physical);
        return (FakeItem){
                .header = {
                        .objectid = BTRFS_FIRST_CHUNK_TREE_OBJECTID, .type = BTRFS_CHUNK_ITEM_KEY, .offset = logical, .len = sizeof(*item),
                },
                .data = item,
        };
}

static void begin(WorkerFixture *f, unsigned empty, unsigned files) {
        fixture_begin(f, &stressor_churn, 1);
        f->config.churn.workers = 1;
        f->config.churn.empty = empty;
        f->config.churn.files = files;
        f->config.churn.file_size = 256 * KiB;
        f->config.churn.block_size = 64 * KiB;
        f->config.churn.depth = 4;
        f->config.churn.engine = ENGINE_PWRITE;
        f->config.churn.sync_between = true;
        strcpy(f->config.target.metadata_profile, "single");
        strcpy(f->config.target.data_profile, "single");
        assert_int_equal(fixture_prepare(f), 0);
}

/* Bytes allocated to the files of the worker, and their number. */
static uint64_t look(const WorkerFixture *f, unsigned *ret_files) {
        char path[128];
        uint64_t bytes = 0;
        struct dirent *entry;
        DIR *d;

        *ret_files = 0;
        snprintf(path, sizeof(path), "%s/churn-1", f->directory);
        d = opendir(path);
        assert_non_null(d);
        while ((entry = readdir(d))) {
                struct stat st;
                assert_int_equal(fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW), 0);
                if (!S_ISREG(st.st_mode))
                        continue;
                (*ret_files)++;
                bytes += (uint64_t)st.st_blocks * 512;
        }
        closedir(d);
        return bytes;
}

/* While the chunk tree is read the files are there, and full of the pattern. */
static void assert_filled(void *fixture) {
        WorkerFixture *f = fixture;
        unsigned files;

        assert_true(look(f, &files) >= f->config.churn.files * f->config.churn.file_size);
        assert_int_equal(files, f->config.churn.files);
}

static void every_way_fills_commits_empties_and_commits(void **state _unused_) {
        static const struct {
                ChurnEmpty way;
                Operation op;
                unsigned left;
        } cases[] = { { EMPTY_UNLINK, OP_UNLINK, 0 }, { EMPTY_TRUNCATE, OP_TRUNCATE, 3 }, { EMPTY_PUNCH, OP_PUNCH, 3 } };
        static const ChurnFill fills[] = { FILL_WRITE, FILL_FALLOCATE };

        for (size_t i = 0; i < ELEMENTSOF(cases) * ELEMENTSOF(fills); i++) {
                FakeRule script[] = {
                        { .call = FAKE_SYNC }, { .call = FAKE_DEVICE_INFO, .device = &roomy },
                        { .call = FAKE_TREE_SEARCH, .hook = assert_filled },
                };
                WorkerFixture f;
                unsigned files, way = (unsigned)i / 2;

                begin(&f, cases[way].way, 3);
                f.config.churn.fill = fills[i % 2];
                script[2].userdata = &f;
                fake_btrfs_begin(script, ELEMENTSOF(script));
                fixture_steps(&f, 2);
                assert_int_equal(look(&f, &files), 0);
                assert_int_equal(files, cases[way].left);
                assert_int_equal(fake_btrfs_count(FAKE_SYNC), 4);
                assert_int_equal(fake_btrfs_count(FAKE_TREE_SEARCH), 2);
                assert_int_equal(fixture_tally(&f, cases[way].op, 0), 6);
                assert_int_equal(fixture_tally(&f, OP_WRITE, 0), fills[i % 2] == FILL_WRITE ? 6 : 0);
                assert_int_equal(fixture_tally(&f, OP_FALLOCATE, 0), fills[i % 2] == FILL_WRITE ? 0 : 6);
                assert_int_equal(board_bytes_written(f.worker.board), fills[i % 2] == FILL_WRITE ? 6 * 256 * KiB : 0);
                assert_false(atomic_load(&f.worker.board->near_full));
                fixture_end(&f); /* and nothing is left */
                fake_btrfs_end();
        }
}

static void make_subvolume(void *fixture) {
        WorkerFixture *f = fixture;
        char path[128];

        snprintf(path, sizeof(path), "%s/churn-1/subvolume", f->directory);
        assert_int_equal(mkdir(path, 0700), 0);
}

static void delete_subvolume(void *fixture) {
        WorkerFixture *f = fixture;
        char path[160];

        for (unsigned i = 0; i < f->config.churn.files; i++) {
                snprintf(path, sizeof(path), "%s/churn-1/subvolume/%u", f->directory, i);
                assert_int_equal(unlink(path), 0); /* so the files were in it */
        }
        snprintf(path, sizeof(path), "%s/churn-1/subvolume", f->directory);
        assert_int_equal(rmdir(path), 0);
}

static void a_subvolume_goes_with_its_files(void **state _unused_) {
        FakeRule script[] = {
                { .call = FAKE_SUBVOL_DELETE, .name = "subvolume", .nth = 2, .result = -EIO },
                { .call = FAKE_SUBVOL_CREATE, .name = "subvolume", .hook = make_subvolume },
                { .call = FAKE_SUBVOL_DELETE, .name = "subvolume", .hook = delete_subvolume },
                { .call = FAKE_SYNC }, { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_TREE_SEARCH },
        };
        WorkerFixture f;
        Observation o;

        begin(&f, EMPTY_SUBVOLUME, 2);
        script[1].userdata = script[2].userdata = &f;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1);
        assert_int_equal(fixture_tally(&f, OP_SUBVOL_CREATE, 0), 1);
        assert_int_equal(fixture_tally(&f, OP_SUBVOL_DELETE, 0), 1);
        fixture_told_nothing(&f);
        fixture_steps(&f, 1); /* the deletion fails … */
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.op, OP_SUBVOL_DELETE);
        assert_int_equal(o.result, -EIO);
        fixture_steps(&f, 1); /* … and is made up for before the next is created */
        assert_int_equal(fixture_tally(&f, OP_SUBVOL_CREATE, 0), 3);
        assert_int_equal(fixture_tally(&f, OP_SUBVOL_DELETE, 0), 3);
        fixture_told_nothing(&f);
        fixture_end(&f);
        fake_btrfs_end();
}

static void all_ways_take_turns(void **state _unused_) {
        FakeRule script[] = {
                { .call = FAKE_SUBVOL_CREATE, .hook = make_subvolume }, { .call = FAKE_SUBVOL_DELETE, .hook = delete_subvolume },
                { .call = FAKE_SYNC }, { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_TREE_SEARCH },
        };
        WorkerFixture f;

        begin(&f, EMPTY_UNLINK | EMPTY_TRUNCATE | EMPTY_PUNCH | EMPTY_SUBVOLUME, 1);
        f.config.churn.fill = FILL_MIXED;
        script[0].userdata = script[1].userdata = &f;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 100);
        assert_in_range(fixture_tally(&f, OP_UNLINK, 0), 10, 45);
        assert_in_range(fixture_tally(&f, OP_TRUNCATE, 0), 10, 45);
        assert_in_range(fixture_tally(&f, OP_PUNCH, 0), 10, 45);
        assert_in_range(fixture_tally(&f, OP_SUBVOL_DELETE, 0), 10, 45);
        assert_in_range(fixture_tally(&f, OP_WRITE, 0), 25, 75);
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0) + fixture_tally(&f, OP_FALLOCATE, 0), 100);
        fixture_told_nothing(&f);
        fixture_end(&f);
        fake_btrfs_end();
}

static void what_is_written_is_the_pattern(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_DEVICE_INFO, .device = &roomy } };
        static _Alignas(8) uint8_t content[256 * KiB];
        WorkerFixture f;
        Churn *s;
        PatternMismatch m;
        Pattern p;
        char path[128];
        int fd;

        begin(&f, EMPTY_UNLINK, 2);
        s = f.worker.state;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        s->dir_fd = dup(f.worker.root_fd);
        s->generation = 9;
        s->file_size = f.config.churn.file_size;
        s->files = 2;
        s->way = EMPTY_UNLINK;
        assert_int_equal(churn_fill(&f.worker, s), 0);
        snprintf(path, sizeof(path), "%s/1", f.directory);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(read(fd, content, sizeof(content)), sizeof(content));
        close(fd);
        p = (Pattern){ .seed = s->writer->shape.seed, .owner = 3, .file = 1, .generation = 9 };
        for (p.offset = 0; p.offset < sizeof(content); p.offset += 64 * KiB)
                if (!pattern_check(content + p.offset, 64 * KiB, &p, &m))
                        fail_msg("at %llu: %s", (unsigned long long)m.offset, m.text);
        assert_int_equal(churn_empty(&f.worker, s), 0);
        close(TAKE_FD(s->dir_fd));
        fixture_end(&f);
        fake_btrfs_end();
}

static void places_are_said_before_the_groups_die(void **state _unused_) {
        struct btrfs_chunk items[4];
        const FakeItem first[] = {
                chunk_item(&items[0], 100 * MiB, BTRFS_BLOCK_GROUP_METADATA, 11, MiB),
                chunk_item(&items[1], 200 * MiB, BTRFS_BLOCK_GROUP_DATA, 12, 2 * MiB),
                chunk_item(&items[2], 300 * MiB, BTRFS_BLOCK_GROUP_DATA, 13, 3 * MiB),
        };
        /* 200 MiB is gone; 300 MiB is there, but lies elsewhere: another group. */
        const FakeItem second[] = { first[0], chunk_item(&items[3], 300 * MiB, BTRFS_BLOCK_GROUP_DATA, 13, 9 * MiB) };
        const FakeRule script[] = {
                { .call = FAKE_SYNC }, { .call = FAKE_DEVICE_INFO, .device = &roomy },
                { .call = FAKE_TREE_SEARCH, .nth = 1, .delay_ns = 5 * NSEC_PER_MSEC, .items = first, .n_items = 3 },
                { .call = FAKE_TREE_SEARCH, .nth = 3, .result = -EIO },
                { .call = FAKE_TREE_SEARCH, .items = second, .n_items = 2 },
        };
        uint64_t cursor = 0, lost, end_ns;
        GroupPlace places[8];
        WorkerFixture f;

        begin(&f, EMPTY_UNLINK, 1);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1);
        end_ns = clock_mono_ns();
        assert_int_equal(slot_places_drain(f.worker.slot, &cursor, places, 8, &lost), 3);
        assert_int_equal(places[0].logical, 100 * MiB);
        assert_int_equal(places[0].flags, BTRFS_BLOCK_GROUP_METADATA);
        assert_int_equal(places[1].logical, 200 * MiB);
        assert_int_equal(places[1].length, 64 * MiB);
        assert_int_equal(places[1].extent_length, 64 * MiB);
        assert_int_equal(places[1].flags, BTRFS_BLOCK_GROUP_DATA);
        assert_int_equal(places[1].n_extents, 1);
        assert_int_equal(places[1].extents[0].devid, 12);
        assert_int_equal(places[1].extents[0].physical, 2 * MiB);
        assert_int_equal(places[2].logical, 300 * MiB);
        assert_true(places[2].seen_ns == places[0].seen_ns);
        assert_true(places[0].seen_ns + 5 * NSEC_PER_MSEC <= end_ns); /* taken before the reading */
        assert_int_equal(board_groups_gone(f.worker.board), 0);
        fixture_steps(&f, 1);
        assert_int_equal(slot_places_drain(f.worker.slot, &cursor, places, 8, &lost), 2);
        assert_int_equal(places[1].extents[0].physical, 9 * MiB);
        assert_int_equal(board_groups_gone(f.worker.board), 2);
        /* A reading that failed is compared with nothing: not everything has gone, and then come back. */
        fixture_steps(&f, 2);
        assert_int_equal(fixture_tally(&f, OP_TREE_SEARCH, EIO), 1);
        assert_int_equal(slot_places_drain(f.worker.slot, &cursor, places, 8, &lost), 2);
        assert_int_equal(board_groups_gone(f.worker.board), 2);
        fixture_end(&f);
        fake_btrfs_end();
}

static void without_headroom_nothing_is_filled(void **state _unused_) {
        const FakeRule script[] = {
                { .call = FAKE_DEVICE_INFO, .nth = 1, .times = 100, .device = &low },
                { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_SYNC }, { .call = FAKE_TREE_SEARCH },
        };
        WorkerFixture f;
        Observation o;

        begin(&f, EMPTY_UNLINK, 1);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 99);
        assert_true(atomic_load(&f.worker.board->near_full));
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 0);
        assert_int_equal(fake_btrfs_count(FAKE_SYNC), 99);
        fixture_told_nothing(&f);
        fixture_steps(&f, 1);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.kind, OBS_NOTE);
        assert_non_null(strstr(o.text, "no room"));
        fixture_steps(&f, 1);
        assert_false(atomic_load(&f.worker.board->near_full));
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 1);
        fixture_told_nothing(&f);
        fixture_end(&f);
        fake_btrfs_end();
}

/* The room is looked at before each file: 2 of 5 are filled, and emptied. */
static void filling_ends_where_the_headroom_begins(void **state _unused_) {
        const FakeRule script[] = {
                { .call = FAKE_DEVICE_INFO, .nth = 3, .device = &low },
                { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_SYNC }, { .call = FAKE_TREE_SEARCH },
        };
        WorkerFixture f;

        begin(&f, EMPTY_UNLINK, 5);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1);
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 2);
        assert_int_equal(fixture_tally(&f, OP_UNLINK, 0), 2);
        fixture_end(&f);
        fake_btrfs_end();
}

/* A limit of file sizes makes the second half of a write fail; a real ENOSPC takes the same way. */
static void a_failed_fill_is_emptied_and_backed_off_from(void **state _unused_) {
        static const FakeRule script[] = {
                { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_SYNC },
                { .call = FAKE_TREE_SEARCH, .optional = true },
        };
        struct rlimit old, small;
        WorkerFixture f;
        Observation o;
        unsigned files;

        begin(&f, EMPTY_UNLINK, 3);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &old);
        small = (struct rlimit){ .rlim_cur = 100 * KiB, .rlim_max = old.rlim_max };
        setrlimit(RLIMIT_FSIZE, &small);
        fixture_steps(&f, 4);
        setrlimit(RLIMIT_FSIZE, &old);
        assert_int_equal(fixture_tally(&f, OP_WRITE, EFBIG), 4);
        assert_int_equal(fixture_tally(&f, OP_UNLINK, 0), 4);
        assert_int_equal(fake_btrfs_count(FAKE_TREE_SEARCH), 0);
        assert_int_equal(f.worker.failures_in_a_row, 4); /* though unlink and sync succeeded */
        assert_int_equal(look(&f, &files), 0);
        assert_int_equal(files, 0);
        assert_int_equal(board_bytes_written(f.worker.board), 4 * 100 * KiB);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.op, OP_WRITE);
        assert_int_equal(o.result, -EFBIG);
        assert_int_equal(o.logical, 100 * KiB);
        assert_int_equal(o.length, 256 * KiB);
        fixture_steps(&f, 1);
        assert_int_equal(f.worker.failures_in_a_row, 0);
        fixture_end(&f);
        fake_btrfs_end();
}

static void steal_file(void *fixture) {
        WorkerFixture *f = fixture;
        char path[128];

        snprintf(path, sizeof(path), "%s/churn-1/0", f->directory);
        unlink(path);
}

static void what_could_not_be_emptied_comes_first_next_time(void **state _unused_) {
        FakeRule script[] = {
                { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_SYNC },
                { .call = FAKE_TREE_SEARCH, .hook = steal_file },
        };
        WorkerFixture f;
        Churn *s;

        begin(&f, EMPTY_UNLINK, 2);
        s = f.worker.state;
        script[2].userdata = &f;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1); /* file 1 goes, file 0 does not: it is gone already */
        assert_int_equal(fixture_tally(&f, OP_UNLINK, 0), 1);
        assert_int_equal(fixture_tally(&f, OP_UNLINK, ENOENT), 1);
        assert_int_equal(fake_btrfs_count(FAKE_SYNC), 1);
        assert_int_equal(s->filled, 1);
        fixture_steps(&f, 1); /* nothing is filled as long as that fails */
        assert_int_equal(fixture_tally(&f, OP_UNLINK, ENOENT), 2);
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 2);
        s->filled = 0;
        fixture_end(&f);
        fake_btrfs_end();
}

static void change_phase(void *fixture) {
        board_set_phase(((WorkerFixture *)fixture)->worker.board, PHASE_STOP);
}

static void a_fill_ends_with_the_phase(void **state _unused_) {
        FakeRule script[] = {
                { .call = FAKE_DEVICE_INFO, .nth = 2, .device = &roomy, .hook = change_phase },
                { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_SYNC }, { .call = FAKE_TREE_SEARCH },
        };
        WorkerFixture f;

        begin(&f, EMPTY_TRUNCATE, 1000);
        script[0].userdata = &f;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1);
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 2);
        assert_int_equal(fixture_tally(&f, OP_TRUNCATE, 0), 2);
        fixture_end(&f);
        fake_btrfs_end();
}

/* A predecessor was killed in the middle: its subvolume and files are in the way of nothing. */
static void the_leavings_of_a_killed_worker_are_removed(void **state _unused_) {
        FakeRule script[] = {
                { .call = FAKE_SUBVOL_DELETE, .times = 1, .hook = delete_subvolume },
                { .call = FAKE_DEVICE_INFO, .nth = 2, .device = &low }, /* so file 1 is not written */
                { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_SYNC }, { .call = FAKE_TREE_SEARCH },
        };
        static const char *const names[] = { "subvolume/0", "subvolume/1", "0", "1" };
        WorkerFixture f;
        char path[160];

        begin(&f, EMPTY_TRUNCATE, 2);
        script[0].userdata = &f;
        snprintf(path, sizeof(path), "%s/churn-1", f.directory);
        assert_int_equal(mkdir(path, 0700), 0);
        make_subvolume(&f);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                snprintf(path, sizeof(path), "%s/churn-1/%s", f.directory, names[i]);
                close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        }
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1);
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 1);
        fixture_told_nothing(&f);
        fixture_end(&f);
        fake_btrfs_end();
}

static void without_sync_between_it_does_not_commit(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_TREE_SEARCH } };
        WorkerFixture f;

        begin(&f, EMPTY_UNLINK, 1);
        f.config.churn.sync_between = false;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 2);
        assert_int_equal(fixture_tally(&f, OP_WRITE, 0), 2);
        fixture_told_nothing(&f);
        fixture_end(&f);
        fake_btrfs_end();
}

static void the_target_is_only_written_below_its_directory(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_DEVICE_INFO, .optional = true } };
        WorkerFixture f;
        char path[128];
        Observation o;

        begin(&f, EMPTY_UNLINK, 1);
        snprintf(path, sizeof(path), "%s/churn-1", f.directory);
        assert_int_equal(symlink("/tmp", path), 0);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&f, 1);
        assert_true(fixture_receive(&f, &o));
        assert_int_equal(o.op, OP_OPEN);
        assert_true(o.result == -ENOTDIR || o.result == -ELOOP);
        assert_int_equal(unlink(path), 0);
        fixture_end(&f);
        fake_btrfs_end();
}

static void instances_and_deadline_follow_the_configuration(void **state _unused_) {
        const Config c = { .run = { .operation_deadline_ns = 7 }, .churn = { .workers = 2, .files = 10, .file_size = MiB } };

        assert_int_equal(stressor_churn.instances(&c, 4), 2);
        assert_int_equal(stressor_churn.deadline_ns(&c), 7 + NSEC_PER_SEC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_way_fills_commits_empties_and_commits),
                cmocka_unit_test(a_subvolume_goes_with_its_files),
                cmocka_unit_test(all_ways_take_turns),
                cmocka_unit_test(what_is_written_is_the_pattern),
                cmocka_unit_test(places_are_said_before_the_groups_die),
                cmocka_unit_test(without_headroom_nothing_is_filled),
                cmocka_unit_test(filling_ends_where_the_headroom_begins),
                cmocka_unit_test(a_failed_fill_is_emptied_and_backed_off_from),
                cmocka_unit_test(what_could_not_be_emptied_comes_first_next_time),
                cmocka_unit_test(a_fill_ends_with_the_phase),
                cmocka_unit_test(the_leavings_of_a_killed_worker_are_removed),
                cmocka_unit_test(without_sync_between_it_does_not_commit),
                cmocka_unit_test(the_target_is_only_written_below_its_directory),
                cmocka_unit_test(instances_and_deadline_follow_the_configuration),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

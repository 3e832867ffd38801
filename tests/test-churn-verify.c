/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>

#include "base/macro.h"
#include "stress/churn.h"
#include "worker-fixture.h"

static const BtrfsDevice roomy = { .total_bytes = GiB, .bytes_used = 0 };

static void begin(WorkerFixture *f, uint64_t verify_every) {
        fixture_begin(f, &stressor_churn, 1);
        f->config.churn.workers = 1;
        f->config.churn.empty = EMPTY_UNLINK;
        f->config.churn.files = 2;
        f->config.churn.file_size = 256 * KiB;
        f->config.churn.block_size = 64 * KiB;
        f->config.churn.depth = 4;
        f->config.churn.engine = ENGINE_PWRITE;
        f->config.churn.sync_between = true;
        f->config.churn.verify_every = verify_every;
        strcpy(f->config.target.metadata_profile, "single");
        strcpy(f->config.target.data_profile, "single");
        assert_int_equal(fixture_prepare(f), 0);
}

/* What stands for the kernel's or the drive's fault: the file is changed between the commit and the reading back. */
typedef struct Damage {
        WorkerFixture *f;
        off_t at;      /* the byte here becomes another one */
        off_t cut;     /* instead, when not 0: the file ends here */
        unsigned calls;
} Damage;

static void damage(void *userdata) {
        Damage *d = userdata;
        char path[128], byte;
        int fd;

        snprintf(path, sizeof(path), "%s/churn-1/1", d->f->directory);
        fd = open(path, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        d->calls++;
        if (d->cut)
                assert_int_equal(ftruncate(fd, d->cut), 0);
        else {
                assert_int_equal(pread(fd, &byte, 1, d->at), 1);
                byte ^= 0x40;
                assert_int_equal(pwrite(fd, &byte, 1, d->at), 1);
        }
        close(fd);
}

static void data_that_came_back_different_is_told(void **state _unused_) {
        static const struct {
                off_t at, cut;
                uint64_t offset;
                const char *text;
        } cases[] = {
                { .at = 3 * 64 * KiB + 4096 + 200, .offset = 3 * 64 * KiB + 4096, .text = "churn-1/1, cycle 1: flipped: payload differs from byte 200" },
                { .at = 0, .offset = 0, .text = "churn-1/1, cycle 1: flipped: magic is" },
                { .cut = 64 * KiB + 100, .offset = 64 * KiB, .text = "churn-1/1, cycle 1: lost: the file ends 100 bytes into a block of 65536" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                WorkerFixture f;
                Damage d = { .f = &f, .at = cases[i].at, .cut = cases[i].cut };
                FakeRule script[] = {
                        { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_SYNC },
                        { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .hook = damage, .userdata = &d },
                        { .call = FAKE_TREE_SEARCH }, /* where the block lies */
                };
                Observation o;

                begin(&f, 1);
                fake_btrfs_begin(script, ELEMENTSOF(script));
                fixture_steps(&f, 1);
                assert_int_equal(d.calls, 1);
                assert_true(fixture_receive(&f, &o));
                assert_int_equal(o.kind, OBS_MISCOMPARE);
                assert_int_equal(o.op, OP_READ);
                assert_int_equal(o.worker, f.worker.index + 1);
                assert_int_equal(o.logical, cases[i].offset);
                assert_memory_equal(o.text, cases[i].text, strlen(cases[i].text));
                /* The rest is right; a file that is cut short lacks each of its blocks. */
                for (uint64_t more = cases[i].cut ? 2 : 0; more > 0; more--)
                        assert_true(fixture_receive(&f, &o));
                assert_false(fixture_receive(&f, &o));
                assert_int_equal(fixture_tally(&f, OP_READ, 0), 8);
                fixture_end(&f);
                fake_btrfs_end();
        }
}

static void one_block_in_so_many_is_read_back(void **state _unused_) {
        static const struct {
                uint64_t every;
                ChurnFill fill;
                uint64_t least, most;
        } cases[] = { { 0, FILL_WRITE, 0, 0 }, { 1, FILL_WRITE, 160, 160 }, { 4, FILL_WRITE, 15, 70 }, { 1, FILL_FALLOCATE, 0, 0 } };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                FakeRule script[] = {
                        { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_SYNC }, { .call = FAKE_TREE_SEARCH },
                };
                WorkerFixture f;

                begin(&f, cases[i].every);
                f.config.churn.fill = cases[i].fill;
                fake_btrfs_begin(script, ELEMENTSOF(script));
                fixture_steps(&f, 20);
                assert_in_range(fixture_tally(&f, OP_READ, 0), cases[i].least, cases[i].most);
                fixture_told_nothing(&f);
                fixture_end(&f);
                fake_btrfs_end();
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(data_that_came_back_different_is_told),
                cmocka_unit_test(one_block_in_so_many_is_read_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

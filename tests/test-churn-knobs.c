/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tuner may turn of a churn, while it goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/macro.h"
#include "stress/churn.h"
#include "worker-fixture.h"

static const BtrfsDevice roomy = { .total_bytes = GiB, .bytes_used = 0 };

static void begin(WorkerFixture *f) {
        fixture_begin(f, &stressor_churn, 1);
        f->config.churn.workers = 2;
        f->config.churn.empty = EMPTY_UNLINK;
        f->config.churn.files = 4;
        f->config.churn.file_size = 256 * KiB;
        f->config.churn.block_size = 64 * KiB;
        f->config.churn.depth = 4;
        f->config.churn.engine = ENGINE_PWRITE;
        strcpy(f->config.target.metadata_profile, "single");
        strcpy(f->config.target.data_profile, "single");
        assert_int_equal(fixture_prepare(f), 0);
}

/* While the chunk tree is read the files of the cycle are there. */
typedef struct Seen {
        WorkerFixture f;
        unsigned files;
        off_t size; /* of the first */
} Seen;

static void look(void *userdata) {
        Seen *s = userdata;
        char path[128];
        struct stat st;

        for (s->files = 0; s->files < 8; s->files++) {
                snprintf(path, sizeof(path), "%s/churn-1/%u", s->f.directory, s->files);
                if (stat(path, &st) < 0)
                        break;
                s->size = st.st_size;
        }
}

static void size_number_and_dwell_follow_the_knobs(void **state _unused_) {
        static Seen s;
        FakeRule script[] = {
                { .call = FAKE_SYNC, .optional = true }, { .call = FAKE_DEVICE_INFO, .device = &roomy },
                { .call = FAKE_TREE_SEARCH, .hook = look, .userdata = &s },
        };
        uint64_t begin_ns;

        begin(&s.f);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        fixture_steps(&s.f, 1);
        assert_int_equal(s.files, 4);
        assert_int_equal(s.size, 256 * KiB);
        board_set_knob(s.f.worker.board, KNOB_FILE_SIZE, 20 * KiB);
        board_set_knob(s.f.worker.board, KNOB_FILES, 2);
        board_set_knob(s.f.worker.board, KNOB_DWELL, 30 * NSEC_PER_MSEC);
        begin_ns = clock_mono_ns();
        fixture_steps(&s.f, 1);
        assert_true(clock_mono_ns() - begin_ns >= 30 * NSEC_PER_MSEC);
        assert_int_equal(s.files, 2);
        assert_int_equal(s.size, 20 * KiB);
        fixture_told_nothing(&s.f);
        fake_btrfs_end();
        fixture_end(&s.f);
}

static void one_too_many_is_idle(void **state _unused_) {
        FakeRule script[] = { { .call = FAKE_SYNC, .optional = true }, { .call = FAKE_DEVICE_INFO, .device = &roomy }, { .call = FAKE_TREE_SEARCH } };
        WorkerFixture f;

        begin(&f);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        f.worker.instance = 1;
        board_set_knob(f.worker.board, KNOB_CHURNS, 1);
        fixture_steps(&f, 2);
        assert_int_equal(fake_btrfs_count(FAKE_TREE_SEARCH), 0);
        board_set_knob(f.worker.board, KNOB_CHURNS, 2);
        fixture_steps(&f, 2);
        assert_int_equal(fake_btrfs_count(FAKE_TREE_SEARCH), 2);
        fake_btrfs_end();
        fixture_end(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(size_number_and_dwell_follow_the_knobs),
                cmocka_unit_test(one_too_many_is_idle),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

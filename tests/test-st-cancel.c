/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/clock.h"
#include "base/macro.h"
#include "worker-fixture.h"

static void each_step_cancels_and_rests(void **state _unused_) {
        static const FakeRule script[] = { { .call = FAKE_SCRUB_CANCEL, .nth = 2, .result = -ENOTCONN }, { .call = FAKE_SCRUB_CANCEL } };
        WorkerFixture f;
        uint64_t begin_ns;

        fixture_begin(&f, &stressor_cancel, 1);
        assert_int_equal(fixture_prepare(&f), 0);
        f.config.cancel.rest_ns = 20 * NSEC_PER_MSEC;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        begin_ns = clock_mono_ns();
        fixture_steps(&f, 3);
        assert_true(clock_mono_ns() - begin_ns >= 3 * 20 * NSEC_PER_MSEC);
        assert_int_equal(fake_btrfs_count(FAKE_SCRUB_CANCEL), 3);
        assert_int_equal(fixture_tally(&f, OP_SCRUB_CANCEL, 0), 2);
        assert_int_equal(fixture_tally(&f, OP_SCRUB_CANCEL, ENOTCONN), 1);
        assert_int_equal(atomic_load(&f.worker.board->cancels_in_flight), 0);
        assert_true(atomic_load(&f.worker.board->cancelled_ns) >= begin_ns);
        fixture_end(&f);
        fake_btrfs_end();
}

/* A scrub that is cancelled by it is no news; one that nobody has cancelled is. */
static void what_it_cancels_is_ours(void **state _unused_) {
        static const struct {
                Operation op;
                uint32_t in_flight;
                bool since;
                int result;
                bool ours;
        } cases[] = {
                { OP_SCRUB, 1, false, -ECANCELED, true },   { OP_SCRUB, 0, true, -ECANCELED, true }, { OP_SCRUB, 0, false, -ECANCELED, false },
                { OP_REPLACE, 1, false, -ECANCELED, true }, { OP_SCRUB, 1, true, -EINVAL, false },   { OP_BALANCE, 1, true, -ECANCELED, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                WorkerFixture f;
                Observation o;

                fixture_begin(&f, &stressor_scrub, 1);
                atomic_store(&f.worker.board->cancelled_ns, clock_mono_ns()); /* one long ago */
                worker_begin(&f.worker, cases[i].op);
                atomic_store(&f.worker.board->cancels_in_flight, cases[i].in_flight);
                if (cases[i].since)
                        atomic_store(&f.worker.board->cancelled_ns, clock_mono_ns());
                worker_end(&f.worker, cases[i].result, NULL);
                assert_true(fixture_receive(&f, &o));
                assert_int_equal((o.flags & OBS_OURS) != 0, cases[i].ours);
                fixture_end(&f);
        }
}

static void there_is_one_where_there_are_scrubs(void **state _unused_) {
        Config c = { .run = { .operation_deadline_ns = 7 }, .scrub = { .enabled = true } };

        assert_int_equal(stressor_cancel.instances(&c, 4), 0);
        c.cancel.enabled = true;
        assert_int_equal(stressor_cancel.instances(&c, 4), 1);
        assert_int_equal(stressor_cancel.deadline_ns(&c), 7);
        c.scrub.enabled = false;
        assert_int_equal(stressor_cancel.instances(&c, 4), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_step_cancels_and_rests),
                cmocka_unit_test(what_it_cancels_is_ours),
                cmocka_unit_test(there_is_one_where_there_are_scrubs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

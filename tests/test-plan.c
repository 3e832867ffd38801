/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "made-up-report.h"

static void defaults(Config *c) {
        Error e = ERROR_NULL;

        config_init(c);
        assert_int_equal(config_check(c, &e), 0);
}

static void all_off(Config *c) {
        c->churn.workers = c->sync.workers = 0;
        c->balance.enabled = c->scrub.enabled = false;
}

static void test_defaults(void **state) {
        Config c;
        Plan p;

        (void)state;
        defaults(&c);
        assert_int_equal(plan_make(&p, &c, 42, NULL), 0);
        assert_int_equal(p.seed, 42);
        assert_int_equal(p.n_devices, 4);
        assert_int_equal(plan_count(&p, &stressor_scrub), 4);
        assert_int_equal(plan_count(&p, &stressor_balance), 1);
        assert_int_equal(plan_count(&p, &stressor_churn), c.churn.workers);
        assert_int_equal(plan_count(&p, &stressor_sync), c.sync.workers);
        assert_int_equal(p.n_workers, 5 + c.churn.workers + c.sync.workers);
}

/* Registry order, instances from 0, names from 1, every name once. */
static void test_names(void **state) {
        Config c;
        Plan p;

        (void)state;
        defaults(&c);
        all_off(&c);
        c.churn.workers = 2;
        c.scrub.enabled = true;
        assert_int_equal(plan_make(&p, &c, 42, NULL), 0);
        assert_int_equal(p.n_workers, 6);
        assert_string_equal(p.workers[0].name, "churn/1");
        assert_string_equal(p.workers[1].name, "churn/2");
        assert_string_equal(p.workers[2].name, "scrub/1");
        assert_string_equal(p.workers[5].name, "scrub/4");
        assert_int_equal(p.workers[5].instance, 3);
        assert_ptr_equal(p.workers[5].stressor, &stressor_scrub);
}

static void test_seed(void **state) {
        Config c;
        Plan p;

        (void)state;
        defaults(&c);
        c.run.seed = 7;
        assert_int_equal(plan_make(&p, &c, 42, NULL), 0);
        assert_int_equal(p.seed, 7);
}

static void test_nothing_to_run(void **state) {
        Error e = ERROR_NULL;
        Config c;
        Plan p;

        (void)state;
        defaults(&c);
        all_off(&c);
        assert_int_equal(plan_make(&p, &c, 42, &e), -EINVAL);
        assert_int_equal(e.exit, EXIT_USAGE);
        assert_non_null(strstr(e.sentence, "Enabled=yes"));
        assert_int_equal(p.n_workers, 0);
}

static void test_pairs(void **state _unused_) {
        _cleanup_free_ char *text = NULL;
        Error e = ERROR_NULL;
        Config c;
        Plan p;

        defaults(&c);
        c.run.pair_time_ns = 10 * NSEC_PER_SEC;
        assert_int_equal(plan_make(&p, &c, 42, &e), -EINVAL);
        assert_int_equal(e.exit, EXIT_USAGE);
        assert_non_null(strstr(e.sentence, "PairTime=10s walks pairs"));
        c.trim.enabled = true;
        assert_int_equal(plan_make(&p, &c, 42, &e), 0);
        text = PRINTED(f, plan_print(&p, &c, f));
        assert_non_null(strstr(text, "\npairs       3, each for 10s, then again; churn, sync and verify run all the time\n"
                                     "  1         balance x scrub\n"
                                     "  2         scrub x trim\n"
                                     "  3         balance x trim\n"
                                     "duration "));
}

static void test_slots(void **state) {
        Error e = ERROR_NULL;
        Config c;
        Plan p;

        (void)state;
        defaults(&c);
        all_off(&c);
        c.sync.workers = BOARD_SLOTS;
        assert_int_equal(plan_make(&p, &c, 42, &e), 0);
        assert_int_equal(p.n_workers, BOARD_SLOTS);
        assert_string_equal(p.workers[BOARD_SLOTS - 1].name, "sync/64");
        c.sync.workers = BOARD_SLOTS + 1;
        assert_int_equal(plan_make(&p, &c, 42, &e), -EINVAL);
        assert_int_equal(e.exit, EXIT_USAGE);
        assert_non_null(strstr(e.sentence, "65 workers"));
        assert_non_null(strstr(e.sentence, "Workers="));
}

static void test_print(void **state) {
        _cleanup_free_ char *text = NULL, *seeded = NULL;
        Config c;
        Plan p;

        (void)state;
        defaults(&c);
        all_off(&c);
        c.scrub.enabled = true;
        c.run.duration_ns = 90 * NSEC_PER_SEC;
        assert_int_equal(plan_make(&p, &c, 42, NULL), 0);
        text = PRINTED(f, plan_print(&p, &c, f));
        assert_string_equal(text,
                            "This run would do the following.\n"
                            "\n"
                            "target      a new btrfs on 4 loop devices of its own, gone after the run\n"
                            "  device 1  sparse image of 1536MiB without a name, on a free loop device\n"
                            "  device 2  sparse image of 1536MiB without a name, on a free loop device\n"
                            "  device 3  sparse image of 1536MiB without a name, on a free loop device\n"
                            "  device 4  sparse image of 1536MiB without a name, on a free loop device\n"
                            "  images    in the first with room for all: /dev/shm /var/tmp\n"
                            "  mkfs      data single, metadata raid1c4, nodesize 4KiB, checksum xxhash\n"
                            "  mount     on /mnt, in a mount namespace that only this run sees\n"
                            "  options   nodiscard\n"
                            "workers     4, a process each\n"
                            "  scrub/1   scrubs one device, one worker per device\n"
                            "  scrub/2   scrubs one device, one worker per device\n"
                            "  scrub/3   scrubs one device, one worker per device\n"
                            "  scrub/4   scrubs one device, one worker per device\n"
                            "duration    90s\n"
                            "seed        42 (from the kernel; --seed 42 makes the same choices again)\n"
                            "pressure    fewer than 100 collisions make the verdict INCONCLUSIVE\n"
                            "evidence    a folder per finding below /var/lib/scrubstress\n"
                            "\n"
                            "Nothing was touched.\n");
        assert_null(strstr(text, "spare"));
        c.run.seed = 42;
        c.run.duration_ns = 0;
        c.replace.enabled = true;
        seeded = PRINTED(f, plan_print(&p, &c, f));
        assert_non_null(strstr(seeded, "\n  spare     another of 1536MiB, to replace devices with\n"));
        assert_non_null(strstr(seeded, "seed        42\n"));
        assert_non_null(strstr(seeded, "duration    until it is stopped\n"));
}

static void test_print_disks(void **state _unused_) {
        _cleanup_free_ char *text = NULL;
        Config c;
        Plan p;

        defaults(&c);
        assert_int_equal(config_set(&c, "Target.Devices=/dev/disk/by-id/nvme-A /dev/sdb", NULL), 0);
        assert_int_equal(config_set(&c, "Target.Wipe=A B_1", NULL), 0);
        assert_int_equal(config_check(&c, NULL), 0);
        assert_int_equal(plan_make(&p, &c, 42, NULL), 0);
        text = PRINTED(f, plan_print(&p, &c, f));
        assert_non_null(strstr(text, "target      a new btrfs on 2 disks; everything on them is lost\n"
                                     "  device 1  /dev/disk/by-id/nvme-A, if its serial is A and every interlock agrees\n"
                                     "  device 2  /dev/sdb, if its serial is B_1 and every interlock agrees\n"
                                     "  mkfs      data single, metadata raid1,"));
        assert_null(strstr(text, "images"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults), cmocka_unit_test(test_names), cmocka_unit_test(test_seed),
                cmocka_unit_test(test_nothing_to_run), cmocka_unit_test(test_slots), cmocka_unit_test(test_print),
                cmocka_unit_test(test_print_disks), cmocka_unit_test(test_pairs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

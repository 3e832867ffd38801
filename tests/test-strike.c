/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every fault on every profile that it applies to, on the real kernel, and what comes of it; then the same with a kernel that lies about its
 * scrubs in one way or another: each lie must be told apart from the truth.
 */
#include "fixture-target.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/clock.h"
#include "fault/strike.h"
#include "target/layer.h"

#define FLIPS 100

typedef enum Lie { HONEST, SWALLOW, IDLE, DOUBLE, ELSEWHERE, UNCORRECTED, FORGE, INVENT, _LIE_MAX } Lie;

static const char *const lie_names[_LIE_MAX] = {
        [HONEST] = "honest",
        [SWALLOW] = "counts nothing",
        [IDLE] = "does nothing",
        [DOUBLE] = "counts twice",
        [ELSEWHERE] = "counts for the next device",
        [UNCORRECTED] = "says uncorrectable",
        [FORGE] = "commits something else",
        [INVENT] = "makes one up",
};

static struct {
        Lie lie;
        ScrubStats kept; /* ELSEWHERE: for the next */
        pid_t striker;
} liar;

static void forget_errors(ScrubStats *s) {
        for (size_t i = 0; i < n_scrub_counters; i++)
                if (scrub_counters[i].sort == SCRUB_ERROR)
                        memset((char *)s + scrub_counters[i].offset, 0, sizeof(uint64_t));
}

static int lying_scrub(int fd, const ScrubRange *range, ScrubStats *stats) {
        ScrubStats truth;
        int r;

        if (liar.lie == IDLE)
                return 0;
        r = btrfs_kernel_ops.scrub(fd, range, stats);
        truth = *stats;
        if (liar.lie == SWALLOW || liar.lie == ELSEWHERE)
                forget_errors(stats);
        if (liar.lie == DOUBLE)
                scrub_stats_add(stats, &truth);
        if (liar.lie == ELSEWHERE) {
                scrub_stats_add(stats, &liar.kept);
                liar.kept = truth;
        }
        if (liar.lie == UNCORRECTED) {
                stats->uncorrectable_errors += stats->corrected_errors;
                stats->corrected_errors = 0;
        }
        if (liar.lie == INVENT)
                stats->csum_errors++, stats->corrected_errors++;
        return r;
}

/* To those whom a fault has beside itself, not to the strike. */
static int stuck_sync(int fd) {
        while (getpid() != liar.striker)
                pause();
        return btrfs_kernel_ops.sync(fd);
}

/* The last block of what the one who is limited has written. */
static int forging_sync(int fd) {
        _cleanup_close_ int file = openat(fd, "limited", O_WRONLY | O_CLOEXEC);
        struct stat st;

        if (file >= 0 && fstat(file, &st) == 0 && st.st_size > 0 && pwrite(file, "forged", strlen("forged"), st.st_size - 100) < 0)
                return -errno;
        return btrfs_kernel_ops.sync(fd);
}

static int do_nothing(int fd _unused_) {
        return 0;
}

static int remount_nothing(int fd _unused_, const char *options _unused_) {
        return 0;
}

static StrikeEnd strike_once(Fixture *f, const Fault *fault, Lie lie, uint64_t seed, Strike *k) {
        BtrfsOps ops = btrfs_kernel_ops;
        Error e = ERROR_NULL;
        StrikeOrder order = { .fault = fault, .target = &f->target, .ops = &ops, .root_fd = f->fd, .seed = seed, .replaces = true };

        ops.scrub = lying_scrub;
        if (lie == IDLE) {
                ops.scrub_cancel = ops.balance_cancel = ops.balance_pause = ops.replace_cancel = ops.freeze = ops.thaw = do_nothing;
                ops.remount = remount_nothing;
        }
        if (fault->limits && lie == IDLE)
                ops.sync = stuck_sync;
        if (lie == FORGE)
                ops.sync = forging_sync;
        target_learn_paths(&f->target, &btrfs_kernel_ops, f->fd); /* a replace may have come to its end instead of being cancelled */
        memset(&liar, 0, sizeof(liar));
        liar.lie = lie;
        liar.striker = getpid();
        if (strike_run(k, &order, &e) < 0)
                fail_msg("%s", e.sentence);
        return k->end;
}

/* A tree block may be freed under the strike: then another. */
static StrikeEnd strike(Fixture *f, const Fault *fault, Lie lie, uint64_t seed, Strike *k) {
        StrikeEnd end = STRIKE_VOID;

        for (unsigned i = 0; i < 20 && end == STRIKE_VOID; i++)
                end = strike_once(f, fault, lie, seed + i, k);
        return end;
}

typedef struct Profiles {
        unsigned n_devices;
        const char *data, *metadata;
        unsigned copies, parity, metadata_copies;
} Profiles;

static const Profiles profiles_tried[] = {
        { 1, "single", "dup", 1, 0, 2 },      { 1, "dup", "dup", 2, 0, 2 },         { 2, "raid0", "raid1", 1, 0, 2 },
        { 2, "raid1", "raid1", 2, 0, 2 },     { 3, "raid1c3", "raid1c3", 3, 0, 3 }, { 4, "raid1c4", "raid1c4", 4, 0, 4 },
        { 4, "raid10", "raid10", 2, 0, 2 },   { 3, "raid5", "raid1", 1, 1, 2 },     { 4, "raid6", "raid1c3", 1, 2, 3 },
        { 2, "single", "single", 1, 0, 1 },
};

static bool is_mirrored(const char *profile) {
        return strncmp(profile, "raid1", strlen("raid1")) == 0; /* raid10 too */
}

static bool is_of_device(const Fault *f) {
        return f == &fault_device_loss || f == &fault_write_error;
}

/* What of the machine decides which faults there are. */
typedef struct Here {
        bool layered, limited, in_memory;
} Here;

static bool limits_are_ours(void) {
        Cgroup g;
        bool ours = cgroup_make(&g, NULL, "limited", "memory") == 0 && cgroup_make(&g, NULL, "limited", "io") == 0;

        cgroup_remove(&g);
        return ours;
}

/* What must come of it; STRIKE_VOID: the lie changes nothing that could be seen. */
static StrikeEnd wanted(const Fault *f, const Profiles *p, Lie lie, const Here *here) {
        bool counted = f != &fault_parity && f != &fault_slow_disk && !f->act;
        bool corrected = f == &fault_tree || is_of_device(f) || ((f == &fault_data || f == &fault_bad_sector) && p->copies + p->parity > 1);

        if ((f == &fault_cancel || f->limits) && lie == IDLE && p != profiles_tried) /* it takes ten seconds to be sure, and is the same on all */
                return STRIKE_VOID;
        if (f == &fault_parity && p->parity == 0)
                return STRIKE_NOT_HERE;
        if (f == &fault_tree && p->metadata_copies < 2)
                return STRIKE_NOT_HERE;
        if (f->limits && (!here->limited || (f == &fault_memory_limit && here->in_memory)))
                return STRIKE_NOT_HERE;
        if ((f == &fault_bad_sector || f == &fault_slow_disk) && !here->layered)
                return STRIKE_NOT_HERE;
        if (is_of_device(f) && !(here->layered && is_mirrored(p->data) && is_mirrored(p->metadata)))
                return STRIKE_NOT_HERE;
        switch (lie) {
        case HONEST:
                return STRIKE_MET;
        case SWALLOW:
                return counted ? STRIKE_MISSED : STRIKE_VOID;
        case IDLE:
                return counted ? STRIKE_MISSED : STRIKE_OTHER;
        case DOUBLE:
                return counted && !is_of_device(f) ? STRIKE_EXCESS : STRIKE_VOID; /* of which more may come */
        case ELSEWHERE: /* errors of the last scrub of all are lost */
                return is_of_device(f) ? STRIKE_EXCESS : corrected && p->n_devices > 1 ? STRIKE_OTHER : STRIKE_VOID;
        case FORGE:
                return f->limits ? STRIKE_WRONG : STRIKE_VOID;
        case UNCORRECTED:
                return corrected ? STRIKE_OTHER : STRIKE_VOID;
        default:
                return STRIKE_EXCESS;
        }
}

static void test_every_fault_on_every_profile(void **state) {
        Fixture *f = need_kernel(state);
        Error e = ERROR_NULL;
        Here here = { .layered = layer_check(NULL, &e) == 0, .limited = limits_are_ours() };
        struct statfs fs;
        unsigned rows = 0;

        if (!here.layered)
                print_message("%s\n", e.sentence);
        if (!here.limited)
                print_message("Nobody can be limited here: no control group is ours.\n");
        for (size_t i = 0; i < ELEMENTSOF(profiles_tried); i++) {
                const Profiles *p = &profiles_tried[i];

                configure(f, p->n_devices, 256 * MiB, p->data, p->metadata);
                f->config.target.layer = here.layered ? LAYER_DM : LAYER_NONE;
                make(f);
                root_fd(f);
                here.in_memory = statfs(f->target.image_directory, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
                for (size_t k = 0; k < n_faults; k++)
                        for (Lie lie = HONEST; lie < _LIE_MAX; lie++) {
                                StrikeEnd end = wanted(faults[k], p, lie, &here), got;
                                Strike s;

                                if (end == STRIKE_VOID || faults[k]->cuts_power) /* which has a kernel of its own that lies: tests/vm/table */
                                        continue;
                                got = strike(f, faults[k], lie, 1000 * i + lie, &s);
                                if (got != end)
                                        fail_msg("%s on %s/%s, a kernel that %s: end %u instead of %u, op %s, result %d: %s", faults[k]->name,
                                                 p->data, p->metadata, lie_names[lie], got, end, operation_name(s.op), s.result, s.text);
                                rows++;
                        }
                unmount(f);
        }
        print_message("%u rows\n", rows);
        assert_true(rows >= 60);
}

static void assert_met(const Strike *s, uint64_t seed) {
        if (s->end != STRIKE_MET)
                fail_msg("seed %u: end %u, op %s, result %d: %s", (unsigned)seed, s->end, operation_name(s->op), s->result, s->text);
}

/* SCRUBSTRESS_FLIPS bits of data, and one of a tree block beside every strike at data. Of two devices each has one copy of all. Nobody moves
 * the data: no strike at it may end as void, for what is neither as it was nor as it was spoiled has been repaired wrong. */
static void test_no_flipped_bit_goes_unreported(void **state) {
        Fixture *f = need_kernel(state);
        const char *asked = getenv("SCRUBSTRESS_FLIPS");
        unsigned flips = asked ? (unsigned)atoi(asked) : FLIPS, told = 0, data = 0, second = 0, tree = 0;

        assert_true(flips >= FLIPS);
        configure(f, 2, 256 * MiB, "raid1", "raid1");
        make(f);
        root_fd(f);
        for (uint64_t seed = 0; data < flips; seed++) {
                Strike s;

                strike_once(f, &fault_data, HONEST, 200 * seed, &s);
                assert_met(&s, seed);
                data += s.n_blocks;
                second += s.devid == f->target.devices[1].devid ? s.n_blocks : 0;
                strike(f, &fault_tree, HONEST, 200 * seed + 100, &s);
                assert_met(&s, seed);
                tree += s.n_blocks;
                if (data / FLIPS > told)
                        print_message("# %u bits of data and %u of tree blocks flipped\n", data, tree);
                told = data / FLIPS;
        }
        unmount(f);
        print_message("# each of %u bits of data, %u of them in the copy on the second device, and of %u bits of tree blocks was reported once, "
                      "at its place\n", data, second, tree);
        assert_true(second >= data / 5 && second <= data - data / 5);
}

static int failing_scrub(int fd _unused_, const ScrubRange *range _unused_, ScrubStats *stats _unused_) {
        return -ENOMEM;
}

/* Nobody has repaired what was struck then: it is put back. */
static void test_a_hindered_strike_leaves_nothing(void **state) {
        Fixture *f = need_kernel(state);
        BtrfsOps ops = btrfs_kernel_ops;
        StrikeOrder order = { .fault = &fault_tree, .target = &f->target, .ops = &ops };
        Error e = ERROR_NULL;
        Strike s;

        ops.scrub = failing_scrub;
        configure(f, 2, 256 * MiB, "raid1", "raid1");
        make(f);
        order.root_fd = root_fd(f);
        for (order.seed = 1; order.seed <= 5; order.seed++) {
                assert_int_equal(strike_run(&s, &order, &e), 0);
                assert_int_equal(s.end, STRIKE_HINDERED);
                assert_int_equal(s.op, OP_SCRUB);
                assert_int_equal(s.result, -ENOMEM);
        }
        for (unsigned i = 0; i < f->target.n_devices; i++) {
                const ScrubRange whole = { .devid = f->target.devices[i].devid, .end = UINT64_MAX };
                ScrubStats stats = { 0 };

                assert_int_equal(btrfs_kernel_ops.scrub(f->fd, &whole, &stats), 0);
                assert_int_equal(scrub_stats_errors(&stats), 0);
        }
        assert_int_equal(faccessat(f->fd, "prey", F_OK, 0), -1);
        unmount(f);
}

static void test_a_device_that_cannot_be_written_to(void **state) {
        Fixture *f = need_kernel(state);
        Target elsewhere;
        StrikeOrder order = { .fault = &fault_super, .target = &elsewhere, .ops = &btrfs_kernel_ops, .seed = 1 };
        Error e = ERROR_NULL;
        Strike s;

        configure(f, 1, 256 * MiB, "single", "dup");
        make(f);
        order.root_fd = root_fd(f);
        elsewhere = f->target;
        strcpy(elsewhere.devices[0].path, "/dev/null");
        assert_true(strike_run(&s, &order, &e) < 0);
        assert_non_null(strstr(e.sentence, "/dev/null"));
        assert_non_null(strstr(e.sentence, "CONFIG_BLK_DEV_WRITE_MOUNTED"));
        unmount(f);
}

static int freeze_and_die(int fd) {
        btrfs_kernel_ops.freeze(fd);
        return raise(SIGKILL);
}

static int strike_and_die(void *arg) {
        Fixture *f = arg;
        BtrfsOps ops = btrfs_kernel_ops;
        StrikeOrder order = { .fault = &fault_freeze, .target = &f->target, .ops = &ops, .root_fd = f->fd, .seed = 1 };
        Error e;
        Strike s;

        ops.freeze = freeze_and_die;
        return strike_run(&s, &order, &e) == 0;
}

static int make_folder(void *arg) {
        return mkdirat(((Fixture *)arg)->fd, "thawed", 0700) < 0;
}

/* Whoever is killed while the filesystem is frozen: nobody could write to it for ever, nor unmount it. */
static void test_the_guard_thaws(void **state) {
        Fixture *f = need_kernel(state);
        Child child;
        int status = 0, r;

        configure(f, 1, 256 * MiB, "single", "dup");
        make(f);
        root_fd(f);
        assert_int_equal(child_fork(&child, "strike", strike_and_die, f), 0);
        assert_int_equal(child_wait(&child, 10 * NSEC_PER_SEC, &status), 1);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        assert_int_equal(child_fork(&child, "folder", make_folder, f), 0);
        r = child_wait(&child, 10 * NSEC_PER_SEC, &status);
        btrfs_kernel_ops.thaw(f->fd); /* or this test would leave it so */
        assert_int_equal(r, 1);
        assert_int_equal(status, 0);
        unmount(f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                ROOT(test_every_fault_on_every_profile),
                ROOT(test_no_flipped_bit_goes_unreported),
                ROOT(test_a_hindered_strike_leaves_nothing),
                ROOT(test_a_device_that_cannot_be_written_to),
                ROOT(test_the_guard_thaws),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real stressors on a real btrfs on loop devices, some seconds each: block groups are removed while scrubs run, no call fails in a way
 * it may not, all workers end in two seconds, and nothing is left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/clock.h"
#include "stress/stressor.h"

#define RUN_NS (3 * NSEC_PER_SEC)
#define STOP_NS (2 * NSEC_PER_SEC)

typedef struct Fixture {
        Config config;
        Target target;
        Board *board;
        int sockets[2], root_fd;
        unsigned n;
        Child children[BOARD_SLOTS];
        char mount_point[32], missing[1024];
        bool usable;
} Fixture;

/* What may fail on a healthy kernel while we stress and then cancel it. */
static const struct {
        Operation op;
        int err;
} expected[] = {
        { OP_SCRUB, ECANCELED },
        { OP_BALANCE, ECANCELED },
        { OP_BALANCE, ENOSPC },
        { OP_SCRUB_CANCEL, ENOTCONN },
        { OP_BALANCE_CANCEL, ENOTCONN },
        { OP_WRITE, ENOSPC },
        { OP_FALLOCATE, ENOSPC },
};

static bool is_expected(Operation op, unsigned index) {
        for (size_t i = 0; i < ELEMENTSOF(expected); i++)
                if (expected[i].op == op && expected[i].err == (int)index)
                        return true;
        return index == 0;
}

static int setup(void **state) {
        static Fixture f;
        Error e = ERROR_NULL;

        *state = &f;
        strcpy(f.mount_point, "/tmp/test-st-XXXXXX");
        if (!mkdtemp(f.mount_point))
                return -1;
        config_init(&f.config);
        snprintf(f.config.target.mount_point, sizeof(f.config.target.mount_point), "%s", f.mount_point);
        if (config_check(&f.config, &e) < 0)
                return -1;
        f.usable = geteuid() == 0 && target_enter_namespace(&e) == 0 && target_check(&f.config, NULL, &e) == 0;
        snprintf(f.missing, sizeof(f.missing), "%.1000s", geteuid() == 0 ? e.sentence : "needs root");
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        return rmdir(f->mount_point);
}

/* Whatever failed: no worker, no mount. */
static int clean_up(void **state) {
        Fixture *f = *state;
        Error e = ERROR_NULL;

        for (unsigned i = 0; i < f->n; i++) {
                int status;
                child_kill(&f->children[i], SIGKILL);
                child_wait(&f->children[i], STOP_NS, &status);
        }
        f->n = 0;
        return target_unmount(&f->target, &e) < 0 ? -1 : 0;
}

static int worker_entry(void *worker) {
        return worker_run(worker);
}

static void spawn(Fixture *f, const Stressor *s) {
        for (unsigned i = 0; i < s->instances(&f->config, f->target.n_devices); i++) {
                Worker w = {
                        .stressor = s,
                        .instance = i,
                        .index = f->n,
                        .config = &f->config,
                        .target = &f->target,
                        .ops = &btrfs_kernel_ops,
                        .board = f->board,
                        .slot = &f->board->slots[f->n],
                        .root_fd = f->root_fd,
                        .socket = f->sockets[1],
                };

                rng_seed(&w.rng, 1, f->n);
                assert_int_equal(child_fork(&f->children[f->n], s->name, worker_entry, &w), 0);
                f->n++;
        }
}

static void begin(Fixture *f) {
        Error e = ERROR_NULL;

        if (!f->usable) {
                print_message("skipped: %s\n", f->missing);
                skip();
        }
        f->board = board_new();
        assert_non_null(f->board);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, f->sockets), 0);
        f->target = (Target){ 0 };
        if (target_make(&f->target, &f->config, &e) < 0)
                fail_msg("%s", e.sentence);
        f->root_fd = target_open(&f->target, &e);
        if (f->root_fd < 0)
                fail_msg("%s", e.sentence);
        for (size_t i = 0; i < n_stressors; i++)
                spawn(f, stressors[i]);
}

/* As the supervisor does: the phase, then cancel what is in the kernel until all have ended. */
static void stop(Fixture *f) {
        uint64_t until = clock_mono_ns() + STOP_NS;

        atomic_store(&f->board->cancelling, true);
        board_set_phase(f->board, PHASE_STOP);
        for (unsigned i = 0; i < f->n; i++) {
                int status, r;
                do {
                        btrfs_kernel_ops.scrub_cancel(f->root_fd);
                        btrfs_kernel_ops.balance_cancel(f->root_fd);
                        r = child_wait(&f->children[i], 20 * NSEC_PER_MSEC, &status);
                } while (r == 0 && clock_mono_ns() < until);
                if (r != 1)
                        fail_msg("worker %u is still in %s", i, operation_name((Operation)atomic_load(&f->board->slots[i].op)));
                assert_int_equal(status, 0);
        }
        f->n = 0;
}

static void check_tallies(const Fixture *f) {
        for (unsigned op = 0; op < _OP_MAX; op++)
                for (unsigned index = 0; index < TALLY_SLOTS; index++) {
                        uint64_t n = board_tally(f->board, (Operation)op, index);
                        if (n == 0)
                                continue;
                        print_message("  %s %s: %llu\n", operation_name((Operation)op),
                                      index < TALLY_POSITIVE ? strerror((int)index) : "positive", (unsigned long long)n);
                        if (!is_expected((Operation)op, index))
                                fail_msg("%s failed with %u, %llu times", operation_name((Operation)op), index, (unsigned long long)n);
                }
}

static void check_observations(const Fixture *f) {
        Observation o;

        while (recv(f->sockets[0], &o, sizeof(o), MSG_DONTWAIT) == sizeof(o)) {
                if (o.text[0])
                        print_message("  %s\n", o.text);
                /* doc/findings, scrub that reads what is discarded: released kernels do so. */
                assert_true(o.kind == OBS_RESULT || o.kind == OBS_NOTE || (o.kind == OBS_COUNTERS && f->config.trim.enabled));
                if (o.kind == OBS_RESULT)
                        assert_true(is_expected(o.op, (unsigned)-o.result));
        }
}

static unsigned entries(int root_fd) {
        DIR *d = fdopendir(dup(root_fd));
        const struct dirent *entry;
        unsigned n = 0;

        assert_non_null(d);
        rewinddir(d);
        while ((entry = readdir(d)))
                n += entry->d_name[0] != '.';
        closedir(d);
        return n;
}

static void end(Fixture *f) {
        Error e = ERROR_NULL;
        bool gone;

        assert_int_equal(entries(f->root_fd), 0);
        close(f->root_fd);
        close(f->sockets[0]);
        close(f->sockets[1]);
        board_free(TAKE_PTR(f->board));
        gone = target_unmount(&f->target, &e) == 0;
        if (!gone)
                fail_msg("%s", e.sentence);
}

/* Runs, stops and checks what holds for every configuration. */
static void run(Fixture *f) {
        double seconds = (double)RUN_NS / (double)NSEC_PER_SEC;
        uint64_t places = 0;
        unsigned n;

        begin(f);
        n = f->n;
        clock_sleep_ns(RUN_NS);
        for (unsigned i = 0; i < f->n; i++)
                places += atomic_load(&f->board->slots[i].places.head);
        print_message("per second: %.0f groups gone, %.0f places, %.0f scrubs, %.0f syncs, %.1f MiB written; near full: %d\n",
                      (double)board_groups_gone(f->board) / seconds, (double)places / seconds,
                      (double)board_tally(f->board, OP_SCRUB, 0) / seconds, (double)board_tally(f->board, OP_SYNC, 0) / seconds,
                      (double)board_bytes_written(f->board) / (double)MiB / seconds, atomic_load(&f->board->near_full));
        stop(f);
        check_tallies(f);
        check_observations(f);
        assert_true(board_groups_gone(f->board) >= 3);
        assert_true(places >= 3);
        for (unsigned i = 0; i < n; i++) /* each in its own trade */
                assert_true(atomic_load(&f->board->slots[i].steps) > 0);
        assert_true(board_tally(f->board, OP_SYNC, 0) > 0);
}

static void the_default_configuration(void **state) {
        Fixture *f = *state;

        run(f);
        assert_true(board_bytes_written(f->board) >= 10 * MiB);
        end(f);
}

static void every_way_and_every_mode(void **state) {
        Fixture *f = *state;

        f->config.churn.workers = 2;
        f->config.churn.files = 3;
        f->config.churn.fill = FILL_MIXED;
        f->config.churn.empty = EMPTY_UNLINK | EMPTY_TRUNCATE | EMPTY_PUNCH | EMPTY_SUBVOLUME | EMPTY_WRITES | EMPTY_REFLINK;
        f->config.sync.mode = SYNC_MIXED;
        f->config.balance.enabled = true;
        f->config.balance.burst = 2;
        f->config.balance.rest_ns = 200 * NSEC_PER_MSEC;
        f->config.snapshot.enabled = true;
        f->config.remount.enabled = true;
        f->config.remount.rest_ns = 200 * NSEC_PER_MSEC;
        f->config.trim.enabled = true;
        f->config.trim.rest_ns = 200 * NSEC_PER_MSEC;
        f->config.cancel.enabled = true;
        f->config.cancel.rest_ns = 50 * NSEC_PER_MSEC;
        run(f);
        assert_true(board_tally(f->board, OP_BALANCE, 0) > 0);
        assert_true(board_tally(f->board, OP_SNAPSHOT, 0) > 0);
        assert_true(board_tally(f->board, OP_TRIM, 0) > 0);
        assert_true(board_tally(f->board, OP_SCRUB_CANCEL, 0) > 0);
        assert_true(board_tally(f->board, OP_REMOUNT, 0) > 3); /* every set, and back */
        assert_true(board_tally(f->board, OP_SUBVOL_DELETE, 0) > 0);
        assert_true(board_tally(f->board, OP_PUNCH, 0) > 0);
        assert_true(board_tally(f->board, OP_TRUNCATE, 0) > 0);
        assert_true(board_tally(f->board, OP_CLONE, 0) > 0);
        assert_true(board_tally(f->board, OP_DEFRAG, 0) > 0);
        assert_true(board_tally(f->board, OP_WAIT_SYNC, 0) > 0);
        end(f);
}

/* The ways that write or share, each alone, with the default load but for the balance, which removes groups too. */
static void each_way_alone(void **state) {
        static const ChurnEmpty ways[] = { EMPTY_OVERWRITE, EMPTY_REFLINK, EMPTY_DEFRAG };
        Fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(ways); i++) {
                config_init(&f->config);
                snprintf(f->config.target.mount_point, sizeof(f->config.target.mount_point), "%s", f->mount_point);
                f->config.churn.empty = ways[i];
                f->config.churn.verify_every = 1;
                f->config.balance.enabled = false;
                run(f);
                end(f);
        }
}

/* Groups allocated without data in them. Without scrubs: beside them released kernels abort when the processors have other work too
 * (doc/findings/2026-11-new-block-group-marked-unused.md), and this is the machine's own kernel. */
static void large_fallocated_files(void **state) {
        Fixture *f = *state;

        /* Well above the headroom: at it the kernel may abort (-28). */
        f->config.churn.workers = 1;
        f->config.churn.files = 2;
        f->config.churn.file_size = 128 * MiB;
        f->config.churn.fill = FILL_FALLOCATE;
        f->config.churn.empty = EMPTY_UNLINK;
        f->config.snapshot.enabled = false; /* would keep what is unlinked */
        f->config.scrub.enabled = false;
        run(f);
        assert_true(board_tally(f->board, OP_FALLOCATE, 0) > 0);
        end(f);
        f->config.scrub.enabled = true;
}

static void pwrite_writes_too(void **state) {
        Fixture *f = *state;

        config_init(&f->config);
        snprintf(f->config.target.mount_point, sizeof(f->config.target.mount_point), "%s", f->mount_point);
        f->config.churn.engine = ENGINE_PWRITE;
        f->config.target.n_devices = 4;
        f->config.target.device_size = GiB;
        run(f);
        assert_true(board_bytes_written(f->board) >= 10 * MiB);
        end(f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(the_default_configuration, clean_up),
                cmocka_unit_test_teardown(pwrite_writes_too, clean_up),
                cmocka_unit_test_teardown(every_way_and_every_mode, clean_up),
                cmocka_unit_test_teardown(large_fallocated_files, clean_up),
                cmocka_unit_test_teardown(each_way_alone, clean_up),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}

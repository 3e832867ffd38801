/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/macro.h"
#include "folder-fixture.h"
#include "worker-fixture.h"

static char left_behind[64];

static void remove_left_behind(void) {
        if (left_behind[0])
                folder_remove(left_behind);
        left_behind[0] = 0;
}

void fixture_begin(WorkerFixture *f, const Stressor *s, unsigned n_devices) {
        const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        int pair[2];

        memset(f, 0, sizeof(*f));
        remove_left_behind();
        atexit(remove_left_behind);
        f->config.run.operation_deadline_ns = 120 * NSEC_PER_SEC;
        f->target.n_devices = n_devices;
        for (unsigned i = 0; i < n_devices; i++)
                f->target.devices[i] = (TargetDevice){ .devid = 11 + i, .size = GiB };
        snprintf(f->directory, sizeof(f->directory), "%s/test-worker-XXXXXX", base);
        assert_non_null(mkdtemp(f->directory));
        memcpy(left_behind, f->directory, sizeof(left_behind));
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
        f->peer = pair[0];
        f->worker = (Worker){
                .stressor = s,
                .index = 3,
                .config = &f->config,
                .target = &f->target,
                .ops = &fake_btrfs_ops,
                .board = board_new(),
                .root_fd = open(f->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                .socket = pair[1],
        };
        assert_non_null(f->worker.board);
        assert_true(f->worker.root_fd >= 0);
        f->worker.slot = &f->worker.board->slots[f->worker.index];
        rng_seed(&f->worker.rng, 1, 1);
}

int fixture_prepare(WorkerFixture *f) {
        const Stressor *s = f->worker.stressor;

        f->worker.state = calloc(1, MAX_OF(s->state_size, (size_t)1));
        assert_non_null(f->worker.state);
        return s->prepare ? s->prepare(&f->worker) : 0;
}

void fixture_end(WorkerFixture *f) {
        if (f->worker.state && f->worker.stressor->cleanup)
                f->worker.stressor->cleanup(&f->worker);
        free(f->worker.state);
        close(f->worker.root_fd);
        close(f->worker.socket);
        close(f->peer);
        board_free(f->worker.board);
        assert_int_equal(rmdir(f->directory), 0);
        left_behind[0] = 0;
}

void fixture_steps(WorkerFixture *f, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                assert_int_equal(worker_step(&f->worker), 0);
}

void fixture_told_nothing(WorkerFixture *f) {
        Observation o;

        while (fixture_receive(f, &o))
                if (o.kind != OBS_RESULT || o.result != 0)
                        fail_msg("told: %s %d %s", operation_name(o.op), o.result, o.text);
}

bool fixture_receive(WorkerFixture *f, Observation *ret) {
        return recv(f->peer, ret, sizeof(*ret), MSG_DONTWAIT) == sizeof(*ret);
}

uint64_t fixture_tally(const WorkerFixture *f, Operation op, unsigned index) {
        return board_tally(f->worker.board, op, index);
}

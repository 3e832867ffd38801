/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fault/busy.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#include "base/clock.h"

#define STOP_NS (10 * NSEC_PER_SEC)

static int go_on(void *arg) {
        const Busy *b = arg;
        int r;

        child_close_others(b->scene->fd);
        while ((r = b->once(b->scene)) == 0)
                atomic_fetch_add(&b->count->done, 1);
        atomic_store(&b->count->result, r);
        return 0;
}

int busy_start(Busy *b, const FaultScene *s, int (*once)(const FaultScene *s)) {
        void *shared = mmap(NULL, sizeof(BusyCount), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        int r;

        *b = BUSY_NULL;
        if (shared == MAP_FAILED)
                return -errno;
        b->count = shared;
        b->scene = s;
        b->once = once;
        r = child_fork(&b->child, "ss:busy", go_on, b);
        if (r < 0)
                busy_stop(b);
        return r;
}

uint64_t busy_done(const Busy *b) {
        return atomic_load(&b->count->done);
}

bool busy_ended(Busy *b, uint64_t wait_ns) {
        int status;

        return b->child.pid <= 0 || child_wait(&b->child, wait_ns, &status) == 1;
}

int busy_result(const Busy *b) {
        return atomic_load(&b->count->result);
}

void busy_stop(Busy *b) {
        child_kill(&b->child, SIGKILL);
        busy_ended(b, STOP_NS);
        if (b->count)
                munmap(b->count, sizeof(*b->count));
        *b = BUSY_NULL;
}

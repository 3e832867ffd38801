/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small btrfs on a loop device in a mount namespace of its own; needs root, btrfs, loop devices and tracefs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <btrfsutil.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/clock.h"
#include "observe/src-trace.h"
#include "target/cleaners.h"
#include "target/loop.h"

#define INSTANCES "/sys/kernel/tracing/instances/"

typedef struct Fixture {
        char why_not[1200]; /* not empty: tests are skipped */
        char directory[32], mount_point[64];
        Loop loop;
        int fd; /* root directory of the filesystem */
        uint8_t fsid[16];
} Fixture;

static int give_up(Fixture *f, const char *what, const char *reason) {
        snprintf(f->why_not, sizeof(f->why_not), "%s: %.1000s", what, reason);
        return 0;
}

static void parse_fsid(const char *text, uint8_t fsid[16]) {
        for (unsigned n = 0; n < 16; text++)
                if (*text != '-') {
                        char hex[3] = { text[0], text[1], 0 };

                        fsid[n++] = (uint8_t)strtoul(hex, NULL, 16);
                        text++;
                }
}

static int make_target(Fixture *f) {
        char output[512], fsid[40];
        const char *mkfs[] = { "mkfs.btrfs", "-q", "-f", "-U", fsid, f->loop.path, NULL };
        Error e = ERROR_NULL;

        snprintf(fsid, sizeof(fsid), "5c4b5e55-0000-4000-8000-%012x", (unsigned)getpid()); /* of our own: not two of one name */
        parse_fsid(fsid, f->fsid);

        if (mount("none", f->directory, "tmpfs", 0, "size=1g") < 0)
                return give_up(f, "mount tmpfs", strerror(errno));
        if (loop_create(&f->loop, f->directory, 2 * GiB, 4096, &e) < 0)
                return give_up(f, "no loop device", e.sentence);
        if (child_run(mkfs, 60 * NSEC_PER_SEC, output, sizeof(output)) != 0)
                return give_up(f, "mkfs.btrfs", output);
        snprintf(f->mount_point, sizeof(f->mount_point), "%s/mnt", f->directory);
        if (mkdir(f->mount_point, 0755) < 0 || mount(f->loop.path, f->mount_point, "btrfs", 0, "nodiscard") < 0)
                return give_up(f, "mount btrfs", strerror(errno));
        f->fd = open(f->mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return 0;
}

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(*f));
        TraceSource *s = NULL;
        Error e = ERROR_NULL;

        f->loop = LOOP_NULL;
        f->fd = -1;
        *state = f;
        if (geteuid() != 0)
                return give_up(f, "needs root", "run as root");
        if (cleaners_dead(NULL) > 0)
                return give_up(f, "a btrfs cleaner of this kernel has died", "reboot");
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
                return give_up(f, "no mount namespace", strerror(errno));
        while (umount2("/sys/kernel/tracing", MNT_DETACH) == 0)
                ; /* so that the source must mount it */
        strcpy(f->directory, "/tmp/test-trace-XXXXXX");
        if (!mkdtemp(f->directory))
                return -1;
        make_target(f);
        if (f->why_not[0])
                return 0;
        if (trace_source_open(&s, &e) == -EOPNOTSUPP)
                give_up(f, "no trace events", e.sentence);
        trace_source_close(s);
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        if (f->fd >= 0)
                close(f->fd);
        if (f->mount_point[0])
                umount2(f->mount_point, MNT_DETACH);
        loop_close(&f->loop);
        if (f->directory[0]) {
                umount2(f->directory, MNT_DETACH);
                rmdir(f->directory);
        }
        free(f);
        return 0;
}

static Fixture *fixture(void **state) {
        Fixture *f = *state;

        if (f->why_not[0]) {
                print_message("skipped: %s\n", f->why_not);
                skip();
        }
        return f;
}

static TraceSource *open_source(void) {
        TraceSource *s = NULL;
        Error e = ERROR_NULL;

        if (trace_source_open(&s, &e) < 0)
                fail_msg("%s", e.sentence);
        return s;
}

static void make_file(const Fixture *f, const char *name, off_t size) {
        _cleanup_close_ int fd = openat(f->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        if (size > 0)
                assert_int_equal(fallocate(fd, 0, 0, size), 0);
}

static void sync_fs(const Fixture *f) {
        assert_int_equal(btrfs_util_sync_fd(f->fd), BTRFS_UTIL_OK);
}

/* A group's three events; `life` counts how many of them have come, in order. */
typedef struct Group {
        unsigned life;
        TraceEvent events[3];
} Group;

typedef struct Seen {
        unsigned n, n_groups, by_kind[TRACE_COMMIT + 1];
        bool disorder;
        TraceEvent last;
        Group groups[64];
} Seen;

static void see(void *userdata, const TraceEvent *event) {
        Seen *s = userdata;

        s->disorder |= event->time_ns < s->last.time_ns;
        s->n++;
        s->by_kind[event->kind]++;
        s->last = *event;
        if (event->kind == TRACE_GROUP_ADDED && s->n_groups < 64)
                s->groups[s->n_groups++] = (Group){ .life = 1, .events[0] = *event };
        for (unsigned i = 0; i < s->n_groups; i++) {
                Group *g = &s->groups[i];

                if (g->life < 3 && (unsigned)event->kind == g->life && event->logical == g->events[0].logical)
                        g->events[g->life++] = *event;
        }
}

static const Group *whole_life(const Seen *s) {
        for (unsigned i = 0; i < s->n_groups; i++)
                if (s->groups[i].life == 3)
                        return &s->groups[i];
        return NULL;
}

static bool instance_exists(const char *name) {
        char path[128];

        snprintf(path, sizeof(path), INSTANCES "%s", name);
        return access(path, F_OK) == 0;
}

static void the_instance_comes_and_goes(void **state) {
        TraceSource *s;
        char name[64], want[64];

        fixture(state);
        s = open_source();
        trace_instance_name(name);
        snprintf(want, sizeof(want), "scrubstress-%d", (int)getpid());
        assert_string_equal(name, want);
        assert_true(instance_exists(name));
        assert_int_equal(trace_instance_remove(name), -EBUSY);
        trace_source_sweep();
        assert_true(instance_exists(name));
        trace_source_close(s);
        assert_false(instance_exists(name));
        assert_int_equal(trace_instance_remove(name), -ENOENT);
        assert_int_equal(trace_instance_remove("../x"), -EINVAL);
}

static int nothing(void *arg _unused_) {
        return 0;
}

static void make_instance(const char *name) {
        char path[128];

        snprintf(path, sizeof(path), INSTANCES "%s", name);
        assert_int_equal(mkdir(path, 0700), 0);
}

static void dead_instances_are_swept(void **state) {
        char dead[64], mine[64], other[64];
        Child c = CHILD_NULL;
        int status;

        fixture(state);
        assert_int_equal(child_fork(&c, "nothing", nothing, NULL), 0);
        snprintf(dead, sizeof(dead), "scrubstress-%d", (int)c.pid);
        snprintf(mine, sizeof(mine), "scrubstress-%d", (int)getpid());
        snprintf(other, sizeof(other), "scrubstress-%d-test", (int)c.pid);
        assert_int_equal(child_wait(&c, 10 * NSEC_PER_SEC, &status), 1);
        make_instance(dead);
        make_instance(mine);
        make_instance(other);
        trace_source_sweep();
        assert_false(instance_exists(dead));
        assert_true(instance_exists(mine));
        assert_true(instance_exists(other));
        assert_int_equal(trace_instance_remove(other), 0);
        trace_source_close(open_source()); /* takes the place of one with its name */
        assert_false(instance_exists(mine));
}

static void one_event_is_seen_by_the_next_step(void **state) {
        Fixture *f = fixture(state);
        TraceSource *s = open_source();
        uint64_t generation = 0;

        trace_source_step(s, f->fsid, see, &(Seen){ 0 });
        for (unsigned i = 0; i < 30; i++) {
                uint64_t before = clock_mono_ns();
                Seen seen = { 0 };

                make_file(f, "a", 0);
                sync_fs(f);
                assert_true(trace_source_step(s, f->fsid, see, &seen) >= 1);
                assert_true(seen.by_kind[TRACE_COMMIT] >= 1);
                assert_in_range(seen.last.time_ns, before, clock_mono_ns());
                assert_memory_equal(seen.last.fsid, f->fsid, 16);
                assert_int_equal(seen.last.logical, 0);
                assert_true(seen.last.generation > generation);
                generation = seen.last.generation;
                assert_int_equal(trace_source_step(s, f->fsid, see, &seen), 0);
        }
        assert_int_equal(trace_source_lost(s), 0);
        trace_source_close(s);
}

static void a_group_lives_and_dies(void **state) {
        Fixture *f = fixture(state);
        TraceSource *s = open_source();
        Seen seen = { 0 };
        const Group *g;

        /* More than once: on a loaded machine (6.18) emptied groups were seen to stay for 100 syncs; why is not known. */
        for (uint64_t end = clock_mono_ns() + 15 * NSEC_PER_SEC; !whole_life(&seen) && clock_mono_ns() < end;) {
                make_file(f, "big", 800 * MiB);
                sync_fs(f);
                assert_int_equal(unlinkat(f->fd, "big", 0), 0);
                for (unsigned i = 0; i < 10 && !whole_life(&seen); i++) {
                        sync_fs(f);
                        clock_sleep_ns(20 * NSEC_PER_MSEC);
                        assert_true(trace_source_step(s, f->fsid, see, &seen) >= 0);
                }
        }
        g = whole_life(&seen);
        if (!g)
                fail_msg("no group was seen from its beginning to its end: %u added, %u unused, %u removed, %u commits, %llu lost",
                         seen.by_kind[TRACE_GROUP_ADDED], seen.by_kind[TRACE_GROUP_UNUSED], seen.by_kind[TRACE_GROUP_REMOVED],
                         seen.by_kind[TRACE_COMMIT], (unsigned long long)trace_source_lost(s));
        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(g->events[i].length, g->events[0].length);
                assert_int_equal(g->events[i].flags & 7, 1); /* data */
                assert_int_equal(g->events[i].generation, 0);
        }
        assert_true(g->events[0].length >= MiB && g->events[0].length % 65536 == 0);
        assert_true(g->events[0].time_ns < g->events[1].time_ns && g->events[1].time_ns < g->events[2].time_ns);
        assert_false(seen.disorder);
        trace_source_close(s);
}

static void other_filesystems_are_not_seen(void **state) {
        Fixture *f = fixture(state);
        TraceSource *s = open_source();
        uint8_t other[16];
        Seen seen = { 0 };

        memcpy(other, f->fsid, sizeof(other));
        other[0] ^= 1;
        make_file(f, "a", 0);
        sync_fs(f);
        assert_int_equal(trace_source_step(s, other, see, &seen), 0);
        assert_int_equal(seen.n, 0);
        trace_source_close(s);
}

static void groups_read_at_mount_are_not_added(void **state) {
        Fixture *f = fixture(state);
        TraceSource *s = open_source();
        Seen seen = { 0 };

        close(TAKE_FD(f->fd));
        assert_int_equal(umount2(f->mount_point, 0), 0);
        assert_int_equal(mount(f->loop.path, f->mount_point, "btrfs", 0, "nodiscard"), 0);
        f->fd = open(f->mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(trace_source_step(s, f->fsid, see, &seen) >= 0);
        assert_int_equal(seen.by_kind[TRACE_GROUP_ADDED], 0);
        trace_source_close(s);
}

static void lost_events_are_counted(void **state) {
        Fixture *f = fixture(state);
        TraceSource *s = open_source();
        char path[128];
        unsigned made = 0;
        Seen seen = { 0 };
        int fd;

        snprintf(path, sizeof(path), INSTANCES "%s/buffer_size_kb", trace_instance_name((char[TRACE_NAME_MAX]){ 0 }));
        fd = open(path, O_WRONLY);
        assert_int_equal(write(fd, "4", 1), 1);
        close(fd);
        for (; made < 1500; made++) {
                make_file(f, "a", 0);
                sync_fs(f);
                unlinkat(f->fd, "a", 0);
        }
        assert_true(trace_source_step(s, f->fsid, see, &seen) > 0);
        print_message("%u commits made, %u seen, %llu events lost\n", made, seen.by_kind[TRACE_COMMIT],
                      (unsigned long long)trace_source_lost(s));
        assert_true(trace_source_lost(s) > 0);
        assert_true(seen.n < made);
        assert_true(seen.n + trace_source_lost(s) >= made);
        trace_source_close(s);
}

/* Until killed: what a run's churn does. */
static int churn(void *arg) {
        const Fixture *f = arg;
        static char data[MiB];

        for (uint64_t end = clock_mono_ns() + 30 * NSEC_PER_SEC; clock_mono_ns() < end;) {
                int fd = openat(f->fd, "churn", O_WRONLY | O_CREAT | O_TRUNC, 0600);

                if (write(fd, data, sizeof(data)) < 0)
                        return 1;
                close(fd);
                btrfs_util_sync_fd(f->fd);
                unlinkat(f->fd, "churn", 0);
                btrfs_util_sync_fd(f->fd);
        }
        return 0;
}

static uint64_t cpu_ns(void) {
        struct rusage u;

        getrusage(RUSAGE_SELF, &u);
        return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NSEC_PER_SEC +
               (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * NSEC_PER_USEC;
}

static void stepping_is_cheap(void **state) {
        Fixture *f = fixture(state);
        TraceSource *s = open_source();
        uint64_t begin = clock_mono_ns(), before = cpu_ns(), wall, cpu;
        Child c = CHILD_NULL;
        Seen seen = { 0 };
        int status;

        assert_int_equal(child_fork(&c, "churn", churn, f), 0);
        for (unsigned i = 0; i < 30; i++) {
                clock_sleep_ns(100 * NSEC_PER_MSEC);
                assert_true(trace_source_step(s, f->fsid, see, &seen) >= 0);
        }
        cpu = cpu_ns() - before;
        wall = clock_mono_ns() - begin;
        child_kill(&c, SIGKILL);
        assert_int_equal(child_wait(&c, 20 * NSEC_PER_SEC, &status), 1);
        print_message("%u events in %llu ms (%u removals, %u commits): %.3f ms of CPU per 1000 events, %.2f %% of a core\n", seen.n,
                      (unsigned long long)(wall / NSEC_PER_MSEC), seen.by_kind[TRACE_GROUP_REMOVED], seen.by_kind[TRACE_COMMIT],
                      (double)cpu / (double)NSEC_PER_MSEC / seen.n * 1000, (double)cpu / (double)wall * 100);
        assert_true(seen.n > 100);
        assert_int_equal(trace_source_lost(s), 0);
        assert_true(cpu < wall / 20);
        trace_source_close(s);
}

static int open_as_nobody(void *arg _unused_) {
        TraceSource *s = NULL;
        Error e = ERROR_NULL;
        int r;

        if (setgid(65534) < 0 || setuid(65534) < 0)
                return 1;
        r = trace_source_open(&s, &e);
        return (r == -EACCES || r == -EPERM) && strstr(e.sentence, "root") && !s ? 0 : 2;
}

static void without_rights_the_sentence_names_root(void **state) {
        Child c = CHILD_NULL;
        int status;

        fixture(state);
        assert_int_equal(child_fork(&c, "nobody", open_as_nobody, NULL), 0);
        assert_int_equal(child_wait(&c, 10 * NSEC_PER_SEC, &status), 1);
        assert_int_equal(status, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_instance_comes_and_goes),
                cmocka_unit_test(dead_instances_are_swept),
                cmocka_unit_test(one_event_is_seen_by_the_next_step),
                cmocka_unit_test(a_group_lives_and_dies),
                cmocka_unit_test(other_filesystems_are_not_seen),
                cmocka_unit_test(groups_read_at_mount_are_not_added),
                cmocka_unit_test(lost_events_are_counted),
                cmocka_unit_test(stepping_is_cheap),
                cmocka_unit_test(without_rights_the_sentence_names_root),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}

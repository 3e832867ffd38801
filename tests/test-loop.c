/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fs.h"
#include "target/loop.h"

typedef struct Fixture {
        char small[64], large[64]; /* tmpfs of 8 MiB and of 64 MiB, only in our mount namespace; empty: not root */
} Fixture;

static int setup(void **state) {
        static Fixture f;
        char base[] = "/tmp/test-loop-XXXXXX";

        *state = &f;
        if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0)
                return 0;
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || !mkdtemp(base))
                return -1;
        if (mount("tmpfs", base, "tmpfs", 0, "size=1m") < 0)
                return -1;
        snprintf(f.small, sizeof(f.small), "%s/small", base);
        snprintf(f.large, sizeof(f.large), "%s/large", base);
        if (mkdir(f.small, 0755) < 0 || mkdir(f.large, 0755) < 0)
                return -1;
        return mount("tmpfs", f.small, "tmpfs", 0, "size=8m") < 0 || mount("tmpfs", f.large, "tmpfs", 0, "size=64m") < 0 ? -1 : 0;
}

static int teardown(void **state) {
        Fixture *f = *state;
        char *slash;

        if (!f->small[0])
                return 0;
        umount2(f->small, MNT_DETACH);
        umount2(f->large, MNT_DETACH);
        slash = strrchr(f->small, '/');
        *slash = 0;
        umount2(f->small, MNT_DETACH);
        return rmdir(f->small);
}

static Fixture *need_mounts(void **state) {
        Fixture *f = *state;

        if (!f->small[0]) {
                print_message("needs root and a mount namespace\n");
                skip();
        }
        return f;
}

static Fixture *need_loops(void **state) {
        Fixture *f = need_mounts(state);

        if (access("/dev/loop-control", R_OK | W_OK) < 0) {
                print_message("needs /dev/loop-control\n");
                skip();
        }
        return f;
}

static void test_the_first_directory_with_room_is_taken(void **state) {
        Fixture *f = need_mounts(state);
        const char *const directories[] = { "/nonexistent/images", "/proc", f->small, f->large, NULL };
        Error e = ERROR_NULL;

        assert_int_equal(loop_choose_directory(directories, 2, 4 * MiB, &e), 2);
        assert_int_equal(loop_choose_directory(directories, 3, 4 * MiB, &e), 3);
        assert_string_equal(e.sentence, "");
}

static void test_each_directory_gets_its_reason(void **state) {
        Fixture *f = need_mounts(state);
        const char *const directories[] = { "/nonexistent/images", "/proc", f->small, f->large, NULL };
        Error e = ERROR_NULL;

        assert_int_equal(loop_choose_directory(directories, 4, 1 * GiB, &e), -ENOSPC);
        assert_int_equal(e.exit, EXIT_ERROR);
        assert_non_null(strstr(e.sentence, "/nonexistent/images: No such file"));
        assert_non_null(strstr(e.sentence, "/proc: its filesystem has no unnamed files (O_TMPFILE)"));
        assert_non_null(strstr(e.sentence, f->small));
        assert_non_null(strstr(e.sentence, "only 8.00 MiB free"));
        assert_non_null(strstr(e.sentence, "only 64.0 MiB free"));
        assert_non_null(strstr(e.sentence, "ImageDirectories="));
}

static void test_a_tmpfs_larger_than_memory_does_not_count(void **state) {
        Fixture *f = need_mounts(state);
        const char *const directories[] = { f->large, NULL };
        char reason[80];
        Error e = ERROR_NULL;
        int r;

        assert_int_equal(mount("tmpfs", f->large, "tmpfs", 0, "size=1024t"), 0);
        r = loop_choose_directory(directories, 1, 512 * TiB, &e);
        umount2(f->large, MNT_DETACH);
        assert_int_equal(r, -ENOSPC);
        snprintf(reason, sizeof(reason), "of memory can be spared for it");
        assert_non_null(strstr(e.sentence, reason));
}

static void test_no_directory_and_absurd_sizes(void **state) {
        const char *const none[] = { NULL };
        Error e = ERROR_NULL;

        (void)state;
        assert_int_equal(loop_choose_directory(none, 1, MiB, &e), -ENOSPC);
        assert_non_null(strstr(e.sentence, "none is configured"));
        assert_int_equal(loop_choose_directory(none, 4, UINT64_MAX / 2, &e), -EFBIG);
        assert_int_equal(e.exit, EXIT_USAGE);
}

static void backing_path(const Loop *l, char path[static 80]) {
        snprintf(path, 80, "/sys/block/%s/loop/backing_file", l->path + strlen("/dev/"));
}

static void test_a_loop_is_there_until_it_is_closed(void **state) {
        Fixture *f = need_loops(state);
        Loop l = LOOP_NULL;
        Error e = ERROR_NULL;
        char path[80], sys[80], backing[256];
        uint64_t bytes = 0, autoclear = 0;
        int sector = 0;

        assert_int_equal(loop_create(&l, f->large, 32 * MiB, 4096, &e), 0);
        assert_int_equal(ioctl(l.fd, BLKGETSIZE64, &bytes), 0);
        assert_int_equal(bytes, 32 * MiB);
        assert_int_equal(ioctl(l.fd, BLKSSZGET, &sector), 0);
        assert_int_equal(sector, 4096);
        assert_true(fcntl(l.fd, F_GETFD) & FD_CLOEXEC);
        backing_path(&l, path);
        assert_true(fs_read(NULL, path, backing, sizeof(backing)) > 0);
        assert_non_null(strstr(backing, "(deleted)"));
        snprintf(sys, sizeof(sys), "/sys/block/%s/loop/autoclear", l.path + strlen("/dev/"));
        assert_int_equal(fs_read_u64(NULL, sys, &autoclear), 0);
        assert_int_equal(autoclear, 1);
        loop_close(&l);
        assert_int_equal(l.fd, -1);
        for (int i = 0; i < 40 && fs_read(NULL, path, sys, sizeof(sys)) >= 0 && strcmp(sys, backing) == 0; i++)
                clock_sleep_ns(50 * NSEC_PER_MSEC);
        if (fs_read(NULL, path, sys, sizeof(sys)) >= 0)
                assert_string_not_equal(sys, backing); /* somebody else's by now */
}

static void test_failures_leave_no_loop(void **state) {
        Fixture *f = need_loops(state);
        Loop l = LOOP_NULL;
        Error e = ERROR_NULL;

        assert_int_equal(loop_create(&l, f->large, 32 * MiB, 12345, &e), -EINVAL);
        assert_int_equal(l.fd, -1);
        assert_non_null(strstr(e.sentence, "sectors of 12345 bytes"));
        assert_true(loop_create(&l, "/proc", 32 * MiB, 0, &e) < 0);
        assert_non_null(strstr(e.sentence, "/proc"));
        assert_int_equal(l.fd, -1);
}

/* The kernel as it answers when other programs are always a little faster: this ioctl() stands in front of the C library's. */
static struct {
        unsigned busy, asked; /* so many LOOP_CONFIGURE answer EBUSY; how many there were */
} kernel;

int ioctl(int fd, unsigned long request, ...) {
        va_list ap;
        void *arg;

        va_start(ap, request);
        arg = va_arg(ap, void *);
        va_end(ap);
        if (request == LOOP_CONFIGURE && kernel.asked++ < kernel.busy) {
                errno = EBUSY;
                return -1;
        }
        return (int)syscall(SYS_ioctl, fd, request, arg);
}

static void test_others_are_faster(void **state) {
        Fixture *f = need_loops(state);
        Loop l = LOOP_NULL;
        Error e = ERROR_NULL;
        int r;

        kernel.busy = 5;
        kernel.asked = 0;
        assert_int_equal(loop_create(&l, f->large, MiB, 0, &e), 0);
        assert_true(kernel.asked > 5);
        loop_close(&l);
        kernel.busy = UINT32_MAX;
        kernel.asked = 0;
        r = loop_create(&l, f->large, MiB, 0, &e);
        kernel.busy = 0;
        assert_int_equal(r, -EBUSY);
        assert_true(kernel.asked < 100);
        assert_non_null(strstr(e.sentence, "try again"));
        assert_int_equal(l.fd, -1);
}

#define RACERS 4
#define RACES 25

/* Exit status 0: every loop could be made. */
static int racer(const char *directory) {
        for (int i = 0; i < RACES; i++) {
                Loop l;
                Error e = ERROR_NULL;
                if (loop_create(&l, directory, MiB, 0, &e) < 0) {
                        fprintf(stderr, "%s\n", e.sentence);
                        return 1;
                }
                loop_close(&l);
        }
        return 0;
}

static void test_racing_for_numbers(void **state) {
        Fixture *f = need_loops(state);
        pid_t pids[RACERS];
        int failed = 0;

        for (int i = 0; i < RACERS; i++) {
                pids[i] = fork();
                if (pids[i] == 0)
                        _exit(racer(f->large));
                assert_true(pids[i] > 0);
        }
        for (int i = 0; i < RACERS; i++) {
                int status = 0;
                waitpid(pids[i], &status, 0);
                failed += status != 0;
        }
        assert_int_equal(failed, 0);
}

static void test_no_loop_control(void **state) {
        Fixture *f = need_mounts(state);
        pid_t pid;
        int status = 0;

        /* In a child with a /dev of its own, which has nothing in it. */
        pid = fork();
        if (pid == 0) {
                Error e = ERROR_NULL;
                Loop l;
                if (unshare(CLONE_NEWNS) < 0 || mount("tmpfs", "/dev", "tmpfs", 0, NULL) < 0)
                        _exit(2);
                _exit(loop_create(&l, f->large, MiB, 0, &e) == -ENOENT && strstr(e.sentence, "modprobe loop") ? 0 : 1);
        }
        waitpid(pid, &status, 0);
        assert_int_equal(status, 0);
}

static void test_no_node_for_the_number(void **state) {
        Fixture *f = need_loops(state);
        struct stat control;
        pid_t pid;
        int status = 0;

        assert_int_equal(stat("/dev/loop-control", &control), 0);
        pid = fork();
        if (pid == 0) {
                Error e = ERROR_NULL;
                Loop l;
                if (unshare(CLONE_NEWNS) < 0 || mount("tmpfs", "/dev", "tmpfs", 0, NULL) < 0 ||
                    mknod("/dev/loop-control", S_IFCHR | 0600, control.st_rdev) < 0)
                        _exit(2);
                _exit(loop_create(&l, f->large, MiB, 0, &e) == -ENOENT && strstr(e.sentence, "mknod /dev/loop") ? 0 : 1);
        }
        waitpid(pid, &status, 0);
        assert_int_equal(status, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_first_directory_with_room_is_taken),
                cmocka_unit_test(test_each_directory_gets_its_reason),
                cmocka_unit_test(test_a_tmpfs_larger_than_memory_does_not_count),
                cmocka_unit_test(test_no_directory_and_absurd_sizes),
                cmocka_unit_test(test_a_loop_is_there_until_it_is_closed),
                cmocka_unit_test(test_failures_leave_no_loop),
                cmocka_unit_test(test_others_are_faster),
                cmocka_unit_test(test_racing_for_numbers),
                cmocka_unit_test(test_no_loop_control),
                cmocka_unit_test(test_no_node_for_the_number),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}

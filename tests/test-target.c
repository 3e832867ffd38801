/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <libdevmapper.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "fixture-target.h"
#include "target/layer.h"

static void scrub_all(const Fixture *f, int fd) {
        uint64_t data = 0, tree = 0;
        char text[256];

        for (unsigned i = 0; i < f->target.n_devices; i++) {
                ScrubStats s;
                assert_int_equal(btrfs_kernel_ops.scrub(fd, &(ScrubRange){ f->target.devices[i].devid, 0, UINT64_MAX, i % 2 }, &s), 0);
                if (!scrub_stats_clean(&s, text, sizeof(text)))
                        fail_msg("devid %u: %s", (unsigned)f->target.devices[i].devid, text);
                data += s.data_bytes_scrubbed;
                tree += s.tree_bytes_scrubbed;
        }
        assert_true(data >= 8 * MiB);
        assert_true(tree > 0);
}

static void test_make_scrub_unmount(void **state) {
        static const struct {
                unsigned n;
                uint64_t size;
                const char *data, *metadata;
        } rows[] = {
                { 1, 256 * MiB, "single", "single" },
                { 1, 512 * MiB, "single", "dup" },
                { 2, 512 * MiB, "raid1", "raid1" },
                { 4, 1 * GiB, "raid10", "raid10" },
                { 4, 1 * GiB, "single", "raid1" },
        };
        Fixture *f = need_kernel(state);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                configure(f, rows[i].n, rows[i].size, rows[i].data, rows[i].metadata);
                make(f);
                assert_int_equal(f->target.n_devices, rows[i].n);
                assert_int_equal(f->target.devices[rows[i].n - 1].devid, rows[i].n);
                assert_int_equal(f->target.devices[0].size, rows[i].size);
                assert_int_equal(strncmp(f->target.devices[0].path, "/dev/loop", 9), 0);
                assert_int_equal(f->target.nodesize, 16384);
                assert_int_equal(f->target.sectorsize, 4096);
                assert_true(f->target.generation > 0);
                assert_int_equal(strlen(f->target.fsid_text), 36);
                assert_non_null(strstr(f->target.mount_options, "noatime"));
                assert_null(strstr(f->target.mount_options, "discard=async"));
                assert_string_equal(f->target.image_directory, f->images);
                int fd = root_fd(f);
                write_file(fd, "file", 8);
                scrub_all(f, fd);
                unmount(f);
        }
}

static void test_unmount_names_who_is_in_the_way(void **state) {
        Fixture *f = need_kernel(state);
        Error e = ERROR_NULL;
        char self[32];

        configure(f, 1, 256 * MiB, "single", "single");
        make(f);
        root_fd(f);
        assert_int_equal(target_unmount(&f->target, &e), -EBUSY);
        assert_true(f->target.mounted);
        snprintf(self, sizeof(self), "(pid %d)", getpid());
        assert_non_null(strstr(e.sentence, self));
        unmount(f);
        assert_int_equal(target_unmount(&f->target, &e), 0); /* again: nothing to do */
}

static void test_open_refuses_what_is_not_the_target(void **state) {
        Fixture *f = need_kernel(state);
        Error e = ERROR_NULL;

        configure(f, 1, 256 * MiB, "single", "single");
        make(f);
        f->target.fsid[15] ^= 1; /* another btrfs */
        assert_int_equal(target_open(&f->target, &e), -ENODEV);
        f->target.fsid[15] ^= 1;
        assert_int_equal(mount("tmpfs", f->mnt, "tmpfs", 0, NULL), 0);
        assert_int_equal(target_open(&f->target, &e), -ENODEV);
        assert_non_null(strstr(e.sentence, f->target.fsid_text));
        assert_int_equal(target_unmount(&f->target, &e), -ENODEV);
        assert_int_equal(umount2(f->mnt, 0), 0);
        unmount(f);
}

static void test_a_device_that_somebody_holds_is_told(void **state) {
        Fixture *f = need_kernel(state);
        Error e = ERROR_NULL;
        int status;

        configure(f, 1, 256 * MiB, "single", "single");
        make(f);
        const char *const argv[] = { "sh", "-c", "exec sleep 20 <\"$0\"", f->target.devices[0].path, NULL };
        pid_t pid = fork();
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                execvp(argv[0], (char *const *)argv);
                _exit(127);
        }
        clock_sleep_ns(300 * NSEC_PER_MSEC);
        assert_int_equal(target_unmount(&f->target, &e), -EBUSY);
        assert_false(f->target.mounted);
        assert_non_null(strstr(e.sentence, f->target.devices[0].path));
        assert_non_null(strstr(e.sentence, "sleep"));
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        assert_nothing_left(f);
        /* One that we hold ourselves, to look at it afterwards, is no failure. */
        make(f);
        int fd = open(f->target.devices[0].path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(target_unmount(&f->target, &e), 0);
        assert_true(any_loop(f));
        close(fd);
        assert_nothing_left(f);
}

static void need_device_mapper(void) {
        Error e = ERROR_NULL;

        if (layer_check(NULL, &e) == 0)
                return;
        print_message("%s\n", e.sentence);
        skip();
}

/* Nobody removes it: that the mount is gone is enough, as after a kill -9. */
static void test_a_layer_goes_with_the_mount(void **state) {
        Fixture *f = need_kernel(state);

        need_device_mapper();
        configure(f, 2, 256 * MiB, "raid1", "raid1");
        f->config.target.layer = LAYER_DM;
        make(f);
        for (unsigned i = 0; i < 2; i++) {
                assert_memory_equal(f->target.devices[i].path, "/dev/dm-", strlen("/dev/dm-"));
                assert_memory_equal(f->target.devices[i].below, "/dev/loop", strlen("/dev/loop"));
        }
        write_file(root_fd(f), "file", 4);
        unmount(f);
        make(f);
        assert_true(any_loop(f));
        assert_int_equal(umount2(f->mnt, 0), 0);
        assert_nothing_left(f);
        assert_int_equal(access(f->target.devices[0].path, F_OK), -1);
}

static bool device_mapper_has(const char *name) {
        struct dm_task *t = dm_task_create(DM_DEVICE_INFO);
        struct dm_info info = { 0 };

        assert_non_null(t);
        assert_true(dm_task_set_name(t, name) && dm_task_run(t) && dm_task_get_info(t, &info));
        dm_task_destroy(t);
        return info.exists;
}

/* Of a process that is no more, and of one that is. */
static void test_layers_of_killed_runs_are_swept(void **state) {
        char names[2][32] = { "scrubstress-2147483647-0" };
        struct dm_task *t;

        need_kernel(state);
        need_device_mapper();
        snprintf(names[1], sizeof(names[1]), "scrubstress-%d-0", (int)getpid());
        for (unsigned i = 0; i < 2; i++) {
                t = dm_task_create(DM_DEVICE_CREATE);
                assert_true(t && dm_task_set_name(t, names[i]) && dm_task_add_target(t, 0, 8, "error", "") && dm_task_run(t));
                dm_task_destroy(t);
        }
        layers_sweep();
        assert_false(device_mapper_has(names[0]));
        assert_true(device_mapper_has(names[1]));
        t = dm_task_create(DM_DEVICE_REMOVE);
        assert_true(t && dm_task_set_name(t, names[1]) && dm_task_run(t));
        dm_task_destroy(t);
}

/* A kernel that fails one call: this ioctl() stands in front of the C library's. */
static unsigned long failing_request;

int ioctl(int fd, unsigned long request, ...) {
        va_list ap;
        void *arg;

        va_start(ap, request);
        arg = va_arg(ap, void *);
        va_end(ap);
        if (request == failing_request) {
                errno = EIO;
                return -1;
        }
        return (int)syscall(SYS_ioctl, fd, request, arg);
}

static void test_a_failed_make_leaves_nothing(void **state) {
        Fixture *f = need_kernel(state);
        Error e = ERROR_NULL;
        char path[4096];
        int r;

        configure(f, 2, 256 * MiB, "nonsense", "single");
        assert_int_equal(target_make(&f->target, &f->config, &e), -EIO);
        assert_non_null(strstr(e.sentence, "nonsense")); /* mkfs.btrfs's own last line */
        assert_nothing_left(f);
        configure(f, 1, 256 * MiB, "single", "single");
        strcpy(f->config.target.mount_options, "nosuchoption");
        assert_int_equal(target_make(&f->target, &f->config, &e), -EINVAL);
        assert_non_null(strstr(e.sentence, "nosuchoption"));
        assert_nothing_left(f);
        configure(f, 1, 16 * MiB, "single", "single");
        assert_int_equal(target_make(&f->target, &f->config, &e), -EIO);
        assert_nothing_left(f);
        configure(f, 1, 256 * MiB, "single", "single");
        snprintf(path, sizeof(path), "%s", getenv("PATH") ?: "/usr/sbin:/usr/bin:/sbin:/bin");
        setenv("PATH", "/nonexistent", 1);
        r = target_make(&f->target, &f->config, &e);
        setenv("PATH", path, 1);
        assert_int_equal(r, -ENOENT);
        assert_nothing_left(f);
        failing_request = BTRFS_IOC_DEV_INFO; /* after the mount */
        r = target_make(&f->target, &f->config, &e);
        failing_request = 0;
        assert_int_equal(r, -EIO);
        assert_nothing_left(f);
        assert_false(f->target.mounted);
}

/* A process that has made a target in its own namespace and holds it is killed: the kernel undoes all of it. */
static void test_kill_leaves_nothing(void **state) {
        Fixture *f = need_kernel(state);
        int ready[2], status;
        char c;

        configure(f, 4, 256 * MiB, "single", "raid1");
        assert_int_equal(pipe(ready), 0);
        pid_t pid = fork();
        if (pid == 0) {
                Error e = ERROR_NULL;
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (target_enter_namespace(&e) < 0 || target_make(&f->target, &f->config, &e) < 0 || target_open(&f->target, &e) < 0 ||
                    write(ready[1], "x", 1) != 1)
                        _exit(1);
                for (;;)
                        pause();
        }
        close(ready[1]);
        assert_int_equal(read(ready[0], &c, 1), 1);
        close(ready[0]);
        assert_true(any_loop(f));
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_nothing_left(f);
}

static bool tmpfs_at(const char *path) {
        struct statfs s;

        return statfs(path, &s) == 0 && s.f_type == TMPFS_MAGIC && s.f_blocks == 1; /* mounted with size=4k */
}

/* The run, in its namespace: mounts one below, says so, waits for the host's umount of the other and for that to arrive. */
static int namespace_run(const char *ours, const char *theirs, int tell, int hear) {
        Error e = ERROR_NULL;
        char c;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (target_enter_namespace(&e) < 0 || mount("tmpfs", ours, "tmpfs", 0, "size=4k") < 0 || !tmpfs_at(theirs))
                return 1;
        if (write(tell, "x", 1) != 1 || read(hear, &c, 1) != 1)
                return 2;
        return tmpfs_at(theirs) ? 3 : 0;
}

/* The host, with shared mounts as systemd has them. */
static int namespace_host(const char *ours, const char *theirs) {
        int tell[2], hear[2], status = 0;
        pid_t pid;
        char c;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0 || mkdir(ours, 0755) < 0 ||
            mkdir(theirs, 0755) < 0 || mount("tmpfs", theirs, "tmpfs", 0, "size=4k") < 0 || pipe(tell) < 0 || pipe(hear) < 0)
                return 10;
        pid = fork();
        if (pid == 0)
                _exit(namespace_run(ours, theirs, tell[1], hear[0]));
        close(tell[1]);
        if (read(tell[0], &c, 1) != 1)
                return 11;
        if (tmpfs_at(ours))
                return 12; /* the host sees our mount */
        if (umount2(theirs, 0) < 0 || write(hear[1], "x", 1) != 1)
                return 13;
        waitpid(pid, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 14;
}

static char first_byte(int fd) {
        char c;

        assert_int_equal(pread(fd, &c, 1, 0), 1);
        return c;
}

/* A loop device whose file is written to: its page cache does not know. Somebody has the device open, as the layer over it does. */
static void test_what_is_below_is_read_anew(void **state) {
        Fixture *f = need_kernel(state);
        char file[96], command[128], loop[64] = "";
        Target t = { .n_devices = 1 };
        FILE *p;
        int below, fd;

        snprintf(file, sizeof(file), "%s/below", f->images);
        below = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        assert_true(below >= 0);
        assert_int_equal(ftruncate(below, MiB), 0);
        snprintf(command, sizeof(command), "losetup -f --show %s", file);
        p = popen(command, "re");
        assert_non_null(p);
        assert_non_null(fgets(loop, sizeof(loop), p));
        assert_int_equal(pclose(p), 0);
        loop[strcspn(loop, "\n")] = 0;
        fd = open(loop, O_RDONLY | O_CLOEXEC);
        snprintf(command, sizeof(command), "losetup -d %s", loop); /* when the last has closed it */
        assert_int_equal(system(command), 0);
        strcpy(t.devices[0].below, loop);
        for (char c = 'a'; c < 'c'; c++) {
                char before = first_byte(fd);

                assert_int_equal(pwrite(below, &c, 1, 0), 1);
                assert_int_equal(first_byte(fd), before);
                target_drop_pages(&t);
                assert_int_equal(first_byte(fd), c);
                strcpy(t.devices[0].path, loop); /* then as what has no layer */
                t.devices[0].below[0] = 0;
        }
        close(fd);
        close(below);
        assert_int_equal(unlink(file), 0);
}

static void test_the_namespace_is_a_slave(void **state) {
        Fixture *f = *state;
        char ours[64], theirs[64];
        int status = 0;
        pid_t pid;

        if (!f->mounts) {
                print_message("%s\n", f->missing);
                skip();
        }
        snprintf(ours, sizeof(ours), "%s/ours", f->base);
        snprintf(theirs, sizeof(theirs), "%s/theirs", f->base);
        pid = fork();
        if (pid == 0)
                _exit(namespace_host(ours, theirs));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_namespace_is_a_slave),
                ROOT(test_make_scrub_unmount),
                ROOT(test_unmount_names_who_is_in_the_way),
                ROOT(test_open_refuses_what_is_not_the_target),
                ROOT(test_a_device_that_somebody_holds_is_told),
                ROOT(test_a_layer_goes_with_the_mount),
                ROOT(test_layers_of_killed_runs_are_swept),
                ROOT(test_what_is_below_is_read_anew),
                ROOT(test_a_failed_make_leaves_nothing),
                ROOT(test_kill_leaves_nothing),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}

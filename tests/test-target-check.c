/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "target/target.h"

/* target_check() against declared machines. */
typedef struct Fixture {
        char base[48], images[64], mnt[64], mkfs[96], path[4096];
        Config config;
} Fixture;

static int setup(void **state) {
        static Fixture f;

        *state = &f;
        snprintf(f.base, sizeof(f.base), "/tmp/test-target-check-XXXXXX");
        if (!mkdtemp(f.base))
                return -1;
        snprintf(f.images, sizeof(f.images), "%s/images", f.base);
        snprintf(f.mnt, sizeof(f.mnt), "%s/mnt", f.base);
        snprintf(f.mkfs, sizeof(f.mkfs), "%s/mkfs.btrfs", f.images);
        snprintf(f.path, sizeof(f.path), "%s", getenv("PATH") ?: "");
        return mkdir(f.images, 0755) < 0 || mkdir(f.mnt, 0755) < 0 ? -1 : 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        unlink(f->mkfs);
        rmdir(f->images);
        rmdir(f->mnt);
        return rmdir(f->base);
}

static void configure(Fixture *f, unsigned n, uint64_t size) {
        Config *c = &f->config;

        memset(c, 0, sizeof(*c));
        c->target.n_devices = n;
        c->target.device_size = size;
        snprintf(c->target.image_directories, sizeof(c->target.image_directories), "/nonexistent %s", f->images);
        snprintf(c->target.mount_point, sizeof(c->target.mount_point), "%s", f->mnt);
}

static int check_config_on(Fixture *f, const char *machine, Error *e) {
        char root[256];

        snprintf(root, sizeof(root), "%s/tests/fake-root/%s", getenv("srcdir") ?: ".", machine);
        *e = ERROR_NULL;
        return target_check(&f->config, root, e);
}

static int check_on(Fixture *f, const char *machine, Error *e) {
        configure(f, 1, MiB);
        return check_config_on(f, machine, e);
}

/* A program of that name in a PATH of our own, so that these tests need no btrfs-progs. */
static void fake_path(Fixture *f, bool with_mkfs) {
        int fd;

        unlink(f->mkfs);
        if (with_mkfs) {
                fd = open(f->mkfs, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
                assert_true(fd >= 0);
                close(fd);
        }
        setenv("PATH", f->images, 1);
}

static int path_restore(void **state) {
        Fixture *f = *state;

        return setenv("PATH", f->path, 1);
}

static void test_check_passes_on_a_good_machine(void **state) {
        Fixture *f = *state;
        Error e;

        fake_path(f, true);
        assert_int_equal(check_on(f, "target", &e), 0);
        assert_string_equal(e.sentence, "");
        assert_int_equal(check_on(f, "target-btrfs-module", &e), 0);
}

static void test_check_names_what_is_missing(void **state) {
        static const struct {
                const char *machine;
                int r;
                const char *thing, *remedy;
        } rows[] = {
                { "target-no-caps", -EPERM, "CAP_SYS_ADMIN", "--privileged" },
                { "target-no-btrfs", -ENODEV, "(6.1.0-test-amd64) has neither btrfs", "modprobe btrfs" },
                { "target-dead-cleaner", -EIO, "the cleaner of 1 mounted btrfs filesystem has died", "reboot" },
                { "target-no-loop", -ENOENT, "/dev/loop-control", "modprobe loop" },
                { "no-such-machine", -ENOENT, "/proc/self/status", "mount /proc" },
        };
        Fixture *f = *state;
        Error e;

        if (geteuid() != 0)
                skip(); /* the first row's remedy is another one then */
        fake_path(f, true);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_int_equal(check_on(f, rows[i].machine, &e), rows[i].r);
                assert_int_equal(e.exit, EXIT_ERROR);
                assert_non_null(strstr(e.sentence, rows[i].thing));
                assert_non_null(strstr(e.sentence, rows[i].remedy));
        }
}

/* Only who asks for a layer needs device mapper. */
static void test_check_looks_for_device_mapper(void **state) {
        Fixture *f = *state;
        Error e;

        fake_path(f, true);
        configure(f, 1, MiB);
        f->config.target.layer = LAYER_DM;
        assert_int_equal(check_config_on(f, "target", &e), 0);
        assert_int_equal(check_config_on(f, "target-btrfs-module", &e), -ENODEV);
        assert_int_equal(e.exit, EXIT_ERROR);
        assert_non_null(strstr(e.sentence, "CONFIG_BLK_DEV_DM"));
        f->config.target.layer = LAYER_NONE;
        assert_int_equal(check_config_on(f, "target-btrfs-module", &e), 0);
}

static void test_check_misses_mkfs(void **state) {
        Fixture *f = *state;
        Error e;

        fake_path(f, false);
        assert_int_equal(check_on(f, "target", &e), -ENOENT);
        assert_non_null(strstr(e.sentence, "apt install btrfs-progs"));
}

static void test_check_looks_at_directories(void **state) {
        Fixture *f = *state;
        Error e;

        fake_path(f, true);
        assert_int_equal(check_on(f, "target", &e), 0);
        strcpy(f->config.target.mount_point, "/dev/null");
        assert_int_equal(check_config_on(f, "target", &e), -ENOTDIR);
        assert_int_equal(e.exit, EXIT_USAGE);
        strcpy(f->config.target.mount_point, "/nonexistent/mnt");
        assert_int_equal(check_config_on(f, "target", &e), -ENOENT);
        assert_non_null(strstr(e.sentence, "mkdir /nonexistent/mnt"));
        f->config.target.device_size = 512 * TiB;
        assert_int_equal(check_config_on(f, "target", &e), -ENOSPC);
        assert_non_null(strstr(e.sentence, f->images));
}

static void test_check_as_another_user(void **state) {
        Fixture *f = *state;
        int status = 0;
        pid_t pid;

        if (geteuid() != 0)
                skip();
        pid = fork();
        if (pid == 0) {
                Error e = ERROR_NULL;
                if (setuid(65534) < 0)
                        _exit(2);
                _exit(target_check(&f->config, NULL, &e) == -EPERM && strstr(e.sentence, "sudo") ? 0 : 1);
        }
        waitpid(pid, &status, 0);
        assert_int_equal(status, 0);
}

#define CHECK(test) cmocka_unit_test_teardown(test, path_restore)

int main(void) {
        const struct CMUnitTest tests[] = {
                CHECK(test_check_passes_on_a_good_machine),
                CHECK(test_check_names_what_is_missing),
                CHECK(test_check_looks_for_device_mapper),
                CHECK(test_check_misses_mkfs),
                CHECK(test_check_looks_at_directories),
                CHECK(test_check_as_another_user),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture-target.h"

#include <stdarg.h>
#include <setjmp.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fs.h"
#include "target/cleaners.h"

void configure(Fixture *f, unsigned n, uint64_t size, const char *data, const char *metadata) {
        Config *c = &f->config;

        memset(c, 0, sizeof(*c));
        c->target.n_devices = n;
        c->target.device_size = size;
        c->target.nodesize = 16384;
        snprintf(c->target.image_directories, sizeof(c->target.image_directories), "/nonexistent %s", f->images);
        snprintf(c->target.mount_point, sizeof(c->target.mount_point), "%s", f->mnt);
        strcpy(c->target.mount_options, "nodiscard,noatime");
        strcpy(c->target.checksum, "crc32c");
        snprintf(c->target.data_profile, sizeof(c->target.data_profile), "%s", data);
        snprintf(c->target.metadata_profile, sizeof(c->target.metadata_profile), "%s", metadata);
}

int fixture_setup(void **state) {
        static Fixture f;
        Error e = ERROR_NULL;

        *state = &f;
        f.fd = -1;
        strcpy(f.base, "/tmp/test-target-XXXXXX");
        if (!mkdtemp(f.base))
                return -1;
        snprintf(f.images, sizeof(f.images), "%s/images-%s", f.base, f.base + strlen(f.base) - 6);
        snprintf(f.mnt, sizeof(f.mnt), "%s/mnt", f.base);
        if (geteuid() != 0 || target_enter_namespace(&e) < 0 || cleaners_dead(NULL) > 0) {
                snprintf(f.missing, sizeof(f.missing), "%s", cleaners_dead(NULL) > 0 ? "a btrfs cleaner of this kernel has died: reboot"
                                                                                     : "needs root and a mount namespace");
                return mkdir(f.images, 0755) < 0 || mkdir(f.mnt, 0755) < 0 ? -1 : 0;
        }
        if (mount("tmpfs", f.base, "tmpfs", 0, "size=6g") < 0 || mkdir(f.images, 0755) < 0 || mkdir(f.mnt, 0755) < 0)
                return -1;
        f.mounts = true;
        configure(&f, 1, 256 * MiB, "single", "single");
        f.kernel = target_check(&f.config, NULL, &e) == 0;
        snprintf(f.missing, sizeof(f.missing), "%.255s", e.sentence);
        return 0;
}

int fixture_teardown(void **state) {
        Fixture *f = *state;

        umount2(f->mnt, MNT_DETACH);
        umount2(f->base, MNT_DETACH);
        rmdir(f->images);
        rmdir(f->mnt);
        return rmdir(f->base);
}

int unmount_rest(void **state) {
        Fixture *f = *state;

        closep(&f->fd);
        f->fd = -1;
        umount2(f->mnt, MNT_DETACH);
        return 0;
}

Fixture *need_kernel(void **state) {
        Fixture *f = *state;

        if (!f->kernel) {
                print_message("%s\n", f->missing);
                skip();
        }
        return f;
}

/* A loop device shows its image's path as seen from the reader's namespace, which may end at the mount: so only the folder is compared. */
bool any_loop(const Fixture *f) {
        for (int i = 0; i < 256; i++) {
                char path[64], backing[256];
                snprintf(path, sizeof(path), "/sys/block/loop%d/loop/backing_file", i);
                if (fs_read(NULL, path, backing, sizeof(backing)) >= 0 && strstr(backing, strrchr(f->images, '/')))
                        return true;
        }
        return false;
}

static bool is_mounted(const Fixture *f) {
        char text[65536];

        assert_true(fs_read(NULL, "/proc/self/mountinfo", text, sizeof(text)) > 0);
        return strstr(text, f->mnt);
}

void assert_nothing_left(const Fixture *f) {
        for (int i = 0; i < 60 && any_loop(f); i++)
                clock_sleep_ns(50 * NSEC_PER_MSEC);
        assert_false(any_loop(f));
        assert_false(is_mounted(f));
}

void make(Fixture *f) {
        Error e = ERROR_NULL;

        if (target_make(&f->target, &f->config, &e) < 0)
                fail_msg("%s", e.sentence);
}

void unmount(Fixture *f) {
        Error e = ERROR_NULL;

        closep(&f->fd);
        f->fd = -1;
        if (target_unmount(&f->target, &e) < 0)
                fail_msg("%s", e.sentence);
        assert_false(f->target.mounted);
        assert_nothing_left(f);
}

int root_fd(Fixture *f) {
        Error e = ERROR_NULL;

        f->fd = target_open(&f->target, &e);
        if (f->fd < 0)
                fail_msg("%s", e.sentence);
        return f->fd;
}

void write_file(int dir, const char *name, size_t megabytes) {
        static char block[MiB];
        int fd = openat(dir, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        for (size_t i = 0; i < megabytes; i++) {
                memset(block, (int)i + 1, sizeof(block));
                assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
        }
        close(fd);
        assert_int_equal(btrfs_kernel_ops.sync(dir), 0); /* scrub and searches see what is committed; fsync only writes the log tree */
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/target.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "target/cleaners.h"
#include "target/layer.h"
#include "target/loop.h"
#include "target/target-internal.h"

static int open_below(FILE **ret, const char *root, const char *path) {
        char full[PATH_MAX];

        if (snprintf(full, sizeof(full), "%s%s", root ?: "", path) >= (int)sizeof(full))
                return -ENAMETOOLONG;
        *ret = fopen(full, "re");
        return *ret ? 0 : -errno;
}

/* True when a line of the file contains `needle`; false too when there is no such file. */
static bool file_has(const char *root, const char *path, const char *needle) {
        _cleanup_fclose_ FILE *f = NULL;
        _cleanup_free_ char *line = NULL;
        size_t size = 0;

        if (open_below(&f, root, path) < 0)
                return false;
        while (getline(&line, &size, f) >= 0)
                if (strstr(line, needle))
                        return true;
        return false;
}

static int check_privilege(const char *root, Error *e) {
        char status[8192], *at;
        int r = fs_read(root, "/proc/self/status", status, sizeof(status));

        if (r < 0)
                return error_set(e, EXIT_ERROR, -r, "/proc/self/status cannot be read: %s; mount /proc", strerror(-r));
        at = strstr(status, "\nCapEff:");
        if (at && strtoull(at + strlen("\nCapEff:"), NULL, 16) & (UINT64_C(1) << CAP_SYS_ADMIN))
                return 0;
        if (geteuid() != 0)
                return error_set(e, EXIT_ERROR, EPERM, "mounting and loop devices need root: run it with sudo");
        return error_set(e, EXIT_ERROR, EPERM,
                         "this root has no CAP_SYS_ADMIN, so it can neither mount nor make loop devices: run it outside of the container, "
                         "or give the container that capability (--privileged)");
}

/* mount(2) loads the module by itself: it is enough that there is one. */
static int check_btrfs(const char *root, Error *e) {
        char release[128], path[PATH_MAX];

        if (file_has(root, "/proc/filesystems", "\tbtrfs\n"))
                return 0;
        if (fs_read(root, "/proc/sys/kernel/osrelease", release, sizeof(release)) < 0)
                snprintf(release, sizeof(release), "unknown");
        snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", release);
        if (file_has(root, path, "/btrfs.ko"))
                return 0;
        return error_set(e, EXIT_ERROR, ENODEV,
                         "the running kernel (%s) has neither btrfs nor a module of it: try modprobe btrfs, install the modules of exactly "
                         "this kernel, or boot a kernel with CONFIG_BTRFS_FS", release);
}

static int check_cleaners(const char *root, Error *e) {
        unsigned n = cleaners_dead(root);

        if (n == 0)
                return 0;
        return error_set(e, EXIT_ERROR, EIO,
                         "the cleaner of %u mounted btrfs filesystem%s has died (an oops; see the kernel log), and mkfs.btrfs and mount would "
                         "wait for ever for what it held: save the kernel log and reboot", n, n == 1 ? "" : "s");
}

static int check_loop(const char *root, Error *e) {
        char full[PATH_MAX];

        if (snprintf(full, sizeof(full), "%s/dev/loop-control", root ?: "") >= (int)sizeof(full))
                return error_set(e, EXIT_ERROR, ENAMETOOLONG, "the path of loop-control is too long");
        if (access(full, F_OK) == 0)
                return 0;
        return error_set(e, EXIT_ERROR, errno, "/dev/loop-control cannot be used: %s; load the loop driver (modprobe loop), or give this "
                         "container the loop devices", strerror(errno));
}

static int check_mkfs(Error *e) {
        const char *path = getenv("PATH") ?: "";
        char full[PATH_MAX];

        while (*path) {
                size_t n = strcspn(path, ":");
                if (n > 0 && snprintf(full, sizeof(full), "%.*s/mkfs.btrfs", (int)n, path) < (int)sizeof(full) && access(full, X_OK) == 0)
                        return 0;
                path += n + (path[n] == ':');
        }
        return error_set(e, EXIT_ERROR, ENOENT, "mkfs.btrfs is not in PATH: install btrfs-progs (apt install btrfs-progs), or add the "
                         "directory where it is, often /usr/sbin, to PATH");
}

static int check_mount_point(const Config *c, Error *e) {
        const char *path = c->target.mount_point;
        struct stat st;

        if (stat(path, &st) < 0)
                return error_set(e, EXIT_USAGE, errno,
                                 "the mount point %s cannot be used: %s; make it (mkdir %s) or name another (MountPoint=)", path,
                                 strerror(errno), path);
        if (!S_ISDIR(st.st_mode))
                return error_set(e, EXIT_USAGE, ENOTDIR, "the mount point %s is not a directory: name another (MountPoint=)", path);
        return 0;
}

int target_check(const Config *c, const char *root, Error *e) {
        TargetDirectories directories;
        int r;

        if ((r = check_privilege(root, e)) < 0 || (r = check_btrfs(root, e)) < 0 || (r = check_cleaners(root, e)) < 0)
                return r;
        if (c->target.disks)
                return (r = check_mkfs(e)) < 0 || (r = target_disks_check(c, root, e)) < 0 ? r : check_mount_point(c, e);
        if ((r = check_loop(root, e)) < 0 || (r = check_mkfs(e)) < 0)
                return r;
        if (c->target.layer == LAYER_DM && (r = layer_check(root, e)) < 0)
                return r;
        target_directories(&directories, c);
        r = loop_choose_directory(directories.paths, config_n_images(c), c->target.device_size, e);
        if (r < 0)
                return r;
        return check_mount_point(c, e);
}

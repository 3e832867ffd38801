/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/target.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libmount/libmount.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>

#include "base/clock.h"
#include "base/fs.h"
#include "target/extent-map.h"
#include "target/layer.h"
#include "target/loop.h"
#include "target/mkfs.h"
#include "target/target-internal.h"
#include "target/users.h"
#include "target/vfs-options.h"

#define RETRY_NS (50 * NSEC_PER_MSEC)
#define UMOUNT_TRIES 20 /* a process that was just killed lets go of its files a little later */
#define GONE_TRIES 40

/* What calc_chunk_size() and init_alloc_chunk_ctl_policy_regular() in fs/btrfs allow (6.0 and newer; before, the same numbers). */
#define DATA_STRIPE_MAX GiB
#define METADATA_STRIPE_MAX (256 * MiB)
#define METADATA_STRIPE_MAX_LARGE GiB
#define LARGE_FILESYSTEM (50 * GiB)
#define STRIPE_ROUND (16 * MiB)

int target_enter_namespace(Error *e) {
        if (unshare(CLONE_NEWNS) < 0)
                return error_set(e, EXIT_ERROR, errno, "a mount namespace of our own cannot be had: %s; run it as root, with CAP_SYS_ADMIN",
                                 strerror(errno));
        /* Slave, not private: what the host unmounts must be unmounted here too, or we would keep the host's devices busy for as long as we
         * run. Not shared: our target must never be seen by the host. */
        if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
                return error_set(e, EXIT_ERROR, errno, "the mounts of our namespace cannot be made slaves of the host's: %s",
                                 strerror(errno));
        return 0;
}

void target_directories(TargetDirectories *d, const Config *c) {
        size_t n = 0;
        char *save = NULL;

        snprintf(d->text, sizeof(d->text), "%s", c->target.image_directories);
        for (char *p = strtok_r(d->text, " ", &save); p && n + 1 < ELEMENTSOF(d->paths); p = strtok_r(NULL, " ", &save))
                d->paths[n++] = p;
        d->paths[n] = NULL;
}

typedef struct Loops {
        unsigned n;
        Loop loops[TARGET_DEVICES_MAX];
} Loops;

static void loops_close(Loops *l) {
        for (unsigned i = 0; i < l->n; i++)
                loop_close(&l->loops[i]);
        l->n = 0;
}

static int loops_create(Loops *l, const char *directory, const Config *c, Error *e) {
        if (c->target.n_devices > TARGET_DEVICES_MAX)
                return error_set(e, EXIT_USAGE, E2BIG, "%u devices are more than %d: name fewer (Devices=)", c->target.n_devices,
                                 TARGET_DEVICES_MAX);
        while (l->n < c->target.n_devices) {
                int r = loop_create(&l->loops[l->n], directory, c->target.device_size, 0, e);
                if (r < 0)
                        return r;
                l->n++;
        }
        return 0;
}

int target_format(const char *const devices[], const Config *c, Error *e) {
        return mkfs_btrfs(devices, &(MkfsOptions){
                .data_profile = c->target.data_profile,
                .metadata_profile = config_metadata_profile(c),
                .checksum = c->target.checksum,
                .nodesize = c->target.nodesize,
        }, e);
}

/* The options for mount(2): flags of the VFS, and for btrfs every device (so that nobody need have scanned them) and what is asked for. */
static int mount_data(char *data, size_t size, unsigned long *flags, const char *const devices[], const char *options) {
        _cleanup_free_ char *fs = NULL;
        size_t n = 0;
        int r = vfs_options_split(options, flags, &fs);

        if (r < 0)
                return r;
        for (unsigned i = 0; devices[i] && n < size; i++)
                n += (size_t)snprintf(data + n, size - n, "%sdevice=%s", i ? "," : "", devices[i]);
        if (fs && n < size)
                n += (size_t)snprintf(data + n, size - n, ",%s", fs);
        return n < size ? 0 : -E2BIG;
}

typedef struct Layers {
        unsigned n;
        Layer layers[TARGET_DEVICES_MAX];
        const char *names[TARGET_DEVICES_MAX + 1]; /* of what is to be mounted, NULL-terminated */
} Layers;

static void layers_close(Layers *l) {
        for (unsigned i = 0; i < l->n; i++)
                layer_close(&l->layers[i]);
        l->n = 0;
}

static int layers_lay(Layers *l, const Target *t, const char *const devices[], const Config *c, Error *e) {
        if (c->target.layer == LAYER_DM)
                layers_sweep();
        for (unsigned i = 0; devices[i]; i++) {
                l->names[i] = devices[i];
                if (c->target.layer == LAYER_DM) {
                        int r = layer_create(&l->layers[i], devices[i], t->owner ?: getpid(), t->makes * TARGET_DEVICES_MAX + i, e);
                        if (r < 0)
                                return r;
                        l->n++;
                        l->names[i] = l->layers[i].path;
                }
        }
        return 0;
}

int target_mount_devices(Target *t, const char *const devices[], const Config *c, Error *e) {
        const char *options = c->target.mount_options;
        char data[4096]; /* a page: mount(2) takes no more */
        unsigned long flags;
        int r = mount_data(data, sizeof(data), &flags, devices, options);

        if (r < 0)
                return error_set(e, EXIT_USAGE, -r, "the mount options \"%s\" cannot be understood: %s (MountOptions=)", options,
                                 strerror(-r));
        if (!realpath(c->target.mount_point, t->mount_point))
                return error_set(e, EXIT_USAGE, errno, "the mount point %s cannot be used: %s; name another (MountPoint=)",
                                 c->target.mount_point, strerror(errno));
        if (mount(devices[0], t->mount_point, "btrfs", flags, data) < 0)
                return error_set(e, EXIT_ERROR, errno,
                                 "mounting btrfs on %s at %s failed: %s; the kernel log has the reason (dmesg), often an option it does "
                                 "not know (MountOptions=%s)", devices[0], t->mount_point, strerror(errno), options);
        t->mounted = true;
        return 0;
}

int target_mount(Target *t, const char *const below[], const Config *c, Error *e) {
        _cleanup_(layers_close) Layers layers = { 0 };
        int r = layers_lay(&layers, t, below, c, e);

        return r < 0 ? r : target_mount_devices(t, layers.names, c, e);
}

static void table_unref(struct libmnt_table **tb) {
        mnt_unref_table(*tb);
}

/* What the kernel made of the options; empty when it cannot be read. */
static void read_mount_options(Target *t) {
        _cleanup_(table_unref) struct libmnt_table *tb = mnt_new_table_from_file("/proc/self/mountinfo");
        struct libmnt_fs *fs = tb ? mnt_table_find_target(tb, t->mount_point, MNT_ITER_BACKWARD) : NULL;

        snprintf(t->mount_options, sizeof(t->mount_options), "%s", fs ? mnt_fs_get_options(fs) ?: "" : "");
}

static void format_fsid(const uint8_t fsid[static 16], char text[static 37]) {
        for (unsigned i = 0; i < 16; i++)
                text += sprintf(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", fsid[i]);
}

const char *const device_stat_names[BTRFS_DEV_STAT_VALUES_MAX] = {
        [BTRFS_DEV_STAT_WRITE_ERRS] = "write",
        [BTRFS_DEV_STAT_READ_ERRS] = "read",
        [BTRFS_DEV_STAT_FLUSH_ERRS] = "flush",
        [BTRFS_DEV_STAT_CORRUPTION_ERRS] = "corruption",
        [BTRFS_DEV_STAT_GENERATION_ERRS] = "generation",
};

static int read_devices(Target *t, const BtrfsOps *ops, int fd, uint64_t max_id) {
        for (uint64_t devid = 1; devid <= max_id && t->n_devices < TARGET_DEVICES_MAX; devid++) {
                TargetDevice *d = &t->devices[t->n_devices];
                BtrfsDevice info;
                int r = ops->device_info(fd, devid, &info);
                if (r == -ENODEV)
                        continue; /* numbers have gaps after a replace or remove */
                if (r == 0)
                        r = ops->device_stats(fd, devid, d->stats_at_start);
                if (r < 0)
                        return r;
                memcpy(d->stats, d->stats_at_start, sizeof(d->stats));
                d->devid = devid;
                d->size = info.total_bytes;
                snprintf(d->path, sizeof(d->path), "%.*s", (int)sizeof(d->path) - 1, info.path);
                if (!layer_below(d->path, d->below))
                        d->below[0] = 0;
                t->n_devices++;
        }
        return 0;
}

/* The size of the next chunk of this type that the kernel will allocate while each device has room, as decide_stripe_size_regular() does:
 * at most a tenth of all devices, stripes rounded up to 16 MiB. */
static uint64_t next_chunk_size(const Target *t, uint64_t type, uint64_t stripe_max) {
        uint64_t data_stripes = chunk_data_stripes(type, t->n_devices, 2), total = 0, stripe = stripe_max, chunk_max;

        for (unsigned i = 0; i < t->n_devices; i++)
                total += t->devices[i].size;
        chunk_max = total / 10;
        if (stripe * data_stripes > chunk_max)
                stripe = MIN_OF((chunk_max / data_stripes + STRIPE_ROUND - 1) / STRIPE_ROUND * STRIPE_ROUND, stripe);
        return stripe * data_stripes;
}

static int read_chunk_sizes(Target *t, const BtrfsOps *ops, int fd) {
        _cleanup_(extent_map_free) ExtentMap map = EXTENT_MAP_NULL;
        uint64_t total = 0;
        int r = extent_map_read(&map, ops, fd);

        if (r < 0)
                return r;
        for (unsigned i = 0; i < t->n_devices; i++)
                total += t->devices[i].size;
        /* The profiles are those of the groups that mkfs made. */
        for (size_t i = 0; i < map.n_chunks; i++) {
                uint64_t type = map.chunks[i].type;
                if (type & BTRFS_BLOCK_GROUP_DATA)
                        t->data_chunk_size = next_chunk_size(t, type, DATA_STRIPE_MAX);
                if (type & BTRFS_BLOCK_GROUP_METADATA)
                        t->metadata_chunk_size =
                                next_chunk_size(t, type, total > LARGE_FILESYSTEM ? METADATA_STRIPE_MAX_LARGE : METADATA_STRIPE_MAX);
        }
        return 0;
}

int target_describe(Target *t, const BtrfsOps *ops, Error *e) {
        struct btrfs_ioctl_fs_info_args info;
        _cleanup_close_ int fd = open(t->mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = fd < 0 ? -errno : ops->fs_info(fd, &info);

        t->n_devices = 0;
        if (r == 0) {
                memcpy(t->fsid, info.fsid, sizeof(t->fsid));
                format_fsid(t->fsid, t->fsid_text);
                t->nodesize = info.nodesize;
                t->sectorsize = info.sectorsize;
                t->generation = info.generation;
                r = read_devices(t, ops, fd, info.max_id);
        }
        if (r == 0)
                r = read_chunk_sizes(t, ops, fd);
        if (r < 0)
                return error_set(e, EXIT_ERROR, -r, "the new target at %s cannot be looked at: %s; the kernel log may say why (dmesg)",
                                 t->mount_point, strerror(-r));
        read_mount_options(t);
        return 0;
}

int target_make(Target *t, const Config *c, Error *e) {
        _cleanup_(loops_close) Loops loops = { 0 };
        const char *devices[TARGET_DEVICES_MAX + 1] = { NULL };
        TargetDirectories directories;
        int r;

        if (c->target.disks)
                return target_disks_make(t, c, e);
        *t = (Target){ .owner = t->owner, .makes = t->makes + 1 };
        target_directories(&directories, c);
        r = loop_choose_directory(directories.paths, config_n_images(c), c->target.device_size, e);
        if (r < 0)
                return r;
        snprintf(t->image_directory, sizeof(t->image_directory), "%s", directories.paths[r]);
        r = loops_create(&loops, t->image_directory, c, e);
        for (unsigned i = 0; i < loops.n; i++)
                devices[i] = loops.loops[i].path;
        if (r == 0)
                r = target_format(devices, c, e);
        if (r == 0)
                r = target_mount(t, devices, c, e);
        if (r == 0)
                r = target_describe(t, &btrfs_kernel_ops, e);
        if (r < 0 && t->mounted) {
                umount2(t->mount_point, MNT_DETACH);
                t->mounted = false;
        }
        return r; /* from here on the mount alone holds the loop devices */
}

int target_open(const Target *t, Error *e) {
        struct btrfs_ioctl_fs_info_args info;
        _cleanup_close_ int fd = open(t->mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r;

        if (fd < 0)
                return error_set(e, EXIT_ERROR, errno, "the root directory of the target, %s, cannot be opened: %s", t->mount_point,
                                 strerror(errno));
        r = btrfs_kernel_ops.fs_info(fd, &info);
        if (r < 0 || memcmp(info.fsid, t->fsid, sizeof(t->fsid)) != 0)
                return error_set(e, EXIT_ERROR, ENODEV,
                                 "what is at %s is not the target %s: something unmounted it or mounted over it; use a mount point that "
                                 "nothing else uses (MountPoint=)", t->mount_point, t->fsid_text);
        return TAKE_FD(fd);
}

/* The loop devices below the target by their images: a number alone may be another program's device a moment after ours has gone. */
typedef struct Backing {
        char sysfs[64], image[256];
} Backing;

static void backing_read(Backing *b, const char *device) {
        *b = (Backing){ 0 };
        if (!device || strncmp(device, "/dev/loop", 9) != 0)
                return;
        snprintf(b->sysfs, sizeof(b->sysfs), "/sys/block/%.32s/loop/backing_file", device + strlen("/dev/"));
        if (fs_read(NULL, b->sysfs, b->image, sizeof(b->image)) < 0)
                b->image[0] = 0;
}

static bool backing_there(const Backing *b) {
        char now[sizeof(b->image)];

        return b->image[0] && fs_read(NULL, b->sysfs, now, sizeof(now)) >= 0 && strcmp(now, b->image) == 0;
}

/* Waits shortly until none is left. Returns the first that stays, or -1. */
static int backings_wait(const Backing *b, unsigned n) {
        unsigned i = 0;

        for (unsigned tries = 0; tries < GONE_TRIES; tries++) {
                while (i < n && !backing_there(&b[i]))
                        i++;
                if (i == n)
                        return -1;
                clock_sleep_ns(RETRY_NS);
        }
        return (int)i;
}

static int unmount(const Target *t, Error *e) {
        char users[384];
        int r = 0;

        for (unsigned tries = 0; tries < UMOUNT_TRIES; tries++) {
                r = umount2(t->mount_point, UMOUNT_NOFOLLOW) < 0 ? -errno : 0;
                if (r != -EBUSY)
                        break;
                clock_sleep_ns(RETRY_NS);
        }
        if (r == -EBUSY) {
                users_of(t->mount_point, users, sizeof(users));
                return error_set(e, EXIT_ERROR, EBUSY, "the target at %s cannot be unmounted, it is in use by %s: end what uses it",
                                 t->mount_point, users);
        }
        if (r < 0)
                return error_set(e, EXIT_ERROR, -r, "the target at %s cannot be unmounted: %s", t->mount_point, strerror(-r));
        return 0;
}

int target_unmount(Target *t, Error *e) {
        Backing backings[TARGET_DEVICES_MAX];
        bool held = false;
        int r;

        if (!t->mounted)
                return 0;
        for (unsigned i = 0; i < t->n_devices; i++) {
                const TargetDevice *d = &t->devices[i];
                backing_read(&backings[i], t->n_disks > 0 ? NULL : d->below[0] ? d->below : d->path); /* disks stay */
                held = held || user_is_self(d->path);
        }
        r = target_open(t, e);
        if (r == -ENODEV)
                return r; /* never unmount what is not ours */
        if (r >= 0) {
                btrfs_kernel_ops.sync(r); /* ignored: see the header */
                close(r);
        }
        r = unmount(t, e);
        if (r < 0)
                return r;
        t->mounted = false;
        r = held ? -1 : backings_wait(backings, t->n_devices);
        if (r >= 0) {
                char users[384];
                users_of(t->devices[r].path, users, sizeof(users));
                return error_set(e, EXIT_ERROR, EBUSY,
                                 "the target is unmounted, but its device %s is still there, used by %s: it goes, with its image, when "
                                 "that ends", t->devices[r].path, users);
        }
        return 0;
}

bool target_has_layers(const Target *t) {
        for (unsigned i = 0; i < t->n_devices; i++)
                if (!t->devices[i].below[0])
                        return false;
        return t->n_devices > 0;
}

void target_learn_paths(Target *t, const BtrfsOps *ops, int fd) {
        BtrfsDevice d;

        for (unsigned i = 0; i < t->n_devices; i++)
                if (ops->device_info(fd, t->devices[i].devid, &d) == 0 && d.path[0])
                        snprintf(t->devices[i].path, sizeof(t->devices[i].path), "%.*s", (int)sizeof(t->devices[i].path) - 1, d.path);
}

void target_hold(TargetHold *h, const Target *t) {
        for (h->n = 0; h->n < t->n_devices; h->n++)
                h->fds[h->n] = open(t->devices[h->n].path, O_RDONLY | O_CLOEXEC);
}

void target_release(TargetHold *h) {
        while (h->n > 0)
                closep(&h->fds[--h->n]);
}

static void drop_pages(const char *path) {
        _cleanup_close_ int fd = path[0] ? open(path, O_RDONLY | O_CLOEXEC) : -1;

        if (fd >= 0)
                posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

void target_drop_pages(const Target *t) {
        for (unsigned i = 0; i < t->n_devices; i++) {
                drop_pages(t->devices[i].path);
                drop_pages(t->devices[i].below);
        }
}

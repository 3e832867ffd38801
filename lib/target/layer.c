/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No part of it needs udev, nor the nodes that it or the library make in /dev/mapper: /dev/dm-N is the kernel's own (devtmpfs), as are those of
 * loop devices. udev is told to leave these devices alone.
 */
#include "target/layer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libdevmapper.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fs.h"
#include "base/macro.h"

#define PREFIX "scrubstress-" /* of names: PREFIX PID - NUMBER */
#define SECTOR 512
#define LEAVE_ALONE (DM_UDEV_DISABLE_DM_RULES_FLAG | DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG | DM_UDEV_DISABLE_DISK_RULES_FLAG | \
                     DM_UDEV_DISABLE_OTHER_RULES_FLAG | DM_UDEV_DISABLE_LIBRARY_FALLBACK)

/* What the library prints: the errno that it keeps says enough. */
static void be_silent(int level _unused_, const char *file _unused_, int line _unused_, const char *format _unused_, ...) {
}

static void task_destroy(struct dm_task **t) {
        if (*t)
                dm_task_destroy(*t);
}
#define _cleanup_task_ _cleanup_(task_destroy)

static struct dm_task *task_new(int kind) {
        struct dm_task *t;
        uint32_t cookie = 0;

        dm_log_init(be_silent);
        dm_udev_set_sync_support(0);
        t = dm_task_create(kind);
        if (t && (kind == DM_DEVICE_CREATE || kind == DM_DEVICE_REMOVE || kind == DM_DEVICE_RESUME))
                dm_task_set_cookie(t, &cookie, LEAVE_ALONE);
        return t;
}

static int task_run(struct dm_task *t) {
        return dm_task_run(t) ? 0 : -(dm_task_get_errno(t) ?: EIO);
}

/* The task for the layer of this path. NULL: there is no memory, or no such device. */
static struct dm_task *task_for(int kind, const char *path) {
        struct dm_task *t;
        struct stat st;

        if (stat(path, &st) < 0 || !S_ISBLK(st.st_mode))
                return NULL;
        t = task_new(kind);
        if (t && dm_task_set_major_minor(t, (int)major(st.st_rdev), (int)minor(st.st_rdev), 0))
                return t;
        task_destroy(&t);
        return NULL;
}

int layer_check(const char *root, Error *e) {
        _cleanup_close_ int fd = -1;
        char path[PATH_MAX];

        /* The node may be there, made by who thought that the module would be, and nothing behind it. */
        if (snprintf(path, sizeof(path), "%s/dev/mapper/control", root ?: "") < (int)sizeof(path))
                fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd >= 0)
                return 0;
        return error_set(e, EXIT_ERROR, ENODEV, "Layer=dm needs device mapper, and /dev/mapper/control cannot be opened: %s; load it (modprobe dm-mod), "
                         "boot a kernel that has it (CONFIG_BLK_DEV_DM), or do without the faults that need it (Layer=none)", strerror(errno));
}

static int remove_layer(const char *name, bool deferred) {
        _cleanup_task_ struct dm_task *t = task_new(DM_DEVICE_REMOVE);

        if (!t || !dm_task_set_name(t, name) || (deferred && !dm_task_deferred_remove(t)))
                return -ENOMEM;
        return task_run(t);
}

static void resume_layer(const char *name) {
        _cleanup_task_ struct dm_task *t = task_new(DM_DEVICE_RESUME);

        if (t && dm_task_set_name(t, name) && dm_task_skip_lockfs(t))
                task_run(t);
}

/* A name of ours, and nobody else's that begins like it: printed again it is the same. */
static bool is_of_the_dead(const char *name) {
        unsigned number;
        char again[64];
        int pid;

        if (sscanf(name, PREFIX "%d-%u", &pid, &number) != 2 || pid <= 0)
                return false;
        snprintf(again, sizeof(again), PREFIX "%d-%u", pid, number);
        return strcmp(again, name) == 0 && kill(pid, 0) < 0 && errno == ESRCH;
}

void layers_sweep(void) {
        _cleanup_task_ struct dm_task *t = task_new(DM_DEVICE_LIST);
        struct dm_names *n;

        if (!t || task_run(t) < 0 || !(n = dm_task_get_names(t)) || n->dev == 0)
                return;
        for (;; n = (struct dm_names *)((char *)n + n->next)) {
                if (is_of_the_dead(n->name)) {
                        resume_layer(n->name);        /* one that waits for ever is used for ever */
                        remove_layer(n->name, false); /* -EBUSY: in use, and goes with that */
                }
                if (n->next == 0)
                        return;
        }
}

static int device_sectors(const char *device, uint64_t *ret) {
        _cleanup_close_ int fd = open(device, O_RDONLY | O_CLOEXEC);
        off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

        if (size < 0)
                return -errno;
        *ret = (uint64_t)size / SECTOR;
        return 0;
}

/* One target over the whole device below. */
static int add_table(struct dm_task *t, const char *device, const char *target, const char *arguments) {
        char text[LAYER_PATH_MAX + 64];
        uint64_t sectors = 0;
        int r = device_sectors(device, &sectors);

        if (r < 0)
                return r;
        snprintf(text, sizeof(text), "%s 0%s%s", device, arguments ? " " : "", arguments ?: "");
        return dm_task_add_target(t, 0, sectors, target, text) ? 0 : -ENOMEM;
}

static int create(const char *name, const char *device, char path[static LAYER_PATH_MAX]) {
        _cleanup_task_ struct dm_task *t = task_new(DM_DEVICE_CREATE);
        struct dm_info info;
        int r;

        if (!t || !dm_task_set_name(t, name))
                return -ENOMEM;
        r = add_table(t, device, "linear", NULL);
        if (r == 0)
                r = task_run(t);
        if (r == 0 && !dm_task_get_info(t, &info))
                r = -EIO;
        if (r == 0)
                snprintf(path, LAYER_PATH_MAX, "/dev/dm-%u", info.minor);
        return r;
}

int layer_create(Layer *l, const char *device, pid_t owner, unsigned number, Error *e) {
        char name[64];
        int r;

        *l = LAYER_NULL;
        snprintf(name, sizeof(name), PREFIX "%d-%u", (int)owner, number);
        r = create(name, device, l->path);
        if (r < 0)
                return error_set(e, EXIT_ERROR, -r, "device mapper cannot lay a device over %s: %s; the kernel log has the reason (dmesg); without "
                                 "it the faults that need it are left out (Layer=none)", device, strerror(-r));
        l->fd = open(l->path, O_RDONLY | O_CLOEXEC);
        r = l->fd < 0 ? -errno : remove_layer(name, true);
        if (r < 0) {
                layer_close(l);
                remove_layer(name, false);
                return error_set(e, EXIT_ERROR, -r, "the device mapper device %s (%s) cannot be used: %s; /dev has to be a devtmpfs, and the kernel "
                                 "Linux 3.13 or newer", name, l->path, strerror(-r));
        }
        return 0;
}

void layer_close(Layer *l) {
        closep(&l->fd);
        l->fd = -1;
}

bool layer_below(const char *path, char ret[static LAYER_PATH_MAX]) {
        char sysfs[128], name[128];
        struct dirent *entry;
        bool found = false;
        DIR *d;

        if (strncmp(path, "/dev/dm-", strlen("/dev/dm-")) != 0)
                return false;
        snprintf(sysfs, sizeof(sysfs), "/sys/block/%.32s/dm/name", path + strlen("/dev/"));
        if (fs_read(NULL, sysfs, name, sizeof(name)) < 0 || strncmp(name, PREFIX, strlen(PREFIX)) != 0)
                return false;
        snprintf(sysfs, sizeof(sysfs), "/sys/block/%.32s/slaves", path + strlen("/dev/"));
        d = opendir(sysfs);
        while (d && !found && (entry = readdir(d)))
                if (entry->d_name[0] != '.')
                        found = snprintf(ret, LAYER_PATH_MAX, "/dev/%s", entry->d_name) < LAYER_PATH_MAX;
        if (d)
                closedir(d);
        return found;
}

bool layer_knows(const char *target) {
        _cleanup_task_ struct dm_task *t = task_new(DM_DEVICE_GET_TARGET_VERSION);

        return t && dm_task_set_name(t, target) && task_run(t) == 0;
}

int layer_prepare(const char *path, const char *target, const char *arguments) {
        _cleanup_task_ struct dm_task *t = task_for(DM_DEVICE_RELOAD, path);
        char below[LAYER_PATH_MAX];
        int r;

        if (!t || !layer_below(path, below))
                return -ENODEV;
        r = add_table(t, below, target, arguments);
        return r == 0 ? task_run(t) : r;
}

int layer_resume(const char *path) {
        _cleanup_task_ struct dm_task *t = task_for(DM_DEVICE_RESUME, path);

        return t && dm_task_skip_lockfs(t) ? task_run(t) : -ENODEV;
}

/* The kernel suspends the device, swaps the tables and resumes it, all in the second call: whoever is killed leaves no device suspended. */
int layer_load(const char *path, const char *target, const char *arguments) {
        int r = layer_prepare(path, target, arguments);

        return r == 0 ? layer_resume(path) : r;
}

int layer_suspend(const char *path) {
        _cleanup_task_ struct dm_task *t = task_for(DM_DEVICE_SUSPEND, path);

        /* The filesystem is not to be frozen, which would be a commit, and no queue is to be emptied that nobody takes from. */
        return t && dm_task_skip_lockfs(t) && dm_task_no_flush(t) ? task_run(t) : -ENODEV;
}

int layer_message(const char *path, const char *text) {
        _cleanup_task_ struct dm_task *t = task_for(DM_DEVICE_TARGET_MSG, path);

        if (!t || !dm_task_set_sector(t, 0) || !dm_task_set_message(t, text))
                return -ENODEV;
        return task_run(t);
}

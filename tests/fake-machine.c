/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake-machine.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/macro.h"
#include "folder-fixture.h"

static char *full(const FakeMachine *m, const char *path, char buf[static PATH_MAX]) {
        char *slash;

        snprintf(buf, PATH_MAX, "%s%s", m->root, path);
        slash = strrchr(buf, '/');
        *slash = 0;
        if (fs_mkdir_p(buf) < 0)
                abort();
        *slash = '/';
        unlink(buf);
        return buf;
}

void fake_machine_put(const FakeMachine *m, const char *path, const void *content, size_t size) {
        char buf[PATH_MAX];
        _cleanup_close_ int fd = open(full(m, path, buf), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

        if (fd < 0 || write(fd, content, size) != (ssize_t)size)
                abort();
}

void fake_machine_text(const FakeMachine *m, const char *path, const char *text) {
        fake_machine_put(m, path, text, strlen(text));
}

void fake_machine_link(const FakeMachine *m, const char *path, const char *target) {
        char buf[PATH_MAX];

        if (symlink(target, full(m, path, buf)) < 0)
                abort();
}

void fake_machine_mounts(const FakeMachine *m, const char *pid, const char *mountinfo) {
        char path[64];

        snprintf(path, sizeof(path), "/proc/%s/mountinfo", pid);
        fake_machine_text(m, path, mountinfo);
}

/* `parent`: the disk of a partition; NULL: a disk. */
static void device(const FakeMachine *m, const char *name, const char *number, const char *parent, const char *sectors) {
        char where[128], path[PATH_MAX], target[PATH_MAX];

        snprintf(where, sizeof(where), "/sys/devices/%s%s%s", parent ?: "", parent ? "/" : "", name);
        snprintf(path, sizeof(path), "%s/dev", where);
        fake_machine_text(m, path, number);
        snprintf(path, sizeof(path), "%s/size", where);
        fake_machine_text(m, path, sectors);
        snprintf(path, sizeof(path), "%s/ro", where);
        fake_machine_text(m, path, "0\n");
        snprintf(path, sizeof(path), "%s/holders/.", where);
        snprintf(target, sizeof(target), "%s%s/holders", m->root, where);
        mkdir(target, 0755);
        if (parent) {
                snprintf(path, sizeof(path), "%s/partition", where);
                fake_machine_text(m, path, "1\n");
        }
        snprintf(target, sizeof(target), "../../..%s", where);
        snprintf(path, sizeof(path), "/sys/dev/block/%.*s", (int)strcspn(number, "\n"), number);
        fake_machine_link(m, path, target);
        snprintf(path, sizeof(path), "/sys/class/block/%s", name);
        fake_machine_link(m, path, target);
        if (!parent) {
                snprintf(path, sizeof(path), "/sys/block/%s", name);
                fake_machine_link(m, path, target + strlen("../"));
        }
}

static void disks(const FakeMachine *m) {
        static const char page[] = "\0\x80\0\x14      SATA-SERIAL 1  ", short_page[] = "\0\x80\0\x08SATA-2  rubbish";

        device(m, "nvme0n1", "259:0\n", NULL, "8388608\n");
        fake_machine_text(m, "/sys/devices/nvme0n1/device/serial", "S4-NVME             \n");
        fake_machine_text(m, "/sys/devices/nvme0n1/device/model", "Made Up NVMe                            \n");
        fake_machine_text(m, "/sys/devices/nvme0n1/wwid", "eui.0025385b01234567\n");
        fake_machine_link(m, "/dev/disk/by-id/nvme-eui.0025385b01234567", "../../nvme0n1");
        fake_machine_link(m, "/dev/disk/by-id/nvme-Made_Up_S4-NVME", "../../nvme0n1");
        device(m, "sda", "8:0\n", NULL, "16777216\n");
        fake_machine_put(m, "/sys/devices/sda/device/vpd_pg80", page, sizeof(page) - 1);
        fake_machine_text(m, "/sys/devices/sda/device/wwid", "t10.ATA     MADE UP   1\n");
        device(m, "sda1", "8:1\n", "sda", "2097152\n");
        device(m, "sda2", "8:2\n", "sda", "8388608\n");
        fake_machine_text(m, "/sys/devices/sda/sda2/holders/dm-0", "");
        device(m, "sdb", "8:16\n", NULL, "8388608\n");
        fake_machine_text(m, "/sys/devices/sdb/device/model", "No Serial\n");
        device(m, "sdc", "8:32\n", NULL, "8388608\n");
        fake_machine_put(m, "/sys/devices/sdc/device/vpd_pg80", short_page, sizeof(short_page) - 1);
        fake_machine_link(m, "/dev/disk/by-id/ata-2", "../../sdc");
        device(m, "sdc1", "8:33\n", "sdc", "4194304\n");
        device(m, "vda", "254:0\n", NULL, "8388608\n");
        fake_machine_text(m, "/sys/devices/vda/serial", "virtio 1");
        device(m, "dm-0", "253:0\n", NULL, "8388608\n");
        fake_machine_text(m, "/sys/devices/dm-0/slaves/sda2", "");
        device(m, "loop3", "7:3\n", NULL, "2097152\n");
        fake_machine_text(m, "/sys/devices/loop3/loop/backing_file", "/srv/an image\n");
        device(m, "loop4", "7:4\n", NULL, "0\n");
}

int fake_machine_setup(void **state) {
        static const char mounts[] = "22 1 253:0 / / rw shared:1 - ext4 /dev/mapper/root rw\n"
                                     "23 22 0:5 / /proc rw - proc proc rw\n"
                                     "24 22 8:1 / /boot rw,nosuid shared:2 master:3 - ext4 /dev/sda1 rw\n";
        FakeMachine *m = calloc(1, sizeof(*m));

        if (!m)
                return -1;
        snprintf(m->root, sizeof(m->root), "/tmp/test-fake-machine-XXXXXX");
        if (!mkdtemp(m->root))
                return -1;
        disks(m);
        fake_machine_mounts(m, "self", mounts);
        fake_machine_mounts(m, "1", mounts);
        fake_machine_text(m, "/proc/swaps", "Filename\t\t\t\tType\t\tSize\n");
        *state = m;
        return 0;
}

int fake_machine_teardown(void **state) {
        FakeMachine *m = *state;
        int r = folder_remove(m->root);

        free(m);
        return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/identity.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "base/macro.h"

#define SECTOR 512 /* the unit of `size` in sysfs, whatever the device's own is */

/* Page 0x80 of the vital product data: four bytes of header, then the serial. */
#define VPD_SERIAL_PAGE 0x80
#define VPD_HEADER 4

/* Without blanks around it; what is left inside cannot be written in Wipe= or would act on a terminal. */
static void clean(const char *text, size_t n, char *buf, size_t size) {
        size_t have = 0;

        while (n > 0 && (isspace((unsigned char)text[n - 1]) || text[n - 1] == 0))
                n--;
        while (n > 0 && isspace((unsigned char)*text)) {
                text++;
                n--;
        }
        for (size_t i = 0; i < n && have + 1 < size; i++)
                buf[have++] = (char)(isspace((unsigned char)text[i]) ? '_' : isgraph((unsigned char)text[i]) ? text[i] : '?');
        buf[have] = 0;
}

static int attribute_path(char path[static PATH_MAX], const Identity *i, const char *attribute) {
        return snprintf(path, PATH_MAX, "/sys/dev/block/%u:%u/%s", i->major, i->minor, attribute);
}

static int read_text(const Identity *i, const char *root, const char *attribute, char *buf, size_t size) {
        char path[PATH_MAX], text[1024];
        int r;

        attribute_path(path, i, attribute);
        r = fs_read(root, path, text, sizeof(text));
        clean(text, r < 0 ? 0 : (size_t)r, buf, size);
        return r < 0 ? r : 0;
}

static int read_vpd(const Identity *i, const char *root, const char *attribute, char *buf, size_t size) {
        char path[PATH_MAX], page[256];
        size_t length;
        int r;

        attribute_path(path, i, attribute);
        r = fs_read(root, path, page, sizeof(page));
        if (r < 0)
                return r;
        if (r < VPD_HEADER || (unsigned char)page[1] != VPD_SERIAL_PAGE)
                return -EBADMSG;
        length = (size_t)(unsigned char)page[2] << 8 | (unsigned char)page[3];
        clean(page + VPD_HEADER, MIN_OF(length, (size_t)r - VPD_HEADER), buf, size);
        return 0;
}

/* Where drivers keep a serial. libata answers page 0x80 for ATA disks, so SATA has it too. A loop device is what its file is. */
static const struct {
        const char *attribute;
        int (*read)(const Identity *i, const char *root, const char *attribute, char *buf, size_t size);
} serials[] = {
        { "device/serial", read_text },   /* NVMe, MMC */
        { "device/vpd_pg80", read_vpd },  /* SCSI, SAS, SATA, USB */
        { "serial", read_text },          /* virtio */
        { "loop/backing_file", read_text },
};
static const char *const wwids[] = { "wwid", "device/wwid" };

/* `d`: the whole disk. */
static void read_names(Identity *i, const Identity *d, const char *root) {
        for (size_t k = 0; k < ELEMENTSOF(serials) && !i->serial[0]; k++)
                if (serials[k].read(d, root, serials[k].attribute, i->serial, sizeof(i->serial)) == 0 && i->serial[0])
                        snprintf(i->serial_source, sizeof(i->serial_source), "%s", serials[k].attribute);
        for (size_t k = 0; k < ELEMENTSOF(wwids) && !i->wwid[0]; k++)
                read_text(d, root, wwids[k], i->wwid, sizeof(i->wwid));
        read_text(d, root, "device/model", i->model, sizeof(i->model));
}

static const char *last_part(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* The basename of what the link at root/path points to. */
static int link_name(const char *root, const char *path, char *buf, size_t size) {
        char full[PATH_MAX], target[PATH_MAX];
        ssize_t n;

        if (snprintf(full, sizeof(full), "%s%s", root ?: "", path) >= (int)sizeof(full))
                return -ENAMETOOLONG;
        n = readlink(full, target, sizeof(target) - 1);
        if (n < 0)
                return -errno;
        target[n] = 0;
        return snprintf(buf, size, "%s", last_part(target)) >= (int)size ? -ENAMETOOLONG : 0;
}

static void closedirp(DIR **d) {
        if (*d)
                closedir(*d);
}

static void find_link(Identity *i, const char *root) {
        char full[PATH_MAX], path[PATH_MAX], name[sizeof(i->name)];
        _cleanup_(closedirp) DIR *d = NULL;
        struct dirent *entry;

        snprintf(full, sizeof(full), "%s/dev/disk/by-id", root ?: "");
        d = opendir(full);
        while (d && (entry = readdir(d))) {
                if (snprintf(path, sizeof(path), "/dev/disk/by-id/%s", entry->d_name) >= (int)sizeof(i->link))
                        continue;
                if (link_name(root, path, name, sizeof(name)) < 0 || strcmp(name, i->name) != 0)
                        continue;
                if (!i->link[0] || strcmp(path, i->link) < 0)
                        snprintf(i->link, sizeof(i->link), "%.255s", path);
        }
}

int identity_read_number(const char *root, const char *path, unsigned *major, unsigned *minor) {
        char text[64];
        int r = fs_read(root, path, text, sizeof(text));

        if (r < 0)
                return r;
        return sscanf(text, "%u:%u", major, minor) == 2 ? 0 : -EINVAL;
}

int identity_read(Identity *i, const char *root, unsigned major, unsigned minor) {
        Identity disk = { .major = major, .minor = minor };
        char path[PATH_MAX];
        uint64_t v;
        int r;

        *i = disk;
        snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major, minor);
        r = link_name(root, path, i->name, sizeof(i->name));
        if (r < 0)
                return r;
        attribute_path(path, i, "size");
        r = fs_read_u64(root, path, &v);
        if (r < 0)
                return r;
        i->size = v * SECTOR;
        attribute_path(path, i, "ro");
        i->read_only = fs_read_u64(root, path, &v) == 0 && v != 0;
        attribute_path(path, i, "partition");
        i->partition = fs_read_u64(root, path, &v) == 0;
        if (i->partition) {
                attribute_path(path, i, "../dev");
                r = identity_read_number(root, path, &disk.major, &disk.minor);
                if (r < 0)
                        return r;
        }
        read_names(i, &disk, root);
        find_link(i, root);
        return 0;
}

bool identity_same(const Identity *a, const Identity *b) {
        return a->major == b->major && a->minor == b->minor && a->size == b->size && strcmp(a->serial, b->serial) == 0 &&
               strcmp(a->wwid, b->wwid) == 0;
}

int identity_each(const char *root, int (*func)(void *userdata, unsigned major, unsigned minor), void *userdata) {
        char full[PATH_MAX], path[PATH_MAX];
        struct dirent **entries;
        int n, r = 0;

        if (snprintf(full, sizeof(full), "%s/sys/block", root ?: "") >= (int)sizeof(full))
                return -ENAMETOOLONG;
        n = scandir(full, &entries, NULL, versionsort);
        if (n < 0)
                return -errno;
        for (int k = 0; k < n; k++) {
                unsigned major, minor;
                uint64_t sectors = 0;
                if (r >= 0 && entries[k]->d_name[0] != '.') {
                        snprintf(path, sizeof(path), "/sys/block/%s/size", entries[k]->d_name);
                        fs_read_u64(root, path, &sectors);
                        snprintf(path, sizeof(path), "/sys/block/%s/dev", entries[k]->d_name);
                        if (sectors > 0 && identity_read_number(root, path, &major, &minor) == 0)
                                r = func(userdata, major, minor);
                }
                free(entries[k]);
        }
        free(entries);
        return r < 0 ? r : 0;
}

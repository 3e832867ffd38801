/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/device-use.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/fs.h"
#include "base/macro.h"
#include "target/identity.h"

#define NAMESPACES_MAX 256 /* of those seen; beyond, a namespace may be read twice, never left out */
#define STACK_DEPTH_MAX 16 /* device on device */

static const char *const system_paths[] = { "/", "/boot", "/boot/efi", "/efi", "/etc", "/home", "/usr", "/var", "/var/lib", "/var/log" };

static void closedirp(DIR **d) {
        if (*d)
                closedir(*d);
}

static DIR *open_directory(const char *root, const char *path) {
        char full[PATH_MAX];

        return snprintf(full, sizeof(full), "%s%s", root ?: "", path) < (int)sizeof(full) ? opendir(full) : NULL;
}

static FILE *open_file(const char *root, const char *path) {
        char full[PATH_MAX];

        return snprintf(full, sizeof(full), "%s%s", root ?: "", path) < (int)sizeof(full) ? fopen(full, "re") : NULL;
}

void device_uses_free(DeviceUses *u) {
        free(u->uses);
        *u = DEVICE_USES_NULL;
}

static int add(DeviceUses *u, const DeviceUse *use) {
        if (u->n == u->allocated) {
                size_t n = u->allocated ? 2 * u->allocated : 64;
                DeviceUse *p = reallocarray(u->uses, n, sizeof(*p));
                if (!p)
                        return -ENOMEM;
                u->uses = p;
                u->allocated = n;
        }
        u->uses[u->n++] = *use;
        return 0;
}

const DeviceUse *device_uses_find(const DeviceUses *u, unsigned major, unsigned minor, unsigned kinds) {
        for (size_t i = 0; i < u->n; i++)
                if (u->uses[i].major == major && u->uses[i].minor == minor && u->uses[i].kind & kinds)
                        return &u->uses[i];
        return NULL;
}

/* A line of mountinfo: "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue". */
typedef struct Mount {
        unsigned major, minor;
        char point[PATH_MAX], type[64], source[PATH_MAX];
} Mount;

static bool parse_mount(const char *line, Mount *m) {
        const char *rest = strstr(line, " - ");

        return rest && sscanf(line, "%*s %*s %u:%u %*s %4095s", &m->major, &m->minor, m->point) == 3 &&
               sscanf(rest, " - %63s %4095s", m->type, m->source) == 2;
}

/* The number of the device of this name, as the kernel calls it. */
static bool number_of(const char *root, const char *name, unsigned *major, unsigned *minor) {
        char path[PATH_MAX];
        const char *base = strrchr(name, '/');

        return snprintf(path, sizeof(path), "/sys/class/block/%s/dev", base ? base + 1 : name) < (int)sizeof(path) &&
               identity_read_number(root, path, major, minor) == 0;
}

/* Mount namespaces by the number of the first mount that a process sees: it is of one namespace only, and nothing but its mountinfo need be
 * readable. A process in a chroot sees another first mount, so what it does not see is read from one that does. */
typedef struct Namespaces {
        unsigned n;
        unsigned long seen[NAMESPACES_MAX];
} Namespaces;

static bool is_known(Namespaces *n, const char *first_line) {
        unsigned long id = strtoul(first_line, NULL, 10);

        for (unsigned i = 0; i < n->n; i++)
                if (n->seen[i] == id)
                        return true;
        if (n->n < NAMESPACES_MAX)
                n->seen[n->n++] = id;
        return false;
}

static int add_mount(DeviceUses *u, const char *root, const char *pid, const char *line) {
        DeviceUse use = { .kind = USE_MOUNTED };
        Mount m;

        if (!parse_mount(line, &m))
                return 0;
        /* Filesystems with a number of their own name a device in the source. */
        if (m.major == 0 && (m.source[0] != '/' || !number_of(root, m.source, &m.major, &m.minor)))
                return 0;
        use.major = m.major;
        use.minor = m.minor;
        if (isdigit((unsigned char)pid[0]))
                snprintf(use.text, sizeof(use.text), "mounted on %.120s in the mount namespace of process %.16s", m.point, pid);
        else
                snprintf(use.text, sizeof(use.text), "mounted on %.160s", m.point);
        return add(u, &use);
}

static FILE *open_mounts(const char *root, const char *pid) {
        char path[64];

        snprintf(path, sizeof(path), "/proc/%.16s/mountinfo", pid);
        return open_file(root, path);
}

static int read_mounts(DeviceUses *u, const char *root, const char *pid, Namespaces *known) {
        _cleanup_fclose_ FILE *f = open_mounts(root, pid);
        _cleanup_free_ char *line = NULL;
        size_t size = 0;
        int r = 0;

        if (!f)
                return -errno;
        for (bool first = true; r == 0 && getline(&line, &size, f) >= 0; first = false) {
                if (first && is_known(known, line))
                        return 0;
                r = add_mount(u, root, pid, line);
        }
        return r;
}

static int read_all_mounts(DeviceUses *u, const char *root) {
        _cleanup_(closedirp) DIR *d = open_directory(root, "/proc");
        Namespaces known = { 0 };
        struct dirent *entry;
        int r = read_mounts(u, root, "self", &known);

        while (r == 0 && d && (entry = readdir(d)))
                /* One that has ended meanwhile is left out. */
                if (isdigit((unsigned char)entry->d_name[0]) && read_mounts(u, root, entry->d_name, &known) == -ENOMEM)
                        r = -ENOMEM;
        return r;
}

static int read_btrfs_members(DeviceUses *u, const char *root, const char *fsid) {
        char path[PATH_MAX];
        _cleanup_(closedirp) DIR *d = NULL;
        struct dirent *entry;
        int r = 0;

        snprintf(path, sizeof(path), "/sys/fs/btrfs/%.64s/devices", fsid);
        d = open_directory(root, path);
        while (r == 0 && d && (entry = readdir(d))) {
                DeviceUse use = { .kind = USE_MOUNTED };
                if (entry->d_name[0] == '.' || !number_of(root, entry->d_name, &use.major, &use.minor))
                        continue;
                snprintf(use.text, sizeof(use.text), "a member of the mounted btrfs %.64s", fsid);
                r = add(u, &use);
        }
        return r;
}

static int read_btrfs(DeviceUses *u, const char *root) {
        _cleanup_(closedirp) DIR *d = open_directory(root, "/sys/fs/btrfs");
        struct dirent *entry;
        int r = 0;

        while (r == 0 && d && (entry = readdir(d)))
                if (entry->d_name[0] != '.')
                        r = read_btrfs_members(u, root, entry->d_name);
        return r;
}

static int read_swaps(DeviceUses *u, const char *root) {
        _cleanup_fclose_ FILE *f = open_file(root, "/proc/swaps");
        _cleanup_free_ char *line = NULL;
        size_t size = 0;
        int r = 0;

        if (!f)
                return errno == ENOENT ? 0 : -errno; /* a kernel without swap */
        while (r == 0 && getline(&line, &size, f) >= 0) {
                DeviceUse use = { .kind = USE_SWAP, .text = "used as swap" };
                line[strcspn(line, " \t")] = 0;
                if (line[0] == '/' && number_of(root, line, &use.major, &use.minor))
                        r = add(u, &use);
        }
        return r;
}

/* The device, the disk it is a partition of, and what these are built on. */
static int add_stack(DeviceUses *u, const char *root, const DeviceUse *use, unsigned depth) {
        char path[PATH_MAX];
        _cleanup_(closedirp) DIR *d = NULL;
        struct dirent *entry;
        DeviceUse below = *use;
        uint64_t number;
        int r = add(u, use);

        if (r < 0 || depth >= STACK_DEPTH_MAX)
                return r;
        snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", use->major, use->minor);
        if (fs_read_u64(root, path, &number) == 0) {
                snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../dev", use->major, use->minor);
                if (identity_read_number(root, path, &below.major, &below.minor) == 0)
                        return add_stack(u, root, &below, depth + 1);
                return 0;
        }
        snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/slaves", use->major, use->minor);
        d = open_directory(root, path);
        while (r == 0 && d && (entry = readdir(d)))
                if (entry->d_name[0] != '.' && number_of(root, entry->d_name, &below.major, &below.minor))
                        r = add_stack(u, root, &below, depth + 1);
        return r;
}

static bool is_below(const char *path, const char *directory) {
        size_t n = strlen(directory);

        if (n > 0 && directory[n - 1] == '/')
                n--;
        return strncmp(path, directory, n) == 0 && (path[n] == 0 || path[n] == '/');
}

/* Where the path really is; of one that does not exist yet, the directory that it will be made in. */
static void resolve(const char *root, const char *path, char real[static PATH_MAX]) {
        char asked[PATH_MAX], *slash;

        snprintf(asked, sizeof(asked), "%s", path);
        snprintf(real, PATH_MAX, "%s", path);
        if (root && root[0])
                return;
        while (!realpath(asked, real) && (slash = strrchr(asked, '/')) && slash > asked)
                *slash = 0;
        if (real[0] != '/')
                strcpy(real, "/");
}

/* As the process `pid` sees it. */
static int add_system(DeviceUses *u, const char *root, const char *pid, const char *path) {
        _cleanup_fclose_ FILE *f = open_mounts(root, pid);
        _cleanup_free_ char *line = NULL;
        char real[PATH_MAX];
        Mount m, best = { 0 };
        DeviceUse use = { .kind = USE_SYSTEM };
        size_t size = 0;

        if (!f)
                return -errno;
        resolve(root, path, real);
        while (getline(&line, &size, f) >= 0)
                if (parse_mount(line, &m) && is_below(real, m.point) && strlen(m.point) >= strlen(best.point))
                        best = m; /* later lines lie over earlier ones */
        if (best.major == 0 && (best.source[0] != '/' || !number_of(root, best.source, &best.major, &best.minor)))
                return 0;
        use.major = best.major;
        use.minor = best.minor;
        snprintf(use.text, sizeof(use.text), "holds %.160s", path);
        return add_stack(u, root, &use, 0);
}

/* A service may see an empty folder where the system has /home (ProtectHome=): so the first process is asked as well. */
static int add_system_path(DeviceUses *u, const char *root, const char *path) {
        int r = add_system(u, root, "self", path);

        return r < 0 ? r : add_system(u, root, "1", path);
}

int device_uses_read(DeviceUses *u, const char *root, const char *const *paths) {
        int r = read_all_mounts(u, root);

        if (r == 0)
                r = read_btrfs(u, root);
        if (r == 0)
                r = read_swaps(u, root);
        for (size_t i = 0; i < ELEMENTSOF(system_paths) && r == 0; i++)
                r = add_system_path(u, root, system_paths[i]);
        for (; paths && *paths && r == 0; paths++)
                r = add_system_path(u, root, *paths);
        return r;
}

int device_holder(const char *root, unsigned major, unsigned minor, char *buf, size_t size) {
        char path[PATH_MAX];
        _cleanup_(closedirp) DIR *d = NULL;
        struct dirent *entry;

        snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/holders", major, minor);
        d = open_directory(root, path);
        while (d && (entry = readdir(d)))
                if (entry->d_name[0] != '.') {
                        snprintf(buf, size, "%s", entry->d_name);
                        return 1;
                }
        return 0;
}

int device_partitions(const char *root, unsigned major, unsigned minor,
                      int (*func)(void *userdata, unsigned major, unsigned minor), void *userdata) {
        char path[PATH_MAX];
        _cleanup_(closedirp) DIR *d = NULL;
        struct dirent *entry;
        int r = 0;

        snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major, minor);
        d = open_directory(root, path);
        if (!d)
                return -errno;
        while (r == 0 && (entry = readdir(d))) {
                unsigned part_major, part_minor;
                uint64_t number;
                if (snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s/partition", major, minor, entry->d_name) >= (int)sizeof(path) ||
                    entry->d_name[0] == '.' || fs_read_u64(root, path, &number) < 0)
                        continue;
                snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%.255s/dev", major, minor, entry->d_name);
                r = identity_read_number(root, path, &part_major, &part_minor);
                if (r == 0)
                        r = func(userdata, part_major, part_minor);
        }
        return r;
}

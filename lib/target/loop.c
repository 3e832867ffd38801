/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "base/fs.h"
#include "base/units.h"

/* Between asking for a free number and configuring it, another program may take it. */
#define LOOP_TRIES 16
/* A tmpfs is memory: what must stay for everything else, so that full images do not bring the OOM killer. */
#define MEMORY_RESERVE (256 * MiB)

/* Bytes that new files on this tmpfs may take before the machine is out of memory; UINT64_MAX when that cannot be known. */
static uint64_t memory_available(void) {
        char text[4096], *at;
        uint64_t bytes;

        if (fs_read(NULL, "/proc/meminfo", text, sizeof(text)) < 0)
                return UINT64_MAX;
        at = strstr(text, "MemAvailable:");
        if (!at)
                return UINT64_MAX;
        bytes = strtoull(at + strlen("MemAvailable:"), NULL, 10) * KiB;
        return bytes > MEMORY_RESERVE ? bytes - MEMORY_RESERVE : 0;
}

/* What may still be written below the directory; false when it cannot be looked at. */
static bool room(const char *directory, uint64_t *ret, bool *ret_memory) {
        struct statvfs v;
        struct statfs s;
        uint64_t memory;

        if (statvfs(directory, &v) < 0 || statfs(directory, &s) < 0)
                return false;
        *ret = (uint64_t)v.f_bavail * v.f_frsize;
        *ret_memory = false;
        if (s.f_type != TMPFS_MAGIC && s.f_type != RAMFS_MAGIC)
                return true;
        memory = memory_available();
        if (s.f_type == RAMFS_MAGIC || memory < *ret) { /* ramfs says 0 */
                *ret = memory;
                *ret_memory = true;
        }
        return true;
}

/* Why the directory cannot be taken, or NULL: it can. `buf` may hold the answer. */
static const char *unfit(const char *directory, uint64_t need, char *buf, size_t size) {
        char have_text[UNITS_MAX];
        uint64_t have;
        bool memory;
        _cleanup_close_ int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

        if (fd < 0) {
                /* Filesystems that do not know O_TMPFILE see an attempt to open a directory for writing. */
                if (errno == EOPNOTSUPP || errno == EISDIR)
                        return "its filesystem has no unnamed files (O_TMPFILE)";
                return strerror(errno);
        }
        if (!room(directory, &have, &memory))
                return strerror(errno);
        if (have >= need)
                return NULL;
        snprintf(buf, size, "only %s %s", units_human_size(have, have_text), memory ? "of memory can be spared for it" : "free");
        return buf;
}

int loop_choose_directory(const char *const *directories, unsigned count, uint64_t size, Error *e) {
        char reasons[768] = "", need_text[UNITS_MAX], size_text[UNITS_MAX], buf[128];
        uint64_t need;

        if (__builtin_mul_overflow(count, size, &need))
                return error_set(e, EXIT_USAGE, EFBIG, "%u images of %s are more than any filesystem takes: make them smaller (Devices=)",
                                 count, units_human_size(size, size_text));
        for (int i = 0; directories[i]; i++) {
                const char *reason = unfit(directories[i], need, buf, sizeof(buf));
                size_t have = strlen(reasons);
                if (!reason)
                        return i;
                snprintf(reasons + have, sizeof(reasons) - have, "%s%s: %s", have ? "; " : "", directories[i], reason);
        }
        return error_set(e, EXIT_ERROR, ENOSPC,
                         "no image directory takes %u images of %s (%s in all): %s; free some space, name another directory "
                         "(ImageDirectories=) or make the devices fewer or smaller (Devices=)",
                         count, units_human_size(size, size_text), units_human_size(need, need_text),
                         reasons[0] ? reasons : "none is configured");
}

static int image_open(const char *directory, uint64_t size, Error *e) {
        char size_text[UNITS_MAX];
        _cleanup_close_ int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

        if (fd < 0)
                return error_set(e, EXIT_ERROR, errno,
                                 "no unnamed file (O_TMPFILE) can be made in %s: %s; name another directory (ImageDirectories=)", directory,
                                 strerror(errno));
        if (ftruncate(fd, (off_t)size) < 0)
                return error_set(e, EXIT_ERROR, errno, "an image in %s cannot have %s: %s; make the devices smaller (Devices=)", directory,
                                 units_human_size(size, size_text), strerror(errno));
        return TAKE_FD(fd);
}

static int control_open(Error *e) {
        int fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

        if (fd < 0)
                return error_set(e, EXIT_ERROR, errno,
                                 "/dev/loop-control cannot be opened: %s; load the loop driver (modprobe loop), or give this container the "
                                 "loop devices", strerror(errno));
        return fd;
}

/* One try. 0; -EBUSY: another program was faster; or an error with a sentence. */
static int configure(Loop *l, int control, int image, uint32_t sector_size, Error *e) {
        struct loop_config config = {
                .fd = (uint32_t)image,
                .block_size = sector_size,
                .info = { .lo_flags = LO_FLAGS_AUTOCLEAR, .lo_file_name = "scrubstress" },
        };
        _cleanup_close_ int fd = -1;
        int number = ioctl(control, LOOP_CTL_GET_FREE);

        if (number < 0)
                return error_set(e, EXIT_ERROR, errno, "no free loop device: %s; detach some (losetup -d) or raise the driver's max_loop",
                                 strerror(errno));
        snprintf(l->path, sizeof(l->path), "/dev/loop%d", number);
        fd = open(l->path, O_RDWR | O_CLOEXEC);
        if (fd < 0 && (errno == ENXIO || errno == ENODEV))
                return -EBUSY; /* removed again meanwhile */
        if (fd < 0 && errno == ENOENT)
                return error_set(e, EXIT_ERROR, ENOENT, "%s does not exist although the kernel has that device: /dev is not a devtmpfs; "
                                 "make the node (mknod %s b 7 %d) or mount a devtmpfs", l->path, l->path, number);
        if (fd < 0)
                return error_set(e, EXIT_ERROR, errno, "%s cannot be opened: %s", l->path, strerror(errno));
        if (ioctl(fd, LOOP_CONFIGURE, &config) < 0) {
                if (errno == EBUSY)
                        return -EBUSY;
                return error_set(e, EXIT_ERROR, errno,
                                 "%s cannot be configured with sectors of %u bytes: %s; LOOP_CONFIGURE needs Linux 5.8 or newer", l->path,
                                 sector_size, strerror(errno));
        }
        l->fd = TAKE_FD(fd);
        return 0;
}

int loop_create(Loop *l, const char *directory, uint64_t size, uint32_t sector_size, Error *e) {
        _cleanup_close_ int control = -1, image = -1;

        *l = LOOP_NULL;
        image = image_open(directory, size, e);
        if (image < 0)
                return image;
        control = control_open(e);
        if (control < 0)
                return control;
        for (unsigned i = 0; i < LOOP_TRIES; i++) {
                int r = configure(l, control, image, sector_size, e);
                if (r != -EBUSY)
                        return r;
        }
        return error_set(e, EXIT_ERROR, EBUSY, "other programs took %d free loop devices in a row before they were configured: try again",
                         LOOP_TRIES);
}

void loop_close(Loop *l) {
        closep(&l->fd);
        *l = LOOP_NULL;
}

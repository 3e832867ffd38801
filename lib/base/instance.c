/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/fs.h"

#define DIRECTORY "/run/scrubstress"

static int taken(const char *name, int fd, Error *e) {
        char pid[16] = "";

        if (pread(fd, pid, sizeof(pid) - 1, 0) <= 0)
                strcpy(pid, "unknown"); /* between its lock and its first words */
        return error_set(e, EXIT_REFUSED, EADDRINUSE,
                         "Instance '%s' is already running (pid %s), and its target is taken. Stop it first, or give this run "
                         "another name with --set Run.Instance=NAME.", name, pid);
}

static int cannot(const Instance *i, const char *name, Error *e) {
        return error_set(e, EXIT_ERROR, errno, "Cannot lock instance '%s' with the file %s: %s; run as root, with a /run that can be written to.",
                         name, i->path, strerror(errno));
}

/* Has the one who held it before removed the file that we have locked? */
static bool is_there(int fd, const char *path) {
        struct stat ours, there;

        return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

int instance_lock(Instance *i, const char *root, const char *name, Error *e) {
        char directory[sizeof(i->path)];

        *i = INSTANCE_NULL;
        if (snprintf(i->path, sizeof(i->path), "%s" DIRECTORY "/%s.lock", root ?: "", name) >= (int)sizeof(i->path))
                return error_set(e, EXIT_USAGE, ENAMETOOLONG,
                                 "The instance name '%s' is too long; choose a shorter one for Run.Instance.", name);
        snprintf(directory, sizeof(directory), "%s" DIRECTORY, root ?: "");
        fs_mkdir_p(directory); /* ignored: without it there is no file to open */
        for (;;) {
                _cleanup_close_ int fd = open(i->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

                if (fd < 0)
                        return cannot(i, name, e);
                if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                        return errno == EWOULDBLOCK ? taken(name, fd, e) : cannot(i, name, e);
                if (!is_there(fd, i->path))
                        continue;
                if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d", getpid()) < 0)
                        return cannot(i, name, e);
                i->fd = TAKE_FD(fd);
                return 0;
        }
}

void instance_unlock(Instance *i) {
        if (i->fd < 0)
                return;
        unlink(i->path); /* while it is ours */
        close(i->fd);
        *i = INSTANCE_NULL;
}

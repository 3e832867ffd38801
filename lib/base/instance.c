/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/instance.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* The pid that holds the name, as the kernel knows it; 0: cannot be found out. */
static pid_t holder(const struct sockaddr_un *address, socklen_t length) {
        struct ucred peer = { 0 };
        socklen_t n = sizeof(peer);
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0 || connect(fd, (const struct sockaddr *)address, length) < 0)
                return 0;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
                return 0;
        return peer.pid;
}

int instance_lock(const char *name, Error *e) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t length;

        if (fd < 0)
                return error_set(e, EXIT_ERROR, errno, "Cannot make a socket for the lock of instance '%s': %s.", name, strerror(errno));
        length = (socklen_t)offsetof(struct sockaddr_un, sun_path) + 1 +
                 (socklen_t)snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "scrubstress/%s", name);
        if (length > sizeof(address))
                return error_set(e, EXIT_USAGE, ENAMETOOLONG,
                                 "The instance name '%s' is too long; choose a shorter one for Run.Instance.", name);
        if (bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 1) < 0) {
                pid_t pid;

                if (errno != EADDRINUSE)
                        return error_set(e, EXIT_ERROR, errno, "Cannot lock instance '%s': %s.", name, strerror(errno));
                pid = holder(&address, length);
                return error_set(e, EXIT_REFUSED, EADDRINUSE,
                                 "Instance '%s' is already running (pid %d), and its target is taken. Stop it first, or give this run "
                                 "another name with --set Run.Instance=NAME.", name, pid);
        }
        return TAKE_FD(fd);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Stands for scrubstress-smart.socket: listens where smart_ask() asks, below a folder that stands for the machine.
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fs.h"
#include "observe/smart-ask.h"

/* The caller owns the fd. */
static inline int smart_helper_listen(const char *root) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        snprintf(address.sun_path, sizeof(address.sun_path), "%s/run/scrubstress", root);
        assert_int_equal(fs_mkdir_p(address.sun_path), 0);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s" SMART_SOCKET, root);
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 16), 0);
        return fd;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/smart-ask.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/child.h"
#include "base/clock.h"

#define NAME_SIZE 32 /* DISK_NAME_LEN of the kernel */

int smart_run(const char *name, uint64_t timeout_ns, char *output, size_t size) {
        char path[sizeof("/dev/") + NAME_SIZE];
        const char *argv[] = { "smartctl", "--json=c", "-a", path, NULL };

        if (snprintf(path, sizeof(path), "/dev/%s", name) >= (int)sizeof(path))
                return -ENODEV;
        return child_run(argv, timeout_ns, output, size);
}

static int connect_helper(const char *root, uint64_t timeout_ns) {
        const struct timeval most = { .tv_sec = (time_t)(timeout_ns / NSEC_PER_SEC) + 1 };
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = -1;

        if (snprintf(address.sun_path, sizeof(address.sun_path), "%s" SMART_SOCKET, root ?: "") >= (int)sizeof(address.sun_path))
                return -ENAMETOOLONG;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        /* That, too, is how long a connect() waits when there are too many. */
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)) < 0 ||
            connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* The answer in the buffer becomes the output. */
static int open_answer(char *answer) {
        char *end;
        long result = strtol(answer, &end, 10);
        unsigned long length;

        if (end == answer || *end != ' ' || result < INT_MIN || result > INT_MAX)
                return -EPROTO;
        length = strtoul(end + 1, &end, 10);
        if (*end != '\n' || strlen(end + 1) != length)
                return -EPROTO;
        memmove(answer, end + 1, length + 1);
        return (int)result;
}

int smart_ask(const char *root, const char *name, uint64_t timeout_ns, char *output, size_t size) {
        uint64_t until_ns = clock_mono_ns() + timeout_ns;
        _cleanup_close_ int fd = connect_helper(root, timeout_ns);
        int r;

        if (fd < 0)
                return smart_run(name, timeout_ns, output, size);
        output[0] = 0;
        if (send(fd, name, strlen(name), MSG_NOSIGNAL) != (ssize_t)strlen(name) || shutdown(fd, SHUT_WR) < 0)
                return -EPROTO;
        r = child_collect(fd, until_ns, output, size);
        if (r == 0)
                r = open_answer(output);
        if (r < 0)
                output[0] = 0;
        return r;
}

/* The newline is a person's, at a terminal. */
static void cut_newline(char *name) {
        size_t n = strlen(name);

        if (n > 0 && name[n - 1] == '\n')
                name[n - 1] = 0;
}

/* One component of a path, and no dot that leads out of it. */
static bool is_disk(const char *root, const char *name) {
        char path[PATH_MAX];
        size_t n = 0;

        while (isalnum((unsigned char)name[n]) || (n > 0 && (name[n] == '-' || name[n] == '_')))
                n++;
        if (n == 0 || name[n] || n >= NAME_SIZE)
                return false;
        return snprintf(path, sizeof(path), "%s/sys/block/%s", root ?: "", name) < (int)sizeof(path) && access(path, F_OK) == 0;
}

static int write_all(int fd, const char *text, size_t n) {
        while (n > 0) {
                ssize_t k = write(fd, text, n);
                if (k < 0 && errno != EINTR)
                        return -errno;
                text += MAX_OF(k, 0);
                n -= (size_t)MAX_OF(k, 0);
        }
        return 0;
}

int smart_serve(const char *root, int in, int out, uint64_t timeout_ns) {
        uint64_t until_ns = clock_mono_ns() + timeout_ns, now_ns;
        _cleanup_free_ char *output = malloc(SMART_OUTPUT_MAX);
        char name[2 * NAME_SIZE], header[64];
        int r, n;

        if (!output)
                return -ENOMEM;
        output[0] = 0;
        r = child_collect(in, until_ns, name, sizeof(name));
        cut_newline(name);
        now_ns = clock_mono_ns();
        if (r == 0)
                r = is_disk(root, name) ? smart_run(name, until_ns - MIN_OF(until_ns, now_ns), output, SMART_OUTPUT_MAX) : -ENODEV;
        n = snprintf(header, sizeof(header), "%d %zu\n", r, strlen(output));
        r = write_all(out, header, (size_t)n);
        return r < 0 ? r : write_all(out, output, strlen(output));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/replace-wake.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/macro.h"

#define WAKE_FILE "wake-replace"

void replace_wake(int root_fd) {
        _cleanup_close_ int file = openat(root_fd, WAKE_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (file >= 0 && write(file, WAKE_FILE, sizeof(WAKE_FILE)) > 0)
                fsync(file);
        unlinkat(root_fd, WAKE_FILE, 0);
}

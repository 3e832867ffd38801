/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/mkfs.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/child.h"

#define MKFS_TIMEOUT_NS (120 * NSEC_PER_SEC)
#define MKFS_DEVICES_MAX 16

/* Cuts `text` down to its last line that says something. */
static const char *last_line(char *text) {
        size_t n = strlen(text);
        char *line;

        while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
                text[--n] = 0;
        line = strrchr(text, '\n');
        line = line ? line + 1 : text;
        return line[0] ? line : "it said nothing";
}

int mkfs_btrfs(const char *const devices[], const MkfsOptions *options, Error *e) {
        char nodesize[24], output[4096];
        const char *argv[16 + MKFS_DEVICES_MAX] = {
                "mkfs.btrfs", "--quiet", "--label", MKFS_LABEL, "--data", options->data_profile, "--metadata", options->metadata_profile,
                "--checksum", options->checksum, "--nodesize", nodesize, "--nodiscard", /* images are new: nothing to discard, and faster */
        };
        size_t n = 0;
        int r;

        snprintf(nodesize, sizeof(nodesize), "%" PRIu64, options->nodesize);
        while (argv[n])
                n++;
        for (size_t i = 0; devices[i]; i++) {
                if (n + 1 >= ELEMENTSOF(argv) || i >= MKFS_DEVICES_MAX)
                        return error_set(e, EXIT_USAGE, E2BIG, "more than %d devices: name fewer (Devices=)", MKFS_DEVICES_MAX);
                argv[n++] = devices[i];
        }
        r = child_run(argv, MKFS_TIMEOUT_NS, output, sizeof(output));
        if (r == -ENOENT)
                return error_set(e, EXIT_ERROR, ENOENT, "mkfs.btrfs is not in PATH: install btrfs-progs (apt install btrfs-progs)");
        if (r == -ETIMEDOUT)
                return error_set(e, EXIT_ERROR, ETIMEDOUT,
                                 "mkfs.btrfs on %s did not end within two minutes and was killed: look for stuck storage below the images",
                                 devices[0]);
        if (r < 0)
                return error_set(e, EXIT_ERROR, -r, "mkfs.btrfs could not be run: %s", strerror(-r));
        if (r > 0)
                return error_set(e, EXIT_ERROR, EIO, "mkfs.btrfs on %s failed with status %d: %s", devices[0], r, last_line(output));
        return 0;
}

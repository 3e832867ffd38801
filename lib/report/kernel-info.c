/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/kernel-info.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "base/fs.h"

/* Bit n is letter n: Documentation/admin-guide/tainted-kernels.rst, as of 6.18. */
static const char letters[] = "PFSRMBUDAWCIOELKXTNJ";

static void decode(uint64_t mask, char *taint, size_t size) {
        size_t have = 0;

        taint[0] = 0;
        for (unsigned bit = 0; bit < 64 && have + 1 < size; bit++) {
                int n;
                if (!(mask & (UINT64_C(1) << bit)))
                        continue;
                if (bit < sizeof(letters) - 1)
                        n = snprintf(taint + have, size - have, "%c", letters[bit]);
                else
                        n = snprintf(taint + have, size - have, "+bit%u", bit);
                have += (size_t)n;
        }
}

int report_kernel(char *kernel, size_t kernel_size, char *taint, size_t taint_size, const char *root) {
        struct utsname u;
        uint64_t mask;
        int r;

        snprintf(taint, taint_size, "unknown");
        snprintf(kernel, kernel_size, "unknown");
        if (uname(&u) < 0)
                return -errno;
        snprintf(kernel, kernel_size, "%s %s", u.release, u.machine);
        r = fs_read_u64(root, "/proc/sys/kernel/tainted", &mask);
        if (r < 0)
                return r;
        decode(mask, taint, taint_size);
        return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/vfs-options.h"

#include <libmount/libmount.h>
#include <stdlib.h>

#include "base/macro.h"

int vfs_options_split(const char *options, unsigned long *flags, char **fs) {
        _cleanup_free_ char *vfs = NULL;
        int r;

        *flags = 0;
        *fs = NULL;
        r = mnt_split_optstr(options, NULL, &vfs, fs, 0, 0);
        return r == 0 && vfs ? mnt_optstr_get_flags(vfs, flags, mnt_get_builtin_optmap(MNT_LINUX_MAP)) : r;
}

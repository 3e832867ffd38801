/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/device-spec.h"

#include <errno.h>
#include <string.h>

#include "base/units.h"

static const char loop_prefix[] = "loop:";
static const char block_prefix[] = "/dev/";

/* "4": digits alone, without a leading zero. */
static int parse_count(const char *s, unsigned *ret) {
        size_t n = strspn(s, "0123456789");

        if (n == 0 || s[n] || s[0] == '0')
                return -EINVAL;
        if (n > 1 || s[0] - '0' > DEVICE_LOOPS_MAX)
                return -ERANGE;
        *ret = (unsigned)(s[0] - '0');
        return 0;
}

static int parse_loop(const char *s, DeviceSpec *ret) {
        const char *star = strchrnul(s, '*');
        char size[UNITS_MAX];
        uint64_t bytes;
        unsigned n = 1;
        int r;

        if ((size_t)(star - s) >= sizeof(size))
                return -EINVAL;
        *(char *)mempcpy(size, s, (size_t)(star - s)) = 0;
        r = units_parse_size(size, &bytes);
        if (r == 0 && *star)
                r = parse_count(star + 1, &n);
        if (r < 0)
                return r;
        if (bytes < DEVICE_SIZE_MIN || bytes > DEVICE_SIZE_MAX)
                return -ERANGE;
        *ret = (DeviceSpec){ .kind = DEVICE_LOOP, .n = n, .size = bytes - bytes % MiB };
        return 0;
}

int device_spec_parse(const char *s, DeviceSpec *ret) {
        if (strncmp(s, loop_prefix, strlen(loop_prefix)) == 0)
                return parse_loop(s + strlen(loop_prefix), ret);
        if (strncmp(s, block_prefix, strlen(block_prefix)) != 0)
                return -EINVAL;
        *ret = (DeviceSpec){ .kind = DEVICE_BLOCK };
        return 0;
}

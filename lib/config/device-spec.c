/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/device-spec.h"

#include <errno.h>
#include <string.h>

#include "base/units.h"

static const char loop_prefix[] = "loop:";
static const char block_prefix[] = "/dev/";
static const char blanks[] = " \t";

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

unsigned device_words_count(const char *list) {
        unsigned n = 0;

        for (const char *p = list + strspn(list, blanks); *p; p += strspn(p, blanks)) {
                p += strcspn(p, blanks);
                n++;
        }
        return n;
}

bool device_words_get(const char *list, unsigned index, char word[static DEVICE_NAME_MAX]) {
        const char *p = list + strspn(list, blanks);
        size_t n;

        for (; *p && index > 0; index--) {
                p += strcspn(p, blanks);
                p += strspn(p, blanks);
        }
        n = strcspn(p, blanks);
        if (n == 0 || n >= DEVICE_NAME_MAX)
                return false;
        *(char *)mempcpy(word, p, n) = 0;
        return true;
}

/* Every word is below /dev/ and goes nowhere else by way of "..". */
static int parse_block(const char *s, DeviceSpec *ret) {
        unsigned n = device_words_count(s);
        char word[DEVICE_NAME_MAX];

        for (unsigned i = 0; i < n; i++)
                if (!device_words_get(s, i, word) || strncmp(word, block_prefix, strlen(block_prefix)) != 0 ||
                    !word[strlen(block_prefix)] || strstr(word, "/../") || strstr(word, "//"))
                        return -EINVAL;
        if (n > DEVICE_DISKS_MAX)
                return -ERANGE;
        *ret = (DeviceSpec){ .kind = DEVICE_BLOCK, .n = n };
        return 0;
}

int device_spec_parse(const char *s, DeviceSpec *ret) {
        if (strncmp(s, loop_prefix, strlen(loop_prefix)) == 0)
                return parse_loop(s + strlen(loop_prefix), ret);
        if (strncmp(s, block_prefix, strlen(block_prefix)) != 0)
                return -EINVAL;
        return parse_block(s, ret);
}

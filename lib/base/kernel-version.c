/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/kernel-version.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/fs.h"

#define NUMBER_MAX 99999

/* Returns what comes after the digits; NULL: there are none, or too many. */
static const char *take_number(const char *s, unsigned *ret) {
        unsigned n = 0;

        if (!isdigit((unsigned char)*s))
                return NULL;
        for (; isdigit((unsigned char)*s); s++) {
                n = n * 10 + (unsigned)(*s - '0');
                if (n > NUMBER_MAX)
                        return NULL;
        }
        *ret = n;
        return s;
}

/* Debian writes "6.19~rc3". */
static bool is_rc(const char *s) {
        return (*s == '-' || *s == '~') && s[1] == 'r' && s[2] == 'c' && isdigit((unsigned char)s[3]);
}

/* Returns what comes after the version; NULL: there is none. */
static const char *take_version(const char *s, KernelVersion *ret) {
        KernelVersion v = KERNEL_VERSION_NULL;

        s = take_number(s, &v.major);
        if (!s || v.major == 0 || *s != '.')
                return NULL;
        s = take_number(s + 1, &v.minor);
        if (s && *s == '.' && isdigit((unsigned char)s[1]))
                s = take_number(s + 1, &v.patch);
        if (s && is_rc(s))
                s = take_number(s + 3, &v.rc);
        if (s)
                *ret = v;
        return s;
}

int kernel_version_parse(const char *s, KernelVersion *ret) {
        KernelVersion v;
        const char *end = take_version(s, &v);

        if (!end || *end)
                return -EINVAL;
        *ret = v;
        return 0;
}

int kernel_version_of(const char *release, const char *version, const char *signature, KernelVersion *ret) {
        const char *debian = strstr(version, "Debian "), *ubuntu = strrchr(signature, ' ');

        *ret = KERNEL_VERSION_NULL;
        if (debian && take_version(debian + strlen("Debian "), ret))
                return 0;
        if (ubuntu && take_version(ubuntu + 1, ret))
                return 0;
        return take_version(release, ret) ? 0 : -EINVAL;
}

int kernel_version_running(const char *root, KernelVersion *ret) {
        char signature[256];
        struct utsname u;

        *ret = KERNEL_VERSION_NULL;
        if (uname(&u) < 0)
                return -errno;
        if (fs_read(root, "/proc/version_signature", signature, sizeof(signature)) < 0)
                signature[0] = 0;
        return kernel_version_of(u.release, u.version, signature, ret);
}

static int order(unsigned a, unsigned b) {
        return (a > b) - (a < b);
}

int kernel_version_compare(const KernelVersion *a, const KernelVersion *b) {
        return order(a->major, b->major) ?: order(a->minor, b->minor) ?: order(a->patch, b->patch) ?:
               order(a->rc ?: UINT_MAX, b->rc ?: UINT_MAX);
}

bool kernel_version_has(const KernelVersion *v, const KernelVersion *releases, size_t n) {
        for (const KernelVersion *r = releases; r < releases + n; r++) {
                bool branch = r->major == v->major && r->minor == v->minor;
                if ((r->patch == 0 || branch) && kernel_version_compare(v, r) >= 0)
                        return true;
        }
        return false;
}

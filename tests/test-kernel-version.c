/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "base/kernel-version.h"
#include "base/macro.h"

static KernelVersion version(const char *s) {
        KernelVersion v;

        if (kernel_version_parse(s, &v) < 0)
                fail_msg("\"%s\" is no version", s);
        return v;
}

/* From the oldest to the newest. */
static void are_in_order(void **state _unused_) {
        static const char *const order[] = { "2.6", "4.4", "4.19.300", "5.0", "5.9.9", "5.15", "5.15.131", "6.1-rc1", "6.1", "6.1.9", "6.1.140",
                                             "6.2", "6.10", "6.12.60", "6.18", "6.19-rc1", "6.19-rc3", "6.19-rc10", "6.19", "6.19.1", "7.0-rc1",
                                             "7.0" };

        for (size_t a = 0; a < ELEMENTSOF(order); a++)
                for (size_t b = 0; b < ELEMENTSOF(order); b++) {
                        KernelVersion va = version(order[a]), vb = version(order[b]);
                        int r = kernel_version_compare(&va, &vb);
                        if ((r > 0) - (r < 0) != (a > b) - (a < b))
                                fail_msg("%s and %s: %d", order[a], order[b], r);
                }
}

static void what_is_no_version(void **state _unused_) {
        static const char *const bad[] = { "", "6", "6.", "6.x", ".1", "v6.1", "6.1.", "6.1.2.3", "6.1-56", "6.1-rc", "6.1-rcx", "6.1 ", " 6.1",
                                           "-6.1", "6.1.100000", "99999999999999999999.1", "0.9", "6.19-rc3-next" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                KernelVersion v = { .major = 77 };
                if (kernel_version_parse(bad[i], &v) != -EINVAL || v.major != 77)
                        fail_msg("\"%s\" is taken for %u.%u", bad[i], v.major, v.minor);
        }
}

static void of_what_uname_says(void **state _unused_) {
        static const struct {
                const char *release, *version, *signature, *want;
        } cases[] = {
                { "6.18.44", "#1 SMP PREEMPT_DYNAMIC Mon Nov 2 12:00:00 UTC 2026", "", "6.18.44" },
                { "6.12.117-fixed", "#3 SMP", "", "6.12.117" },
                { "6.19.0-rc3+", "#1 SMP", "", "6.19-rc3" },
                { "6.19.0-rc3-next-20260105", "#1", "", "6.19-rc3" },
                { "6.1.0-56-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-10-01)", "", "6.1.192" },
                { "6.19~rc3-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.19~rc3-1~exp1 (2026-01-10)", "", "6.19-rc3" },
                { "5.15.0-91-generic", "#101-Ubuntu SMP", "Ubuntu 5.15.0-91.101-generic 5.15.131", "5.15.131" },
                { "5.14.0-362.el9.x86_64", "#1 SMP PREEMPT_DYNAMIC", "", "5.14" },
                { "6.18.44", "#1 built on Debian by hand", "a signature of somebody else", "6.18.44" },
                { "6.1", "", "", "6.1" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                KernelVersion got, want = version(cases[i].want);
                assert_int_equal(kernel_version_of(cases[i].release, cases[i].version, cases[i].signature, &got), 0);
                if (kernel_version_compare(&got, &want) != 0)
                        fail_msg("%s, %s: %u.%u.%u-rc%u, expected %s", cases[i].release, cases[i].version, got.major, got.minor, got.patch, got.rc,
                                 cases[i].want);
        }
}

static void of_what_nobody_understands(void **state _unused_) {
        KernelVersion v = { .major = 77 };

        assert_int_equal(kernel_version_of("mine", "#1", "", &v), -EINVAL);
        assert_int_equal(v.major, 0);
}

static void of_this_kernel(void **state _unused_) {
        KernelVersion v;

        assert_int_equal(kernel_version_running("", &v), 0);
        assert_true(v.major >= 4);
}

/* Fixed in 6.19, and in two stable branches. */
static void what_came_with_a_release(void **state _unused_) {
        const KernelVersion fixed[] = { version("6.19-rc4"), version("6.12.60"), version("6.1.158") };
        static const struct {
                const char *kernel;
                bool has;
        } cases[] = {
                { "5.15.300", false }, { "6.1", false }, { "6.1.157", false }, { "6.1.158", true }, { "6.1.200", true },
                { "6.2", false }, /* newer than 6.1.158, but of another branch */
                { "6.12", false }, { "6.12.59", false }, { "6.12.60", true }, { "6.13.9", false }, { "6.18.44", false },
                { "6.19-rc3", false }, { "6.19-rc4", true }, { "6.19", true }, { "6.19.1", true }, { "7.1.3", true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                KernelVersion v = version(cases[i].kernel);
                if (kernel_version_has(&v, fixed, ELEMENTSOF(fixed)) != cases[i].has)
                        fail_msg("%s", cases[i].kernel);
                assert_false(kernel_version_has(&v, fixed, 0));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(are_in_order),
                cmocka_unit_test(what_is_no_version),
                cmocka_unit_test(of_what_uname_says),
                cmocka_unit_test(of_what_nobody_understands),
                cmocka_unit_test(of_this_kernel),
                cmocka_unit_test(what_came_with_a_release),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

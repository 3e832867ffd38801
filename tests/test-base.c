/* SPDX-License-Identifier: GPL-2.0-or-later */
/* error, clock, rng, fs, instance: the small things everything stands on. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/fs.h"
#include "base/instance.h"
#include "base/rng.h"

static void error_keeps_the_first_word(void **state _unused_) {
        Error e = ERROR_NULL;

        assert_int_equal(error_set(&e, EXIT_REFUSED, EBUSY, "%s is busy.", "loop7"), -EBUSY);
        assert_int_equal(e.exit, EXIT_REFUSED);
        assert_string_equal(e.sentence, "loop7 is busy.");
        assert_int_equal(error_set(NULL, EXIT_ERROR, EIO, "nobody listens"), -EIO);
}

static void exit_codes_are_the_contract(void **state _unused_) {
        static const char *const names[] = { "PASS", "FAIL", "USAGE", "INCONCLUSIVE", "ERROR", "REFUSED" };

        assert_int_equal(ELEMENTSOF(names), _EXIT_CODE_MAX);
        for (unsigned i = 0; i < ELEMENTSOF(names); i++) {
                assert_string_equal(exit_code_name((ExitCode)i), names[i]);
                assert_true(strlen(exit_code_meaning((ExitCode)i)) > 10);
        }
        assert_string_equal(exit_code_name((ExitCode)77), "UNKNOWN");
}

static void errno_names_go_both_ways(void **state _unused_) {
        char buf[16];
        unsigned named = 0;

        for (int err = 1; err <= 133; err++) {
                const char *name = errno_name(err, buf);
                assert_int_equal(errno_from_name(name), err);
                named += name[1] < '0' || name[1] > '9';
        }
        assert_true(named > 125);
        assert_string_equal(errno_name(EINVAL, buf), "EINVAL");
        assert_string_equal(errno_name(4711, buf), "E4711");
        assert_int_equal(errno_from_name("ENONSENSE"), -1);
}

static void clocks_go_forward(void **state _unused_) {
        uint64_t a = clock_mono_ns(), b;
        char buf[CLOCK_ISO_MAX];

        clock_sleep_ns(5 * NSEC_PER_MSEC);
        b = clock_mono_ns();
        assert_true(b - a >= 5 * NSEC_PER_MSEC);
        assert_string_equal(clock_iso(UINT64_C(1700000000) * NSEC_PER_SEC + 7 * NSEC_PER_MSEC, buf), "2023-11-14T22:13:20.007Z");
}

static void rng_is_reproducible_and_spread(void **state _unused_) {
        unsigned hits[10] = { 0 };
        Rng a, b, other;

        rng_seed(&a, 42, 3);
        rng_seed(&b, 42, 3);
        rng_seed(&other, 42, 4);
        for (unsigned i = 0; i < 100; i++) {
                uint64_t x = rng_next(&a);
                assert_int_equal(x, rng_next(&b));
                assert_int_not_equal(x, rng_next(&other));
        }
        for (unsigned i = 0; i < 10000; i++) {
                uint64_t n = rng_below(&a, 10);
                assert_true(n < 10);
                hits[n]++;
        }
        for (unsigned i = 0; i < 10; i++)
                assert_in_range(hits[i], 850, 1150);
        assert_int_equal(rng_below(&a, 0), 0);
        assert_int_not_equal(rng_random_seed(), rng_random_seed());
}

static void fs_reads_and_writes_below_a_prefix(void **state _unused_) {
        char dir[] = "/tmp/test-base-XXXXXX", path[64], buf[8];
        uint64_t n = 0;
        FILE *f;

        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/a/b", dir);
        assert_int_equal(fs_mkdir_p(path), 0);
        assert_int_equal(fs_mkdir_p(path), 0);
        snprintf(path, sizeof(path), "%s/a/b/n", dir);
        f = fopen(path, "w");
        fputs("0x1000\n\n", f);
        fclose(f);
        assert_int_equal(fs_read(dir, "/a/b/n", buf, sizeof(buf)), 6);
        assert_string_equal(buf, "0x1000");
        assert_int_equal(fs_read(dir, "/a/b/n", buf, 4), 3);
        assert_string_equal(buf, "0x1");
        assert_int_equal(fs_read_u64(dir, "/a/b/n", &n), 0);
        assert_int_equal(n, 4096);
        assert_int_equal(fs_read(dir, "/none", buf, sizeof(buf)), -ENOENT);
        assert_int_equal(fs_write(dir, "/a/b/n", "word"), 0);
        assert_int_equal(fs_read(dir, "/a/b/n", buf, sizeof(buf)), 4);
        assert_string_equal(buf, "word");
        assert_int_equal(fs_write(dir, "/a/none", "word"), -ENOENT); /* never makes one */
        assert_int_equal(fs_write(dir, "/a/b", "word"), -EISDIR);
        assert_int_equal(fs_read_u64(dir, "/a/b/n", &n), -EINVAL);
        assert_int_equal(fs_mkdir_p(strcat(path, "/below-a-file")), -ENOTDIR);
        path[strlen(path) - strlen("/below-a-file")] = 0;
        unlink(path);
        snprintf(path, sizeof(path), "%s/a/b", dir);
        rmdir(path);
        snprintf(path, sizeof(path), "%s/a", dir);
        rmdir(path);
        rmdir(dir);
}

static void an_instance_is_held_once(void **state _unused_) {
        char root[] = "/tmp/scrubstress-test-base-XXXXXX", path[128], pid[32], long_name[300];
        Instance first, again, other;
        Error e = ERROR_NULL;

        assert_non_null(mkdtemp(root));
        assert_int_equal(instance_lock(&first, root, "one", &e), 0);
        assert_int_equal(instance_lock(&again, root, "one", &e), -EADDRINUSE);
        assert_int_equal(e.exit, EXIT_REFUSED);
        snprintf(pid, sizeof(pid), "(pid %d)", getpid());
        assert_non_null(strstr(e.sentence, pid));
        assert_non_null(strstr(e.sentence, "'one'"));
        assert_int_equal(instance_lock(&other, root, "other", &e), 0);
        instance_unlock(&other);
        instance_unlock(&first);
        instance_unlock(&first);
        snprintf(path, sizeof(path), "%s/run/scrubstress/one.lock", root);
        assert_int_equal(access(path, F_OK), -1);
        assert_int_equal(instance_lock(&again, root, "one", &e), 0);
        assert_int_equal(access(path, F_OK), 0);
        close(again.fd); /* as the kernel does to who is killed: the file stays and is in nobody's way */
        assert_int_equal(instance_lock(&again, root, "one", &e), 0);
        instance_unlock(&again);
        memset(long_name, 'x', sizeof(long_name) - 1);
        long_name[sizeof(long_name) - 1] = 0;
        assert_int_equal(instance_lock(&again, root, long_name, &e), -ENAMETOOLONG);
        assert_int_equal(e.exit, EXIT_USAGE);
        *strrchr(path, '/') = 0;
        assert_int_equal(rmdir(path), 0);
        *strrchr(path, '/') = 0;
        assert_int_equal(rmdir(path), 0);
        assert_int_equal(rmdir(root), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(error_keeps_the_first_word),
                cmocka_unit_test(exit_codes_are_the_contract),
                cmocka_unit_test(errno_names_go_both_ways),
                cmocka_unit_test(clocks_go_forward),
                cmocka_unit_test(rng_is_reproducible_and_spread),
                cmocka_unit_test(fs_reads_and_writes_below_a_prefix),
                cmocka_unit_test(an_instance_is_held_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

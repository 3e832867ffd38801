/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is printed of a configuration: it loads back, and every text that is nearly one is refused or loads back as well. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>

#include "base/rng.h"
#include "config-assign.h"
#include "config/key.h"

static int load_text(Config *c, const char *text, size_t n, Error *e) {
        _cleanup_close_ int fd = memfd_create("config", MFD_CLOEXEC);
        char path[64];

        assert_int_equal(write(fd, text, n), n);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return config_load_file(c, path, true, NULL, e);
}

static void assert_same_values(const Config *a, const Config *b) {
        for (const Key *k = keys; k < keys + n_keys; k++)
                if (memcmp((const char *)a + k->offset, (const char *)b + k->offset, k->size) != 0)
                        fail_msg("[%s] %s= differs", k->section, k->name);
}

static char *print_to_text(void (*print)(const Config *, FILE *), const Config *c) {
        char *text = NULL;
        size_t n;
        FILE *f = open_memstream(&text, &n);

        print(c, f);
        fclose(f);
        return text;
}

static void print_sample(const Config *c _unused_, FILE *f) {
        config_print_sample(f);
}

static void print_man(const Config *c _unused_, FILE *f) {
        config_print_man(f);
}

/* What is printed loads back to the same values, twice printed is the same text, and every origin is in it. */
static void assert_round_trip(const Config *c) {
        _cleanup_free_ char *text = print_to_text(config_print, c);
        Error e = ERROR_NULL;
        Config again;

        config_init(&again);
        if (load_text(&again, text, strlen(text), &e) < 0)
                fail_msg("%s in:\n%s", e.sentence, text);
        assert_same_values(c, &again);
        for (const Key *k = keys; k < keys + n_keys; k++)
                assert_non_null(strstr(text, key_origin(k, c)));
}

static void test_round_trip(void **state _unused_) {
        char directory[CONFIG_STRING_MAX], origin[300];
        Config c;

        config_init(&c);
        assert_round_trip(&c);
        assign_all(&c, "Run.Duration=90m|Run.Seed=18446744073709551615|Churn.Empty=punch,unlink|Churn.Fill=mixed|Balance.UsageData=7|"
                       "Scrub.ReadOnly=1|Churn.FileSize=1536KiB|Target.MountOptions=compress=zstd:3,discard=async|"
                       "Target.ImageDirectories=/a  /b#c|Sync.Rest=1500us");
        assert_round_trip(&c);
        /* The longest value and the longest origin, the latter with what could break out of a comment. */
        memset(directory, 'd', sizeof(directory) - 1);
        directory[0] = '/';
        directory[sizeof(directory) - 1] = 0;
        memset(origin, 'o', sizeof(origin));
        strcpy(origin + sizeof(origin) - 32, "\n[Run]\nSeed=x\n.conf:12");
        assert_int_equal(key_assign(key_find("Run", "EvidenceDirectory"), &c, directory, origin, NULL), 0);
        assert_int_equal(key_assign(key_find("Target", "ImageDirectories"), &c, directory, origin, NULL), 0);
        assert_int_equal(key_assign(key_find("Run", "Instance"), &c, "n", origin, NULL), 0);
        assert_int_equal(strlen(key_origin(key_find("Run", "Instance"), &c)), CONFIG_ORIGIN_MAX - 1);
        assert_non_null(strstr(key_origin(key_find("Run", "Instance"), &c), ".conf:12"));
        assert_round_trip(&c);
}

/* The sample says nothing as it is; with its keys uncommented it says the defaults. */
static void test_sample(void **state _unused_) {
        _cleanup_free_ char *text = print_to_text(print_sample, NULL);
        Config defaults, c;

        config_init(&defaults);
        c = defaults;
        assert_int_equal(load_text(&c, text, strlen(text), NULL), 0);
        assert_memory_equal(&c, &defaults, sizeof(c));
        for (char *p = text; (p = strstr(p, "\n#")); p++)
                if (p[2] != ' ')
                        p[1] = ' ';
        assert_int_equal(load_text(&c, text, strlen(text), NULL), 0);
        assert_same_values(&c, &defaults);
        for (const Key *k = keys; k < keys + n_keys; k++)
                assert_non_null(strstr(key_origin(k, &c), "/proc/self/fd/"));
}

static unsigned count(const char *text, const char *part) {
        unsigned n = 0;

        for (; (text = strstr(text, part)); text++)
                n++;
        return n;
}

static void test_man(void **state _unused_) {
        _cleanup_free_ char *text = print_to_text(print_man, NULL);

        assert_int_equal(count(text, ".TP\n"), n_keys);
        assert_int_equal(count(text, ". Default: \\fB"), n_keys);
        assert_int_equal(count(text, ".SS ["), 16);
        assert_non_null(strstr(text, ".SS [Churn]\n.TP\n\\fBWorkers=\\fR\n"));
        assert_non_null(strstr(text, "one of auto, uring or pwrite. Default: \\fBauto\\fR."));
        assert_non_null(strstr(text, "a whole number, from 1 to 256. Default: \\fB4\\fR."));
        assert_non_null(strstr(text, "kill \\-9"));
        assert_int_equal(count(text, "-"), count(text, "\\-"));
}

/* Changes a byte, takes some away, doubles some, or moves in a word that matters. */
static size_t mutate(Rng *rng, char *text, size_t n, size_t size) {
        static const char *const words[] = {
                "[Run]", "=",    ";",     "\n",           "\r\n", "[",  "]", "\\", "-1", "99999999999999999999", "loop:",
                "*",     "%s%n", "Seed=", "\xef\xbb\xbf", "\xff", "..", "/", "0x", " ;", "\t",                   ",",
        };
        size_t at = (size_t)rng_below(rng, n + 1), some = (size_t)rng_below(rng, 40);
        const char *word = words[rng_below(rng, ELEMENTSOF(words))];

        switch (rng_below(rng, 4)) {
        case 0:
                if (at < n)
                        text[at] = (char)rng_next(rng);
                return n;
        case 1:
                some = MIN_OF(some, n - at);
                memmove(text + at, text + at + some, n - at - some);
                return n - some;
        case 2:
                some = MIN_OF(some, MIN_OF(n - at, size - n));
                memmove(text + at + some, text + at, n - at);
                return n + some;
        default:
                some = strlen(word);
                if (n + some > size)
                        return n;
                memmove(text + at + some, text + at, n - at);
                memcpy(text + at, word, some);
                return n + some;
        }
}

/* Whatever the text: it is refused with a sentence, nothing changed, or accepted, and then it prints back to itself. */
static void test_mutations(void **state _unused_) {
        unsigned accepted = 0, refused = 0;
        _cleanup_free_ char *original = NULL;
        char text[16384];
        Config defaults;
        Rng rng;

        config_init(&defaults);
        original = print_to_text(config_print, &defaults);
        rng_seed(&rng, 20150602, 1);
        for (unsigned i = 0; i < 2000; i++) {
                size_t n = strlen(original);
                Error e = ERROR_NULL;
                Config c = defaults;
                memcpy(text, original, n);
                for (uint64_t m = 1 + rng_below(&rng, 6); m > 0; m--)
                        n = mutate(&rng, text, n, sizeof(text));
                if (load_text(&c, text, n, &e) == 0) {
                        assert_round_trip(&c);
                        config_check(&c, &e);
                        accepted++;
                } else {
                        assert_true(e.exit == EXIT_USAGE && strlen(e.sentence) > 20);
                        assert_memory_equal(&c, &defaults, sizeof(c));
                        refused++;
                }
        }
        assert_true(accepted > 500 && refused > 500);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_sample),
                cmocka_unit_test(test_man),
                cmocka_unit_test(test_mutations),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "config/key.h"
#include "config/load-profile.h"

static void set(Config *c, const char *assignment) {
        Error e = ERROR_NULL;

        if (config_set(c, assignment, &e) != 0)
                fail_msg("%s: %s", assignment, e.sentence);
}

static void load(Config *c, const char *text) {
        _cleanup_close_ int fd = memfd_create("config", MFD_CLOEXEC);
        Error e = ERROR_NULL;
        char path[64];

        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (config_load_file(c, path, true, NULL, &e) != 0)
                fail_msg("%s: %s", text, e.sentence);
}

static void assert_value(const Config *c, const char *section, const char *name, const char *value, const char *origin) {
        const Key *k = key_find(section, name);
        char is[KEY_VALUE_MAX];

        key_print(k, c, is);
        assert_string_equal(is, value);
        assert_non_null(strstr(key_origin(k, c), origin));
}

/* The key of "Section.Key=VALUE". */
static const Key *key_of(const char *assignment) {
        _cleanup_free_ char *copy = strdup(assignment);
        char *dot = strchr(copy, '.'), *equals = strchr(copy, '=');

        assert_true(dot && equals && dot < equals);
        *dot = *equals = 0;
        return key_find(copy, dot + 1);
}

/* Every profile can be run, and each of its values is what its key then prints, and is news. */
static void test_table(void **state _unused_) {
        assert_string_equal(load_profiles[0].name, key_find("Run", "Profile")->value);
        assert_null(load_profiles[0].values[0]);
        for (const LoadProfile *p = load_profiles; p < load_profiles + n_load_profiles; p++) {
                char assignment[64], origin[LOAD_PROFILE_ORIGIN_MAX];
                Error e = ERROR_NULL;
                Config c;
                assert_ptr_equal(load_profile_find(p->name), p);
                assert_true(strlen(p->help) > 40 && p->help[strlen(p->help) - 1] == '.');
                assert_true(strlen(p->name) < sizeof(c.run.profile));
                config_init(&c);
                snprintf(assignment, sizeof(assignment), "Run.Profile=%s", p->name);
                set(&c, assignment);
                if (config_check(&c, &e) != 0)
                        fail_msg("%s: %s", p->name, e.sentence);
                load_profile_origin(p, origin);
                for (const char *const *v = p->values; *v; v++) {
                        const Key *k = key_of(*v);
                        assert_true(k && k->type != &type_load_profile);
                        assert_value(&c, k->section, k->name, strchr(*v, '=') + 1, origin);
                        assert_true(config_is_default(&c, k->section, k->name));
                }
        }
        assert_null(load_profile_find("rac"));
}

static void assert_burst(const Config *c) {
        assert_value(c, "Churn", "Fill", "fallocate", "profile burst");
        assert_value(c, "Churn", "Files", "7", "fd/");
        assert_value(c, "Churn", "FileSize", "1MiB", "command line");
        assert_value(c, "Sync", "Workers", "0", "profile burst");
        assert_value(c, "Sync", "Rest", "300us", "default");
        assert_true(config_is_default(c, "Churn", "Fill") && config_is_default(c, "Run", "Duration"));
        assert_false(config_is_default(c, "Churn", "Files"));
}

/* Whatever comes first, what is said of a key wins over the profile, the default's own value too. */
static void test_order(void **state _unused_) {
        Config c, other;

        config_init(&c);
        load(&c, "[Churn]\nFiles=7\n[Run]\nProfile=burst\n");
        set(&c, "Churn.FileSize=1MiB");
        assert_burst(&c);
        config_init(&other);
        set(&other, "Churn.FileSize=1MiB");
        load(&other, "[Run]\nProfile=burst\n[Churn]\nFiles=7\n");
        assert_burst(&other);
        assert_value(&c, "Run", "Profile", "burst", "fd/");
        set(&c, "Churn.Files=");
        assert_value(&c, "Churn", "Files", "4", "profile burst");
        set(&c, "Run.Profile=race");
        assert_value(&c, "Churn", "Fill", "write", "default");
        assert_value(&c, "Churn", "Files", "1", "default");
        assert_value(&c, "Churn", "FileSize", "1MiB", "command line");
        set(&c, "Run.Profile=burst");
        assert_value(&c, "Churn", "Fill", "fallocate", "profile burst");
        set(&c, "Run.Profile=");
        assert_value(&c, "Run", "Profile", "race", "default");
        assert_value(&c, "Churn", "Fill", "write", "default");
}

static void test_unknown(void **state _unused_) {
        char allowed[KEY_TEXT_MAX] = "allowed: ";
        Error e = ERROR_NULL;
        Config c, before;

        config_init(&c);
        before = c;
        key_describe(key_find("Run", "Profile"), allowed + strlen(allowed));
        for (const LoadProfile *p = load_profiles; p < load_profiles + n_load_profiles; p++)
                assert_non_null(strstr(allowed, p->name));
        assert_int_equal(config_set(&c, "Run.Profile=bust", &e), -EINVAL);
        assert_int_equal(e.exit, EXIT_USAGE);
        assert_non_null(strstr(e.sentence, "[Run] Profile=bust"));
        assert_non_null(strstr(e.sentence, allowed));
        assert_memory_equal(&c, &before, sizeof(c));
}

/* A file may be called like an origin of ours: what it says is not a default. */
static void test_origin(void **state _unused_) {
        char origin[LOAD_PROFILE_ORIGIN_MAX];

        assert_string_equal(load_profile_origin(load_profile_find("burst"), origin), "profile burst");
        assert_true(load_profile_is_origin(origin));
        assert_false(load_profile_is_origin("profile burst:3"));
        assert_false(load_profile_is_origin("default"));
}

/* Section and name must fit whole: a key whose name begins like another's gets nothing of it. */
static void test_value(void **state _unused_) {
        const LoadProfile *p = load_profile_find("burst");

        assert_string_equal(load_profile_value(p, "Churn", "Files"), "4");
        assert_null(load_profile_value(p, "Churn", "File"));
        assert_null(load_profile_value(p, "Chur", "Files"));
        assert_null(load_profile_value(p, "Sync", "Files"));
}

static char *printed(void (*print)(FILE *)) {
        char *text = NULL;
        size_t n;
        FILE *f = open_memstream(&text, &n);

        print(f);
        fclose(f);
        return text;
}

static void print_config(FILE *f) {
        Config c;

        config_init(&c);
        config_print(&c, f);
}

/* A help is wrapped: its first words are looked for. Of the values, those that a roff text leaves as they are. */
static void test_printed(void **state _unused_) {
        static void (*const prints[])(FILE *) = { print_config, config_print_sample, config_print_man_profiles };

        for (size_t i = 0; i < ELEMENTSOF(prints); i++) {
                _cleanup_free_ char *text = printed(prints[i]);
                for (const LoadProfile *p = load_profiles; p < load_profiles + n_load_profiles; p++) {
                        char start[24];
                        snprintf(start, sizeof(start), "%s", p->help);
                        assert_non_null(strstr(text, p->name));
                        assert_non_null(strstr(text, start));
                        for (const char *const *v = p->values; *v; v++)
                                assert_non_null(strstr(text, *v));
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table),  cmocka_unit_test(test_order), cmocka_unit_test(test_unknown),
                cmocka_unit_test(test_origin), cmocka_unit_test(test_value), cmocka_unit_test(test_printed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

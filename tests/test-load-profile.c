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
#include "plan/pairs.h"
#include "stress/budget.h"

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

static void of_profile(const char *name, Config *c) {
        char assignment[64];

        config_init(c);
        snprintf(assignment, sizeof(assignment), "Run.Profile=%s", name);
        set(c, assignment);
        assert_int_equal(config_check(c, NULL), 0);
}

static void test_plans(void **state _unused_) {
        for (const LoadProfile *p = load_profiles; p < load_profiles + n_load_profiles; p++) {
                Error e = ERROR_NULL;
                Config c;
                Plan plan;
                of_profile(p->name, &c);
                if (plan_make(&plan, &c, 42, &e) != 0)
                        fail_msg("%s: %s", p->name, e.sentence);
                assert_true(c.churn.workers > 0 && (c.scrub.enabled || c.replace.enabled)); /* else there are no collisions */
        }
}

/* A run without a duration takes 60 s, not the whole walk: scrubs, without which there would be few collisions, come early. */
static void test_matrix(void **state _unused_) {
        Config c;
        Plan plan;
        Pairs pairs;
        unsigned scrubs = 0;

        of_profile("matrix", &c);
        assert_int_equal(plan_make(&plan, &c, 42, NULL), 0);
        assert_int_equal(pairs_make(&pairs, &plan, c.run.pair_time_ns, 0, NULL), 0);
        assert_int_equal(pairs.n, 15);
        for (unsigned i = 0; i < 60 * NSEC_PER_SEC / c.run.pair_time_ns; i++)
                scrubs += pairs.list[i].first == &stressor_scrub || pairs.list[i].second == &stressor_scrub;
        assert_true(scrubs >= 2);
}

/* A new target of loop files; chunks as in target.c, next_chunk_size(), for one data stripe. Returns what mkfs.btrfs and the data that stays leave
 * unallocated. The first data group of mkfs.btrfs is one of 8 MiB or a whole one, as versions go. */
static uint64_t unallocated(const Config *c, Target *t, uint64_t first_group) {
        unsigned copies = budget_copies(config_metadata_profile(c), c->target.n_devices);
        uint64_t total = c->target.n_devices * c->target.device_size, used = first_group;

        *t = (Target){ .n_devices = c->target.n_devices };
        for (unsigned i = 0; i < t->n_devices; i++)
                t->devices[i].size = c->target.device_size;
        t->data_chunk_size = MIN_OF((total / 10 + 16 * MiB - 1) / (16 * MiB) * (16 * MiB), GiB);
        t->metadata_chunk_size = MIN_OF(t->data_chunk_size, 256 * MiB);
        while (used < c->target.populate)
                used += t->data_chunk_size;
        return total - used - copies * (t->metadata_chunk_size + 8 * MiB);
}

/* A cycle fits, with all that it overwrites or defragments, though groups are made whole. */
static void assert_roomy(const char *profile) {
        Target t;
        Config c;
        Budget b;
        uint64_t bytes, left;

        of_profile(profile, &c);
        left = unallocated(&c, &t, 8 * MiB);
        budget_make(&b, &c, &t);
        bytes = c.churn.workers * c.churn.files * c.churn.file_size * (c.churn.empty & EMPTY_WRITES ? 2 : 1);
        if (!budget_room(&b, left, bytes + t.data_chunk_size))
                fail_msg("%s", profile);
}

static void test_room(void **state _unused_) {
        for (const LoadProfile *p = load_profiles; p < load_profiles + n_load_profiles; p++)
                if (strcmp(p->name, "matrix") == 0 || strcmp(p->name, "soak") == 0)
                        assert_roomy(p->name);
}

/* Room to start (job.c, check_room()), but not for all files of a cycle. */
static void test_enospc(void **state _unused_) {
        uint64_t left;
        Target t;
        Config c;
        Budget b;

        of_profile("enospc", &c);
        left = unallocated(&c, &t, 8 * MiB);
        budget_make(&b, &c, &t);
        assert_true(budget_room(&b, left, MAX_OF(c.churn.file_size, 3 * t.data_chunk_size)));
        assert_false(budget_room(&b, left, c.churn.workers * c.churn.files * c.churn.file_size));
}

/* No more stays than an aimed scrub takes for a group that lives. */
static void test_soak(void **state _unused_) {
        Error e = ERROR_NULL;
        Config c;

        of_profile("soak", &c);
        assert_true(c.target.populate > 0 && c.target.populate <= 16 * MiB); /* CHURN_SLACK of budget.c */
        assert_int_equal(c.churn.verify_every, 1);
        set(&c, "Target.Devices=/dev/sdb");
        set(&c, "Target.Wipe=A");
        if (config_check(&c, &e) != 0)
                fail_msg("%s", e.sentence);
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

/* Comments are wrapped at blanks, which some values have. */
static void unwrap(char *text) {
        size_t out = 0;

        for (size_t in = 0; text[in]; in++) {
                bool joins = strncmp(text + in, "\n# ", 3) == 0;
                text[out++] = joins ? ' ' : text[in];
                in += joins ? 2 : 0;
        }
        text[out] = 0;
}

/* A help is wrapped: its first words are looked for. Of the values, those that a roff text leaves as they are. */
static void test_printed(void **state _unused_) {
        static void (*const prints[])(FILE *) = { print_config, config_print_sample, config_print_man_profiles };

        for (size_t i = 0; i < ELEMENTSOF(prints); i++) {
                _cleanup_free_ char *text = printed(prints[i]);
                unwrap(text);
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
                cmocka_unit_test(test_plans),  cmocka_unit_test(test_matrix), cmocka_unit_test(test_room),
                cmocka_unit_test(test_enospc), cmocka_unit_test(test_soak),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

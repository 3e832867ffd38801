/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which configuration files are found, and which of them wins; test-config.c has what stands in them. */
#include "config-fixture.h"

#include <errno.h>

#include "config/key.h"

static int load_root(Place *p) {
        ConfigWarn warn = { on_warning, p };

        p->error = ERROR_NULL;
        config_init(&p->config);
        return config_load(&p->config, p->root, &warn, &p->error);
}

static void put_seed(Place *p, const char *name, const char *seed) {
        char text[64];

        snprintf(text, sizeof(text), "[Run]\nSeed=%s\n", seed);
        put(p, name, text);
}

static void assert_seed(Place *p, uint64_t seed, const char *origin) {
        assert_int_equal(load_root(p), 0);
        if (p->config.run.seed != seed)
                fail_msg("seed %llu, expected %llu", (unsigned long long)p->config.run.seed, (unsigned long long)seed);
        assert_has(key_origin(key_find("Run", "Seed"), &p->config), origin);
}

/* From the last place looked at to the first; each file added wins over those before it. */
static void test_search_main(void **state) {
        static const char *const places[] = { "/usr/lib", "/usr/local/lib", "/run", "/etc" };
        Place *p = *state;

        assert_seed(p, 0, "default");
        for (unsigned i = 0; i < ELEMENTSOF(places); i++) {
                char name[64], seed[16], origin[80];
                snprintf(name, sizeof(name), "%s/scrubstress/scrubstress.conf", places[i]);
                snprintf(seed, sizeof(seed), "%u", i + 1);
                snprintf(origin, sizeof(origin), "%s:2", name);
                put_seed(p, name, seed);
                assert_seed(p, i + 1, origin);
        }
        put(p, "/etc/scrubstress/scrubstress.conf", ""); /* found, and says nothing: the others are not read */
        assert_seed(p, 0, "default");
        put(p, "/etc/scrubstress/scrubstress.conf", "[Run]\nSeed=x\n");
        assert_refused(p, load_root(p), EXIT_USAGE, "/etc/scrubstress/scrubstress.conf:2: [Run] Seed=x");
        assert_int_equal(p->config.run.seed, 0);
}

static void test_search_drop_ins(void **state) {
        Place *p = *state;
        Config before;

        put_seed(p, "/usr/lib/scrubstress/scrubstress.conf.d/50-a.conf", "50");
        assert_seed(p, 50, "/usr/lib/scrubstress/scrubstress.conf.d/50-a.conf:2");
        put_seed(p, "/etc/scrubstress/scrubstress.conf", "1"); /* goes before all drop-ins */
        assert_seed(p, 50, "50-a.conf:2");
        put_seed(p, "/etc/scrubstress/scrubstress.conf.d/40-b.conf", "40"); /* by name, not by directory */
        assert_seed(p, 50, "50-a.conf:2");
        put_seed(p, "/run/scrubstress/scrubstress.conf.d/60-c.conf", "60");
        assert_seed(p, 60, "/run/");
        put_seed(p, "/usr/local/lib/scrubstress/scrubstress.conf.d/60-c.conf", "61"); /* hidden by /run */
        assert_seed(p, 60, "/run/");
        put_seed(p, "/etc/scrubstress/scrubstress.conf.d/60-c.conf", "62"); /* hides /run */
        assert_seed(p, 62, "/etc/");
        put(p, "/etc/scrubstress/scrubstress.conf.d/60-c.conf", ""); /* masks it */
        assert_seed(p, 50, "/usr/lib/");
        assert_int_equal(symlink("/dev/null", full(p, "/run/scrubstress/scrubstress.conf.d/50-a.conf")), 0);
        assert_seed(p, 40, "/etc/");
        put_seed(p, "/etc/scrubstress/scrubstress.conf.d/99-z.conf~", "not a drop-in");
        put_seed(p, "/etc/scrubstress/scrubstress.conf.d/.99-z.conf", "hidden");
        put_seed(p, "/etc/scrubstress/scrubstress.conf.d/.conf", "hidden");
        assert_seed(p, 40, "/etc/");
        put(p, "/etc/scrubstress/scrubstress.conf.d/70-other.conf", "[Scrub]\nReadOnly=yes\n"); /* adds, takes nothing away */
        assert_seed(p, 40, "/etc/");
        assert_true(p->config.scrub.readonly);
        put(p, "/etc/scrubstress/scrubstress.conf.d/80-bad.conf", "\n[Scrub]\nReadOnly=maybe\n");
        config_init(&before);
        assert_refused(p, load_root(p), EXIT_USAGE, "80-bad.conf:3: [Scrub] ReadOnly=maybe");
        assert_memory_equal(&p->config, &before, sizeof(before));
        assert_int_equal(unlink(full(p, "/etc/scrubstress/scrubstress.conf.d/80-bad.conf")), 0);
        assert_int_equal(symlink("nowhere", p->path), 0);
        assert_refused(p, load_root(p), EXIT_USAGE, "80-bad.conf: cannot read this configuration file: No such file");
}

static int load_instance(Place *p, const char *name) {
        ConfigWarn warn = { on_warning, p };
        int r = load_root(p);

        return r < 0 ? r : config_load_instance(&p->config, p->root, name, &warn, &p->error);
}

/* [Run] Instance= after loading the instance, and where it came from. */
static void assert_instance(Place *p, const char *name, const char *value, const char *origin) {
        int r = load_instance(p, name);

        if (r != 0)
                fail_msg("%d: %s", r, p->error.sentence);
        assert_string_equal(p->config.run.instance, value);
        assert_has(key_origin(key_find("Run", "Instance"), &p->config), origin);
}

static void test_instance(void **state) {
        Place *p = *state;
        Config before;

        put(p, "/etc/scrubstress/scrubstress.conf", "[Run]\nSeed=1\nMaxFindings=7\n");
        put(p, "/etc/scrubstress/scrubstress.conf.d/99-last.conf", "[Run]\nSeed=2\n");
        put(p, "/usr/lib/scrubstress/sn-1.2.conf", "[Run]\nSeed=3\n");
        assert_instance(p, "sn-1.2", "sn-1.2", "instance sn-1.2");
        assert_false(config_is_default(&p->config, "Run", "Instance"));
        assert_int_equal(p->config.run.seed, 3); /* goes over the drop-ins of all, too */
        assert_int_equal(p->config.run.max_findings, 7);
        put(p, "/run/scrubstress/sn-1.2.conf", "[Run]\nSeed=4\n"); /* hides that in /usr/lib */
        assert_instance(p, "sn-1.2", "sn-1.2", "instance sn-1.2");
        assert_int_equal(p->config.run.seed, 4);
        put(p, "/etc/scrubstress/sn-1.2.conf.d/10.conf", "[Run]\nSeed=5\n");
        put(p, "/etc/scrubstress/other.conf", "[Run]\nSeed=6\n");
        put(p, "/etc/scrubstress/other.conf.d/10.conf", "[Run]\nMaxFindings=8\n");
        assert_instance(p, "sn-1.2", "sn-1.2", "instance sn-1.2");
        assert_int_equal(p->config.run.seed, 5);
        assert_has(key_origin(key_find("Run", "Seed"), &p->config), "/etc/scrubstress/sn-1.2.conf.d/10.conf:2");
        assert_int_equal(p->config.run.max_findings, 7);
        put(p, "/etc/scrubstress/other.conf", "[Run]\nInstance=a\n");
        assert_instance(p, "other", "a", "/etc/scrubstress/other.conf:2");
        assert_int_equal(p->config.run.seed, 2);
        assert_int_equal(p->config.run.max_findings, 8);
        put(p, "/etc/scrubstress/other.conf", "[Run]\nInstance=a\nInstance=\n"); /* the default again: the name */
        assert_instance(p, "other", "other", "instance other");
        put(p, "/etc/scrubstress/scrubstress.conf.d/99-last.conf", "[Run]\nInstance=lab\n");
        put(p, "/etc/scrubstress/other.conf", "");
        assert_instance(p, "other", "lab", "99-last.conf:2");
        put(p, "/etc/scrubstress/other.conf", "[Run]\nSeed=x\n");
        assert_int_equal(load_root(p), 0);
        before = p->config;
        assert_refused(p, load_instance(p, "other"), EXIT_USAGE, "/etc/scrubstress/other.conf:2: [Run] Seed=x");
        assert_memory_equal(&p->config, &before, sizeof(before));
}

static void test_instance_names(void **state) {
        static const char *const bad[] = { "", "../x", "a/b", ".x", "-x", "a b", "scrubstress",
                                           "0123456789012345678901234567890123456789012345678901234567890123" };
        Place *p = *state;

        put(p, "/etc/scrubstress/scrubstress.conf", "");
        put(p, "/etc/x.conf", "");
        put(p, "/etc/scrubstress/.x.conf", "");
        put(p, "/etc/scrubstress/a/b.conf", "");
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_refused(p, load_instance(p, bad[i]), EXIT_USAGE, "not a name of an instance; allowed: letters, digits");
        put(p, "/etc/scrubstress/only.conf.d/10.conf", "");
        assert_refused(p, load_instance(p, "only"), EXIT_USAGE, "there is no only.conf in /etc/scrubstress, /run/scrubstress, ");
}

int main(void) {
        const struct CMUnitTest tests[] = { T(test_search_main), T(test_search_drop_ins), T(test_instance), T(test_instance_names) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

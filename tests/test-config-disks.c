/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of disks and serials: as many and as long as they come, in a file, over several lines of one, on the command line, and printed. */
#include "config-fixture.h"

#include <json-c/json.h>

#include "config/device-spec.h"
#include "config/key.h"
#include "made-up-report.h"
#include "report/report.h"

#define LINK_MAX_UDEV 84 /* /dev/disk/by-id/nvme-MODEL_SERIAL_NAMESPACE with 40 and 20 bytes */

static int load(Place *p, const char *text) {
        p->error = ERROR_NULL;
        config_init(&p->config);
        return config_load_file(&p->config, put(p, "/file.conf", text), true, NULL, &p->error);
}

/* n words of so many bytes, each another, with `separator` between two. */
typedef struct Words {
        const char *first; /* how each begins */
        unsigned n;
        size_t length;
} Words;

static const char *list(const Words *w, const char *separator, char buf[static 4096]) {
        char *s = buf;

        for (unsigned i = 0; i < w->n; i++) {
                char *word = s = stpcpy(s, i > 0 ? separator : "");
                memset(word, 'x', w->length);
                memcpy(word, w->first, strlen(w->first));
                s += w->length;
                s[-2] = (char)('0' + i / 10);
                s[-1] = (char)('0' + i % 10);
                *s = 0;
        }
        return buf;
}

static void assert_lists(const Config *c, const char *devices, const char *wipe, const char *origin) {
        assert_string_equal(c->target.devices, devices);
        assert_string_equal(c->target.wipe, wipe);
        assert_has(key_origin(key_find("Target", "Devices"), c), origin);
}

static void test_sizes(void **state) {
        static const struct {
                unsigned n;
                size_t disk, serial;
        } sizes[] = { { 1, 20, 4 }, { 4, 60, 14 }, { 8, LINK_MAX_UDEV, 20 }, { 16, LINK_MAX_UDEV, 20 }, { 16, 95, 95 }, { 6, 255, 255 } };
        Place *p = *state;

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                Words disks = { "/dev/disk/by-id/", sizes[i].n, sizes[i].disk }, serials = { "S", sizes[i].n, sizes[i].serial };
                char devices[4096], wipe[4096], broken[2][4096], text[16384];
                _cleanup_free_ char *printed = NULL, *values = NULL;

                list(&disks, " ", devices);
                list(&serials, " ", wipe);
                snprintf(text, sizeof(text), "[Target]\nWipe=%s\nDevices=%s\n", wipe, devices); /* as they are */
                assert_int_equal(load(p, text), 0);
                assert_lists(&p->config, devices, wipe, "/file.conf:3");
                assert_int_equal(config_check(&p->config, &p->error), 0);
                assert_int_equal(p->config.target.n_devices, sizes[i].n);
                snprintf(text, sizeof(text), "[Target]\nWipe=%s\n\nDevices=%s\n", list(&serials, " \\\n  ", broken[0]),
                         list(&disks, " \\\n\t", broken[1])); /* a line each */
                assert_int_equal(load(p, text), 0);
                snprintf(text, sizeof(text), "/file.conf:%u", sizes[i].n + 3);
                assert_lists(&p->config, devices, wipe, text);
                config_init(&p->config);
                snprintf(text, sizeof(text), "Target.Devices=%s", devices);
                assert_int_equal(config_set(&p->config, text, &p->error), 0);
                snprintf(text, sizeof(text), "Target.Wipe=%s", wipe);
                assert_int_equal(config_set(&p->config, text, &p->error), 0);
                assert_lists(&p->config, devices, wipe, "command line");
                assert_int_equal(config_check(&p->config, &p->error), 0);
                printed = PRINTED(f, config_print(&p->config, f));
                values = PRINTED(f, config_print_values(&p->config, f));
                assert_int_equal(load(p, printed), 0);
                assert_lists(&p->config, devices, wipe, "/file.conf:");
                assert_int_equal(load(p, values), 0);
                assert_lists(&p->config, devices, wipe, "/file.conf:");
        }
}

/* One byte, or one disk, more than there is room for. */
static void test_too_many(void **state) {
        static const struct {
                const char *key;
                Words words;
                const char *error;
        } lists[] = {
                { "Devices", { "/dev/", 17, 10 }, "out of range; allowed: loop:SIZE*N" },
                { "Devices", { "/dev/", 17, 10 }, "or 1 to 16 disks, each /dev/NAME, separated by blanks, at most 1535 bytes long" },
                { "Devices", { "/dev/", 16, 96 }, "out of range; allowed: loop:SIZE*N" },
                { "Devices", { "/dev/", 1, 256 }, "not understood; allowed: loop:SIZE*N" },
                { "Wipe", { "S", 16, 96 }, "out of range; allowed: serials separated by blanks, with _ for a blank inside of one, at most 1535" },
                { "Wipe", { "S", 1, 256 }, "out of range; allowed: serials" },
        };
        Place *p = *state;

        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                char words[4096], text[8192], where[64];
                snprintf(text, sizeof(text), "[Target]\nSize=1TiB\n%s=%s\n", lists[i].key, list(&lists[i].words, " \\\n", words));
                assert_refused(p, load(p, text), EXIT_USAGE, lists[i].error);
                snprintf(where, sizeof(where), "/file.conf:3: [Target] %s=%s", lists[i].key, lists[i].words.first);
                assert_has(p->error.sentence, where);
                assert_int_equal(p->config.target.size, 0);
                snprintf(text, sizeof(text), "Target.%s=%s", lists[i].key, list(&lists[i].words, " ", words));
                assert_refused(p, config_set(&p->config, text, &p->error), EXIT_USAGE, lists[i].error);
                assert_true(config_is_default(&p->config, "Target", lists[i].key));
        }
}

#define ENDS "/file.conf:2: the line ends in \\, so the next one must be more of it, and is not"

/* Lines below [Target]: what Devices= and Wipe= are then; NULL: their defaults. */
static const struct {
        const char *text, *devices, *wipe, *error;
} continued[] = {
        { "Devices=/dev/a \\\n/dev/b\nWipe=A \\\n\t B\n", "/dev/a /dev/b", "A B", NULL },
        { "Devices=/dev/a \\\r\n  /dev/b\r\nWipe=A\r\n", "/dev/a /dev/b", "A", NULL },
        { "Devices=/dev/a\\\n/dev/b\\\n/dev/c", "/dev/a /dev/b /dev/c", NULL, NULL },
        { "Devices=/dev/a\t\\\n/dev/b\r", "/dev/a /dev/b", NULL, NULL },
        { "Devices=/dev/a \\ \t\n/dev/b\n", "/dev/a /dev/b", NULL, NULL },
        { "Devices=/dev/a \\\n# /dev/x \\\n  ; /dev/y\n  /dev/b ; bay 2\nWipe=A\n", "/dev/a /dev/b", "A", NULL },
        { "Devices=/dev/a \\ ; bay 1\n/dev/b\t; bay 2 \\\nWipe=A\n", "/dev/a /dev/b", "A", NULL },
        { "# \\\nDevices=/dev/a ; \\\nWipe=A\n", "/dev/a", "A", NULL },
        { "Devices= \\\n  /dev/a\nWipe \\\n= A\n", "/dev/a", "A", NULL },
        { "Wipe=A\n\\\nDevices=/dev/a\n", "/dev/a", "A", NULL },
        { "Wipe=A\\ B\n", NULL, "A\\ B", NULL },
        { "[Target] \\\nDevices=/dev/a\n", "/dev/a", NULL, NULL },
        { "Devices=/dev/a \\\n  /dev/b\nDevices=/dev/c\n", "/dev/c", NULL, NULL },
        { "Devices=/dev/a \\\n", NULL, NULL, ENDS },
        { "Devices=/dev/a \\", NULL, NULL, ENDS },
        { "Devices=/dev/a \\\r\n/dev/b \\\r\n", NULL, NULL, ENDS },
        { "Devices=/dev/a \\\n\n/dev/b\n", NULL, NULL, ENDS },
        { "Devices=/dev/a \\\r\n \t\r\nWipe=A\r\n", NULL, NULL, ENDS },
        { "Devices=/dev/a \\\n# /dev/b\n", NULL, NULL, ENDS },
        { "Devices=/dev/a \\\n# /dev/b\n\n/dev/c\n", NULL, NULL, ENDS },
        { "Devices=/dev/a \\\n[Run]\nSeed=7\n", NULL, NULL, ENDS },
        { "Devices=/dev/a \\\nWipe=A\n", NULL, NULL, "/file.conf:2: [Target] Devices=/dev/a Wipe=A: not understood" },
        { "Devices=/dev/a \\\nDevices=/dev/b\n", NULL, NULL, "/file.conf:2: [Target] Devices=/dev/a Devices=/dev/b: not understood" },
        { "Devices=/dev/a \\\n  loop:1GiB\n", NULL, NULL, "/file.conf:2: [Target] Devices=/dev/a loop:1GiB: not understood" },
        { "Devices=/dev/a \\\n# x\n/dev/b\nSize=x\n", NULL, NULL, "/file.conf:5: [Target] Size=x: not understood" },
        { "Devices=/dev/a \\\n/dev/b\njunk\n", NULL, NULL, "/file.conf:4: neither a [Section], nor a Key=VALUE" },
        { "junk \\\njunk\nDevices=/dev/a\n", NULL, NULL, "/file.conf:2: neither a [Section], nor a Key=VALUE" },
        { "junk\nDevices=/dev/a \\\n/dev/b\nSize=x\n", NULL, NULL, "/file.conf:2: neither a [Section], nor a Key=VALUE" },
        { "Devices=/dev/a \\\n/dev/\x01\n", NULL, NULL, "/file.conf:2: the control character 0x01" },
};

static void test_continued(void **state) {
        Place *p = *state;

        for (size_t i = 0; i < ELEMENTSOF(continued); i++) {
                char text[256];
                int r;
                snprintf(text, sizeof(text), "[Target]\n%s", continued[i].text);
                r = load(p, text);
                if (continued[i].error)
                        assert_refused(p, r, EXIT_USAGE, continued[i].error);
                else if (r < 0)
                        fail_msg("\"%s\": %s", text, p->error.sentence);
                assert_string_equal(p->config.target.devices, continued[i].devices ?: key_find("Target", "Devices")->value);
                assert_string_equal(p->config.target.wipe, continued[i].wipe ?: key_find("Target", "Wipe")->value);
                assert_int_equal(p->config.run.seed, 0);
        }
}

/* Consent is to a list as it stands in one place. */
static void test_drop_in(void **state) {
        Place *p = *state;

        put(p, "/etc/scrubstress/scrubstress.conf", "[Target]\nDevices=/dev/a \\\n  /dev/b\nWipe=A \\\n  B\n");
        put(p, "/etc/scrubstress/scrubstress.conf.d/10.conf", "[Target]\nDevices=/dev/c\n");
        assert_int_equal(config_load(&p->config, p->root, NULL, &p->error), 0);
        assert_lists(&p->config, "/dev/c", "A B", "10.conf:2");
        assert_refused(p, config_check(&p->config, &p->error), EXIT_REFUSED, "Wipe=A B: that is 2 serials for 1 disk");
        put(p, "/etc/scrubstress/scrubstress.conf.d/20.conf", "[Target]\nDevices=/dev/d \\\n");
        assert_refused(p, config_load(&p->config, p->root, NULL, &p->error), EXIT_USAGE, "20.conf:2: the line ends in \\");
}

/* A sentence shows where a long list begins, and then what is to be done. */
static void test_sentence(void **state) {
        Words disks = { "/dev/disk/by-id/", 16, LINK_MAX_UDEV };
        char words[4096], text[8192];
        Place *p = *state;

        snprintf(text, sizeof(text), "Target.Devices=%s", list(&disks, " ", words));
        assert_int_equal(config_set(&p->config, text, &p->error), 0);
        snprintf(text, sizeof(text), "command line: [Target] Devices=%.172s...: everything on these disks would be lost, and no Wipe=", words);
        assert_refused(p, config_check(&p->config, &p->error), EXIT_REFUSED, text);
        assert_string_equal(p->config.target.devices, words);
}

static void test_report(void **state _unused_) {
        Words disks = { "/dev/disk/by-id/", 16, LINK_MAX_UDEV };
        _cleanup_free_ char *printed = NULL;
        char words[4096], text[8192];
        json_object *o;
        MadeUp m;

        assert_true(made_up_new(&m));
        snprintf(text, sizeof(text), "Target.Devices=%s", list(&disks, " ", words));
        assert_int_equal(config_set(&m.config, text, NULL), 0);
        printed = PRINTED(f, report_json(&m.report, f));
        o = json_tokener_parse(printed);
        assert_non_null(o);
        assert_string_equal(json_object_get_string(json_object_object_get(json_object_object_get(o, "config"), "Target.Devices")), words);
        json_object_put(o);
        made_up_free(&m);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                T(test_sizes), T(test_too_many), T(test_continued), T(test_drop_in), T(test_sentence), cmocka_unit_test(test_report),
        };

        return cmocka_run_group_tests_name("config-disks", tests, NULL, NULL);
}

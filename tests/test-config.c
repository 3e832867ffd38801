/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config-fixture.h"

#include <errno.h>

#include "config/device-spec.h"
#include "config/key.h"
#include "observe/board.h"

static int load_bytes(Place *p, const void *bytes, size_t n) {
        ConfigWarn warn = { on_warning, p };

        p->warnings[0] = 0;
        p->n_warnings = 0;
        p->error = ERROR_NULL;
        config_init(&p->config);
        return config_load_file(&p->config, put_bytes(p, "/file.conf", bytes, n), true, &warn, &p->error);
}

static int load(Place *p, const char *text) {
        return load_bytes(p, text, strlen(text));
}

static void test_table(void **state _unused_) {
        for (const Key *k = keys; k < keys + n_keys; k++) {
                char text[KEY_TEXT_MAX];
                assert_ptr_equal(key_find(k->section, k->name), k);
                assert_true(k->help && strlen(k->help) > 20 && k->help[strlen(k->help) - 1] == '.');
                assert_true(k->value[0] != 0 && k->size > 0);
                assert_true(k == keys || strcmp(k->section, k[-1].section) == 0 || !strstr(k[-1].section, k->section));
                key_describe(k, text);
                assert_true(strlen(text) > 10 && strlen(text) < 256);
                assert_true(strlen(k->section) < 50 && k->size <= KEY_VALUE_MAX); /* what inih keeps of a name, and what a print has room for */
                for (const Key *o = keys; o < keys + n_keys; o++)
                        assert_true(o == k || o->offset >= k->offset + k->size || k->offset >= o->offset + o->size);
        }
        assert_true(CONFIG_WORKERS_MAX <= BOARD_SLOTS && DEVICE_LOOPS_MAX <= BOARD_EXTENTS);
}

static void test_defaults(void **state) {
        Place *p = *state;
        const Config *c = &p->config;

        for (const Key *k = keys; k < keys + n_keys; k++) {
                char value[KEY_VALUE_MAX];
                key_print(k, c, value);
                assert_string_equal(value, k->value);
                assert_string_equal(key_origin(k, c), "default");
        }
        assert_int_equal(config_check(&p->config, &p->error), 0);
        assert_true(c->run.duration_ns == 0 && c->target.n_devices == 4 && c->target.device_size == 1536 * MiB && c->churn.file_size == 64 * KiB);
        assert_true(c->churn.empty == EMPTY_UNLINK && c->balance.usage_data == 5 && c->balance.rest_ns == 10 * NSEC_PER_SEC &&
                    c->sync.rest_ns == 300 * NSEC_PER_USEC);
        assert_true(c->scrub.enabled && !c->scrub.readonly && c->target.nodesize == 4 * KiB);
}

/* Every key: a value that is not the default and how it is printed, then values that are refused. */
static const struct {
        const char *section, *name, *good, *canonical, *bad[6];
} values[] = {
        { "Run", "Instance", "a.B_9-x", NULL,
          { "a b", "a/b", ".a", "-a", "\xc3\xa4", "0123456789012345678901234567890123456789012345678901234567890123" } },
        { "Run", "Profile", "burst", NULL, { "bursts", "Race", "default" } },
        { "Run", "Duration", "1h 30m", "90m", { "soon", "-1s", "8761h", "1h 30", "60s # a minute" } },
        { "Run", "Seed", "18446744073709551615", NULL, { "18446744073709551616", "-1", "0x10", "1.5", "many", "+1" } },
        { "Run", "PairTime", "1500ms", NULL, { "-1s", "25h", "ten" } },
        { "Run", "Tune", "1", "yes", { "2", "auto" } },
        { "Run", "MinCollisions", "5", NULL, { "-5", "5%" } },
        { "Run", "Check", "no", NULL, { "maybe" } },
        { "Run", "MaxRemakes", "0", NULL, { "10001", "no" } },
        { "Run", "OnFinding", "hold", NULL, { "Stop", "halt", "sto", "stopp", "holds" } },
        { "Run", "OperationDeadline", "1500ms", NULL, { "0", "999ms", "25h" } },
        { "Run", "ControlInterval", "1500ms", NULL, { "-1s", "25h" } },
        { "Run", "MaxFindings", "1", NULL, { "0", "10001" } },
        { "Run", "EvidenceDirectory", "/srv/e", NULL, { "srv", "/srv/../e", "/srv/..", "/srv//e", "/./e", "~" } },
        { "Soak", "Duration", "72h", "3d", { "soon", "-1s", "8761h" } },
        { "Soak", "LedgerDirectory", "/srv/l", NULL, { "srv", "/srv/../l", "/srv//l" } },
        { "Target", "Devices", "loop:2GiB", NULL, { "loop:1GiB*9", "loop:1GiB*0", "loop:255MiB", "sdb", "loop:", "loop:17TiB" } },
        { "Target", "Wipe", "S/N:12_3 WD-x", NULL, { "\xc3\xa4", "a;b" } },
        { "Target", "WipeSignatures", "1", "yes", { "all" } },
        { "Target", "Size", "1.5TiB", "1536GiB", { "4TB", "large", "-1" } },
        { "Target", "Layer", "dm", NULL, { "lvm", "yes" } },
        { "Target", "ImageDirectories", "/a /b/", NULL, { "a", "/a b", "/a /../b", "/a /." } },
        { "Target", "MountPoint", "/media", NULL, { "media", "/media/..", "//media" } },
        { "Target", "MountOptions", "discard=async,commit=5", NULL, { "a b", "\xe2\x82\xac" } },
        { "Target", "DataProfile", "raid0", NULL, { "raid", "RAID1", "raid7", "1" } },
        { "Target", "MetadataProfile", "raid1c4", NULL, { "raid1c5", "none" } },
        { "Target", "NodeSize", "65536", "64KiB", { "2KiB", "128KiB", "12KiB", "0" } },
        { "Target", "Checksum", "blake2", NULL, { "crc32", "md5", "blake2b" } },
        { "Target", "Populate", "1GiB", NULL, { "17TiB", "much" } },
        { "Target", "PopulateFill", "sparse", NULL, { "punched" } },
        { "Target", "ReclaimThreshold", "30", "30%", { "101", "-1", "half" } },
        { "Target", "DynamicReclaim", "on", "yes", { "50%" } },
        { "Churn", "Workers", "64", NULL, { "65", "one" } },
        { "Churn", "Fill", "mixed", NULL, { "writes", "0" } },
        { "Churn", "Empty", "defrag reflink, overwrite,subvolume", "subvolume overwrite reflink defrag", { ",", "unlink rm", "unlinktruncate", "clone" } },
        { "Churn", "FileSize", "1.5MiB", "1536KiB", { "4095", "2TiB", "1MB", "big" } },
        { "Churn", "Files", "65536", NULL, { "0", "65537" } },
        { "Churn", "BlockSize", "4096", "4KiB", { "2KiB", "12KiB", "32MiB" } },
        { "Churn", "Depth", "256", NULL, { "0", "257" } },
        { "Churn", "Engine", "pwrite", NULL, { "aio" } },
        { "Churn", "Dwell", "2ms", NULL, { "2 apples", "2h", "-1" } },
        { "Churn", "SyncBetween", "Off", "no", { "2", "y", "yess" } },
        { "Churn", "VerifyEvery", "1", NULL, { "-1", "4294967296", "1s" } },
        { "Churn", "WriteBudget", "0.25DWPD", "0.250dwpd", { "dwpd", "1.dwpd", ".5dwpd", "0.0001dwpd", "1 dwpd", "-1dwpd" } },
        { "Sync", "Workers", "0", NULL, { "65" } },
        { "Sync", "Mode", "start-wait", NULL, { "startwait", "fsync" } },
        { "Sync", "Rest", "10ms", NULL, { "61m", "x" } },
        { "Balance", "Enabled", "0", "no", { "maybe" } },
        { "Balance", "UsageData", "90", "90%", { "101", "90%%", "%", "-1", "9 0" } },
        { "Balance", "UsageMetadata", "100%", NULL, { "101%" } },
        { "Balance", "Burst", "1000", NULL, { "0", "1001" } },
        { "Balance", "Rest", "0.5s", "500ms", { "25h" } },
        { "Scrub", "Enabled", "FALSE", "no", { "never" } },
        { "Scrub", "ReadOnly", "on", "yes", { "ro" } },
        { "Scrub", "Aim", "no", NULL, { "full" } },
        { "Scrub", "Groups", "system,metadata", "metadata system", { "all", "data chunk" } },
        { "Scrub", "WholeInterval", "12h", NULL, { "often" } },
        { "Scrub", "Rest", "1h", NULL, { "61m" } },
        { "Replace", "Enabled", "yes", NULL, { "spare" } },
        { "Replace", "Rest", "5ms", NULL, { "61m" } },
        { "Remount", "Enabled", "1", "yes", { "ro" } },
        { "Remount", "Options", "compress=lzo,commit=5  discard=async", NULL, { "\xe2\x82\xac" } },
        { "Remount", "Rest", "250ms", NULL, { "61m" } },
        { "Cancel", "Enabled", "yes", NULL, { "2", "scrub" } },
        { "Cancel", "Rest", "1s", NULL, { "61m" } },
        { "Snapshot", "Enabled", "yes", NULL, { "daily" } },
        { "Snapshot", "Hold", "1h", NULL, { "61m" } },
        { "Snapshot", "Rest", "2s", NULL, { "long" } },
        { "Trim", "Enabled", "true", "yes", { "discard" } },
        { "Trim", "Rest", "0", NULL, { "61m" } },
        { "Verify", "Share", "100", "100%", { "101%" } },
        { "Fault", "Enabled", "yes", NULL, { "maybe" } },
        { "Fault", "Faults", "parity tree", NULL, { "none", "data,dust", "bad" } },
        { "Fault", "Interval", "1m", NULL, { "0", "25h", "now" } },
        { "Health", "SmartInterval", "0", NULL, { "25h", "-1", "often" } },
        { "Health", "TemperatureLimit", "55", NULL, { "151", "-1", "70C" } },
        { "Observe", "Trace", "false", "no", { "-" } },
        { "Observe", "KernelLog", "no", NULL, { "kmsg" } },
};

static void refuse_value(Place *p, const Key *k, const char *value) {
        char text[256], sentence[KEY_TEXT_MAX * 2], allowed[KEY_TEXT_MAX], assignment[256];
        Config before;
        int r;

        snprintf(text, sizeof(text), "# comment\n\n[%s]\n%s = %s\n", k->section, k->name, value);
        r = load(p, text);
        snprintf(sentence, sizeof(sentence), "/file.conf:4: [%s] %s=", k->section, k->name);
        assert_refused(p, r, EXIT_USAGE, sentence);
        key_describe(k, allowed);
        snprintf(sentence, sizeof(sentence), "allowed: %s", allowed);
        assert_has(p->error.sentence, sentence);
        config_init(&before);
        assert_memory_equal(&p->config, &before, sizeof(before));
        snprintf(assignment, sizeof(assignment), "%s.%s=%s", k->section, k->name, value);
        r = config_set(&p->config, assignment, &p->error);
        assert_refused(p, r, EXIT_USAGE, "command line: [");
        assert_has(p->error.sentence, sentence);
        assert_memory_equal(&p->config, &before, sizeof(before));
}

static void test_values(void **state) {
        Place *p = *state;

        assert_int_equal(ELEMENTSOF(values), n_keys);
        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                const Key *k = key_find(values[i].section, values[i].name);
                char text[512], value[KEY_VALUE_MAX];
                assert_non_null(k);
                snprintf(text, sizeof(text), "[%s]\n%s=%s\n", k->section, k->name, values[i].good);
                assert_int_equal(load(p, text), 0);
                key_print(k, &p->config, value);
                assert_string_equal(value, values[i].canonical ?: values[i].good);
                assert_string_not_equal(value, k->value);
                assert_has(key_origin(k, &p->config), "/file.conf:2");
                assert_false(config_is_default(&p->config, k->section, k->name));
                snprintf(text, sizeof(text), "[%s]\n%s=%s\n%s=\n", k->section, k->name, values[i].good, k->name);
                assert_int_equal(load(p, text), 0);
                key_print(k, &p->config, value);
                assert_string_equal(value, k->value);
                assert_true(config_is_default(&p->config, k->section, k->name));
                assert_int_equal(p->n_warnings, 0);
                for (size_t b = 0; b < ELEMENTSOF(values[i].bad) && values[i].bad[b]; b++)
                        refuse_value(p, k, values[i].bad[b]);
        }
}

static void test_booleans(void **state) {
        static const struct {
                const char *text;
                bool value;
        } words[] = {
                { "yes", true }, { "no", false }, { "true", true }, { "false", false },
                { "1", true },   { "0", false },  { "on", true },   { "off", false },
        };
        Place *p = *state;

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                char text[64];
                p->config.scrub.readonly = !words[i].value;
                snprintf(text, sizeof(text), "Scrub.ReadOnly=%s", words[i].text);
                assert_int_equal(config_set(&p->config, text, &p->error), 0);
                assert_int_equal(p->config.scrub.readonly, words[i].value);
        }
}

#define LINE_199 "ImageDirectories=" LETTERS_25 LETTERS_25 LETTERS_25 LETTERS_25 LETTERS_25 LETTERS_25 LETTERS_25 "/aaaaaa"
#define LETTERS_25 "/aaaaaaaaaaaaaaaaaaaaaaaa"
#define LETTERS_200 LETTERS_25 LETTERS_25 LETTERS_25 LETTERS_25 LETTERS_25 LETTERS_25 LETTERS_25 LETTERS_25

/* How lines are read. `seed` is the value of [Run] Seed= afterwards; `error` or `warning`: words of the sentence. */
static const struct {
        const char *text;
        uint64_t seed;
        const char *error, *warning;
} files[] = {
        { "", 0, NULL, NULL },
        { "[Run]\nSeed=7\n", 7, NULL, NULL },
        { "[Run]\nSeed=7", 7, NULL, NULL },
        { "[Run]\r\nSeed=7\r\n", 7, NULL, NULL },
        { "[Run]\r\nSeed=7\r", 7, NULL, NULL },
        { "\xef\xbb\xbf[Run]\nSeed=7\n", 7, NULL, NULL },
        { "\xef\xbb\xbf# \xc3\xa4\n[Run]\nSeed=7\n", 7, NULL, NULL },
        { "[Run]\nSeed = 7 ; seven\n", 7, NULL, NULL },
        { "[Run] ; about\nSeed=7\t;seven\n", 7, NULL, NULL },
        { "[Run]\nSeed= ; nothing\n", 0, NULL, NULL },
        { "[Run]\nSeed=7\nSeed=\n", 0, NULL, NULL },
        { "[Run]\nSeed=7\nSeed=8\n", 8, NULL, NULL },
        { "[Run]\nMaxRemakes=1\n   Seed=7\n\t# indented\n", 7, NULL, NULL },
        { "  [Run]\n\tSeed=7\n", 7, NULL, NULL },
        { "[Run]\nSeed: 7\n", 7, NULL, NULL },
        { "; a\n# b\n\n[Run]\n;Seed=6\n#Seed=5\nSeed=7\n", 7, NULL, NULL },
        { "[Run]\n# " LETTERS_200 LETTERS_200 "\nSeed=7\n", 7, NULL, NULL },
        { "\xef\xbb\xbf# " LETTERS_200 "\n[Run]\nSeed=7\n", 7, NULL, NULL },
        { "[Run]\nSeed=7 ; " LETTERS_200 "\n", 7, NULL, NULL },
        { "[Run]\nSeed: \t" LETTERS_200 "\n", 0, "/file.conf:2: [Run] Seed=/aaaaaaaaaaaaaaaaaaaaaaaa/aaa", NULL },
        { "[Run]\nSed=" LETTERS_200 "\nSeed=7\n", 7, NULL, "/file.conf:2: unknown key [Run] Sed=; did you mean Seed=? (ignored)" },
        { "[Run]\n\n" LETTERS_200 LETTERS_200 "\n", 0, "/file.conf:3: a name of 400 bytes, at most 199 are possible", NULL },
        { "[" LETTERS_200 "]\nSeed=7\n", 0, "/file.conf:1: a name of 202 bytes, at most 199", NULL },
        { "[Target]\n" LETTERS_200 "=1\n", 0, "/file.conf:2: a name of 201 bytes, at most 199", NULL },
        { "[Target]\n" LINE_199 "\n", 0, "/file.conf:2: [Target] ImageDirectories=/aaa", NULL },
        { "[Target]\n" LINE_199 "a\n", 0, "/file.conf:2: [Target] ImageDirectories=/aaa", NULL },
        { "[Run]\nSeed= \\\n 7\n", 7, NULL, NULL },
        { "[Run]\n# a \\\nSeed=7\n", 7, NULL, NULL },
        { "[Run]\nSeed=7\rMaxRemakes=1\n", 0, "/file.conf:2: the control character 0x0d", NULL },
        { "[Run]\nSeed=7\n\n# \x1b[31m\n", 0, "/file.conf:4: the control character 0x1b", NULL },
        { "[Run]\nSeed=7\x7f\n", 0, "/file.conf:2: the control character 0x7f", NULL },
        { "[Run]\nSeed 7\n", 0, "/file.conf:2: neither a [Section]", NULL },
        { "[Run\nSeed=7\n", 0, "/file.conf:1: neither a [Section]", NULL },
        { "[Run]\nSeed 7\nSeed=x\n", 0, "/file.conf:2: neither a [Section]", NULL },
        { "[Run]\nSeed=x\nSeed 7\n", 0, "/file.conf:2: [Run] Seed=x: not understood", NULL },
        { "[Run]\nSeed 7\nDuration=1\x01s\n", 0, "/file.conf:2: neither a [Section]", NULL },
        { "[Run]\nSeed=7;8\n", 0, "/file.conf:2: [Run] Seed=7;8: not understood", NULL },
        { "[Run]\nSeed=7 # seven\n", 0, "a comment behind a value starts with \" ;\"", NULL },
        { "[Run]\nSeed=99999999999999999999\n", 0, "/file.conf:2: [Run] Seed=99999999999999999999: out of range", NULL },
        { "[Run]\nSed=1\nSeed=7\n", 7, NULL, "/file.conf:2: unknown key [Run] Sed=; did you mean Seed=? (ignored)" },
        { "[Run]\nseed=1\nSeed=7\n", 7, NULL, "/file.conf:2: unknown key [Run] seed=; did you mean Seed=? (ignored)" },
        { "[Run]\nSeed=7\nOperationDaedline=1\n", 7, NULL, "did you mean OperationDeadline=?" },
        { "[Balance]\nUsageMetdata=1\n[Run]\nSeed=7\n", 7, NULL, "did you mean UsageMetadata=?" }, /* UsageData is near too */
        { "[Run]\nSeed=7\nBurst=1\n", 7, NULL, "unknown key [Run] Burst=; did you mean [Balance] Burst=?" },
        { "[Run]\nSeed=7\nColour=1\n", 7, NULL, "unknown key [Run] Colour= (ignored)" },
        { "[Run]\nSeed=7\n=1\n", 7, NULL, "unknown key [Run] = (ignored)" },
        { "[Run]\nSeed=7\n\xff\xfe=1\n", 7, NULL, "unknown key [Run] ?\?= (ignored)" },
        { "\n[Rnu]\nSeed=1\nSed=2\n[Run]\nSeed=7\n", 7, NULL, "/file.conf:2: unknown section [Rnu]; did you mean [Run]? (ignored)" },
        { "[run]\nSeed=1\n", 0, NULL, "unknown section [run]; did you mean [Run]?" },
        { "[Nonsense]\n[Run]\nSeed=7\n", 7, NULL, "/file.conf:1: unknown section [Nonsense] (ignored)" },
        { "[" LETTERS_25 LETTERS_25 "]\nSeed=1\n", 0, NULL, "unknown section [/aaaaaaaaaaaaaaaaaaaaaaaa/aaaaaaaaaa...] (ignored)" },
        { "Seed=1\n[Run]\nSeed=7\n", 7, NULL, "/file.conf:1: Seed= stands before any [Section] (ignored)" },
};

static void test_files(void **state) {
        Place *p = *state;

        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                int r = load(p, files[i].text);
                if (files[i].error)
                        assert_refused(p, r, EXIT_USAGE, files[i].error);
                else
                        assert_int_equal(r, 0);
                assert_has(p->warnings, files[i].warning ?: "");
                if (p->config.run.seed != files[i].seed || (r == 0 && p->n_warnings != !!files[i].warning))
                        fail_msg("\"%s\": seed %llu, %u warnings: %s", files[i].text, (unsigned long long)p->config.run.seed,
                                 p->n_warnings, p->warnings);
        }
}

static void test_no_text(void **state) {
        static const char nul[] = "[Run]\nSeed=7\nMax\0Remakes=1\n", utf16[] = "\xff\xfe[\0R\0u\0n\0]\0";
        Place *p = *state;
        _cleanup_free_ char *big = malloc(2 * MiB);

        assert_refused(p, load_bytes(p, nul, sizeof(nul) - 1), EXIT_USAGE, "/file.conf:3: the NUL byte");
        assert_refused(p, load_bytes(p, utf16, sizeof(utf16) - 1), EXIT_USAGE, "/file.conf:1: the NUL byte");
        memset(big, '\n', 2 * MiB);
        assert_refused(p, load_bytes(p, big, 2 * MiB), EXIT_USAGE, "larger than 1 MiB");
        assert_refused(p, config_load_file(&p->config, p->root, true, NULL, &p->error), EXIT_USAGE, "Is a directory");
        assert_refused(p, config_load_file(&p->config, full(p, "/none"), true, NULL, &p->error), EXIT_USAGE, "No such file");
        assert_int_equal(config_load_file(&p->config, p->path, false, NULL, &p->error), 0);
        assert_refused(p, config_load_file(&p->config, "/dev/zero", true, NULL, &p->error), EXIT_USAGE, "larger than 1 MiB");
        assert_int_equal(config_load_file(&p->config, "/dev/null", true, NULL, &p->error), 0);
        assert_int_equal(load(p, "[Nonsense]\nSed=1\n"), 0);
        assert_int_equal(config_load_file(&p->config, p->path, true, NULL, NULL), 0); /* nobody listens */
}

static void test_set(void **state) {
        static const struct {
                const char *text, *error;
        } bad[] = {
                { "Run.Durtion=5", "command line: unknown key [Run] Durtion=; did you mean Duration=?" },
                { "Rum.Duration=5", "command line: unknown section [Rum]; did you mean [Run]?" },
                { "Duration=5", "not of the form Section.Key=VALUE" },
                { "Run.Duration", "not of the form Section.Key=VALUE" },
                { "", "not of the form Section.Key=VALUE" },
                { "Run.Seed=1\n2", "[Run] Seed=1?2: not understood" },
                { "Run.EvidenceDirectory=/a\nb", "[Run] EvidenceDirectory=/a?b" },
                { "Run.EvidenceDirectory=/a ;b", "[Run] EvidenceDirectory=/a ;b" },
                { "Run.EvidenceDirectory=/a\\", "[Run] EvidenceDirectory=/a\\: not understood" },
                { "Run.EvidenceDirectory=" LETTERS_200, "/aaaaaaaaaaaaaaaa...: out of range" },
        };
        Place *p = *state;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_refused(p, config_set(&p->config, bad[i].text, &p->error), EXIT_USAGE, bad[i].error);
        assert_true(config_is_default(&p->config, "Run", "Duration"));
        assert_int_equal(config_set(&p->config, "Run.Duration= 0 ", &p->error), 0);
        assert_false(config_is_default(&p->config, "Run", "Duration"));
        assert_string_equal(key_origin(key_find("Run", "Duration"), &p->config), "command line");
        assert_int_equal(config_set(&p->config, "Run.Duration= ", &p->error), 0);
        assert_true(config_is_default(&p->config, "Run", "Duration"));
        assert_false(config_is_default(&p->config, "Run", "Colour"));
        assert_int_equal(config_set(&p->config, "Target.MountOptions=compress=zstd:3", &p->error), 0);
        assert_string_equal(p->config.target.mount_options, "compress=zstd:3");
        assert_int_equal(config_set(&p->config, "Run.OnFinding= stop\t ", &p->error), 0);
        assert_int_equal(p->config.run.on_finding, ON_FINDING_STOP);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table), T(test_defaults), T(test_values), T(test_booleans), T(test_files), T(test_no_text), T(test_set),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"
#include "config/device-spec.h"
#include "config/key.h"
#include "config/load-profile.h"
#include "config/mount-options.h"
#include "config/profile.h"

/* Numbers: all of them live in a uint64_t. */

static int store(const Key *k, uint64_t v, void *slot) {
        if (v < k->min || (k->max > 0 && v > k->max))
                return -ERANGE;
        *(uint64_t *)slot = v;
        return 0;
}

/* Digits alone: strtoull() would take signs, blanks and hexadecimal. */
static int parse_digits(const char *s, size_t n, uint64_t *ret) {
        *ret = 0;
        if (n == 0)
                return -EINVAL;
        if (strspn(s, "0123456789") < n)
                return -EINVAL;
        for (size_t i = 0; i < n; i++)
                if (__builtin_mul_overflow(*ret, 10, ret) || __builtin_add_overflow(*ret, s[i] - '0', ret))
                        return -ERANGE;
        return 0;
}

static int parse_number(const Key *k, const char *value, void *slot) {
        uint64_t v;
        int r = parse_digits(value, strlen(value), &v);

        return r < 0 ? r : store(k, v, slot);
}

static void print_number(const Key *k _unused_, const void *slot, char *buf, size_t size) {
        snprintf(buf, size, "%llu", (unsigned long long)*(const uint64_t *)slot);
}

const KeyType type_number = { "a whole number", parse_number, print_number, NULL };

static int parse_percent(const Key *k, const char *value, void *slot) {
        size_t n = strlen(value);
        uint64_t v;
        int r = parse_digits(value, n > 0 && value[n - 1] == '%' ? n - 1 : n, &v);

        return r < 0 ? r : store(k, v, slot);
}

static void print_percent(const Key *k _unused_, const void *slot, char *buf, size_t size) {
        snprintf(buf, size, "%llu%%", (unsigned long long)*(const uint64_t *)slot);
}

const KeyType type_percent = { "a percentage such as 90% or 90", parse_percent, print_percent, NULL };

static int parse_size(const Key *k, const char *value, void *slot) {
        uint64_t v;
        int r = units_parse_size(value, &v);

        return r < 0 ? r : store(k, v, slot);
}

static void print_size(const Key *k _unused_, const void *slot, char *buf, size_t size) {
        char text[UNITS_MAX];

        snprintf(buf, size, "%s", units_format_size(*(const uint64_t *)slot, text));
}

const KeyType type_size = { "a size such as 64KiB or 1.5GiB", parse_size, print_size, NULL };

static int parse_power_of_two(const Key *k, const char *value, void *slot) {
        uint64_t v;
        int r = units_parse_size(value, &v);

        if (r < 0)
                return r;
        return v & (v - 1) ? -EINVAL : store(k, v, slot);
}

const KeyType type_power_of_two = { "a size that is a power of two, such as 64KiB", parse_power_of_two, print_size, NULL };

static int parse_duration(const Key *k, const char *value, void *slot) {
        uint64_t v;
        int r = units_parse_duration(value, &v);

        return r < 0 ? r : store(k, v, slot);
}

static void print_duration(const Key *k _unused_, const void *slot, char *buf, size_t size) {
        char text[UNITS_MAX];

        snprintf(buf, size, "%s", units_format_duration(*(const uint64_t *)slot, text));
}

const KeyType type_duration = { "a duration such as 500ms, 60s, 10m or 1h 30m", parse_duration, print_duration, NULL };

/* Drive writes per day, in thousandths: "1", "0.5", "0.125". */
static int parse_milli(const char *s, size_t n, uint64_t *ret) {
        size_t point = MIN_OF(strcspn(s, "."), n), decimals = n > point ? n - point - 1 : 0;
        uint64_t whole, part = 0;
        int r = parse_digits(s, point, &whole);

        if (r == 0 && point < n)
                r = decimals > 3 ? -EINVAL : parse_digits(s + point + 1, decimals, &part);
        if (r < 0)
                return r;
        for (size_t i = decimals; i < 3; i++)
                part *= 10;
        if (__builtin_mul_overflow(whole, 1000, ret) || __builtin_add_overflow(*ret, part, ret))
                return -ERANGE;
        return 0;
}

#define DWPD "dwpd"

static int parse_write_budget(const Key *k _unused_, const char *value, void *slot) {
        size_t n = strlen(value), unit = strlen(DWPD);
        bool dwpd = n > unit && strcasecmp(value + n - unit, DWPD) == 0;
        WriteBudget b = { 0 };
        int r = dwpd ? parse_milli(value, n - unit, &b.milli_dwpd) : units_parse_size(value, &b.bytes);

        if (r == 0)
                *(WriteBudget *)slot = b;
        return r;
}

static void print_write_budget(const Key *k _unused_, const void *slot, char *buf, size_t size) {
        const WriteBudget *b = slot;
        char text[UNITS_MAX];

        if (b->milli_dwpd > 0)
                snprintf(buf, size, "%llu.%03llu" DWPD, (unsigned long long)b->milli_dwpd / 1000, (unsigned long long)b->milli_dwpd % 1000);
        else
                snprintf(buf, size, "%s", units_format_size(b->bytes, text));
}

const KeyType type_write_budget = { "a size such as 500GiB, or drive writes per day such as 0.5dwpd", parse_write_budget, print_write_budget, NULL };

/* Words. */

static int parse_bool(const Key *k _unused_, const char *value, void *slot) {
        static const char *const words[][4] = { { "no", "false", "0", "off" }, { "yes", "true", "1", "on" } };

        for (unsigned truth = 0; truth < 2; truth++)
                for (size_t i = 0; i < ELEMENTSOF(words[truth]); i++)
                        if (strcasecmp(value, words[truth][i]) == 0) {
                                *(bool *)slot = truth;
                                return 0;
                        }
        return -EINVAL;
}

static void print_bool(const Key *k _unused_, const void *slot, char *buf, size_t size) {
        snprintf(buf, size, "%s", *(const bool *)slot ? "yes" : "no");
}

const KeyType type_bool = { "yes, true, on, 1, no, false, off or 0", parse_bool, print_bool, NULL };

/* Index of the n letters at `word` among the choices, or -EINVAL. */
static int find_choice(const Key *k, const char *word, size_t n) {
        for (int i = 0; k->choices[i]; i++)
                if (strlen(k->choices[i]) == n && memcmp(k->choices[i], word, n) == 0)
                        return i;
        return -EINVAL;
}

static int parse_enum(const Key *k, const char *value, void *slot) {
        int i = find_choice(k, value, strlen(value));

        if (i < 0)
                return i;
        *(unsigned *)slot = (unsigned)i;
        return 0;
}

static void print_enum(const Key *k, const void *slot, char *buf, size_t size) {
        snprintf(buf, size, "%s", k->choices[*(const unsigned *)slot]);
}

const KeyType type_enum = { "one of", parse_enum, print_enum, NULL };

#define SEPARATORS " \t,"

static int parse_set(const Key *k, const char *value, void *slot) {
        unsigned mask = 0;

        for (const char *p = value + strspn(value, SEPARATORS); *p; p += strspn(p, SEPARATORS)) {
                size_t n = strcspn(p, SEPARATORS);
                int i = find_choice(k, p, n);
                if (i < 0)
                        return i;
                mask |= 1U << i;
                p += n;
        }
        if (mask == 0)
                return -EINVAL;
        *(unsigned *)slot = mask;
        return 0;
}

static void print_set(const Key *k, const void *slot, char *buf, size_t size) {
        unsigned mask = *(const unsigned *)slot;
        size_t n = 0;

        buf[0] = 0;
        for (unsigned i = 0; k->choices[i]; i++)
                if (mask & 1U << i)
                        n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? " " : "", k->choices[i]);
}

const KeyType type_set = { "one or more, separated by blanks, of", parse_set, print_set, NULL };

/* Texts: char arrays, the rest of the array zeroed. */

static int store_text(const Key *k, const char *value, void *slot) {
        if (strlen(value) >= k->size)
                return -ERANGE;
        strncpy(slot, value, k->size);
        return 0;
}

static void print_text(const Key *k _unused_, const void *slot, char *buf, size_t size) {
        snprintf(buf, size, "%s", (const char *)slot);
}

static void describe_text(const Key *k, char *buf, size_t size) {
        snprintf(buf, size, "%s, at most %zu bytes long", k->type->allowed, k->size - 1);
}

static int parse_word(const Key *k, const char *value, void *slot) {
        int i = find_choice(k, value, strlen(value));

        return i < 0 ? i : store_text(k, value, slot);
}

const KeyType type_word = { "one of", parse_word, print_text, NULL };

/* Becomes part of file names: nothing that hides a file or leaves a directory. */
static int parse_name(const Key *k, const char *value, void *slot) {
        if (value[0] == '.' || value[0] == '-')
                return -EINVAL;
        for (const char *p = value; *p; p++)
                if (!isascii((unsigned char)*p) || (!isalnum((unsigned char)*p) && !strchr("_.-", *p)))
                        return -EINVAL;
        return store_text(k, value, slot);
}

const KeyType type_name = { "letters, digits and _ . - (not . or - first)", parse_name, print_text, describe_text };

/* Absolute, and written in the one straight way (a slash at the end is allowed): safety checks compare the beginnings of paths. */
static bool is_path(const char *p, size_t n) {
        if (n == 0 || *p != '/')
                return false;
        for (size_t i = 1, length; i < n; i += length + 1) {
                length = MIN_OF(strcspn(p + i, "/"), n - i);
                if (length <= 2 && strncmp(p + i, "..", length) == 0) /* empty, . or .. */
                        return false;
        }
        return true;
}

static int parse_path(const Key *k, const char *value, void *slot) {
        return is_path(value, strlen(value)) ? store_text(k, value, slot) : -EINVAL;
}

const KeyType type_path = { "an absolute path without //, . and ..", parse_path, print_text, describe_text };

static int parse_path_list(const Key *k, const char *value, void *slot) {
        for (const char *p = value; *p; p += strspn(p, " \t")) {
                size_t n = strcspn(p, " \t");
                if (!is_path(p, n))
                        return -EINVAL;
                p += n;
        }
        return store_text(k, value, slot);
}

const KeyType type_path_list = { "absolute paths without //, . and .., separated by blanks", parse_path_list, print_text, describe_text };

static int parse_options(const Key *k, const char *value, void *slot) {
        for (const char *p = value; *p; p++)
                if (!isascii((unsigned char)*p) || !isgraph((unsigned char)*p))
                        return -EINVAL;
        return store_text(k, value, slot);
}

const KeyType type_options = { "mount options separated by commas, without blanks", parse_options, print_text, describe_text };

/* Which options may be in them is config_check()'s: it knows why not. */
static int parse_option_sets(const Key *k, const char *value, void *slot) {
        for (const char *p = value; *p; p++)
                if (!isascii((unsigned char)*p) || (!isgraph((unsigned char)*p) && *p != ' ' && *p != '\t'))
                        return -EINVAL;
        return store_text(k, value, slot);
}

static void describe_option_sets(const Key *k, char *buf, size_t size) {
        char names[KEY_TEXT_MAX];

        mount_options_describe(names, sizeof(names));
        snprintf(buf, size, "sets of mount options, separated by blanks, each of options separated by commas, of %s; at most %zu bytes long",
                 names, k->size - 1);
}

const KeyType type_option_sets = { "", parse_option_sets, print_text, describe_option_sets };

static int parse_devices(const Key *k, const char *value, void *slot) {
        DeviceSpec spec;
        int r = device_spec_parse(value, &spec);

        return r < 0 ? r : store_text(k, value, slot);
}

static void describe_devices(const Key *k, char *buf, size_t size) {
        char min[UNITS_MAX], max[UNITS_MAX];

        snprintf(buf, size, "loop:SIZE*N or loop:SIZE, such as loop:1GiB*4, SIZE from %s to %s, N from 1 to %d; or 1 to %d disks, each "
                 "/dev/NAME, separated by blanks, at most %zu bytes long",
                 units_format_size(DEVICE_SIZE_MIN, min), units_format_size(DEVICE_SIZE_MAX, max), DEVICE_LOOPS_MAX, DEVICE_DISKS_MAX,
                 k->size - 1);
}

const KeyType type_devices = { "", parse_devices, print_text, describe_devices };

/* Serials are what vendors print on disks: any word without blanks. Blanks inside of one are written as '_'. */
static int parse_serials(const Key *k, const char *value, void *slot) {
        unsigned n = device_words_count(value);
        char word[DEVICE_NAME_MAX];

        for (const char *p = value; *p; p++)
                if (!isascii((unsigned char)*p) || (!isgraph((unsigned char)*p) && *p != ' ' && *p != '\t'))
                        return -EINVAL;
        for (unsigned i = 0; i < n; i++)
                if (!device_words_get(value, i, word))
                        return -ERANGE;
        return store_text(k, value, slot);
}

const KeyType type_serials = { "serials separated by blanks, with _ for a blank inside of one", parse_serials, print_text, describe_text };

static int parse_profile(const Key *k, const char *value, void *slot) {
        if (k->choices && strcmp(value, k->choices[0]) == 0)
                return store_text(k, value, slot);
        return profile_find(value) ? store_text(k, value, slot) : -EINVAL;
}

static void describe_profile(const Key *k, char *buf, size_t size) {
        size_t n = (size_t)snprintf(buf, size, "one of%s%s", k->choices ? " " : "", k->choices ? k->choices[0] : "");

        for (size_t i = 0; i < n_profiles; i++)
                n += (size_t)snprintf(buf + n, size - n, "%s%s",
                                      i == 0 && !k->choices ? " " : i == n_profiles - 1 ? " or " : ", ", profiles[i].name);
}

const KeyType type_profile = { "", parse_profile, print_text, describe_profile };

static int parse_load_profile(const Key *k, const char *value, void *slot) {
        return load_profile_find(value) ? store_text(k, value, slot) : -EINVAL;
}

static void describe_load_profile(const Key *k _unused_, char *buf, size_t size) {
        size_t n = (size_t)snprintf(buf, size, "one of ");

        for (size_t i = 0; i < n_load_profiles; i++)
                n += (size_t)snprintf(buf + n, size - n, "%s%s", i == 0 ? "" : i == n_load_profiles - 1 ? " or " : ", ",
                                      load_profiles[i].name);
}

const KeyType type_load_profile = { "", parse_load_profile, print_text, describe_load_profile };

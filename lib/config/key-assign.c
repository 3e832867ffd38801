/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "config/key.h"
#include "config/load-profile.h"

const Key *key_find(const char *section, const char *name) {
        for (size_t i = 0; i < n_keys; i++)
                if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0)
                        return &keys[i];
        return NULL;
}

bool key_section_exists(const char *section) {
        for (size_t i = 0; i < n_keys; i++)
                if (strcmp(keys[i].section, section) == 0)
                        return true;
        return false;
}

const char *key_origin(const Key *k, const Config *c) {
        return c->origins[k - keys];
}

bool key_is_default(const Key *k, const Config *c) {
        const char *origin = key_origin(k, c);

        return strcmp(origin, "default") == 0 || load_profile_is_origin(origin);
}

void key_print(const Key *k, const Config *c, char buf[static KEY_VALUE_MAX]) {
        k->type->print(k, (const char *)c + k->offset, buf, KEY_VALUE_MAX);
}

static void append(char buf[static KEY_TEXT_MAX], const char *text) {
        size_t n = strlen(buf);

        snprintf(buf + n, KEY_TEXT_MAX - n, "%s", text);
}

static void append_number(const Key *k, uint64_t v, const char *before, char *buf) {
        char text[KEY_VALUE_MAX];

        k->type->print(k, &v, text, sizeof(text));
        append(buf, before);
        append(buf, text);
}

void key_describe(const Key *k, char buf[static KEY_TEXT_MAX]) {
        buf[0] = 0;
        if (k->type->describe) {
                k->type->describe(k, buf, KEY_TEXT_MAX);
                return;
        }
        append(buf, k->type->allowed);
        for (const char *const *c = k->choices; c && *c; c++) {
                append(buf, c == k->choices ? " " : c[1] ? ", " : " or ");
                append(buf, *c);
        }
        if (k->max > 0) {
                append_number(k, k->min, ", from ", buf);
                append_number(k, k->max, " to ", buf);
        }
}

/* For sentences: short, and nothing that a terminal or a log would act on. */
static char *printable(const char *s, char *buf, size_t size) {
        size_t n = 0;

        for (; s[n] && n < size - 1; n++)
                buf[n] = isascii((unsigned char)s[n]) && isprint((unsigned char)s[n]) ? s[n] : '?';
        if (s[n])
                memcpy(buf + n - 3, "...", 3);
        buf[n] = 0;
        return buf;
}

/* The end of an origin says more than its beginning: the line number. A comment line must be able to hold it. */
static void set_origin(const Key *k, Config *c, const char *origin) {
        char *slot = c->origins[k - keys];
        size_t n = strlen(origin);

        if (n < CONFIG_ORIGIN_MAX)
                strcpy(slot, origin);
        else
                snprintf(slot, CONFIG_ORIGIN_MAX, "...%s", origin + n - (CONFIG_ORIGIN_MAX - sizeof("...")));
        for (; *slot; slot++)
                if (iscntrl((unsigned char)*slot))
                        *slot = '?';
}

/* No type has a use for these, and what holds them, or a backslash at its end, could not be printed as a configuration file and read back. */
static bool is_clean(const char *value) {
        for (; *value; value++)
                if (iscntrl((unsigned char)*value) || *value == ';' || (*value == '\\' && value[1] == 0))
                        return false;
        return true;
}

/* What nobody gave a value gets the default of the profile chosen now. */
static int apply_profile(Config *c, Error *e) {
        int r = 0;

        for (const Key *k = keys; k < keys + n_keys && r == 0; k++)
                if (k->type != &type_load_profile && key_is_default(k, c))
                        r = key_assign(k, c, "", "default", e);
        return r;
}

/* The default, and its origin. */
static const char *default_of(const Key *k, const Config *c, const char **ret_origin, char buf[static LOAD_PROFILE_ORIGIN_MAX]) {
        const LoadProfile *p = load_profile_find(c->run.profile);
        const char *value = p ? load_profile_value(p, k->section, k->name) : NULL;

        *ret_origin = value ? load_profile_origin(p, buf) : "default";
        return value ?: k->value;
}

int key_assign(const Key *k, Config *c, const char *value, const char *origin, Error *e) {
        char allowed[KEY_TEXT_MAX], shown[96], buf[LOAD_PROFILE_ORIGIN_MAX];
        int r = -EINVAL;

        value += strspn(value, " \t");
        if (*value == 0)
                value = default_of(k, c, &origin, buf);
        if (is_clean(value))
                r = k->type->parse(k, value, (char *)c + k->offset);
        if (r == 0) {
                set_origin(k, c, origin);
                return k->type == &type_load_profile ? apply_profile(c, e) : 0;
        }
        key_describe(k, allowed);
        return error_set(e, EXIT_USAGE, -r, "%.300s: [%s] %s=%s: %s; allowed: %s%s", origin, k->section, k->name,
                         printable(value, shown, sizeof(shown)), r == -ERANGE ? "out of range" : "not understood", allowed,
                         strstr(value, " #") ? " (a comment behind a value starts with \" ;\")" : "");
}

/* Edits (insert, delete, replace, swap neighbours) from one name to the other, case not counting. Names are short. */
#define NAME_MAX_COMPARED 31
static unsigned distance(const char *a, const char *b) {
        unsigned d[NAME_MAX_COMPARED + 1][NAME_MAX_COMPARED + 1];
        size_t n = strnlen(a, NAME_MAX_COMPARED), m = strnlen(b, NAME_MAX_COMPARED);

        for (size_t i = 0; i <= n; i++)
                for (size_t j = 0; j <= m; j++) {
                        if (i == 0 || j == 0) {
                                d[i][j] = (unsigned)(i + j);
                                continue;
                        }
                        unsigned differ = tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]);
                        d[i][j] = MIN_OF(d[i - 1][j - 1] + differ, MIN_OF(d[i - 1][j], d[i][j - 1]) + 1);
                        if (i > 1 && j > 1 && tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 2]) &&
                            tolower((unsigned char)a[i - 2]) == tolower((unsigned char)b[j - 1]))
                                d[i][j] = MIN_OF(d[i][j], d[i - 2][j - 2] + 1);
                }
        return d[n][m];
}

/* The nearest key (section NULL: the nearest section, by its first key), when it is near enough to be a typo of it. */
static const Key *nearest(const char *section, const char *name) {
        const Key *best = NULL;
        unsigned least = 0;

        for (const Key *k = keys; k < keys + n_keys; k++) {
                const char *candidate = section ? k->name : k->section;
                unsigned d = distance(name, candidate);
                if (section && strcmp(section, k->section) != 0)
                        continue;
                if (d <= strlen(candidate) / 3 && (!best || d < least)) {
                        best = k;
                        least = d;
                }
        }
        return best;
}

static const Key *elsewhere(const char *name) {
        for (const Key *k = keys; k < keys + n_keys; k++)
                if (strcasecmp(k->name, name) == 0)
                        return k;
        return NULL;
}

void key_explain_unknown(const char *section, const char *name, char buf[static KEY_TEXT_MAX]) {
        char shown_section[40], shown_name[40];
        const Key *k;

        printable(section, shown_section, sizeof(shown_section));
        printable(name ?: "", shown_name, sizeof(shown_name));
        if (!key_section_exists(section)) {
                k = nearest(NULL, section);
                if (section[0] == 0)
                        snprintf(buf, KEY_TEXT_MAX, "%s= stands before any [Section]", shown_name);
                else
                        snprintf(buf, KEY_TEXT_MAX, "unknown section [%s]%s%s%s", shown_section, k ? "; did you mean [" : "",
                                 k ? k->section : "", k ? "]?" : "");
                return;
        }
        snprintf(buf, KEY_TEXT_MAX, "unknown key [%s] %s=", section, shown_name);
        if ((k = nearest(section, name)))
                snprintf(buf + strlen(buf), KEY_TEXT_MAX - strlen(buf), "; did you mean %s=?", k->name);
        else if ((k = elsewhere(name)))
                snprintf(buf + strlen(buf), KEY_TEXT_MAX - strlen(buf), "; did you mean [%s] %s=?", k->section, k->name);
}

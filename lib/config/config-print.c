/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "config/key.h"
#include "config/load-profile.h"

#define COMMENT_COLUMN 44
#define WRAP_COLUMN 100

static bool starts_section(const Key *k) {
        return k == keys || strcmp(k->section, k[-1].section) != 0;
}

/* The text as comment lines, broken at blanks. */
static void print_comment(FILE *f, const char *text) {
        size_t column = 0;

        for (const char *p = text; *p; p += strspn(p, " ")) {
                size_t n = strcspn(p, " ");
                if (column > 0 && column + 1 + n > WRAP_COLUMN) {
                        fputc('\n', f);
                        column = 0;
                }
                column += (size_t)fprintf(f, "%s%.*s", column == 0 ? "# " : " ", (int)n, p);
                p += n;
        }
        fputc('\n', f);
}

/* "race: …", then the values it gives. */
static void print_profile_comment(FILE *f, const LoadProfile *p) {
        char text[KEY_TEXT_MAX * 2];
        size_t n = (size_t)snprintf(text, sizeof(text), "Profile %s: %s", p->name, p->help);

        for (const char *const *v = p->values; *v && n < sizeof(text); v++)
                n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", v == p->values ? " Gives " : ", ", *v);
        if (p->values[0] && n + 1 < sizeof(text))
                strcpy(text + n, ".");
        print_comment(f, text);
}

void config_print(const Config *c, FILE *f) {
        fprintf(f, "# Every key of scrubstress, its value, and where that comes from. Values of a load profile stand in for defaults:\n");
        for (size_t i = 0; i < n_load_profiles; i++)
                print_profile_comment(f, &load_profiles[i]);
        for (const Key *k = keys; k < keys + n_keys; k++) {
                char value[KEY_VALUE_MAX];
                int n;
                if (starts_section(k))
                        fprintf(f, "\n[%s]\n", k->section);
                key_print(k, c, value);
                n = fprintf(f, "%s=%s", k->name, value);
                fprintf(f, "%*s ; %s\n", MAX_OF(0, COMMENT_COLUMN - n), "", key_origin(k, c));
        }
}

void config_print_values(const Config *c, FILE *f) {
        char value[KEY_VALUE_MAX];

        for (const Key *k = keys; k < keys + n_keys; k++) {
                if (starts_section(k))
                        fprintf(f, "%s[%s]\n", k == keys ? "" : "\n", k->section);
                key_print(k, c, value);
                fprintf(f, "%s=%s\n", k->name, value);
        }
}

void config_print_sample(FILE *f) {
        print_comment(f, "Configuration of scrubstress, see scrubstress.conf(5). All keys are shown with their defaults, commented out. "
                         "Change this file, or better, put what differs into a file of your own below scrubstress.conf.d/. "
                         "An empty assignment goes back to the default.");
        for (const Key *k = keys; k < keys + n_keys; k++) {
                char allowed[KEY_TEXT_MAX + 16] = "Allowed: ";
                if (starts_section(k))
                        fprintf(f, "\n[%s]\n", k->section);
                key_describe(k, allowed + strlen(allowed));
                fputc('\n', f);
                print_comment(f, k->help);
                print_comment(f, allowed);
                for (size_t i = 0; k->type == &type_load_profile && i < n_load_profiles; i++)
                        print_profile_comment(f, &load_profiles[i]);
                fprintf(f, "#%s=%s\n", k->name, k->value);
        }
}

/* Text for man(7): '-' would become a hyphen, '\' starts a request, and so do '.' and ''' at the beginning of a line. */
static void print_roff(FILE *f, const char *text) {
        if (*text == '.' || *text == '\'')
                fputs("\\&", f);
        for (; *text; text++)
                switch (*text) {
                case '-':
                        fputs("\\-", f);
                        break;
                case '\\':
                        fputs("\\e", f);
                        break;
                default:
                        fputc(*text, f);
                }
}

void config_print_man(FILE *f) {
        for (const Key *k = keys; k < keys + n_keys; k++) {
                char allowed[KEY_TEXT_MAX];
                if (starts_section(k))
                        fprintf(f, ".SS [%s]\n", k->section);
                key_describe(k, allowed);
                fprintf(f, ".TP\n\\fB%s=\\fR", k->name);
                fputc('\n', f);
                print_roff(f, k->help);
                fputs("\nTakes ", f);
                print_roff(f, allowed);
                fputs(". Default: \\fB", f);
                print_roff(f, k->value);
                fputs("\\fR.\n", f);
        }
}

void config_print_man_profiles(FILE *f) {
        for (const LoadProfile *p = load_profiles; p < load_profiles + n_load_profiles; p++) {
                fprintf(f, ".TP\n.B %s\n", p->name);
                print_roff(f, p->help);
                for (const char *const *v = p->values; *v; v++) {
                        fputs(v == p->values ? "\nGives \\fB" : ", \\fB", f);
                        print_roff(f, *v);
                        fputs("\\fR", f);
                }
                fputs(p->values[0] ? ".\n" : "\n", f);
        }
}

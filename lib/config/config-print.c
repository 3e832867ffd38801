/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ini.h>
#include <string.h>

#include "config/key.h"

#define COMMENT_COLUMN 44
#define WRAP_COLUMN 100

static bool starts_section(const Key *k) {
        return k == keys || strcmp(k->section, k[-1].section) != 0;
}

/* The origin goes behind the value, or above where inih could not read the line back. */
void config_print(const Config *c, FILE *f) {
        fprintf(f, "# Every key of scrubstress, its value, and where that comes from.\n");
        for (const Key *k = keys; k < keys + n_keys; k++) {
                char value[KEY_VALUE_MAX], assignment[INI_MAX_LINE];
                const char *origin = key_origin(k, c);
                if (starts_section(k))
                        fprintf(f, "\n[%s]\n", k->section);
                key_print(k, c, value);
                snprintf(assignment, sizeof(assignment), "%s=%s", k->name, value);
                if (MAX_OF(strlen(assignment), (size_t)COMMENT_COLUMN) + strlen(" ; ") + strlen(origin) < INI_MAX_LINE)
                        fprintf(f, "%-*s ; %s\n", COMMENT_COLUMN, assignment, origin);
                else
                        fprintf(f, "; %s\n%s\n", origin, assignment);
        }
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

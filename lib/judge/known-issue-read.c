/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of configuration into KnownIssues. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "judge/known-issue.h"

_Static_assert(_OP_MAX <= 64, "KnownIssue.operations has a bit for every operation");

/* Refuses the value: what is wrong with it, and what would be right. */
static int refuse(const ConfLine *line, Error *e, const char *format, ...) _printf_(3, 4);
static int refuse(const ConfLine *line, Error *e, const char *format, ...) {
        char reason[2048];
        va_list ap;

        va_start(ap, format);
        vsnprintf(reason, sizeof(reason), format, ap);
        va_end(ap);
        return conf_fail(line, e, "[%s] %s=%.200s: %s", line->section, line->name, line->value, reason);
}

static int no_memory(Error *e) {
        return error_set(e, EXIT_ERROR, ENOMEM, "out of memory");
}

/* Names that are allowed, for a refusal. */
typedef struct Names {
        char text[1024];
        size_t n;
} Names;

static const char *names_add(Names *l, const char *name) {
        if (l->n < sizeof(l->text))
                l->n += (size_t)snprintf(l->text + l->n, sizeof(l->text) - l->n, "%s%s", l->n ? ", " : "", name);
        return l->text;
}

static int take_text(char **slot, const ConfLine *line, Error *e) {
        *slot = strdup(line->value);
        return *slot ? 0 : no_memory(e);
}

static int take_what(KnownIssue *i, const ConfLine *line, Error *e) {
        return take_text(&i->what, line, e);
}

static int take_reference(KnownIssue *i, const ConfLine *line, Error *e) {
        return take_text(&i->reference, line, e);
}

/* What is held against the hardware or the setting is nobody's issue of the kernel. */
static bool is_of_kernel(FindingClass class) {
        const char *name = finding_classes[class].name;

        return strncmp(name, "hardware/", 9) != 0 && strncmp(name, "setup/", 6) != 0;
}

static int take_class(KnownIssue *i, const ConfLine *line, Error *e) {
        Names allowed = { .n = 0 };

        for (unsigned c = 0; c < _CLASS_MAX; c++) {
                if (!is_of_kernel((FindingClass)c))
                        continue;
                if (strcmp(finding_classes[c].name, line->value) == 0) {
                        i->class = (FindingClass)c;
                        return 0;
                }
                names_add(&allowed, finding_classes[c].name);
        }
        return refuse(line, e, "not a class of findings against the kernel; allowed: %s", allowed.text);
}

static int take_grade(KnownIssue *i, const ConfLine *line, Error *e) {
        i->grade = strcmp(line->value, grade_name(GRADE_KNOWN)) == 0 ? GRADE_KNOWN : GRADE_FINDING;
        if (strcmp(line->value, grade_name(i->grade)) == 0)
                return 0;
        return refuse(line, e, "not a grade of known issues; allowed: known (it does not fail the run), finding (it does, and has its reference)");
}

static int take_errno(KnownIssue *i, const ConfLine *line, Error *e) {
        int err = errno_from_name(line->value);

        if (err < 0)
                return refuse(line, e, "not the name of an errno; write one such as ENOSPC");
        i->result = -err;
        return 0;
}

static int take_pattern(KnownIssue *i, const ConfLine *line, Error *e) {
        char reason[256];
        int r;

        if (i->n_patterns == KNOWN_PATTERNS_MAX)
                return refuse(line, e, "at most %d patterns are possible; join some with .*", KNOWN_PATTERNS_MAX);
        /* Lines stand one under the other: ^ and $ are those of each. */
        r = regcomp(&i->patterns[i->n_patterns], line->value, REG_EXTENDED | REG_NOSUB | REG_NEWLINE);
        if (r == 0) {
                i->n_patterns++;
                return 0;
        }
        regerror(r, &i->patterns[i->n_patterns], reason, sizeof(reason));
        return refuse(line, e, "not an extended regular expression (%s), see regex(7)", reason);
}

/* They are for tests; but what cannot be read tests nothing. */
static int take_example(KnownIssue *i, const ConfLine *line, Error *e) {
        char text[OBS_LINE_MAX], *longer;
        Error why = ERROR_NULL;
        Observation o;

        snprintf(text, sizeof(text), "0 %s", line->value);
        if (observation_parse(text, &o, &why) < 0)
                return refuse(line, e, "not an observation (%s); write one as observations.obs of an evidence folder has them, without its time",
                              why.sentence);
        if (asprintf(&longer, "%s%s\n", i->example ?: "", line->value) < 0)
                return no_memory(e);
        free(i->example);
        i->example = longer;
        return 0;
}

/* Lists of words. Calls take() for each, which refuses it. */
static int each_word(KnownIssue *i, const ConfLine *line, Error *e, int (*take)(KnownIssue *i, const char *word)) {
        _cleanup_free_ char *copy = strdup(line->value);
        char *save = NULL;
        int r = 0;

        if (!copy)
                return no_memory(e);
        for (char *word = strtok_r(copy, " \t", &save); word && r == 0; word = strtok_r(NULL, " \t", &save))
                r = take(i, word);
        return r;
}

static int add_operation(KnownIssue *i, const char *word) {
        int op = operation_from_name(word);

        if (op < 0)
                return -EINVAL;
        i->operations |= UINT64_C(1) << op;
        return 0;
}

static int take_operation(KnownIssue *i, const ConfLine *line, Error *e) {
        Names allowed = { .n = 0 };
        int r = each_word(i, line, e, add_operation);

        if (r != -EINVAL)
                return r;
        for (unsigned op = 0; op < _OP_MAX; op++)
                names_add(&allowed, operation_name((Operation)op));
        return refuse(line, e, "not a list of operations; allowed: %s (none: the kernel log)", allowed.text);
}

static int add_condition(KnownIssue *i, const char *word) {
        uint32_t bit = observation_flag(word, strlen(word));

        i->when |= bit;
        return bit ? 0 : -EINVAL;
}

static int take_when(KnownIssue *i, const ConfLine *line, Error *e) {
        Names allowed = { .n = 0 };
        int r = each_word(i, line, e, add_condition);

        if (r != -EINVAL)
                return r;
        for (uint32_t bit = 1; bit; bit <<= 1)
                if (observation_flag_name(bit))
                        names_add(&allowed, observation_flag_name(bit));
        return refuse(line, e, "not a list of conditions; allowed: %s", allowed.text);
}

static int add_version(KernelVersion *list, unsigned *n, const char *word) {
        if (*n == KNOWN_VERSIONS_MAX)
                return -E2BIG;
        if (kernel_version_parse(word, &list[*n]) < 0)
                return -EINVAL;
        (*n)++;
        return 0;
}

static int add_since(KnownIssue *i, const char *word) {
        return add_version(i->since, &i->n_since, word);
}

static int add_fixed_in(KnownIssue *i, const char *word) {
        return add_version(i->fixed_in, &i->n_fixed_in, word);
}

static int take_versions(KnownIssue *i, const ConfLine *line, Error *e, int (*add)(KnownIssue *i, const char *word)) {
        int r = each_word(i, line, e, add);

        if (r == -E2BIG)
                return refuse(line, e, "at most %d versions are possible", KNOWN_VERSIONS_MAX);
        if (r == -EINVAL)
                return refuse(line, e, "not a list of kernel versions; write the mainline release and those of stable branches, such as "
                                       "6.19 6.12.60 6.1.158");
        return r;
}

static int take_since(KnownIssue *i, const ConfLine *line, Error *e) {
        return take_versions(i, line, e, add_since);
}

static int take_fixed_in(KnownIssue *i, const ConfLine *line, Error *e) {
        return take_versions(i, line, e, add_fixed_in);
}

static const struct {
        const char *name;
        int (*take)(KnownIssue *i, const ConfLine *line, Error *e);
        bool many;          /* a second one adds to the first */
        bool narrows;       /* of the class */
        const char *needed; /* what to write when it is missing; NULL: it may be */
} keys[] = {
        { "Class", take_class, .needed = "name the class of the finding, such as kernel/transaction-abort" },
        { "Errno", take_errno, .narrows = true },
        { "Example", take_example, .many = true },
        { "FixedIn", take_fixed_in, .many = true },
        { "Grade", take_grade, .needed = "write known (it does not fail the run) or finding (it does)" },
        { "Operation", take_operation, .many = true, .narrows = true },
        { "Pattern", take_pattern, .many = true, .narrows = true },
        { "Reference", take_reference, .needed = "say where it is known: a commit, a report, an address" },
        { "Since", take_since, .many = true },
        { "What", take_what, .needed = "say in a sentence what happens" },
        { "When", take_when, .many = true, .narrows = true },
};

static int begin_issue(KnownIssues *k, const ConfLine *line, Error *e) {
        KnownIssue **more, *i;

        if (line->section[0] == 0 || strlen(line->section) > KNOWN_NAME_MAX)
                return conf_fail(line, e, "[%.100s]: the name of a known issue has 1 to %d bytes", line->section, KNOWN_NAME_MAX);
        for (size_t n = 0; n < k->n; n++)
                if (strcmp(k->issues[n]->name, line->section) == 0)
                        return conf_fail(line, e, "[%s]: there is a known issue of this name already (%s); give one of them another", line->section,
                                         k->issues[n]->origin);
        more = reallocarray(k->issues, k->n + 1, sizeof(KnownIssue *));
        if (!more)
                return no_memory(e);
        k->issues = more;
        i = calloc(1, sizeof(*i));
        if (!i)
                return no_memory(e);
        k->issues[k->n++] = i;
        i->carried = line->carried;
        i->name = strdup(line->section);
        if (!i->name || asprintf(&i->origin, "%s:%u", line->path, line->number) < 0) {
                i->origin = NULL;
                return no_memory(e);
        }
        return 0;
}

static int take_key(KnownIssue *i, const ConfLine *line, Error *e) {
        Names allowed = { .n = 0 };

        for (unsigned n = 0; n < ELEMENTSOF(keys); n++) {
                if (strcmp(keys[n].name, line->name) != 0) {
                        names_add(&allowed, keys[n].name);
                        continue;
                }
                if (line->value[0] == 0)
                        return refuse(line, e, "nothing stands there; write a value or take the line out");
                if (i->given & 1u << n && !keys[n].many)
                        return refuse(line, e, "given a second time; leave one");
                i->given |= 1u << n;
                return keys[n].take(i, line, e);
        }
        return conf_fail(line, e, "[%s] %.100s=: there is no such key of known issues; allowed: %s", line->section, line->name, allowed.text);
}

int known_issues_take(void *userdata, const ConfLine *line, Error *e) {
        KnownIssues *k = userdata;

        if (!line->name)
                return begin_issue(k, line, e);
        if (line->section[0] == 0)
                return conf_fail(line, e, "%.100s=: it stands in no section; begin with the name of the issue, such as [near-full-abort]",
                                 line->name);
        return take_key(k->issues[k->n - 1], line, e);
}

static int check(const KnownIssue *i, Error *e) {
        bool narrowed = false;

        for (unsigned n = 0; n < ELEMENTSOF(keys); n++) {
                bool given = i->given & 1u << n;
                narrowed |= given && keys[n].narrows;
                if (!given && keys[n].needed)
                        return error_set(e, EXIT_USAGE, EINVAL, "%s: [%s] has no %s=; %s", i->origin, i->name, keys[n].name,
                                         keys[n].needed);
        }
        if (!narrowed)
                return error_set(e, EXIT_USAGE, EINVAL, "%s: [%s] would take in every finding of its class; say which with Operation=, Errno=, "
                                 "Pattern= or When=", i->origin, i->name);
        return 0;
}

/* Whoever reads the report must see that it is not the program who says so. */
static int name_file(KnownIssue *i, Error *e) {
        char *longer;

        if (asprintf(&longer, "%s (says %s)", i->reference, i->origin) < 0)
                return no_memory(e);
        free(i->reference);
        i->reference = longer;
        return 0;
}

int known_issues_check(KnownIssues *k, Error *e) {
        for (size_t n = 0; n < k->n; n++) {
                int r = check(k->issues[n], e);
                if (r == 0 && !k->issues[n]->carried)
                        r = name_file(k->issues[n], e);
                if (r < 0)
                        return r;
        }
        return 0;
}

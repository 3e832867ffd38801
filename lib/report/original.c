/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/original.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "report/json.h"

#define SCHEMA 1 /* that is understood: of report-json.c */
#define LONGEST_S (100.0 * 366 * 86400)

static bool is_folder(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool original_at(char folder[static PATH_MAX], const char *name) {
        return is_folder(name) && realpath(name, folder);
}

static void closedirp(DIR **d) {
        if (*d)
                closedir(*d);
}

/* What a folder holds that begins so. */
typedef struct Matches {
        unsigned n;
        char name[NAME_MAX + 1]; /* the last; the exact one, if there is one: then it is the only one */
        char list[512];          /* all of them, for people */
} Matches;

static void matches_add(Matches *m, const char *name) {
        size_t have = strlen(m->list);

        snprintf(m->list + have, sizeof(m->list) - have, "%s%s", m->n++ ? ", " : "", name);
        snprintf(m->name, sizeof(m->name), "%s", name);
}

static int look(Matches *m, const char *path, const char *prefix, size_t length) {
        _cleanup_(closedirp) DIR *d = opendir(path);

        if (!d)
                return -errno;
        for (struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
                _cleanup_free_ char *child = NULL;
                if (entry->d_name[0] == '.' || strncmp(entry->d_name, prefix, length) != 0)
                        continue;
                if (asprintf(&child, "%s/%s", path, entry->d_name) < 0)
                        return -ENOMEM;
                if (!is_folder(child))
                        continue;
                if (!entry->d_name[length])
                        *m = (Matches){ 0 };
                matches_add(m, entry->d_name);
                if (!entry->d_name[length])
                        break;
        }
        return 0;
}

/* The one folder of `path` that is called or begins so is appended to it. */
static int descend(char path[static PATH_MAX], const char *prefix, size_t length, const char *what, Error *e) {
        Matches m = { 0 };
        size_t have = strlen(path);
        int r = look(&m, path, prefix, length);

        if (r < 0)
                return error_set(e, EXIT_USAGE, -r, "Evidence is looked for in %s: %s; name its directory with --set Run.EvidenceDirectory=, or give "
                                 "the path of the folder.", path, strerror(-r));
        if (m.n == 0)
                return error_set(e, EXIT_USAGE, ENOENT, "There is no %s %.*s%s in %s, and no folder of that name here.", what, (int)length, prefix,
                                 length ? "…" : "at all", path);
        if (m.n > 1)
                return error_set(e, EXIT_USAGE, ENOTUNIQ, "There is more than one %s %.*s… in %s: %s; say which.", what, (int)length, prefix, path,
                                 m.list);
        if (snprintf(path + have, PATH_MAX - have, "/%s", m.name) >= (int)(PATH_MAX - have))
                return error_set(e, EXIT_USAGE, ENAMETOOLONG, "The path of the folder %s in %s is too long.", m.name, path);
        return 0;
}

int original_find(char folder[static PATH_MAX], const char *directory, const char *name, Error *e) {
        size_t run = strcspn(name, "/"), finding;
        const char *rest = name + run + strspn(name + run, "/");
        int r;

        if (run == 0 || name[0] == '.')
                return error_set(e, EXIT_USAGE, ENOENT, "There is no folder %s.", name);
        snprintf(folder, PATH_MAX, "%s", directory);
        finding = strlen(rest);
        while (finding > 0 && rest[finding - 1] == '/')
                finding--;
        r = descend(folder, name, run, "run", e);
        return r < 0 ? r : descend(folder, rest, finding, "finding", e);
}

/* "" for what is null, absent or no string. */
static const char *text(json_object *o, const char *key) {
        json_object *value = json_object_object_get(o, key);

        return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

/* 0 for what is null or absent; false for what is no number of seconds. */
static bool seconds(json_object *o, const char *key, uint64_t *ret_ns) {
        json_object *value = json_object_object_get(o, key);
        double s = json_object_get_double(value);

        if (value && !json_object_is_type(value, json_type_double) && !json_object_is_type(value, json_type_int))
                return false;
        if (!(s >= 0 && s < LONGEST_S))
                return false;
        *ret_ns = (uint64_t)(s * 1000 + 0.5) * NSEC_PER_MSEC;
        return true;
}

static bool number(const char *digits, uint64_t *ret) {
        char *end;

        errno = 0;
        *ret = strtoull(digits, &end, 10);
        return digits[0] >= '0' && digits[0] <= '9' && !*end && errno == 0;
}

/* What is wrong with it, or NULL. */
static const char *understand(Original *o, json_object *root) {
        json_object *finding = json_object_object_get(root, "finding");
        int class = finding_class_from_name(text(finding, "class"));
        int op = text(finding, "operation")[0] ? operation_from_name(text(finding, "operation")) : OP_NONE;

        if (json_object_get_int(json_object_object_get(root, "schema")) != SCHEMA)
                return "it is of another version of scrubstress (\"schema\")";
        if (class < 0)
                return "its class is not known to this version of scrubstress";
        if (op < 0)
                return "its operation is not known to this version of scrubstress";
        if (!number(text(root, "seed"), &o->seed) || o->seed == 0)
                return "it has no seed";
        if (!json_object_object_get(root, "found_s") || !seconds(root, "found_s", &o->found_ns) || !seconds(root, "duration_asked_s", &o->asked_ns))
                return "it does not say after how much stress it was found";
        o->class = (FindingClass)class;
        o->op = (Operation)op;
        snprintf(o->result, sizeof(o->result), "%s", text(finding, "errno"));
        snprintf(o->version, sizeof(o->version), "%s", text(root, "version"));
        snprintf(o->kernel, sizeof(o->kernel), "%s", text(root, "kernel"));
        snprintf(o->run_id, sizeof(o->run_id), "%s", text(root, "run_id"));
        return NULL;
}

int original_read(Original *o, const char *folder, Error *e) {
        _cleanup_free_ char *path = NULL;
        _cleanup_(json_freep) json_object *root = NULL;
        const char *wrong;

        *o = (Original){ 0 };
        if (snprintf(o->folder, sizeof(o->folder), "%s", folder) >= (int)sizeof(o->folder))
                return error_set(e, EXIT_USAGE, ENAMETOOLONG, "The path of the evidence folder is too long: %s.", folder);
        if (asprintf(&path, "%s/finding.json", folder) < 0)
                return error_set(e, EXIT_ERROR, ENOMEM, "Not enough memory to read %s.", folder);
        if (access(path, R_OK) < 0)
                return error_set(e, EXIT_USAGE, errno, "%s: %s. A folder of one finding is asked for, RUN/FINDING; one that an older version has "
                                 "kept lacks this file, and scrubstress run --config %s/config.conf --seed N, with the seed of versions.txt, is as "
                                 "near as it gets.", path, strerror(errno), folder);
        root = json_object_from_file(path);
        wrong = root ? understand(o, root) : json_util_get_last_err();
        if (wrong)
                return error_set(e, EXIT_USAGE, EINVAL, "%s cannot be understood: %.200s; replay it with the version of scrubstress that "
                                 "versions.txt names, or another finding.", path, wrong);
        return 0;
}

static const char *result_of(const Finding *f, char buf[static 16]) {
        return f->result == 0 ? "" : result_name(f->result, buf);
}

bool original_is(const Original *o, const Finding *f) {
        char name[16];

        return f->class == o->class && f->op == o->op && strcmp(result_of(f, name), o->result) == 0;
}

char *original_describe(const Original *o, char buf[static ORIGINAL_TEXT_MAX]) {
        bool op = o->op != OP_NONE, result = o->result[0];

        snprintf(buf, ORIGINAL_TEXT_MAX, "%s%s%s%s%s%s", finding_classes[o->class].name, op ? " of " : "", op ? operation_name(o->op) : "",
                 result ? " (" : "", o->result, result ? ")" : "");
        return buf;
}

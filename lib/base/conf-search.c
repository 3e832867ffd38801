/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/conf-search.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

const char *const conf_directories[CONF_DIRECTORIES] = { "/etc/scrubstress", "/run/scrubstress", "/usr/local/lib/scrubstress",
                                                         "/usr/lib/scrubstress" };

typedef struct DropIns {
        struct DropIn {
                char *path;
                const char *name; /* its last component */
                const char *text; /* carried; NULL: a file */
        } *entries;
        size_t n;
} DropIns;

static void drop_ins_free(DropIns *d) {
        for (size_t i = 0; i < d->n; i++)
                free(d->entries[i].path);
        free(d->entries);
}

static int compare_drop_ins(const void *a, const void *b) {
        return strcmp(((const struct DropIn *)a)->name, ((const struct DropIn *)b)->name);
}

static bool is_drop_in_name(const char *name) {
        size_t n = strlen(name), suffix = strlen(".conf");

        return name[0] != '.' && n > suffix && strcmp(name + n - suffix, ".conf") == 0;
}

/* A name that is there already comes from a directory that goes first and hides this one, with whatever it holds: nothing masks. */
static int add_drop_in(DropIns *d, const char *before, const char *name, const char *text) {
        struct DropIn *more;
        char *path;

        for (size_t i = 0; i < d->n; i++)
                if (strcmp(d->entries[i].name, name) == 0)
                        return 0;
        more = reallocarray(d->entries, d->n + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        d->entries = more;
        if (asprintf(&path, "%s%s", before, name) < 0)
                return -ENOMEM;
        d->entries[d->n++] = (struct DropIn){ .path = path, .name = path + strlen(before), .text = text };
        return 0;
}

static void closedirp(DIR **d) {
        if (*d)
                closedir(*d);
}

/* `directory` ends with a slash. */
static int list_drop_ins(DropIns *d, const char *directory) {
        _cleanup_(closedirp) DIR *dir = opendir(directory);
        struct dirent *de;
        int r = 0;

        if (!dir)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        while (r == 0 && (errno = 0, de = readdir(dir)))
                if (is_drop_in_name(de->d_name))
                        r = add_drop_in(d, directory, de->d_name, NULL);
        return r < 0 ? r : -errno;
}

static int list_all(DropIns *d, const char *root, const char *folder, Error *e) {
        for (size_t i = 0; i < CONF_DIRECTORIES; i++) {
                _cleanup_free_ char *directory = NULL;
                int r;
                if (asprintf(&directory, "%s%s/%s/", root, conf_directories[i], folder) < 0)
                        return error_set(e, EXIT_ERROR, ENOMEM, "out of memory");
                r = list_drop_ins(d, directory);
                if (r < 0)
                        return error_set(e, EXIT_USAGE, -r, "%.600s: cannot list this configuration folder: %s", directory, strerror(-r));
        }
        return 0;
}

int conf_drop_ins(const char *root, const char *folder, const ConfCarried *carried, const ConfTaker *t, Error *e) {
        _cleanup_(drop_ins_free) DropIns d = { 0 };
        int r = list_all(&d, root, folder, e);

        if (r < 0)
                return r;
        for (const ConfCarried *c = carried; c && c->name; c++)
                if (add_drop_in(&d, "built-in ", c->name, c->text) < 0)
                        return error_set(e, EXIT_ERROR, ENOMEM, "out of memory");
        if (d.n > 0)
                qsort(d.entries, d.n, sizeof(*d.entries), compare_drop_ins);
        for (size_t i = 0; i < d.n && r == 0; i++)
                r = d.entries[i].text ? conf_text_read(d.entries[i].path, d.entries[i].text, t, e) : conf_file_read(d.entries[i].path, t, e);
        return r;
}

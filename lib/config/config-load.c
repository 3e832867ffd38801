/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files into Config. inih takes the lines apart, but it does not say which line it is at, and it splits a line that is too long for it: so
 * the lines are handed to it one by one from memory, counted and checked on the way.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <string.h>
#include <sys/stat.h>

#include "config/key.h"

#define FILE_SIZE_MAX (1 * MiB)

typedef struct Loader {
        const char *path;
        const char *next, *end; /* text not yet read */
        unsigned line;
        int error;              /* negative errno: e is set */
        Config *config;
        const ConfigWarn *warn;
        Error *e;
} Loader;

static int fail(Loader *l, const char *reason) {
        l->error = error_set(l->e, EXIT_USAGE, EINVAL, "%.500s:%u: %s", l->path, l->line, reason);
        return l->error;
}

static void warn_unknown(Loader *l, const char *section, const char *name) {
        char text[KEY_TEXT_MAX], sentence[KEY_TEXT_MAX + 512];

        if (!l->warn || !l->warn->func)
                return;
        key_explain_unknown(section, name, text);
        snprintf(sentence, sizeof(sentence), "%.400s:%u: %s (ignored)", l->path, l->line, text);
        l->warn->func(l->warn->userdata, sentence);
}

/* A whole section that is not ours gets one warning, at its head. */
static void look_at_section(Loader *l, const char *s, size_t n) {
        const char *end = memchr(s, ']', n);
        _cleanup_free_ char *section = end ? strndup(s + 1, (size_t)(end - s - 1)) : NULL;

        if (section && !key_section_exists(section))
                warn_unknown(l, section, NULL);
}

static int check_text(Loader *l, const char *s, size_t n) {
        for (size_t i = 0; i < n; i++) {
                unsigned char byte = (unsigned char)s[i];
                char reason[128];
                if ((byte >= ' ' && byte != 0x7f) || byte == '\t')
                        continue;
                snprintf(reason, sizeof(reason), "%s 0x%02x: this is not a text file; configuration files are UTF-8 text",
                         byte == 0 ? "the NUL byte" : "the control character", byte);
                return fail(l, reason);
        }
        return 0;
}

/* fgets() for inih. Leading blanks are removed: inih would take an indented line for more of the value before it. */
static char *read_line(char *buf, int size, void *stream) {
        Loader *l = stream;
        const char *s = l->next, *nl;
        char reason[128];
        size_t n;

        if (l->error < 0 || s == l->end)
                return NULL;
        nl = memchr(s, '\n', (size_t)(l->end - s));
        n = (size_t)((nl ?: l->end) - s);
        l->next = nl ? nl + 1 : l->end;
        l->line++;
        if (n > 0 && s[n - 1] == '\r')
                n--;
        if (check_text(l, s, n) < 0)
                return NULL;
        for (; n > 0 && (*s == ' ' || *s == '\t'); n--)
                s++;
        if (n > 0 && (*s == '#' || *s == ';'))
                n = 0;
        if (n >= (size_t)size) {
                snprintf(reason, sizeof(reason), "the line is %zu bytes long, at most %d are possible", n, size - 1);
                fail(l, reason);
                return NULL;
        }
        if (n > 0 && *s == '[')
                look_at_section(l, s, n);
        memcpy(buf, s, n);
        buf[n] = 0;
        return buf;
}

/* For inih: 1 is success. */
static int take_value(void *userdata, const char *section, const char *name, const char *value) {
        _cleanup_free_ char *origin = NULL;
        Loader *l = userdata;
        const Key *k = key_find(section, name);

        if (!k) {
                if (section[0] == 0 || key_section_exists(section))
                        warn_unknown(l, section, name);
                return 1;
        }
        if (asprintf(&origin, "%s:%u", l->path, l->line) < 0) {
                l->error = error_set(l->e, EXIT_ERROR, ENOMEM, "out of memory");
                return 0;
        }
        l->error = key_assign(k, l->config, value, origin, l->e);
        return l->error == 0;
}

static int parse(Loader *l) {
        int r;

        if (l->end - l->next >= 3 && memcmp(l->next, "\xef\xbb\xbf", 3) == 0)
                l->next += 3;
        r = ini_parse_stream(read_line, l, take_value, l);
        /* The number of the first line that inih could not take apart, or whose value was refused: reading ended there. */
        if (r > 0 && (l->error == 0 || (unsigned)r < l->line)) {
                l->line = (unsigned)r;
                return fail(l, "neither a [Section], nor a Key=VALUE, nor a comment (# or ;)");
        }
        return l->error;
}

/* Returns the length of *ret, or a negative errno. */
static ssize_t read_all(const char *path, char **ret) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        _cleanup_free_ char *text = NULL;
        size_t have = 0;

        if (fd < 0)
                return -errno;
        text = malloc(FILE_SIZE_MAX + 1);
        if (!text)
                return -ENOMEM;
        for (;;) {
                ssize_t n = read(fd, text + have, FILE_SIZE_MAX + 1 - have);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                have += (size_t)n;
                if (have > FILE_SIZE_MAX)
                        return -EFBIG;
        }
        *ret = TAKE_PTR(text);
        return (ssize_t)have;
}

static int cannot_read(const char *path, int err, Error *e) {
        return error_set(e, EXIT_USAGE, err, "%.600s: cannot read this configuration file: %s", path,
                         err == EFBIG ? "it is larger than 1 MiB" : strerror(err));
}

static int load_file(Config *c, const char *path, const ConfigWarn *warn, Error *e) {
        _cleanup_free_ char *text = NULL;
        ssize_t n = read_all(path, &text);
        Loader l = { .path = path, .config = c, .warn = warn, .e = e };

        if (n < 0)
                return cannot_read(path, (int)-n, e);
        l.next = text;
        l.end = text + n;
        return parse(&l);
}

int config_load_file(Config *c, const char *path, bool must_exist, const ConfigWarn *warn, Error *e) {
        Config next = *c;
        int r;

        if (!must_exist && access(path, F_OK) < 0 && errno == ENOENT)
                return 0;
        r = load_file(&next, path, warn, e);
        if (r == 0)
                *c = next;
        return r;
}

#define COMMON "scrubstress" /* .conf and .conf.d: what all instances read */

/* Highest first. */
static const char *const directories[] = { "/etc/scrubstress", "/run/scrubstress", "/usr/local/lib/scrubstress", "/usr/lib/scrubstress" };

#define NO_FILE 1

/* The first NAME.conf; NO_FILE when there is none. */
static int load_main(Config *c, const char *root, const char *name, const ConfigWarn *warn, Error *e) {
        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                _cleanup_free_ char *path = NULL;
                if (asprintf(&path, "%s%s/%s.conf", root, directories[i], name) < 0)
                        return error_set(e, EXIT_ERROR, ENOMEM, "out of memory");
                if (access(path, F_OK) == 0)
                        return load_file(c, path, warn, e);
                if (errno != ENOENT && errno != ENOTDIR)
                        return cannot_read(path, errno, e);
        }
        return NO_FILE;
}

typedef struct DropIns {
        struct DropIn {
                char *path;
                const char *name; /* its last component */
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
static int add_drop_in(DropIns *d, const char *directory, const char *name) {
        struct DropIn *more;
        char *path;

        for (size_t i = 0; i < d->n; i++)
                if (strcmp(d->entries[i].name, name) == 0)
                        return 0;
        more = reallocarray(d->entries, d->n + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        d->entries = more;
        if (asprintf(&path, "%s/%s", directory, name) < 0)
                return -ENOMEM;
        d->entries[d->n++] = (struct DropIn){ .path = path, .name = path + strlen(directory) + 1 };
        return 0;
}

static void closedirp(DIR **d) {
        if (*d)
                closedir(*d);
}

static int list_drop_ins(DropIns *d, const char *directory) {
        _cleanup_(closedirp) DIR *dir = opendir(directory);
        struct dirent *de;
        int r = 0;

        if (!dir)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        while (r == 0 && (errno = 0, de = readdir(dir)))
                if (is_drop_in_name(de->d_name))
                        r = add_drop_in(d, directory, de->d_name);
        return r < 0 ? r : -errno;
}

static int load_drop_ins(Config *c, const char *root, const char *name, const ConfigWarn *warn, Error *e) {
        _cleanup_(drop_ins_free) DropIns d = { 0 };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                _cleanup_free_ char *directory = NULL;
                if (asprintf(&directory, "%s%s/%s.conf.d", root, directories[i], name) < 0)
                        return error_set(e, EXIT_ERROR, ENOMEM, "out of memory");
                r = list_drop_ins(&d, directory);
                if (r < 0)
                        return error_set(e, EXIT_USAGE, -r, "%.600s: cannot list this configuration folder: %s", directory, strerror(-r));
        }
        if (d.n > 0)
                qsort(d.entries, d.n, sizeof(*d.entries), compare_drop_ins);
        for (size_t i = 0; i < d.n; i++) {
                r = load_file(c, d.entries[i].path, warn, e);
                if (r < 0)
                        return r;
        }
        return 0;
}

int config_load(Config *c, const char *root, const ConfigWarn *warn, Error *e) {
        Config next = *c;
        int r = load_main(&next, root ?: "", COMMON, warn, e);

        if (r >= 0)
                r = load_drop_ins(&next, root ?: "", COMMON, warn, e);
        if (r == 0)
                *c = next;
        return r;
}

/* A name that Run.Instance takes, and not that of the common file. */
static int check_name(const char *name, Error *e) {
        const Key *k = key_find("Run", "Instance");
        char allowed[KEY_TEXT_MAX];
        Config scratch;

        if (name[0] && strcmp(name, COMMON) != 0 && k->type->parse(k, name, (char *)&scratch + k->offset) == 0)
                return 0;
        key_describe(k, allowed);
        return error_set(e, EXIT_USAGE, EINVAL, "instance \"%.80s\": not a name of an instance; allowed: %s; but not " COMMON
                         ", whose file is for all of them", name, allowed);
}

int config_load_instance(Config *c, const char *root, const char *name, const ConfigWarn *warn, Error *e) {
        const Key *k = key_find("Run", "Instance");
        char origin[CONFIG_ORIGIN_MAX];
        Config next = *c;
        int r = check_name(name, e);

        if (r < 0)
                return r;
        r = load_main(&next, root ?: "", name, warn, e);
        if (r == NO_FILE)
                return error_set(e, EXIT_USAGE, ENOENT, "instance \"%s\": there is no %s.conf in %s, %s, %s or %s; write one with what differs from "
                                 COMMON ".conf, such as [Target] Devices= and Wipe=", name, name, directories[0], directories[1], directories[2],
                                 directories[3]);
        if (r == 0)
                r = load_drop_ins(&next, root ?: "", name, warn, e);
        if (r == 0 && key_is_default(k, &next)) {
                snprintf(origin, sizeof(origin), "instance %s", name);
                r = key_assign(k, &next, name, origin, e);
        }
        if (r == 0)
                *c = next;
        return r;
}

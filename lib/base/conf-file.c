/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inih takes the lines apart, but it does not say which line it is at, takes an indented one for more of the value before it, and splits a line
 * that is too long for it: so the lines are handed to it one by one from memory, counted, checked, and joined on the way.
 */
#include "base/conf-file.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <string.h>

#define FILE_SIZE_MAX (1 * MiB)

typedef struct Reader {
        const char *path;
        bool carried;
        char *next, *end;       /* text not yet read */
        unsigned line;          /* the one that is read; the first of those that were joined */
        unsigned joined;        /* lines that were joined to it, which inih has yet to count */
        const char *value;      /* of a line that is too long for inih; NULL: inih has it */
        int error;              /* negative errno: e is set */
        const ConfTaker *taker;
        Error *e;
} Reader;

int conf_fail(const ConfLine *line, Error *e, const char *format, ...) {
        char reason[3072];
        va_list ap;

        va_start(ap, format);
        vsnprintf(reason, sizeof(reason), format, ap);
        va_end(ap);
        return error_set(e, EXIT_USAGE, EINVAL, "%.500s:%u: %s", line->path, line->number, reason);
}

static int fail(Reader *r, const char *reason) {
        r->error = conf_fail(&(ConfLine){ .path = r->path, .number = r->line }, r->e, "%s", reason);
        return r->error;
}

static int give(Reader *r, const char *section, const char *name, const char *value) {
        r->error = r->taker->take(r->taker->userdata, &(ConfLine){ .path = r->path, .number = r->line, .carried = r->carried,
                                                                   .section = section, .name = name, .value = value }, r->e);
        return r->error;
}

/* inih tells of a section only with its first value. */
static int give_section(Reader *r, const char *s) {
        const char *end = strchr(s, ']');
        _cleanup_free_ char *section = end ? strndup(s + 1, (size_t)(end - s - 1)) : NULL;

        if (!end)
                return 0;
        if (!section)
                return r->error = error_set(r->e, EXIT_ERROR, ENOMEM, "out of memory");
        return give(r, section, NULL, NULL);
}

static int check_text(Reader *r, const char *s, size_t n) {
        for (size_t i = 0; i < n; i++) {
                unsigned char byte = (unsigned char)s[i];
                char reason[128];
                if ((byte >= ' ' && byte != 0x7f) || byte == '\t')
                        continue;
                snprintf(reason, sizeof(reason), "%s 0x%02x: this is not a text file; configuration files are UTF-8 text",
                         byte == 0 ? "the NUL byte" : "the control character", byte);
                return fail(r, reason);
        }
        return 0;
}

static const char blanks[] = " \t";

/* Takes blanks from the end; returns the length. */
static size_t cut_blanks(char *s) {
        size_t n = strlen(s);

        while (n > 0 && strchr(blanks, s[n - 1]))
                s[--n] = 0;
        return n;
}

static bool is_comment(const char *s) {
        return *s == '#' || *s == ';';
}

/* The next line of the file, in place, without blanks around it and without a comment behind a value. NULL: the last was read, or r->error. */
static char *next_line(Reader *r) {
        static const char *const comments[] = { " ;", "\t;" };
        char *s = r->next, *end;

        if (s == r->end)
                return NULL;
        end = memchr(s, '\n', (size_t)(r->end - s)) ?: r->end;
        r->next = end + (end < r->end);
        if (end > s && end[-1] == '\r')
                end--;
        if (check_text(r, s, (size_t)(end - s)) < 0)
                return NULL;
        *end = 0;
        s += strspn(s, blanks);
        for (size_t i = 0; i < ELEMENTSOF(comments); i++)
                if ((end = strstr(s, comments[i])))
                        *end = 0;
        cut_blanks(s);
        return s;
}

/* A line that ends in a backslash goes on in the next one, as in systemd's files: comments in between are skipped, and one blank stands for
 * the break. Unlike there, the next one has to be there: of a list of disks whose end was lost nothing is taken. */
static int join(Reader *r, char *s) {
        size_t n = strlen(s), n_more;
        char *more;

        while (n > 0 && s[n - 1] == '\\') {
                do {
                        more = next_line(r);
                        r->joined++;
                } while (more && is_comment(more));
                if (r->error < 0)
                        return r->error;
                if (!more || *more == 0 || *more == '[')
                        return fail(r, "the line ends in \\, so the next one must be more of it, and is not");
                s[n - 1] = 0;
                n = cut_blanks(s);
                if (n > 0) /* a blank at its beginning would be inih's sign of more of the value before */
                        s[n++] = ' ';
                n_more = strlen(more);
                memmove(s + n, more, n_more + 1);
                n += n_more;
        }
        return 0;
}

/* A line, or of one that is longer than inih can take the key without its value, which is kept aside. NULL: r->error. */
static char *hand_over(Reader *r, const char *s, char *buf, size_t size) {
        size_t n = strlen(s);
        char reason[128];

        r->value = NULL;
        if (n >= size && *s != '[') {
                n = strcspn(s, "=:");
                n += s[n] != 0;
                r->value = s + n;
        }
        if (n >= size) {
                snprintf(reason, sizeof(reason), "a name of %zu bytes, at most %zu are possible", n, size - 1);
                fail(r, reason);
                return NULL;
        }
        *(char *)mempcpy(buf, s, n) = 0;
        return buf;
}

/* fgets() for inih, which gets an empty line for each that is a comment or was joined to another. */
static char *read_line(char *buf, int size, void *stream) {
        Reader *r = stream;
        char *s;

        if (r->error < 0 || (r->joined == 0 && r->next == r->end))
                return NULL;
        r->line++;
        *buf = 0;
        if (r->joined > 0) {
                r->joined--;
                return buf;
        }
        s = next_line(r);
        if (!s || is_comment(s))
                return s ? buf : NULL;
        if ((*s == '[' ? give_section(r, s) : join(r, s)) < 0)
                return NULL;
        return hand_over(r, s, buf, (size_t)size);
}

/* For inih: 1 is success. */
static int take_value(void *userdata, const char *section, const char *name, const char *value) {
        Reader *r = userdata;

        return give(r, section, name, r->value ?: value) == 0;
}

static int parse(Reader *r) {
        int k;

        if (r->end - r->next >= 3 && memcmp(r->next, "\xef\xbb\xbf", 3) == 0)
                r->next += 3;
        k = ini_parse_stream(read_line, r, take_value, r);
        /* The number of the first line that inih could not take apart, or whose value was refused: reading ended there. */
        if (k > 0 && (r->error == 0 || (unsigned)k < r->line)) {
                r->line = (unsigned)k;
                return fail(r, "neither a [Section], nor a Key=VALUE, nor a comment (# or ;)");
        }
        return r->error;
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

int conf_file_read(const char *path, const ConfTaker *t, Error *e) {
        _cleanup_free_ char *text = NULL;
        ssize_t n = read_all(path, &text);

        if (n < 0)
                return error_set(e, EXIT_USAGE, (int)-n, "%.600s: cannot read this configuration file: %s", path,
                                 n == -EFBIG ? "it is larger than 1 MiB" : strerror((int)-n));
        return parse(&(Reader){ .path = path, .next = text, .end = text + n, .taker = t, .e = e });
}

int conf_text_read(const char *path, const char *text, const ConfTaker *t, Error *e) {
        _cleanup_free_ char *copy = strdup(text);

        if (!copy)
                return error_set(e, EXIT_ERROR, ENOMEM, "out of memory");
        return parse(&(Reader){ .path = path, .carried = true, .next = copy, .end = copy + strlen(copy), .taker = t, .e = e });
}

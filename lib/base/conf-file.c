/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inih takes the lines apart, but it does not say which line it is at, and it splits a line that is too long for it: so the lines are handed
 * to it one by one from memory, counted and checked on the way.
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
        const char *next, *end; /* text not yet read */
        unsigned line;
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
static int give_section(Reader *r, const char *s, size_t n) {
        const char *end = memchr(s, ']', n);
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

/* fgets() for inih. Leading blanks are removed: inih would take an indented line for more of the value before it. */
static char *read_line(char *buf, int size, void *stream) {
        Reader *r = stream;
        const char *s = r->next, *nl;
        char reason[128];
        size_t n;

        if (r->error < 0 || s == r->end)
                return NULL;
        nl = memchr(s, '\n', (size_t)(r->end - s));
        n = (size_t)((nl ?: r->end) - s);
        r->next = nl ? nl + 1 : r->end;
        r->line++;
        if (n > 0 && s[n - 1] == '\r')
                n--;
        if (check_text(r, s, n) < 0)
                return NULL;
        for (; n > 0 && (*s == ' ' || *s == '\t'); n--)
                s++;
        if (n > 0 && (*s == '#' || *s == ';'))
                n = 0;
        if (n >= (size_t)size) {
                snprintf(reason, sizeof(reason), "the line is %zu bytes long, at most %d are possible", n, size - 1);
                fail(r, reason);
                return NULL;
        }
        if (n > 0 && *s == '[' && give_section(r, s, n) < 0)
                return NULL;
        memcpy(buf, s, n);
        buf[n] = 0;
        return buf;
}

/* For inih: 1 is success. */
static int take_value(void *userdata, const char *section, const char *name, const char *value) {
        return give(userdata, section, name, value) == 0;
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
        return parse(&(Reader){ .path = path, .carried = true, .next = text, .end = text + strlen(text), .taker = t, .e = e });
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/src-kmsg.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

int kmsg_source_open(KmsgSource *s, const char *path, Error *e) {
        int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

        *s = KMSG_SOURCE_NULL;
        if (fd < 0)
                return error_set(e, EXIT_ERROR, errno, "Cannot read the kernel log %s: %s; run as root (CAP_SYSLOG), "
                                 "or switch the kernel log off in the configuration.", path, strerror(errno));
        lseek(fd, 0, SEEK_END); /* a FIFO cannot, and need not */
        s->fd = fd;
        return 0;
}

void kmsg_source_close(KmsgSource *s) {
        if (s->fd >= 0)
                close(s->fd);
        *s = KMSG_SOURCE_NULL;
}

/*
 * "6,339,5140900,-;text": level and facility, sequence number, time, fragment mark, and more fields in newer kernels. A fragment ('c') is
 * a record of its own here: since 5.10 the kernel joins what belongs together, and what it could not join was cut by another CPU's record.
 * A line without such a prefix is all text.
 */
static const char *behind_prefix(const char *line, size_t length) {
        const char *semicolon = memchr(line, ';', length);
        size_t n = 0;

        while (n < length && isdigit((unsigned char)line[n]))
                n++;
        return semicolon && n > 0 && line[n] == ',' ? semicolon + 1 : line;
}

static int hex_digit(char c) {
        return isdigit((unsigned char)c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The kernel writes a backslash, and every byte that is not printable ASCII, as \xHH. A zero byte would end the text: '?'. */
static void copy_text(char *out, size_t size, const char *text, size_t length) {
        size_t n = 0;

        for (size_t i = 0; i < length && n < size - 1; n++) {
                bool escape = length - i >= 4 && text[i] == '\\' && text[i + 1] == 'x' &&
                              hex_digit(text[i + 2]) >= 0 && hex_digit(text[i + 3]) >= 0;
                char c = escape ? (char)(hex_digit(text[i + 2]) * 16 + hex_digit(text[i + 3])) : text[i];

                out[n] = c ?: '?';
                i += escape ? 4 : 1;
        }
        out[n] = 0;
}

/* The logical address that a line of btrfs names ("… for logical 2147483648 length 16384"); 0: none. */
static uint64_t named_logical(const char *text) {
        const char *word = strstr(text, " logical ");

        return word ? strtoull(word + strlen(" logical "), NULL, 10) : 0;
}

typedef struct Sink {
        uint64_t now_ns;
        ObserveFunc func;
        void *userdata;
} Sink;

/* A line that begins with a space is a property of the record before it. Returns the number of records: 0 or 1. */
static int hand_on(const char *line, size_t length, const Sink *sink) {
        Observation o = { .time_ns = sink->now_ns, .kind = OBS_KMSG };
        const char *text = behind_prefix(line, length);

        if (length == 0 || line[0] == ' ')
                return 0;
        copy_text(o.text, sizeof(o.text), text, length - (size_t)(text - line));
        o.logical = named_logical(o.text);
        sink->func(sink->userdata, &o);
        return 1;
}

/* Hands on whole lines, at most max records, and keeps the rest at the beginning of the buffer. */
static int consume(KmsgSource *s, int max, const Sink *sink) {
        size_t at = 0;
        int n = 0;

        while (n < max) {
                const char *newline = memchr(s->buf + at, '\n', s->length - at);

                if (!newline)
                        break;
                n += hand_on(s->buf + at, (size_t)(newline - s->buf) - at, sink);
                at = (size_t)(newline - s->buf) + 1;
        }
        if (at == 0 && s->length == sizeof(s->buf)) { /* a line longer than any record: what came so far is its text */
                n += hand_on(s->buf, s->length, sink);
                at = s->length;
        }
        s->length -= at;
        memmove(s->buf, s->buf + at, s->length);
        return n;
}

int kmsg_source_step(KmsgSource *s, uint64_t now_ns, ObserveFunc func, void *userdata) {
        const Sink sink = { now_ns, func, userdata };
        int n = consume(s, KMSG_STEP_MAX, &sink);

        for (unsigned reads = 0; reads < KMSG_STEP_MAX && n < KMSG_STEP_MAX; reads++) {
                ssize_t length = read(s->fd, s->buf + s->length, sizeof(s->buf) - s->length);

                if (length == 0)
                        return n;
                if (length < 0 && errno == EPIPE)
                        s->overruns++;
                else if (length < 0 && errno != EINTR)
                        return errno == EAGAIN ? n : -errno;
                else if (length > 0) {
                        s->length += (size_t)length;
                        n += consume(s, KMSG_STEP_MAX - n, &sink);
                }
        }
        return n;
}

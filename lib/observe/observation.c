/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/observation.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "base/macro.h"

static const char *const kinds[_OBS_MAX] = {
        [OBS_RESULT] = "result",
        [OBS_CONTROL] = "control",
        [OBS_COUNTERS] = "counters",
        [OBS_KMSG] = "kmsg",
        [OBS_STUCK] = "stuck",
        [OBS_DIED] = "died",
        [OBS_DEVSTAT] = "devstat",
        [OBS_HEALTH] = "health",
        [OBS_EMPTY_GROUPS] = "empty-groups",
        [OBS_SPACE] = "space",
        [OBS_CHECK] = "check",
        [OBS_KERNEL_DIED] = "kernel-died",
        [OBS_MISCOMPARE] = "miscompare",
        [OBS_FAULT] = "fault",
        [OBS_DEVICE] = "device",
        [OBS_NOTE] = "note",
};

static const struct {
        const char *name;
        uint32_t bit;
} flags[] = {
        { "ours", OBS_OURS },
        { "signal", OBS_SIGNAL },
        { "near-full", OBS_NEAR_FULL },
        { "overlap", OBS_OVERLAP },
        { "swapfile", OBS_SWAPFILE },
        { "injected", OBS_INJECTED },
        { "collided", OBS_COLLIDED },
        { "discards", OBS_DISCARDS },
};

uint32_t observation_flag(const char *name, size_t length) {
        for (size_t i = 0; i < ELEMENTSOF(flags); i++)
                if (strlen(flags[i].name) == length && memcmp(flags[i].name, name, length) == 0)
                        return flags[i].bit;
        return 0;
}

const char *observation_flag_name(uint32_t bit) {
        for (size_t i = 0; i < ELEMENTSOF(flags); i++)
                if (flags[i].bit == bit)
                        return flags[i].name;
        return NULL;
}

const char *observation_kind_name(ObservationKind kind) {
        return (unsigned)kind < _OBS_MAX ? kinds[kind] : "unknown";
}

typedef struct Line {
        char *buf;
        size_t size, length; /* length may pass size: then the line did not fit */
} Line;

static void _printf_(2, 3) append(Line *l, const char *format, ...) {
        size_t at = MIN_OF(l->length, l->size);
        va_list ap;

        va_start(ap, format);
        l->length += (size_t)vsnprintf(l->buf + at, l->size - at, format, ap);
        va_end(ap);
}

static int parse_number(const char *s, uint64_t max, uint64_t *ret) {
        char *end;

        if (!isdigit((unsigned char)*s))
                return -EINVAL;
        errno = 0;
        *ret = strtoull(s, &end, 10);
        return *end || errno || *ret > max ? -EINVAL : 0;
}

/* The fields: each prints itself when it has something to say, and parses its value. */
typedef struct Field {
        const char *key;
        size_t offset;
        void (*print)(const struct Field *f, const Observation *o, Line *l);
        int (*parse)(const struct Field *f, const char *value, Observation *o);
} Field;

static void print_op(const Field *f, const Observation *o, Line *l) {
        if (o->op != OP_NONE)
                append(l, " %s=%s", f->key, operation_name(o->op));
}

static int parse_op(const Field *f _unused_, const char *value, Observation *o) {
        int op = operation_from_name(value);

        if (op < 0)
                return -EINVAL;
        o->op = (Operation)op;
        return 0;
}

/* A result has two spellings: errno=NAME where there is a name, else result=, signed. */
static bool result_has_name(int32_t result) {
        char buf[16];

        return result < 0 && result > INT32_MIN && errno_from_name(errno_name(-result, buf)) == -result;
}

static void print_errno(const Field *f, const Observation *o, Line *l) {
        char buf[16];

        if (result_has_name(o->result))
                append(l, " %s=%s", f->key, errno_name(-o->result, buf));
}

static int parse_errno(const Field *f _unused_, const char *value, Observation *o) {
        int err = errno_from_name(value);

        if (err < 0)
                return -EINVAL;
        o->result = -err;
        return 0;
}

static void print_result(const Field *f, const Observation *o, Line *l) {
        if (o->result == 0 && (o->kind == OBS_RESULT || o->kind == OBS_CONTROL))
                append(l, " %s=0", f->key);
        else if (o->result != 0 && !result_has_name(o->result))
                append(l, " %s=%+d", f->key, o->result);
}

static int parse_result(const Field *f _unused_, const char *value, Observation *o) {
        bool negative = *value == '-';
        uint64_t n;

        if (parse_number(value + (*value == '-' || *value == '+'), (uint64_t)INT32_MAX + negative, &n) < 0)
                return -EINVAL;
        o->result = (int32_t)(negative ? -(int64_t)n : (int64_t)n);
        return 0;
}

static void print_flags(const Field *f, const Observation *o, Line *l) {
        bool first = true;

        for (size_t i = 0; i < ELEMENTSOF(flags); i++) {
                if (!(o->flags & flags[i].bit))
                        continue;
                if (first)
                        append(l, " %s=%s", f->key, flags[i].name);
                else
                        append(l, ",%s", flags[i].name);
                first = false;
        }
}

static int parse_flags(const Field *f _unused_, const char *value, Observation *o) {
        o->flags = 0;
        for (;;) {
                size_t n = strcspn(value, ",");
                uint32_t bit = observation_flag(value, n);

                if (bit == 0)
                        return -EINVAL;
                o->flags |= bit;
                if (value[n] == 0)
                        return 0;
                value += n + 1;
        }
}

static void print_u32(const Field *f, const Observation *o, Line *l) {
        uint32_t value = *(const uint32_t *)((const char *)o + f->offset);

        if (value != 0)
                append(l, " %s=%u", f->key, value);
}

static int parse_u32(const Field *f, const char *value, Observation *o) {
        uint64_t n;

        if (parse_number(value, UINT32_MAX, &n) < 0)
                return -EINVAL;
        *(uint32_t *)((char *)o + f->offset) = (uint32_t)n;
        return 0;
}

static void print_counter(const Field *f, const Observation *o, Line *l) {
        if (o->counter > 0 && o->counter <= _HEALTH_MAX)
                append(l, " %s=%s", f->key, health_info[o->counter - 1].name);
}

static int parse_counter(const Field *f _unused_, const char *value, Observation *o) {
        for (uint32_t i = 0; i < _HEALTH_MAX; i++)
                if (strcmp(health_info[i].name, value) == 0) {
                        o->counter = i + 1;
                        return 0;
                }
        return -EINVAL;
}

static void print_u64(const Field *f, const Observation *o, Line *l) {
        uint64_t value = *(const uint64_t *)((const char *)o + f->offset);

        if (value != 0)
                append(l, " %s=%llu", f->key, (unsigned long long)value);
}

static int parse_u64(const Field *f, const char *value, Observation *o) {
        return parse_number(value, UINT64_MAX, (uint64_t *)((char *)o + f->offset));
}

static void print_text(const Field *f, const Observation *o, Line *l) {
        size_t n = strnlen(o->text, sizeof(o->text));

        if (n > 0)
                append(l, " %s=", f->key);
        for (size_t i = 0; i < n; i++) {
                unsigned char c = (unsigned char)o->text[i];

                if (c == '\n')
                        append(l, "\\n");
                else if (c == '\\')
                        append(l, "\\\\");
                else if (c < 0x20 || c == 0x7f)
                        append(l, "\\x%02x", c);
                else
                        append(l, "%c", c);
        }
}

/* One character, or one escape, which *s is moved behind. -EINVAL for what print_text() never writes. */
static int unescape(const char **s) {
        char hex[3] = { 0 };

        if (**s != '\\')
                return (unsigned char)*(*s)++;
        (*s)++;
        switch (*(*s)++) {
        case 'n':
                return '\n';
        case '\\':
                return '\\';
        case 'x':
                if (!isxdigit((unsigned char)(*s)[0]) || !isxdigit((unsigned char)(*s)[1]))
                        return -EINVAL;
                memcpy(hex, *s, 2);
                *s += 2;
                return (int)strtol(hex, NULL, 16) ?: -EINVAL;
        default:
                return -EINVAL;
        }
}

static int parse_text(const Field *f _unused_, const char *value, Observation *o) {
        size_t n = 0;

        while (*value) {
                int c = unescape(&value);

                if (c < 0 || n >= sizeof(o->text) - 1)
                        return -EINVAL;
                o->text[n++] = (char)c;
        }
        o->text[n] = 0;
        return 0;
}

static const Field fields[] = {
        { "op", 0, print_op, parse_op },
        { "errno", 0, print_errno, parse_errno },
        { "result", 0, print_result, parse_result },
        { "flags", 0, print_flags, parse_flags },
        { "worker", offsetof(Observation, worker), print_u32, parse_u32 },
        { "counter", 0, print_counter, parse_counter },
        { "devid", offsetof(Observation, devid), print_u64, parse_u64 },
        { "physical", offsetof(Observation, physical), print_u64, parse_u64 },
        { "logical", offsetof(Observation, logical), print_u64, parse_u64 },
        { "length", offsetof(Observation, length), print_u64, parse_u64 },
        { "count", offsetof(Observation, count), print_u64, parse_u64 },
        { "begin", offsetof(Observation, begin_ns), print_u64, parse_u64 },
        { "text", 0, print_text, parse_text },
};

int observation_print(const Observation *o, char *buf, size_t size) {
        Line l = { .buf = buf, .size = size };

        append(&l, "%llu %s", (unsigned long long)o->time_ns, observation_kind_name(o->kind));
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                fields[i].print(&fields[i], o, &l);
        return l.length < size ? (int)l.length : -ENOSPC;
}

static const Field *field_find(const char *key) {
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (strcmp(fields[i].key, key) == 0)
                        return &fields[i];
        return NULL;
}

static int parse_kind(const char *word, ObservationKind *ret) {
        for (int kind = 0; kind < _OBS_MAX; kind++)
                if (strcmp(kinds[kind], word) == 0) {
                        *ret = (ObservationKind)kind;
                        return 0;
                }
        return -EINVAL;
}

/* Cuts the next word off; the text, which is the last field, may have spaces and is the rest of the line. */
static char *next_word(char **s) {
        char *word = *s + strspn(*s, " ");
        size_t n = strcspn(word, " ");

        if (strncmp(word, "text=", 5) == 0)
                n = strlen(word);
        *s = word + n;
        if (**s)
                *(*s)++ = 0;
        return word;
}

static int bad(Error *e, const char *what, const char *word) {
        return error_set(e, EXIT_USAGE, EINVAL, "%s \"%.80s\" in a line of observations; a line reads like "
                         "\"1234567890 result op=scrub errno=EINVAL devid=2 text=...\"", what, word);
}

int observation_parse(const char *line, Observation *ret, Error *e) {
        char copy[OBS_LINE_MAX], *rest = copy, *word;
        size_t n = strcspn(line, "\n");
        Observation o = { 0 };

        if (n == 0 || line[0] == '#')
                return -ENODATA;
        if (n >= sizeof(copy))
                return bad(e, "too long, from", line);
        memcpy(copy, line, n);
        copy[n] = 0;
        word = next_word(&rest);
        if (parse_number(word, UINT64_MAX, &o.time_ns) < 0)
                return bad(e, "not a time in ns:", word);
        word = next_word(&rest);
        if (parse_kind(word, &o.kind) < 0)
                return bad(e, "unknown kind", word);
        for (word = next_word(&rest); *word; word = next_word(&rest)) {
                char *value = strchr(word, '=');
                const Field *f;

                if (!value)
                        return bad(e, "no \"=\" in", word);
                *value++ = 0;
                f = field_find(word);
                if (!f)
                        return bad(e, "unknown key", word);
                if (f->parse(f, value, &o) < 0)
                        return bad(e, "bad value", value);
        }
        *ret = o;
        return 0;
}

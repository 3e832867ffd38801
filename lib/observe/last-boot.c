/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/last-boot.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/macro.h"

#define TEXT_MAX (256 * 1024) /* pstore keeps 10 KiB (kmsg_bytes); of the journal the first lines after what is known matter */
#define JOURNAL_NS (10 * NSEC_PER_SEC)
#define ONE_CRASH_NS (60 * NSEC_PER_SEC) /* the records of one are written in one go */
#define RECORDS_MAX 64

/* Where records are. systemd puts those of one crash together in dmesg.txt; what it does not know how to, and what nobody has moved, is in parts. */
static const char *const places[] = {
        "/var/lib/systemd/pstore/*/*/dmesg.txt",
        "/var/lib/systemd/pstore/*/dmesg.txt",
        "/var/lib/systemd/pstore/dmesg-*",
        "/sys/fs/pstore/dmesg-*",
};

typedef struct Record {
        char path[PATH_MAX];
        uint64_t time_ns;
        unsigned part;
} Record;

/* What is looked for, and the memory for it. */
typedef struct Search {
        const char *root, *boot_id;
        uint64_t since_ns;
        Record *records; /* RECORDS_MAX, owned */
        char *buf;       /* TEXT_MAX, owned */
} Search;

static void search_done(Search *s) {
        free(s->records);
        free(s->buf);
}

/* "Panic#2 Part3" is the first line of a record. Part 1 is the newest of its crash. */
static unsigned part_of(const char *text) {
        const char *part = strstr(text, " Part"), *end = strchr(text, '\n');

        return part && (!end || part < end) ? (unsigned)strtoul(part + strlen(" Part"), NULL, 10) : 0;
}

static int by_part(const void *a, const void *b) {
        const Record *x = a, *y = b;

        return x->part != y->part ? (x->part < y->part) - (x->part > y->part) : strcmp(x->path, y->path);
}

static bool look_at(Record *r, const char *path, uint64_t since_ns) {
        struct stat st;
        char head[64];

        if (stat(path, &st) < 0 || strlen(path) >= sizeof(r->path) || strstr(path, ".enc.z")) /* still compressed: not to be read */
                return false;
        strcpy(r->path, path);
        r->time_ns = (uint64_t)st.st_mtim.tv_sec * NSEC_PER_SEC + (uint64_t)st.st_mtim.tv_nsec;
        r->part = fs_read(NULL, path, head, sizeof(head)) < 0 ? 0 : part_of(head);
        return r->time_ns / NSEC_PER_SEC >= since_ns / NSEC_PER_SEC; /* firmware keeps seconds */
}

/* Those of the first crash since then, in the order in which they are read. */
static size_t find_records(const Search *s, const char *place) {
        uint64_t first_ns = UINT64_MAX;
        Record *records = s->records;
        size_t n = 0, kept = 0;
        char pattern[PATH_MAX];
        glob_t found = { 0 };

        snprintf(pattern, sizeof(pattern), "%s%s", s->root, place);
        if (glob(pattern, 0, NULL, &found) == 0)
                for (size_t i = 0; i < found.gl_pathc && n < RECORDS_MAX; i++)
                        n += look_at(&records[n], found.gl_pathv[i], s->since_ns);
        globfree(&found);
        for (size_t i = 0; i < n; i++)
                first_ns = MIN_OF(first_ns, records[i].time_ns);
        for (size_t i = 0; i < n; i++)
                if (records[i].time_ns - first_ns <= ONE_CRASH_NS)
                        records[kept++] = records[i];
        qsort(records, kept, sizeof(records[0]), by_part);
        return kept;
}

/* "<4>[  12.345678][ T1] text" → "text". */
static const char *behind_prefix(const char *line) {
        if (line[0] == '<' && isdigit((unsigned char)line[1])) {
                const char *end = strchr(line, '>');
                line = end ? end + 1 : line;
        }
        while (line[0] == '[' && (line[1] == ' ' || isdigit((unsigned char)line[1]))) {
                const char *end = strchr(line, ']');
                if (!end)
                        break;
                line = end + 1;
        }
        return line + (line[0] == ' ');
}

/* The lines of `from` go behind what is in `to`. */
static void add_lines(char *to, char *from) {
        size_t n = strlen(to);
        char *rest;

        for (char *line = strtok_r(from, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
                const char *text = behind_prefix(line);
                if (part_of(line) == 0 && n + strlen(text) + 1 < TEXT_MAX)
                        n += (size_t)sprintf(to + n, "%s\n", text);
        }
}

/* An oops that the machine survived is there too, told of when it happened: only a panic was the end. */
static bool read_pstore(LastBoot *l, const Search *s, const char *place) {
        size_t n = find_records(s, place);

        for (size_t i = 0; i < n; i++)
                if (fs_read(NULL, s->records[i].path, s->buf, TEXT_MAX) > 0)
                        add_lines(l->text, s->buf);
        if (!strstr(l->text, "Kernel panic - ")) {
                l->text[0] = 0;
                return false;
        }
        snprintf(l->where, sizeof(l->where), "%.*s", (int)sizeof(l->where) - 1, s->records[0].path + strlen(s->root));
        return true;
}

/* The boot by its id, as journald writes it: without dashes. */
static int read_journal(LastBoot *l, const Search *s) {
        char boot[64] = "_BOOT_ID=", since[48];
        size_t n = strlen(boot);
        int r;

        for (const char *c = s->boot_id; *c && n < sizeof(boot) - 1; c++)
                if (*c != '-')
                        boot[n++] = *c;
        boot[n] = 0;
        snprintf(since, sizeof(since), "--since=@%llu.%06llu", (unsigned long long)(s->since_ns / NSEC_PER_SEC),
                 (unsigned long long)(s->since_ns % NSEC_PER_SEC / 1000));
        const char *const argv[] = { "journalctl", "--quiet", "--no-pager", "--output=cat", since, boot, "_TRANSPORT=kernel", NULL };
        r = child_run(argv, JOURNAL_NS, s->buf, TEXT_MAX);
        if (r != 0)
                return r < 0 ? r : -ENODATA;
        add_lines(l->text, s->buf);
        snprintf(l->where, sizeof(l->where), "the journal");
        return l->text[0] ? 0 : -ENODATA;
}

int last_boot_read(LastBoot *ret, const char *root, const char *boot_id, uint64_t since_ns) {
        _cleanup_(search_done) Search s = { .root = root, .boot_id = boot_id, .since_ns = since_ns, .records = calloc(RECORDS_MAX, sizeof(Record)),
                                            .buf = malloc(TEXT_MAX) };
        int r;

        *ret = (LastBoot){ .text = calloc(1, TEXT_MAX) };
        r = s.records && s.buf && ret->text ? 0 : -ENOMEM;
        for (size_t i = 0; r == 0 && i < ELEMENTSOF(places); i++)
                if (read_pstore(ret, &s, places[i]))
                        return 0;
        if (r == 0)
                r = read_journal(ret, &s);
        if (r < 0)
                last_boot_done(ret);
        return r;
}

void last_boot_done(LastBoot *l) {
        free(l->text);
        *l = (LastBoot){ 0 };
}

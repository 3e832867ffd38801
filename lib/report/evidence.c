/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fs.h"
#include "report/text.h"

#define REMOVALS_BEFORE_NS NSEC_PER_SEC

/* All that a file of the folder is written from. */
void history_add(History *h, const Observation *o) {
        h->ring[h->head++ % HISTORY_MAX] = *o;
}

static uint64_t history_first(const History *h) {
        return h->head > HISTORY_MAX ? h->head - HISTORY_MAX : 0;
}

static const Observation *history_at(const History *h, uint64_t i) {
        return i < h->head ? &h->ring[i % HISTORY_MAX] : NULL;
}

static const char *device_path(const Report *r, uint64_t devid) {
        for (unsigned i = 0; r->target && i < r->target->n_devices; i++)
                if (r->target->devices[i].devid == devid)
                        return r->target->devices[i].path;
        return "not a device of the target now";
}

static void write_place(const Evidence *x, FILE *f) {
        const Finding *i = x->finding;

        if (i->devid) {
                fprintf(f, "devid         %" PRIu64 " (%s)\n", i->devid, device_path(x->report, i->devid));
                fprintf(f, "physical      %" PRIu64 "\n", i->physical);
        }
        if (i->logical)
                fprintf(f, "logical       %" PRIu64 "\n", i->logical);
}

static void write_finding(const Evidence *x, FILE *f) {
        const Finding *i = x->finding;
        char sentence[1024], name[16], iso[CLOCK_ISO_MAX];

        finding_sentence(i, sentence, sizeof(sentence));
        text_wrap(f, 0, sentence);
        fprintf(f, "\nclass         %s\nmeaning       ", finding_classes[i->class].name);
        text_wrap(f, 14, finding_classes[i->class].sentence);
        fprintf(f, "grade         %s\n", grade_name(i->grade));
        if (i->op != OP_NONE)
                fprintf(f, "operation     %s\n", operation_name(i->op));
        if (i->result)
                fprintf(f, "result        %s (%d)\n", result_name(i->result, name), i->result);
        write_place(x, f);
        fprintf(f, "first         %s (%" PRIu64 " ns on CLOCK_MONOTONIC)\n", clock_iso(report_real_ns(x->report, i->first_ns), iso),
                i->first_ns);
        fprintf(f, "last          %s\n", clock_iso(report_real_ns(x->report, i->last_ns), iso));
        fprintf(f, "count         %" PRIu64 " so far, %" PRIu64 " confirmed by a control scrub, %" PRIu64 " consequences\n", i->count,
                i->confirmed, i->consequences);
        if (i->reference[0])
                fprintf(f, "%s%s\n", i->grade == GRADE_KNOWN ? "known as      " : "seen before   ", i->reference);
        if (i->text[0]) {
                fprintf(f, "\n");
                text_write(f, i->text);
                fprintf(f, "\n");
        }
}

/* Without memory for it the file is empty; then the finding can be read about, but not replayed. */
static void write_json(const Evidence *x, FILE *f) {
        report_finding_json(x->report, x->finding, f);
}

static void write_removal(const Removal *m, uint64_t first_ns, FILE *f) {
        uint32_t n = MIN_OF(m->place.n_extents, (uint32_t)BOARD_EXTENTS);

        fprintf(f, "-%.6f s  logical %" PRIu64 "..%" PRIu64 "  flags 0x%" PRIx64 "%s",
                (double)(first_ns - m->time_ns) / (double)NSEC_PER_SEC, m->logical, m->logical + m->length, m->flags,
                m->collided ? "  collision" : "");
        if (m->distance_ns != UINT64_MAX)
                fprintf(f, m->collided ? " %.6f s after the start of the scrub" : "  missed by %.6f s",
                        (double)m->distance_ns / (double)NSEC_PER_SEC);
        if (!m->placed)
                fprintf(f, "  physical not known");
        for (uint32_t i = 0; m->placed && i < n; i++)
                fprintf(f, "  devid %" PRIu64 " physical %" PRIu64 "..%" PRIu64, m->place.extents[i].devid, m->place.extents[i].physical,
                        m->place.extents[i].physical + m->place.extent_length);
        if (m->placed && m->place.n_extents > n)
                fprintf(f, "  and %u more", m->place.n_extents - n);
        fputc('\n', f);
}

static void write_removals(const Evidence *x, FILE *f) {
        uint64_t first_ns = x->finding->first_ns;
        uint64_t since_ns = first_ns > REMOVALS_BEFORE_NS ? first_ns - REMOVALS_BEFORE_NS : 0;
        _cleanup_free_ Removal *removals = calloc(COLLIDER_HISTORY, sizeof(Removal));
        unsigned n;

        fprintf(f, "# Block groups removed in the second before the finding: time before it, logical range, type flags, device extents.\n");
        if (!removals || !x->collider) {
                fprintf(f, "# Not known: %s.\n", x->collider ? "no memory" : "removals were not traced in this run");
                return;
        }
        n = collider_history(x->collider, since_ns, first_ns, removals, COLLIDER_HISTORY);
        if (n == 0)
                fprintf(f, "# None.\n");
        for (unsigned i = 0; i < n; i++)
                write_removal(&removals[i], first_ns, f);
}

static void write_kernel_log(const Evidence *x, FILE *f) {
        const History *h = x->kmsg;
        char iso[CLOCK_ISO_MAX];

        fprintf(f, "# Time of reading, seconds after the finding, line.\n");
        for (uint64_t i = history_first(h); i < h->head; i++) {
                const Observation *o = history_at(h, i);
                int64_t after = (int64_t)(o->time_ns - x->finding->first_ns);
                fprintf(f, "%s %+10.3f  ", clock_iso(report_real_ns(x->report, o->time_ns), iso), (double)after / (double)NSEC_PER_SEC);
                text_write(f, o->text);
                fputc('\n', f);
        }
}

static void write_observation(const Observation *o, FILE *f) {
        char line[OBS_LINE_MAX];

        if (observation_print(o, line, sizeof(line)) > 0)
                fprintf(f, "%s\n", line);
}

/* The finding's own first observation is written even when the history has lost it; it is not written twice, and in its place among those
 * of the same moment. */
static bool is_first(const Evidence *x, const Observation *o) {
        const Observation *first = &x->finding->first;

        return o->time_ns == first->time_ns && o->kind == first->kind && o->op == first->op && o->result == first->result &&
               o->worker == first->worker && o->devid == first->devid && strcmp(o->text, first->text) == 0;
}

static const Observation *earliest(const Observation *const *heads, size_t n) {
        const Observation *found = NULL;

        for (size_t i = 0; i < n; i++)
                if (heads[i] && (!found || heads[i]->time_ns < found->time_ns))
                        found = heads[i];
        return found;
}

/* Three sorted streams into one: kernel log, the rest, and the first observation. */
static void write_observations(const Evidence *x, FILE *f) {
        uint64_t k = history_first(x->kmsg), o = history_first(x->observations);
        const Observation *first = x->finding->first.time_ns ? &x->finding->first : NULL;

        fprintf(f, "# scrubstress %s, run %s, kernel %s\n", x->report->version, x->report->run_id, x->report->kernel);
        for (unsigned i = 0; x->report->target && i < x->report->target->n_devices; i++)
                fprintf(f, "# devid %" PRIu64 " %s\n", x->report->target->devices[i].devid, x->report->target->devices[i].path);
        for (;;) {
                const Observation *heads[] = { history_at(x->kmsg, k), history_at(x->observations, o), first };
                const Observation *next = earliest(heads, ELEMENTSOF(heads));
                if (!next)
                        return;
                write_observation(next, f);
                k += next == heads[0];
                o += next == heads[1];
                if (next == first || is_first(x, next))
                        first = NULL;
        }
}

static void write_config(const Evidence *x, FILE *f) {
        if (x->report->config)
                config_print(x->report->config, f);
}

static uint64_t generation(const Evidence *x) {
        uint64_t newest = x->collider ? collider_generation(x->collider) : 0;

        return newest ?: x->report->target ? x->report->target->generation : 0;
}

static void write_versions(const Evidence *x, FILE *f) {
        const Report *r = x->report;
        const Target *t = r->target;
        char iso[CLOCK_ISO_MAX];

        fprintf(f, "scrubstress   %s\nkernel        %s\ntaint         %s\n", r->version, r->kernel, r->taint[0] ? r->taint : "none");
        fprintf(f, "run           %s\nstarted       %s\n", r->run_id, clock_iso(r->started_real_ns, iso));
        if (r->plan)
                fprintf(f, "seed          %" PRIu64 "\n", r->plan->seed);
        fprintf(f, "generation    %" PRIu64 "\n", generation(x));
        if (!t)
                return;
        fprintf(f, "fsid          %s\nmount options %s\nnodesize      %u\nsectorsize    %u\n", t->fsid_text, t->mount_options, t->nodesize,
                t->sectorsize);
        fprintf(f, "data chunk    %" PRIu64 "\nmeta chunk    %" PRIu64 "\n", t->data_chunk_size, t->metadata_chunk_size);
        for (unsigned i = 0; i < t->n_devices; i++)
                fprintf(f, "devid %-8" PRIu64 "%s, %" PRIu64 " bytes\n", t->devices[i].devid, t->devices[i].path, t->devices[i].size);
}

static const struct {
        const char *name;
        void (*write)(const Evidence *x, FILE *f);
} files[] = {
        { "finding.txt", write_finding },
        { "finding.json", write_json },
        { "removals.txt", write_removals },
        { "kernel.log", write_kernel_log },
        { "observations.obs", write_observations },
        { "config.conf", write_config },
        { "versions.txt", write_versions },
};

/* Complete on disk, or a negative errno. */
static int write_file(const Evidence *x, int dir, size_t i) {
        _cleanup_close_ int fd = openat(dir, files[i].name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
        _cleanup_fclose_ FILE *f = NULL;

        if (fd < 0)
                return -errno;
        f = fdopen(fd, "w");
        if (!f)
                return -errno;
        TAKE_FD(fd);
        files[i].write(x, f);
        errno = 0;
        if (fflush(f) != 0 || ferror(f))
                return -(errno ?: EIO);
        return fsync(fileno(f)) < 0 ? -errno : 0;
}

static void remove_folder(int parent, const char *name) {
        _cleanup_close_ int dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        for (size_t i = 0; dir >= 0 && i < ELEMENTSOF(files); i++)
                unlinkat(dir, files[i].name, 0);
        unlinkat(parent, name, AT_REMOVEDIR);
}

static int write_files(const Evidence *x, int parent, const char *name) {
        _cleanup_close_ int dir = -1;

        if (mkdirat(parent, name, 0755) < 0)
                return -errno;
        dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (dir < 0)
                return -errno;
        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                int r = write_file(x, dir, i);
                if (r < 0)
                        return r;
        }
        return fsync(dir) < 0 ? -errno : 0;
}

/* Written under another name, then renamed: `name` is a whole folder or none. */
static int write_folder(const Evidence *x, int parent, const char *name) {
        char hidden[NAME_MAX + 1];
        int r;

        if (snprintf(hidden, sizeof(hidden), ".tmp-%s", name) >= (int)sizeof(hidden))
                return -ENAMETOOLONG;
        remove_folder(parent, hidden);
        r = write_files(x, parent, hidden);
        if (r == 0 && renameat(parent, hidden, parent, name) < 0)
                r = -errno;
        if (r < 0) {
                remove_folder(parent, hidden);
                return r;
        }
        return fsync(parent) < 0 ? -errno : 0;
}

/* Only [A-Za-z0-9._-], no dot in front. */
static void sanitize(char *name) {
        static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

        for (char *p = name; *p; p++)
                if (!strchr(good, *p) || (p == name && *p == '.'))
                        *p = '-';
}

static void folder_name(const Finding *f, unsigned number, char *name, size_t size) {
        snprintf(name, size, "%02u-%s%s%s", number, finding_classes[f->class].name, f->op == OP_NONE ? "" : "-",
                 f->op == OP_NONE ? "" : operation_name(f->op));
        sanitize(name);
}

static int save(const Evidence *x, const char *parent, const char *name) {
        _cleanup_close_ int dir = -1;
        int r;

        r = fs_mkdir_p(parent);
        if (r < 0)
                return r;
        dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return -errno;
        return write_folder(x, dir, name);
}

int evidence_save(const Evidence *x, unsigned number, Error *e) {
        Finding *f = x->finding;
        char parent[PATH_MAX], name[128], run[RUN_ID_MAX], path[PATH_MAX];
        const char *base = x->report->config->run.evidence_directory;
        int k = 0;

        snprintf(run, sizeof(run), "%s", x->report->run_id);
        sanitize(run);
        folder_name(f, number, name, sizeof(name));
        if (snprintf(parent, sizeof(parent), "%s/%s", base, run) >= (int)sizeof(parent) ||
            snprintf(path, sizeof(path), "%s/%s", parent, name) >= (int)sizeof(path))
                k = -ENAMETOOLONG;
        if (k == 0)
                k = save(x, parent, name);
        if (k < 0)
                return error_set(e, EXIT_ERROR, -k, "The evidence of finding %u (%s) cannot be kept in %s: %s; make room there, or name a "
                                 "directory that this user may write to with Run.EvidenceDirectory=", number,
                                 finding_classes[f->class].name, base, strerror(-k));
        memcpy(f->evidence, path, sizeof(path));
        return 0;
}

int evidence_check(const char *directory, Error *e) {
        char path[PATH_MAX], *slash;
        int fd;

        snprintf(path, sizeof(path), "%s", directory);
        while ((fd = open(path, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600)) < 0 && errno == ENOENT && (slash = strrchr(path, '/')) > path)
                *slash = 0;
        /* A filesystem without O_TMPFILE has at least been found, and is a directory. */
        if (fd < 0 && errno != EOPNOTSUPP)
                return error_set(e, EXIT_ERROR, errno, "Evidence could not be kept in %s: %s: %s; make it writable, or name another "
                                 "directory with Run.EvidenceDirectory=.", directory, path, strerror(errno));
        closep(&fd);
        return 0;
}

int evidence_add(const Finding *f, const char *name, const char *text) {
        _cleanup_fclose_ FILE *file = NULL;
        char path[PATH_MAX];

        if (!f->evidence[0])
                return 0;
        if (snprintf(path, sizeof(path), "%s/%s", f->evidence, name) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        file = fopen(path, "wex");
        if (!file || fputs(text, file) < 0 || fflush(file) != 0 || fsync(fileno(file)) < 0)
                return -errno;
        return 0;
}

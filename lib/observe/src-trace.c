/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/src-trace.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <event-parse.h>
#include <kbuffer.h>
#include <tracefs.h>

#include "base/macro.h"
#include "observe/hit-probe.h"

#define TRACING "/sys/kernel/tracing"
#define PREFIX "scrubstress-"
#define BUFFER_KIB 1024 /* per CPU: seconds of a busy run, half a second of the cleaner's worst burst (30,000 groups/s) */
#define STEP_MAX 65536  /* events per step */

/* What of an event is wanted, and what each event calls it in its format file. */
typedef enum Wanted { W_ID, W_PID, W_FSID, W_LOGICAL, W_LENGTH, W_FLAGS, W_GENERATION, W_CREATE, _W_MAX } Wanted;

#define GROUP_EVENT(event_name, event_kind) \
        { event_name, event_kind, { "common_type", "common_pid", "fsid", "bytenr", "len", "flags", NULL, NULL } }

typedef struct TracedEvent {
        const char *name;
        TraceKind kind;
        const char *fields[_W_MAX];
} TracedEvent;

static const TracedEvent events[] = {
        { "btrfs_add_block_group", TRACE_GROUP_ADDED, { "common_type", "common_pid", "fsid", "offset", "size", "flags", NULL, "create" } },
        GROUP_EVENT("btrfs_add_unused_block_group", TRACE_GROUP_UNUSED),
        GROUP_EVENT("btrfs_remove_block_group", TRACE_GROUP_REMOVED),
        { "btrfs_transaction_commit", TRACE_COMMIT, { "common_type", "common_pid", "fsid", NULL, NULL, NULL, "generation", NULL } },
};

/* Of no filesystem in particular, but of a task: only a worker of ours runs into it. */
static const TracedEvent hit_event = { HIT_EVENT, TRACE_HIT, { "common_type", "common_pid", NULL, NULL, NULL, NULL, NULL, NULL } };

typedef struct Layout {
        uint64_t id;
        struct {
                unsigned offset, size; /* size 0: this event does not have it */
        } fields[_W_MAX];
} Layout;

/* One CPU's ring buffer, read a page at a time. */
typedef struct Cpu {
        unsigned number;
        int fd;
        struct kbuffer *kbuf;
        void *page;
        const void *event; /* the next one, in `page`; NULL: none */
        unsigned long long time_ns;
        uint64_t lost;
} Cpu;

struct TraceSource {
        struct tracefs_instance *instance;
        Layout layouts[ELEMENTSOF(events)];
        Layout hit; /* id 0: hits are not seen */
        size_t page_size;
        unsigned n_cpus;
        Cpu cpus[];
};

static int mount_tracefs(void) {
        struct statfs fs;

        if (statfs(TRACING, &fs) < 0)
                return -EOPNOTSUPP;
        if (fs.f_type == TRACEFS_MAGIC)
                return 0;
        if (mount("tracefs", TRACING, "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
                return errno == ENODEV ? -EOPNOTSUPP : -errno;
        return 0;
}

int trace_instance_remove(const char *name) {
        char path[PATH_MAX], system[HIT_SYSTEM_MAX];
        int r;

        if (strchr(name, '/') || snprintf(path, sizeof(path), TRACING "/instances/%s", name) >= (int)sizeof(path))
                return -EINVAL;
        r = rmdir(path) < 0 ? -errno : 0;
        if (r < 0 && r != -ENOENT)
                return r;
        return hit_probe_remove(TRACING, hit_probe_system(name, system)) ?: r;
}

/* Of a process that is gone. One that lives in another PID namespace only looks gone: it has files of its instance open, so that the
 * kernel says EBUSY. */
static bool instance_is_dead(const char *name) {
        const char *digits = name + strlen(PREFIX);
        char *end;
        long pid;

        if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 || !isdigit((unsigned char)*digits))
                return false;
        pid = strtol(digits, &end, 10);
        return *end == 0 && pid > 0 && pid <= INT_MAX && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

static void closedirp(DIR **d) {
        if (*d)
                closedir(*d);
}

void trace_source_sweep(void) {
        _cleanup_(closedirp) DIR *d = mount_tracefs() == 0 ? opendir(TRACING "/instances") : NULL;
        struct dirent *entry;

        while (d && (entry = readdir(d)))
                if (instance_is_dead(entry->d_name))
                        trace_instance_remove(entry->d_name); /* what stays is tried again by the next run */
}

static void tep_freep(struct tep_handle **tep) {
        tep_free(*tep);
}

/* Reads one event's format file. Its fields are not the same in all kernels; that is what the file is for. */
static int read_layout(struct tracefs_instance *instance, const char *system, const TracedEvent *wanted, Layout *layout) {
        _cleanup_(tep_freep) struct tep_handle *tep = tep_alloc();
        _cleanup_free_ char *text = NULL;
        struct tep_event *event;
        int size = 0;

        if (!tep)
                return -ENOMEM;
        text = tracefs_event_file_read(instance, system, wanted->name, "format", &size);
        if (!text)
                return -ENOENT;
        tep_set_loglevel(TEP_LOG_NONE); /* it would complain about functions in the print format, which nobody uses here */
        tep_parse_event(tep, text, (unsigned long)size, system);
        event = tep_find_event_by_name(tep, system, wanted->name);
        if (!event)
                return -ENOENT;
        for (size_t w = 0; w < _W_MAX; w++) {
                const struct tep_format_field *f = wanted->fields[w] ? tep_find_any_field(event, wanted->fields[w]) : NULL;

                if (wanted->fields[w] && (!f || f->offset < 0 || f->size <= 0))
                        return -ENOENT;
                layout->fields[w].offset = f ? (unsigned)f->offset : 0;
                layout->fields[w].size = f ? (unsigned)f->size : 0;
        }
        if (wanted->fields[W_FSID] && layout->fields[W_FSID].size != 16)
                return -ENOENT;
        layout->id = (uint64_t)event->id;
        return 0;
}

static int configure(TraceSource *s, Error *e) {
        for (size_t i = 0; i < ELEMENTSOF(events); i++) {
                int r = read_layout(s->instance, "btrfs", &events[i], &s->layouts[i]);

                if (r < 0)
                        return error_set(e, EXIT_ERROR, -r, "The trace event btrfs:%s is missing or has another form in this kernel "
                                         "(%s): load btrfs, or use a kernel with CONFIG_EVENT_TRACING.", events[i].name, strerror(-r));
        }
        if (tracefs_instance_file_write(s->instance, "trace_clock", "mono") < 0)
                return error_set(e, EXIT_ERROR, EOPNOTSUPP, "The trace clock \"mono\" cannot be set: trace events cannot be compared "
                                 "with scrubs; use a kernel of 4.5 or newer.");
        /* Both are only about cost: less memory; no probe in every context switch that remembers names of tasks. */
        tracefs_instance_set_buffer_size(s->instance, BUFFER_KIB, -1);
        tracefs_option_disable(s->instance, TRACEFS_OPTION_RECORD_CMD);
        return 0;
}

static int open_cpus(TraceSource *s, unsigned n_cpus, Error *e) {
        for (unsigned i = 0; i < n_cpus; i++) {
                Cpu *c = &s->cpus[s->n_cpus];
                char path[64];

                c->number = i;
                snprintf(path, sizeof(path), "per_cpu/cpu%u/trace_pipe_raw", i);
                c->fd = tracefs_instance_file_open(s->instance, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
                if (c->fd < 0 && errno == ENOENT)
                        continue;
                s->n_cpus++;
                if (c->fd < 0)
                        return error_set(e, EXIT_ERROR, errno, "Cannot read trace events of CPU %u: %s; run as root.", i, strerror(errno));
                c->page = malloc(s->page_size);
                c->kbuf = kbuffer_alloc(KBUFFER_LSIZE_SAME_AS_HOST, KBUFFER_ENDIAN_SAME_AS_HOST);
                if (!c->page || !c->kbuf)
                        return error_set(e, EXIT_ERROR, ENOMEM, "Not enough memory to read trace events; free some.");
        }
        return 0;
}

static int enable(TraceSource *s, Error *e) {
        for (size_t i = 0; i < ELEMENTSOF(events); i++)
                if (tracefs_event_enable(s->instance, "btrfs", events[i].name) < 0)
                        return error_set(e, EXIT_ERROR, errno ?: EIO, "Cannot enable the trace event btrfs:%s: %s; see "
                                         "/sys/kernel/security/lockdown and run as root.", events[i].name, strerror(errno ?: EIO));
        return 0;
}

/* The kernel numbers tasks as the first PID namespace does, whose inode is fixed (include/uapi/linux/nsfs.h: PID_NS_INIT_INO; before 6.17
 * include/linux/proc_ns.h: PROC_PID_INIT_INO). */
static bool pids_are_the_kernels(void) {
        struct stat st;

        return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == 0xeffffffc;
}

int trace_source_add_hits(TraceSource *s) {
        const char *instance = tracefs_instance_get_name(s->instance);
        char system[HIT_SYSTEM_MAX];
        int r;

        if (!pids_are_the_kernels())
                return -EXDEV;
        r = hit_probe_add(TRACING, hit_probe_system(instance, system));
        if (r == 0)
                r = read_layout(s->instance, system, &hit_event, &s->hit);
        if (r == 0 && (tracefs_event_file_write(s->instance, system, HIT_EVENT, "filter", HIT_FILTER) < 0 ||
                       tracefs_event_enable(s->instance, system, HIT_EVENT) < 0))
                r = -(errno ?: EIO);
        if (r < 0)
                s->hit = (Layout){ 0 };
        return r;
}

static int create_instance(TraceSource *s, Error *e) {
        char name[TRACE_NAME_MAX];
        int r = mount_tracefs();

        if (r == -EOPNOTSUPP)
                return error_set(e, EXIT_ERROR, -r, "This kernel has no tracefs at " TRACING ": use one with CONFIG_TRACING.");
        if (r < 0)
                return error_set(e, EXIT_ERROR, -r, "Cannot mount tracefs at " TRACING ": %s; run as root.", strerror(-r));
        /* Told where it is, libtracefs neither searches nor mounts. */
        if (tracefs_set_tracing_dir((char *)TRACING) < 0)
                return error_set(e, EXIT_ERROR, ENOMEM, "libtracefs cannot use " TRACING ": not enough memory; free some.");
        trace_instance_remove(trace_instance_name(name)); /* of a dead process that had our number */
        s->instance = tracefs_instance_create(name);
        if (!s->instance)
                return error_set(e, EXIT_ERROR, errno ?: EIO, "Cannot make the trace instance " TRACING "/instances/%s: %s; run as root.",
                                 name, strerror(errno ?: EIO));
        return 0;
}

static void trace_source_closep(TraceSource **s) {
        trace_source_close(*s);
}

int trace_source_open(TraceSource **ret, Error *e) {
        unsigned n_cpus = (unsigned)MAX_OF(sysconf(_SC_NPROCESSORS_CONF), 1);
        _cleanup_(trace_source_closep) TraceSource *s = calloc(1, sizeof(*s) + n_cpus * sizeof(s->cpus[0]));
        int r;

        if (!s)
                return error_set(e, EXIT_ERROR, ENOMEM, "Not enough memory to read trace events; free some.");
        s->page_size = (size_t)sysconf(_SC_PAGESIZE);
        r = create_instance(s, e);
        if (r == 0)
                r = configure(s, e);
        if (r == 0)
                r = open_cpus(s, n_cpus, e);
        if (r == 0)
                r = enable(s, e);
        if (r == 0)
                *ret = TAKE_PTR(s);
        return r;
}

void trace_source_leave(TraceSource *s) {
        if (!s)
                return;
        for (unsigned i = 0; i < s->n_cpus; i++) {
                if (s->cpus[i].fd >= 0)
                        close(s->cpus[i].fd);
                if (s->cpus[i].kbuf)
                        kbuffer_free(s->cpus[i].kbuf);
                free(s->cpus[i].page);
        }
        if (s->instance)
                tracefs_instance_free(s->instance);
        free(s);
}

void trace_source_close(TraceSource *s) {
        char name[TRACE_NAME_MAX] = "";

        if (s && s->instance)
                snprintf(name, sizeof(name), "%s", tracefs_instance_get_name(s->instance));
        trace_source_leave(s);
        if (name[0])
                trace_instance_remove(name);
}

/* A page says that events before it were lost, but a full page has no room to say how many; the statistics always know. */
static void read_lost(const TraceSource *s, Cpu *c) {
        _cleanup_free_ char *text = NULL;
        const char *overrun;
        char path[64];

        snprintf(path, sizeof(path), "per_cpu/cpu%u/stats", c->number);
        text = tracefs_instance_file_read(s->instance, path, NULL);
        overrun = text ? strstr(text, "\noverrun: ") : NULL;
        c->lost = overrun ? strtoull(overrun + strlen("\noverrun: "), NULL, 10) : c->lost + 1;
}

/* Unless there is a next event already, gets the next page with events, which the kernel gives out even while it still writes to it.
 * 0, with c->event NULL when there is nothing more now. */
static int fill(TraceSource *s, Cpu *c) {
        while (!c->event) {
                ssize_t n = read(c->fd, c->page, s->page_size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? 0 : -errno;
                if (n == 0 || kbuffer_load_subbuffer(c->kbuf, c->page) < 0)
                        return 0;
                if (kbuffer_missed_events(c->kbuf) != 0)
                        read_lost(s, c);
                c->event = kbuffer_read_event(c->kbuf, &c->time_ns);
        }
        return 0;
}

/* The CPU whose next event is the oldest; NULL: no more events. */
static Cpu *next_cpu(TraceSource *s) {
        Cpu *oldest = NULL;

        for (unsigned i = 0; i < s->n_cpus; i++)
                if (s->cpus[i].event && (!oldest || s->cpus[i].time_ns < oldest->time_ns))
                        oldest = &s->cpus[i];
        return oldest;
}

static uint64_t value_of(const Layout *l, Wanted w, const char *event, size_t size) {
        unsigned offset = l->fields[w].offset, n = l->fields[w].size;
        uint64_t u64;
        uint32_t u32;
        uint16_t u16;

        if (offset + n > size)
                return 0;
        switch (n) {
        case sizeof(u64):
                memcpy(&u64, event + offset, n);
                return u64;
        case sizeof(u32):
                memcpy(&u32, event + offset, n);
                return u32;
        case sizeof(u16):
                memcpy(&u16, event + offset, n);
                return u16;
        default:
                return 0;
        }
}

/* True when the event is one of ours: a hit, or known, of this filesystem, and for an added group a new one rather than one read at mount. */
static bool decode(const TraceSource *s, const Cpu *c, const uint8_t fsid[static 16], TraceEvent *ret) {
        size_t size = (size_t)MAX_OF(kbuffer_event_size(c->kbuf), 0);

        if (s->hit.id > 0 && value_of(&s->hit, W_ID, c->event, size) == s->hit.id) {
                *ret = (TraceEvent){ .kind = TRACE_HIT, .time_ns = c->time_ns, .pid = (pid_t)value_of(&s->hit, W_PID, c->event, size) };
                return true;
        }
        for (size_t i = 0; i < ELEMENTSOF(events); i++) {
                const Layout *l = &s->layouts[i];
                unsigned at = l->fields[W_FSID].offset;

                if (value_of(l, W_ID, c->event, size) != l->id)
                        continue;
                if (at + 16 > size || memcmp((const char *)c->event + at, fsid, 16) != 0)
                        return false;
                if (l->fields[W_CREATE].size > 0 && value_of(l, W_CREATE, c->event, size) == 0)
                        return false;
                *ret = (TraceEvent){
                        .kind = events[i].kind,
                        .time_ns = c->time_ns,
                        .logical = value_of(l, W_LOGICAL, c->event, size),
                        .length = value_of(l, W_LENGTH, c->event, size),
                        .flags = value_of(l, W_FLAGS, c->event, size),
                        .generation = value_of(l, W_GENERATION, c->event, size),
                };
                memcpy(ret->fsid, fsid, sizeof(ret->fsid));
                return true;
        }
        return false;
}

int trace_source_step(TraceSource *s, const uint8_t fsid[static 16], TraceFunc func, void *userdata) {
        int handed_on = 0;
        Cpu *c;

        for (unsigned i = 0; i < s->n_cpus; i++) {
                int r = fill(s, &s->cpus[i]);

                if (r < 0)
                        return r;
        }
        for (unsigned n = 0; n < STEP_MAX && (c = next_cpu(s)); n++) {
                TraceEvent event;
                int r;

                if (decode(s, c, fsid, &event)) {
                        func(userdata, &event);
                        handed_on++;
                }
                c->event = kbuffer_next_event(c->kbuf, &c->time_ns);
                r = fill(s, c);
                if (r < 0)
                        return r;
        }
        return handed_on;
}

uint64_t trace_source_lost(const TraceSource *s) {
        uint64_t sum = 0;

        for (unsigned i = 0; i < s->n_cpus; i++)
                sum += s->cpus[i].lost;
        return sum;
}

char *trace_instance_name(char buf[static TRACE_NAME_MAX]) {
        snprintf(buf, TRACE_NAME_MAX, PREFIX "%d", (int)getpid());
        return buf;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/health.h"

#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/fs.h"

#define GRACE_NS (2 * NSEC_PER_SEC) /* of the process that waits for smartctl, to give it up itself */
#define SECTOR 512                  /* the unit of the kernel's count, whatever the device's own is */

/* Shared with the process that asks. */
typedef struct Answer {
        Health health;
        int smart; /* as from smart_parse(), a negative errno, or SMART_NOT_ASKED */
        Error why; /* unless it is 0 */
        char document[SMART_OUTPUT_MAX]; /* of smartctl; where it writes nothing there is no memory */
} Answer;

#define SMART_NOT_ASKED (SMART_NOTHING + 1)

typedef struct Asked {
        char name[sizeof(((Identity *)NULL)->name)];
        char serial[sizeof(((Identity *)NULL)->serial)];
        uint64_t devid;
        Child child;
        uint64_t deadline_ns;
        bool silent; /* it did not answer: what asked it may be stuck in the kernel, and one of these is enough */
        char *before, *now; /* what smartctl printed at the first look and at the last; NULL: nothing yet. SMART_OUTPUT_MAX at most */
} Asked;

struct HealthWatch {
        char root[PATH_MAX];
        unsigned n;
        Asked asked[TARGET_DEVICES_MAX];
        DiskHealth disks[TARGET_DEVICES_MAX];
        Answer *answers; /* TARGET_DEVICES_MAX */
        uint64_t warmth_ns, all_ns;
        bool noted;
};

int health_watch_new(HealthWatch **ret, const char *root) {
        HealthWatch *w = calloc(1, sizeof(*w));
        void *p = mmap(NULL, TARGET_DEVICES_MAX * sizeof(Answer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (w && p != MAP_FAILED) {
                snprintf(w->root, sizeof(w->root), "%s", root);
                w->answers = p;
                *ret = w;
                return 0;
        }
        free(w);
        if (p != MAP_FAILED)
                munmap(p, TARGET_DEVICES_MAX * sizeof(Answer));
        return -ENOMEM;
}

static void forget_child(Asked *a) {
        if (a->child.pid <= 0)
                return;
        child_kill(&a->child, SIGKILL);
        close(a->child.pidfd);
        a->child = CHILD_NULL;
}

static void forget(Asked *a) {
        forget_child(a);
        free(a->before);
        free(a->now);
        *a = (Asked){ .child = CHILD_NULL };
}

void health_watch_free(HealthWatch *w) {
        if (!w)
                return;
        for (unsigned i = 0; i < w->n; i++)
                forget(&w->asked[i]);
        munmap(w->answers, TARGET_DEVICES_MAX * sizeof(Answer));
        free(w);
}

unsigned health_watch_n(const HealthWatch *w) {
        return w->n;
}

const DiskHealth *health_watch_disks(const HealthWatch *w) {
        return w->disks;
}

uint64_t health_watch_warmest(const HealthWatch *w, const char **ret_name) {
        uint64_t warmest = 0;

        *ret_name = "";
        for (unsigned i = 0; i < w->n; i++) {
                uint64_t t = w->disks[i].now.values[HEALTH_TEMPERATURE];
                if (t <= warmest)
                        continue;
                warmest = t;
                *ret_name = w->asked[i].name;
        }
        return warmest;
}

/* By the name that the target gives to its devices. */
static uint64_t find_devid(const Target *t, const char *name) {
        for (unsigned k = 0; k < t->n_devices; k++)
                if (strncmp(t->devices[k].path, "/dev/", 5) == 0 && strcmp(t->devices[k].path + 5, name) == 0)
                        return t->devices[k].devid;
        return 0;
}

void health_watch_learn(HealthWatch *w, const Target *t) {
        for (unsigned i = 0; i < TARGET_DEVICES_MAX; i++) {
                const Identity *d = &t->disks[i].identity;
                Asked *a = &w->asked[i];
                bool same = i < w->n && strcmp(a->name, d->name) == 0 && strcmp(a->serial, d->serial) == 0;

                if (i < t->n_disks && !same) {
                        forget(a);
                        w->disks[i] = (DiskHealth){ 0 };
                        memcpy(a->name, d->name, sizeof(a->name));
                        memcpy(a->serial, d->serial, sizeof(a->serial));
                } else if (i >= t->n_disks)
                        forget(a);
                a->devid = find_devid(t, a->name);
        }
        w->n = t->n_disks;
}

/* In the process that asks. */

/* Sectors written are the seventh number (Documentation/ABI/stable/sysfs-block). */
static void read_host_written(Health *h, const char *root, const char *name) {
        char path[128], text[512];
        unsigned long long sectors;

        snprintf(path, sizeof(path), "/sys/block/%s/stat", name);
        if (fs_read(root, path, text, sizeof(text)) > 0 && sscanf(text, "%*u %*u %*u %*u %*u %*u %llu", &sectors) == 1)
                health_set(h, HEALTH_HOST_WRITTEN, sectors * SECTOR);
}

/* NVMe has it by itself (nvme/host/hwmon.c), ATA with the module drivetemp; where, differs from kernel to kernel. The first sensor is the
 * composite temperature. */
static const char *const sensors[] = { "device/hwmon*/temp1_input", "device/hwmon/hwmon*/temp1_input", "device/device/hwmon/hwmon*/temp1_input" };

static void read_sensor(Health *h, const char *root, const char *name) {
        char pattern[PATH_MAX + 128];
        uint64_t millidegrees;
        glob_t found;

        for (size_t i = 0; i < ELEMENTSOF(sensors) && !health_knows(h, HEALTH_TEMPERATURE); i++) {
                snprintf(pattern, sizeof(pattern), "%s/sys/block/%s/%s", root, name, sensors[i]);
                if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0 && fs_read_u64(NULL, found.gl_pathv[0], &millidegrees) == 0)
                        health_set(h, HEALTH_TEMPERATURE, millidegrees / 1000);
                globfree(&found);
        }
}

static int ask_smartctl(const char *root, const char *name, Answer *a, Health *ret) {
        int r = smart_ask(root, name, SMART_TIMEOUT_NS, a->document, sizeof(a->document));

        if (r == -ENOENT)
                return error_set(&a->why, EXIT_ERROR, ENOENT, "it is not installed");
        if (r == -EPROTO)
                return error_set(&a->why, EXIT_ERROR, EPROTO, "scrubstress-smart@.service gives no answer, the journal may say why");
        if (r < 0)
                return error_set(&a->why, EXIT_ERROR, -r, "%s", strerror(-r));
        /* The exit status is a mask, most of it of what the document says as well. */
        return smart_parse(a->document, ret, &a->why);
}

typedef struct Question {
        HealthWatch *watch;
        unsigned disk;
        HealthLook look;
} Question;

static int answer_main(void *arg) {
        const Question *q = arg;
        const char *root = q->watch->root, *name = q->watch->asked[q->disk].name;
        Answer *a = &q->watch->answers[q->disk];

        /* A terminal sends SIGINT to the whole group; only the supervisor decides, and when it dies the death signal comes. */
        signal(SIGINT, SIG_IGN);
        signal(SIGTERM, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        child_close_others(-1);
        read_sensor(&a->health, root, name);
        if (q->look == HEALTH_LOOK_ALL || !health_knows(&a->health, HEALTH_TEMPERATURE)) {
                Health smart;
                a->smart = ask_smartctl(root, name, a, &smart);
                if (a->smart == 0)
                        health_merge(&a->health, &smart);
        }
        read_host_written(&a->health, root, name);
        return 0;
}

/* Of the supervisor. */

bool health_watch_documents(const HealthWatch *w, uint64_t devid, HealthDocuments *ret) {
        for (unsigned i = 0; i < w->n; i++)
                if (devid && w->asked[i].devid == devid) {
                        *ret = (HealthDocuments){ w->asked[i].name, w->asked[i].before, w->asked[i].now };
                        return true;
                }
        return false;
}

void health_watch_ask(HealthWatch *w, HealthLook look, uint64_t now_ns) {
        w->warmth_ns = now_ns;
        if (look == HEALTH_LOOK_ALL)
                w->all_ns = now_ns;
        for (unsigned i = 0; i < w->n; i++) {
                if (w->asked[i].child.pid > 0 || w->asked[i].silent)
                        continue;
                w->answers[i].health = (Health){ 0 };
                w->answers[i].smart = SMART_NOT_ASKED;
                /* No process for it now: there will be another look. */
                if (child_fork(&w->asked[i].child, "ss:health", answer_main, &(Question){ w, i, look }) == 0)
                        w->asked[i].deadline_ns = now_ns + SMART_TIMEOUT_NS + GRACE_NS;
        }
}

uint64_t health_watch_asked_ns(const HealthWatch *w, HealthLook look) {
        return look == HEALTH_LOOK_ALL ? w->all_ns : w->warmth_ns;
}

bool health_watch_busy(const HealthWatch *w) {
        for (unsigned i = 0; i < w->n; i++)
                if (w->asked[i].child.pid > 0)
                        return true;
        return false;
}

/* False: it has not grown, or that is no matter. */
static bool say_growth(const HealthWatch *w, unsigned disk, HealthCounter c, Observation *o) {
        const Health *before = &w->disks[disk].now, *now = &w->answers[disk].health;
        const Asked *a = &w->asked[disk];

        o->devid = a->devid;
        o->counter = c + 1;
        o->count = health_info[c].finding ? health_growth(before, now, c) : 0;
        snprintf(o->text, sizeof(o->text), "/dev/%s, serial %.64s: %s grew from %llu to %llu", a->name, a->serial, health_info[c].label,
                 (unsigned long long)before->values[c], (unsigned long long)now->values[c]);
        return o->count > 0;
}

static void take_health(HealthWatch *w, unsigned disk, const Health *now) {
        DiskHealth *d = &w->disks[disk];
        Health first = *now;

        health_merge(&first, &d->before); /* what was not known before is known from now on */
        d->before = first;
        health_merge(&d->now, now);
        if (health_knows(now, HEALTH_TEMPERATURE))
                d->hottest = MAX_OF(d->hottest, now->values[HEALTH_TEMPERATURE]);
}

static void give_up(HealthWatch *w, unsigned disk, Observation *note) {
        w->asked[disk].silent = true;
        snprintf(note->text, sizeof(note->text), "/dev/%s has not answered smartctl within %llu s: its health is not watched any more.",
                 w->asked[disk].name, (unsigned long long)(SMART_TIMEOUT_NS / NSEC_PER_SEC));
}

/* Known from the first look on: it is no finding of this run, but what comes of it may be no news either. */
static void note_failing(const HealthWatch *w, unsigned disk, const Health *now, Observation *note) {
        if (!health_knows(&w->disks[disk].before, HEALTH_WARNING) && health_knows(now, HEALTH_WARNING) && now->values[HEALTH_WARNING] > 0)
                snprintf(note->text, sizeof(note->text), "/dev/%s, serial %.64s, says of itself that it fails, before the stress.",
                         w->asked[disk].name, w->asked[disk].serial);
}

/* One for all disks: they mostly have the same reason. */
static void note_missing(HealthWatch *w, const Answer *a, Observation *note) {
        if (w->noted)
                return;
        w->noted = true;
        snprintf(note->text, sizeof(note->text), "smartctl (package smartmontools) tells nothing of the health of disks: %.130s; only what the "
                 "kernel knows is watched.", a->why.sentence);
}

/* Without memory there is none to keep, and the evidence of a finding has one file less. */
static void take_document(Asked *a, const char *document) {
        free(a->now);
        a->now = strdup(document);
        if (!a->before)
                a->before = strdup(document);
}

static void take_answer(HealthWatch *w, unsigned disk, Observation *note) {
        const Answer *a = &w->answers[disk];

        note_failing(w, disk, &a->health, note);
        take_health(w, disk, &a->health);
        if (a->smart == 0)
                take_document(&w->asked[disk], a->document);
        else if (a->smart == -ETIMEDOUT)
                give_up(w, disk, note);
        else if (a->smart != SMART_NOT_ASKED)
                note_missing(w, a, note);
}

void health_watch_poll(HealthWatch *w, uint64_t now_ns, ObserveFunc func, void *userdata) {
        for (unsigned i = 0; i < w->n; i++) {
                Observation growth = { .time_ns = now_ns, .kind = OBS_HEALTH };
                Observation note = { .time_ns = now_ns, .kind = OBS_NOTE };
                bool late = w->asked[i].child.pid > 0 && now_ns >= w->asked[i].deadline_ns;
                int status = 0;

                if (child_reap(&w->asked[i].child, &status) == 1) {
                        for (HealthCounter c = 0; c < _HEALTH_MAX && status == 0; c++)
                                if (say_growth(w, i, c, &growth))
                                        func(userdata, &growth);
                        if (status == 0)
                                take_answer(w, i, &note);
                } else if (late) {
                        forget_child(&w->asked[i]);
                        give_up(w, i, &note);
                }
                if (note.text[0])
                        func(userdata, &note);
        }
}

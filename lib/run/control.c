/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "run/job-internal.h"
#include "target/empty-groups.h"

#define CLEANER_POLL_NS (20 * NSEC_PER_MSEC)
#define CONTROL_TRIES 3
#define CONTROL_REST_NS (200 * NSEC_PER_MSEC)
#define EMPTY_LOOKS 3
#define SPACE_WAITS 2 /* the cleaner may have to come twice: what it does is pinned until the next commit */

/* The cleaner may not be done with what the churn left, and then a kernel with the race fails the control scrub too (met in 1 of 20 virtual
 * machines). What is not supported fails every time. */
static int scrub_again(Job *j, int fd, uint64_t devid, ScrubStats *stats) {
        const ScrubRange range = { .devid = devid, .end = UINT64_MAX };
        int r = -EINVAL;

        for (unsigned i = 0; i < CONTROL_TRIES && r == -EINVAL; i++) {
                if (i > 0)
                        clock_sleep_ns(CONTROL_REST_NS);
                *stats = (ScrubStats){ 0 };
                r = j->ops->scrub(fd, &range, stats);
        }
        return r;
}

/* What mount_options say was so at the mount; the worker that remounts may have been paused in the middle of its walk. */
static bool may_discard_async(const Job *j) {
        return strstr(j->desk->target.mount_options, "discard=async") ||
               (j->config->remount.enabled && strstr(j->config->remount.options, "discard"));
}

/* With discard=async empty groups wait in the discard queue first, for ten seconds and more; a read-only filesystem has no cleaner. */
static bool cleaner_should_delete(const Job *j, int fd) {
        struct statvfs fs;

        return !may_discard_async(j) && fstatvfs(fd, &fs) == 0 && !(fs.f_flag & ST_RDONLY);
}

/* The first device whose scrub fails, or whose counters are not clean, speaks for all; none after it is scrubbed. */
static void scrub_devices(Job *j, int fd) {
        const Target *t = &j->desk->target;
        Observation *o = &j->desk->control;

        for (unsigned i = 0; i < t->n_devices && o->result == 0 && o->count == 0; i++) {
                ScrubStats stats;

                o->result = scrub_again(j, fd, t->devices[i].devid, &stats);
                o->physical = stats.last_physical;
                if (o->result != 0)
                        snprintf(o->text, sizeof(o->text), "control scrub of %.64s", t->devices[i].path);
                else if (!scrub_stats_clean(&stats, o->text, sizeof(o->text)))
                        o->count = MAX_OF(scrub_stats_errors(&stats), UINT64_C(1));
                if (o->result != 0 || o->count > 0)
                        o->devid = t->devices[i].devid;
        }
}

/* True when empty groups stay for so long that the cleaner cannot have missed them: every sync wakes it. */
static bool groups_stay(Job *j, int fd, EmptyGroups *ret) {
        uint64_t begin = clock_mono_ns();

        while (cleaner_should_delete(j, fd) && j->ops->sync(fd) == 0 && empty_groups_find(ret, j->ops, fd) == 0 && ret->n > 0) {
                if (clock_mono_ns() - begin > j->cleaner_wait_ns)
                        return true;
                clock_sleep_ns(CLEANER_POLL_NS);
        }
        return false;
}

static void say_empty(Job *j, const EmptyGroups *empty, uint64_t begin_ns) {
        Observation *o = &j->desk->empty;

        *o = (Observation){ .time_ns = clock_mono_ns(), .kind = OBS_EMPTY_GROUPS, .count = empty->n, .logical = empty->logical,
                            .length = empty->length };
        snprintf(o->text, sizeof(o->text), "%zu empty data block group%s still there after scrubs of the quiesced target "
                 "and %llu s of syncs, the first", empty->n, empty->n == 1 ? " is" : "s are",
                 (unsigned long long)((o->time_ns - begin_ns) / NSEC_PER_SEC));
        j->desk->told_empty = *empty;
}

/* A group that the kernel has forgotten stays for ever: to wait for it in each control scrub would tell nothing new. */
static bool all_told(Job *j, int fd) {
        const EmptyGroups *told = &j->desk->told_empty;
        EmptyGroups now;

        return told->n > 0 && empty_groups_find(&now, j->ops, fd) == 0 && now.n == told->n && now.logical == told->logical;
}

/*
 * Scrub hands each empty data group that it passes to the cleaner (758f2dfcf8a2); without a scrub some may stay, for the cleaner forgets a
 * group that has pinned extents when it comes by. So only one that was empty before a scrub passed, and is there long after, is told: somebody
 * else may have emptied another behind the scrub.
 */
static void look_for_empty_groups(Job *j, int fd) {
        uint64_t begin = clock_mono_ns();
        EmptyGroups before = { 0 }, now;

        if (!cleaner_should_delete(j, fd) || all_told(j, fd))
                return;
        for (unsigned i = 0; i < EMPTY_LOOKS; i++) {
                if (i > 0)
                        scrub_devices(j, fd);
                if (j->desk->control.result != 0 || !groups_stay(j, fd, &now))
                        return;
                if (i > 0 && j->desk->control.count == 0 && now.logical == before.logical)
                        return say_empty(j, &now, begin);
                before = now;
        }
}

/* Reclaim relocates group after group by itself, for as long as it likes; a group is read-only meanwhile, and what it has freed is pinned. */
static void look_at_space(Job *j, int fd) {
        const SpaceLook look = { .target = &j->desk->target, .ops = j->ops, .fd = fd, .root = j->sys_root,
                                 .wait_ns = SPACE_WAITS * j->cleaner_wait_ns };
        Observation *o = &j->desk->space, seen = { .kind = OBS_SPACE };

        if (j->desk->control.result != 0 || j->config->target.dynamic_reclaim || j->config->target.reclaim_threshold > 0)
                return;
        seen.count = space_watch_look(&j->desk->space_watch, &look, seen.text, sizeof(seen.text));
        seen.time_ns = clock_mono_ns();
        if (seen.count > 0)
                *o = seen;
}

int control_run(Job *j) {
        Target *t = &j->desk->target;
        Observation *o = &j->desk->control;
        _cleanup_close_ int fd = j->open_target(t, &j->desk->error);

        *o = (Observation){ .kind = OBS_CONTROL, .op = OP_CONTROL_SCRUB, .begin_ns = clock_mono_ns() };
        if (fd < 0)
                return fd;
        job_learn_paths(j);
        o->result = j->ops->sync(fd);
        if (o->result < 0)
                snprintf(o->text, sizeof(o->text), "sync before the control scrub failed");
        scrub_devices(j, fd);
        look_for_empty_groups(j, fd);
        look_at_space(j, fd);
        job_look_at_devices(j, fd, 0);
        o->time_ns = clock_mono_ns();
        return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Cgroup: limits of memory and I/O for a process, by a control group (version 2) below the one that we are in.
 *
 * A group below ours is ours to make only at the top of the hierarchy, or where whoever manages it has handed our group to us: systemd says so with
 * Delegate= and an attribute of the directory (systemd.io/CGROUP_DELEGATION). A group that hands controllers down holds no processes itself (the
 * kernel's Documentation/admin-guide/cgroup-v2.rst, "No Internal Process Constraint"), so ours goes into a leaf of it first.
 */
#include <limits.h>

typedef struct Cgroup {
        const char *root;    /* that all paths are below; NULL: none. Not owned */
        char path[PATH_MAX]; /* of its directory; empty: none */
} Cgroup;

#define CGROUP_NULL ((Cgroup){ 0 })

/* Moves the calling process into a leaf of its group, where that was handed to us: the children that it forks from then on, and the threads that it
 * has, are there too. 0, also when there is nothing to do; a negative errno: it stays where it is (-EPERM: the group is not ours), or was not
 * alone there (-EBUSY). */
int cgroup_settle(const char *root);
/* Makes a group of this name, or takes one that is there, for whose processes this controller ("memory", "io") can set limits. A negative errno: there
 * can be none (-ENOENT: no hierarchy of version 2, or no such controller in it; -EPERM: not ours; -EBUSY: somebody is in ours but not in its leaf). */
int cgroup_make(Cgroup *ret, const char *root, const char *name, const char *controller);
/* Writes one of its files ("/memory.max"): 0 or a negative errno. */
int cgroup_set(const Cgroup *g, const char *file, const char *value);
/* Moves the calling process into it. 0 or a negative errno. */
int cgroup_enter(const Cgroup *g);
/* The number behind this name in a file of "NAME NUMBER" lines. 0 or a negative errno; -ENODATA: no such name. */
int cgroup_count(const Cgroup *g, const char *file, const char *name, unsigned long long *ret);
/* Removes it; nothing when there is none. One that still holds a process stays, and cgroup_make() takes it again. */
void cgroup_remove(Cgroup *g);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What the jobs have in common: those of job.c, and those that have a file of their own.
 */
#include "run/job.h"

/* The target has just been mounted: what is known of it begins anew, and what is said to the kernel by sysfs is said. Blocks. Negative errno with
 * a sentence on the desk. */
int job_mounted(Job *j);
/* A replace gives a devid another device: the paths of the target's are those that the kernel says. Blocks. */
void job_learn_paths(Job *j);
/* The error counters of all devices since the last look: the first that grew is told on the desk (`devstat`), and all are the base of the next
 * look. Not told are those that had to grow: `explained`, bits by BTRFS_DEV_STAT_*. fd < 0: nothing is looked at. Blocks. */
void job_look_at_devices(Job *j, int fd, unsigned explained);
/* btrfs check --readonly on the devices of the target, which is not mounted: its exit status and output go to the desk. Blocks. */
void job_check_devices(Job *j);
/* False: it was killed on the way, never started, or could not open the devices; its status says nothing. */
bool job_check_has_looked(const JobDesk *d);
/* Of what it has said the first error, to its end of line; the rest is its summary. */
const char *job_check_first_error(const JobDesk *d, int *ret_length);

/* control.c: the control scrub, and what else can be seen while nobody uses the target. Answers on the desk. Blocks for as long as the
 * scrubs take. */
int control_run(Job *j);

/* outage.c: the power of the target goes, while a witness makes files durable. On the desk: `dark`, `promised`. Only where `power_goes`.
 * The workers are to be frozen, and killed afterwards. Blocks for a second. */
int outage_begin(Job *j);
/* It comes back, and what was promised is looked for. Nobody uses the target. On the desk: the strike; the target is mounted, or not to be mounted.
 * Blocks for as long as btrfs check does. */
int outage_end(Job *j);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What the jobs have in common: those of job.c, and those that have a file of their own.
 */
#include "run/job.h"

/* The target has just been mounted: what is known of it begins anew, and what is said to the kernel by sysfs is said. Blocks. Negative errno with
 * a sentence on the desk. */
int job_mounted(Job *j);
/* btrfs check --readonly on the devices of the target, which is not mounted: its exit status and output go to the desk. Blocks. */
void job_check_devices(Job *j);

/* outage.c: the power of the target goes, while a witness makes files durable. On the desk: `dark`, `promised`. Only where `power_goes`. The workers are to be frozen, and killed afterwards. Blocks for a second. */
int outage_begin(Job *j);
/* It comes back, and what was promised is looked for. Nobody uses the target. On the desk: the strike; the target is mounted, or not to be mounted.
 * Blocks for as long as btrfs check does. */
int outage_end(Job *j);

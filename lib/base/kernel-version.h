/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * KernelVersion: of a kernel.org release, mainline or stable, and whether one has what came with another.
 */
#include <stdbool.h>
#include <stddef.h>

typedef struct KernelVersion {
        unsigned major, minor;
        unsigned patch; /* 0: mainline; else the release of the stable branch */
        unsigned rc;    /* 0: the release itself */
} KernelVersion;

#define KERNEL_VERSION_NULL ((KernelVersion){ 0 }) /* not known: major 0 */

/* "6.12", "6.1.140", "6.19-rc3", and nothing behind it. -EINVAL. */
int kernel_version_parse(const char *s, KernelVersion *ret);
/* Of what uname(2) says. Distributions number their releases otherwise ("6.1.0-56-amd64" is 6.1.192): Debian has the stable release in `version`
 * ("#1 SMP … Debian 6.1.192-2 (2026-…)"), Ubuntu at the end of `signature` ("Ubuntu 5.15.0-91.101-generic 5.15.131", /proc/version_signature).
 * Where neither is there (""), the beginning of `release` counts. -EINVAL: that is no version; *ret is KERNEL_VERSION_NULL then. */
int kernel_version_of(const char *release, const char *version, const char *signature, KernelVersion *ret);
/* Of the running kernel; `root` prefixes /proc ("": none). A negative errno; *ret is KERNEL_VERSION_NULL then. */
int kernel_version_running(const char *root, KernelVersion *ret);

/* Less than, equal to, or greater than 0. 6.19-rc3 comes before 6.19, and 6.19 before 6.19.1. */
int kernel_version_compare(const KernelVersion *a, const KernelVersion *b);
/* Has `v` what came with these releases? A mainline release (6.19) is in all that are newer; a stable one (6.12.60) only in what is newer of its own
 * branch, since later branches need not have it. */
bool kernel_version_has(const KernelVersion *v, const KernelVersion *releases, size_t n);

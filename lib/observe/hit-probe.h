/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * HitProbe: a kprobe event of our own that sees the race itself, on kernels that survive it. Since 020d5b7366fc a scrub freezes the block group
 * that it has in hand; of one that is removed meanwhile the last to let go takes the chunk map away (block-group.c, btrfs_unfreeze_block_group()).
 * A scrub that does so was in the window: without the freeze it would have looked for a chunk map that is gone, and returned -EINVAL.
 *
 * With discards in the commit (discard, discard=sync) the cleaner freezes what it removes too, and whoever commits lets go of it: a scrub or
 * replace that commits then counts as hits what was none.
 *
 * A BPF program (fentry) on the same function would see no more, and needs clang, libbpf and a kernel that describes its types (BTF); a kprobe event
 * needs none of them, and distributions build it in.
 *
 * The event is SYSTEM/hit, of which each run has its own SYSTEM. It outlives the process: whoever removes the trace
 * instance removes it too, after it.
 */
#include <stddef.h>

#define HIT_EVENT "hit"
#define HIT_SYSTEM_MAX 64
/* For the filter of the event: the worker that scrubs, or replaces, is the task that runs into it. */
#define HIT_FILTER "comm ~ \"ss:scrub*\" || comm ~ \"ss:replace*\""

/* "scrubstress_123" for the trace instance "scrubstress-123": systems of events have no dashes. */
char *hit_probe_system(const char *instance, char buf[static HIT_SYSTEM_MAX]);
/* `tracing`: where tracefs is mounted. 0; -ENOENT: the kernel has no kprobe events; -EOPNOTSUPP: none of the functions can be probed; or another
 * negative errno. */
int hit_probe_add(const char *tracing, const char *system);
/* One that is not there is no error. It must not be enabled in any instance: -EBUSY. */
int hit_probe_remove(const char *tracing, const char *system);

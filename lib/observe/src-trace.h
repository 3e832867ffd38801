/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Source: btrfs trace events, from a tracefs instance of our own (libtracefs, libtraceevent), filtered to the target's fsid.
 * Events carry CLOCK_MONOTONIC (trace_clock=mono), the clock of the scrub windows.
 *
 * Life: trace_source_open() → trace_source_step() some times a second → trace_source_close(), which removes the instance.
 * An instance that a killed run left behind is removed by trace_source_sweep() (name "scrubstress-<pid>", no such process).
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

typedef enum TraceKind {
        TRACE_GROUP_ADDED,   /* btrfs_add_block_group, create=1 */
        TRACE_GROUP_UNUSED,  /* btrfs_add_unused_block_group */
        TRACE_GROUP_REMOVED, /* btrfs_remove_block_group */
        TRACE_COMMIT,        /* btrfs_transaction_commit: `logical` is 0, `generation` the transaction */
        TRACE_HIT,           /* see hit-probe.h; only `time_ns` and `pid` */
} TraceKind;

typedef struct TraceEvent {
        TraceKind kind;
        uint64_t time_ns;
        uint8_t fsid[16];
        uint64_t logical, length, flags;
        uint64_t generation;
        pid_t pid; /* of a hit: the task that ran into it */
} TraceEvent;

/* Called in the order of time per CPU (libtracefs merges CPUs by time). */
typedef void (*TraceFunc)(void *userdata, const TraceEvent *event);

typedef struct TraceSource TraceSource;

/* Mounts tracefs in the caller's mount namespace when it is not mounted. -EOPNOTSUPP (no tracefs), -ENOENT (no btrfs events), -EPERM,
 * with a sentence: the caller then counts removals from the chunk tree and says so once. */
int trace_source_open(TraceSource **ret, Error *e);
void trace_source_close(TraceSource *s);
/* As close, but the instance stays, for somebody else to remove: that waits for all tasks of the machine. */
void trace_source_leave(TraceSource *s);
/* Sees hits too, from now on. Negative: this kernel, or a PID namespace of one's own (-EXDEV), does not let them be seen; all else goes on. */
int trace_source_add_hits(TraceSource *s);
/* Reads what there is without blocking. Events of another fsid are dropped. Returns the number handed on, or a negative errno. */
int trace_source_step(TraceSource *s, const uint8_t fsid[static 16], TraceFunc func, void *userdata);
/* Events the kernel dropped because the ring buffer was full. */
uint64_t trace_source_lost(const TraceSource *s);

#define TRACE_NAME_MAX 64
/* The name that trace_source_open() of this process gives its instance: known before, so that whoever removes it is there first. */
char *trace_instance_name(char buf[static TRACE_NAME_MAX]);

/* Removes one instance by name (the keeper does that for a supervisor that was killed), with its probe, there or not; and those of dead runs. */
int trace_instance_remove(const char *name);
void trace_source_sweep(void);

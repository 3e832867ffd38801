/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Source: the kernel log, /dev/kmsg. Every record after the open becomes an OBS_KMSG; which lines mean something is the judge's table.
 */
#include "observe/source.h"

typedef struct KmsgSource {
        int fd;
        char device_prefix[16]; /* unused bytes zero */
        uint64_t overruns; /* times the kernel dropped records before we read them (EPIPE) */
} KmsgSource;

#define KMSG_SOURCE_NULL ((KmsgSource){ .fd = -1 })

/* path: "/dev/kmsg", or a FIFO or file of a test. Starts behind the newest record (SEEK_END). Non-blocking.
 * -EPERM/-EACCES/-ENOENT with a sentence: the run goes on without it and says so. */
int kmsg_source_open(KmsgSource *s, const char *path, Error *e);
void kmsg_source_close(KmsgSource *s);
/* Reads all records there are now. Continuation lines of a record are joined; the level prefix is removed; the record's own
 * timestamp is not used (printk's clock is not CLOCK_MONOTONIC): time_ns = now_ns. Returns the number of records. */
int kmsg_source_step(KmsgSource *s, uint64_t now_ns, ObserveFunc func, void *userdata);

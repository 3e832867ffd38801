/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Source: the kernel log, /dev/kmsg. Every record after the open becomes an OBS_KMSG; which lines mean something is the judge's table.
 */
#include "observe/source.h"

#define KMSG_RECORD_MAX 8192 /* the kernel's own limit for a record read at once (CONSOLE_EXT_LOG_MAX, PRINTK_MESSAGE_MAX) */
#define KMSG_STEP_MAX 1000   /* records per step, so that a storm of messages cannot keep the supervisor from its other work */

typedef struct KmsgSource {
        int fd;
        uint64_t overruns; /* times the kernel dropped records before we read them (EPIPE) */
        size_t length;     /* bytes in `buf` that are not handed on yet: after KMSG_STEP_MAX, or half a line from a FIFO */
        char buf[KMSG_RECORD_MAX];
} KmsgSource;

#define KMSG_SOURCE_NULL ((KmsgSource){ .fd = -1 })

/* path: "/dev/kmsg", or a FIFO or file of a test. Starts behind the newest record (SEEK_END). Non-blocking.
 * -EPERM/-EACCES/-ENOENT with a sentence: the run goes on without it and says so. */
int kmsg_source_open(KmsgSource *s, const char *path, Error *e);
void kmsg_source_close(KmsgSource *s);
/* Hands on the records there are now, at most KMSG_STEP_MAX; the rest comes with the next step. `text` is the message alone: prefix and
 * properties (" SUBSYSTEM=…") are removed, \xHH is undone, what is longer than OBS_TEXT_MAX is cut. The record's own timestamp is not
 * used (printk's clock is not CLOCK_MONOTONIC): time_ns = now_ns. Returns the number of records or a negative errno of read(2). */
int kmsg_source_step(KmsgSource *s, uint64_t now_ns, ObserveFunc func, void *userdata);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * SmartAsk: how smartctl is asked for a disk. A service without CAP_SYS_RAWIO cannot ask a SATA disk itself: where there is a socket for it, another
 * process does, which has that and little else (scrubstress-smart@.service, the command `scrubstress smart`).
 *
 * Over the socket goes the kernel's name of the disk, up to end of file; back comes what child_run() gave there: "RESULT LENGTH\n", then LENGTH
 * bytes that smartctl has printed, and end of file. That is all: what is run is in smart_run(), and nothing that is sent becomes an option of it.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

#define SMART_SOCKET "/run/scrubstress/smart"
/* Of what smartctl prints; a disk with full logs needs some 50 KiB. */
#define SMART_OUTPUT_MAX (256 * KiB)
/* A disk that is busy, or spins up, may take its time. */
#define SMART_TIMEOUT_NS (30 * NSEC_PER_SEC)

/* Runs smartctl for /dev/`name`, to read: it neither changes a setting of the disk nor begins a self-test. What it prints is in `output`,
 * NUL-terminated. Returns as child_run() does: its exit status, -ENOENT, -ETIMEDOUT, …. Blocks up to timeout_ns. */
int smart_run(const char *name, uint64_t timeout_ns, char *output, size_t size);

/* The same by way of the socket below `root` (tests; NULL or "": none); where nobody listens, without. -ENODEV: to the helper this name is no
 * disk's. -EPROTO: no whole answer came. */
int smart_ask(const char *root, const char *name, uint64_t timeout_ns, char *output, size_t size);

/* The other side of it: answers one question that comes from `in`, on `out`. Only a whole disk of the kernel's is asked: a name in `root`/sys/block.
 * 0: answered, whatever the answer; a negative errno: it could not be written, or -ENOMEM. Blocks up to timeout_ns, and as long as nobody reads. */
int smart_serve(const char *root, int in, int out, uint64_t timeout_ns);

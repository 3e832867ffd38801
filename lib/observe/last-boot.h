/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * LastBoot: what is left of the kernel's log of a boot that is over. A dying kernel writes the end of its log to pstore (Linux,
 * Documentation/admin-guide/pstore-blk.rst, ramoops.rst; of firmware that has it: ACPI ERST, EFI variables), where it is found as it is, or where
 * systemd-pstore.service(8) has moved it to. Else the journal has what journald could still write, which is not the last moment.
 */
#include <stdint.h>

#include "base/error.h"

typedef struct LastBoot {
        char *text;      /* owned: lines, without level and time */
        char where[256]; /* the folder or file, or "the journal" */
} LastBoot;

/* The log of the boot `boot_id` (/proc/sys/kernel/random/boot_id), as far as it is newer than `since_ns` on CLOCK_REALTIME; of more than one crash
 * since then the first. Files are below `root`. Blocks while it reads, for at most 10 s. 0; -ENODATA: there is none; or another negative errno, when
 * memory or the program journalctl is missing. */
int last_boot_read(LastBoot *ret, const char *root, const char *boot_id, uint64_t since_ns);
void last_boot_done(LastBoot *l);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Cleaners: has btrfs on this machine lost one? Every mounted btrfs has two kernel threads, its cleaner and its transaction thread. An oops in
 * the cleaner (doc/findings) ends it with all locks and transactions that it held, and then not only its filesystem hangs: mkfs.btrfs
 * and mount wait for ever too, in btrfs_scan_one_device() (met on 6.18).
 */

/* Mounted filesystems whose cleaner is gone: the cleaner starts first and ends last (disk-io.c, open_ctree(), close_ctree()), so in health there
 * are never fewer of them. Blocks for half a second when there seem to be some. `root` prefixes /proc (tests; NULL or "": none). 0 too where kernel
 * threads are not to be seen (a container). */
unsigned cleaners_dead(const char *root);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Released kernels can forget to wake a replace that ends (doc/findings/2026-11-replace-misses-its-wakeup.md): then every mkfs and mount of the
 * machine waits, and a cancel too. Any write to the filesystem wakes it. Only who asks for replaces ([Replace] Enabled=yes) is exposed to it.
 */

/* Writes a file below the root directory and deletes it. One that hangs only after this is not helped. Where the write fails, so will what comes
 * next, which tells. Blocks. */
void replace_wake(int root_fd);

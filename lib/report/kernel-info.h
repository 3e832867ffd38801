/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * KernelInfo: which kernel is under test, and whether it is tainted.
 */
#include <stddef.h>

/* kernel: release and machine ("6.12.1 x86_64"), from uname(2). taint: the letters of /proc/sys/kernel/tainted below `root`, "" when not
 * tainted; bits that this table has no letter for follow as "+bit<n>". A negative errno when it cannot be read: taint is then "unknown". */
int report_kernel(char *kernel, size_t kernel_size, char *taint, size_t taint_size, const char *root);

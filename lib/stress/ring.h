/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Ring: the io_uring engine of the writer, the only file that knows liburing. Not to be had (open fails) where the kernel has none
 * (-ENOSYS), where it is switched off (-EPERM: sysctl, seccomp) or locked memory is too short for the buffers (-ENOMEM).
 */
#include "stress/writer.h"

extern const WriterEngine engine_ring;

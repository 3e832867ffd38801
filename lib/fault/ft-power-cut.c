/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault: the power of all devices goes, in the middle of the stress (target/power.h, run/outage.h). What fsync(2) had promised by then is there when
 * the filesystem is mounted again, and btrfs check finds nothing.
 */
#include "fault/fault.h"

const Fault fault_power_cut = {
        .name = "power-cut",
        .help = "the power of all devices",
        .cuts_power = true,
};

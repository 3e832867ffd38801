/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/macro.h"
#include "fault/fault.h"

const Fault *const faults[] = {
        &fault_bad_sector,
        &fault_cancel,
        &fault_data,
        &fault_device_loss,
        &fault_freeze,
        &fault_io_limit,
        &fault_memory_limit,
        &fault_parity,
        &fault_power_cut,
        &fault_read_only,
        &fault_slow_disk,
        &fault_super,
        &fault_tree,
        &fault_write_error,
};
const size_t n_faults = ELEMENTSOF(faults);
_Static_assert(ELEMENTSOF(faults) <= FAULTS_MAX, "a report has a row for each");

const char *const fault_count_names[_FAULT_COUNT_MAX] = {
        [FAULT_CHECKSUMS] = "checksum errors",
        [FAULT_SUPERS] = "superblock errors",
        [FAULT_READ_ERRORS] = "read errors",
        [FAULT_CORRECTED] = "corrected errors",
        [FAULT_UNCORRECTABLE] = "uncorrectable errors",
        [FAULT_ELSEWHERE] = "errors of other devices",
        [FAULT_REPAIRED] = "blocks repaired on the device",
        [FAULT_UNREADABLE] = "blocks that cannot be read",
        [FAULT_WRONG] = "blocks that read wrong",
        [FAULT_AGAIN] = "errors of a second scrub",
        [FAULT_LOST] = "files lost that fsync had promised",
        [FAULT_DAMAGED] = "looks that found the filesystem damaged",
        [FAULT_THROUGH] = "writes that came through to a closed filesystem",
        [FAULT_LATE] = "operations that did not come back in time",
        [FAULT_ODD] = "operations that answered otherwise than they had to",
        [FAULT_QUICK] = "scrubs and commits done sooner than the device",
};

bool fault_has_checksums(const FaultScene *s) {
        return !strstr(s->target->mount_options, "nodatasum") && !strstr(s->target->mount_options, "nodatacow");
}

uint32_t fault_bit(FaultScene *s, uint32_t spared) {
        return spared * 8 + (uint32_t)rng_below(&s->rng, (DISK_BLOCK - spared) * 8);
}

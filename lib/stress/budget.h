/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Budget: how full a target may get, and how long an operation over many bytes may take. A btrfs that cannot allocate a metadata chunk any
 * more aborts its transaction and goes read-only (a known upstream failure), so the headroom rule keeps room for two of them. And how much
 * may be written to it.
 */
#include "target/target.h"

typedef struct Budget {
        uint64_t headroom;    /* unallocated bytes to keep: 2 x metadata chunk x copies, and with replace 2 x data chunk x copies */
        unsigned data_copies; /* raw bytes per byte of data, rounded up */
} Budget;

/* Raw bytes a profile takes per byte on so many devices, rounded up; the most any profile takes for a name that is not known. */
unsigned budget_copies(const char *profile, unsigned n_devices);
/* Bytes of the metadata chunk the kernel makes on a filesystem of so many bytes. */
uint64_t budget_metadata_chunk(uint64_t total);
/* Pure. */
void budget_make(Budget *b, const Config *c, const Target *t);

/* True when `length` more bytes of data leave the headroom, whatever new chunks they take. Length 0: the headroom rule itself. Pure. */
bool budget_room(const Budget *b, uint64_t unallocated, uint64_t length);

/* Bytes of all devices that belong to no chunk. A device that does not answer (removed, being replaced) has none. */
uint64_t budget_unallocated(const Target *t, const BtrfsOps *ops, int fd);

/* More than all files of the churn hold at any time: a block group that holds more has data that stays. Pure. */
uint64_t budget_churn_bytes(const Config *c);

/* Bytes of data that [Churn] WriteBudget= allows in all after so much time under stress; UINT64_MAX: any number. What a day brings comes bit by bit,
 * so that a disk is written to evenly. Pure. */
uint64_t budget_write_limit(const Config *c, const Target *t, uint64_t stress_ns);

/* Time to walk so many bytes on the slowest device worth testing, 20 MiB/s: a disk at its inner tracks under competing load. */
uint64_t budget_walk_ns(uint64_t bytes);

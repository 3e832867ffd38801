/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Disks: the block devices of Devices= with what Wipe=, WipeSignatures= and Size= say of them, as one set: consent is for all or none.
 *
 * Life: DISKS_NULL → disks_open() → disks_claim() where they are about to be written to → disks_check() → disks_close().
 */
#include "target/consent.h"
#include "target/target.h"

typedef struct Disks {
        unsigned n;
        Candidate candidates[TARGET_DEVICES_MAX];
        DeviceUses uses;
        char evidence_directory[CONFIG_STRING_MAX];
} Disks;

#define DISKS_NULL ((Disks){ 0 })

/* Only reads, and claims nothing. `before`: what the devices of an earlier target of this run were; NULL: there was none. `root` as in
 * candidate_open(). */
void disks_open(Disks *d, const Config *c, const char *root, const Target *before);
/* Opens each exclusively for writing, and reads again what it is and who uses it. May wait a second for each that is in use. */
void disks_claim(Disks *d);
/* How many interlocks, of all disks, say no. The sentences go to `e` (may be NULL), a line each, with EXIT_REFUSED. */
unsigned disks_check(const Disks *d, Error *e);
void disks_close(Disks *d);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * FakeMachine: a folder that stands for the root of a machine with disks, as identity, device-use and consent read it:
 *
 *   259:0 nvme0n1   NVMe, 4 GiB, with a link in by-id
 *   8:0   sda       SATA, 8 GiB, serial in vpd_pg80; sda1 (8:1) is /boot, sda2 (8:2) is below dm-0 (253:0), which is /
 *   8:16  sdb       SCSI without a serial
 *   8:32  sdc       SATA, 4 GiB, sdc1 (8:33)
 *   254:0 vda       virtio
 *   7:3   loop3     with a file; 7:4 loop4 without
 */
#include <stddef.h>

typedef struct FakeMachine {
        char root[48];
} FakeMachine;

int fake_machine_setup(void **state);
int fake_machine_teardown(void **state);
/* Makes or replaces a file below the root; folders as needed. */
void fake_machine_put(const FakeMachine *m, const char *path, const void *content, size_t size);
void fake_machine_text(const FakeMachine *m, const char *path, const char *text);
void fake_machine_link(const FakeMachine *m, const char *path, const char *target);
/* The mounts of process `pid` ("1234"), beside which there is nothing. Setup makes those of "self" and of "1", which are the same. */
void fake_machine_mounts(const FakeMachine *m, const char *pid, const char *mountinfo);

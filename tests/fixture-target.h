/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * FixtureTarget: real targets for tests: one mount namespace for all tests of a program, own loop devices, nothing left behind.
 * Tests that need a kernel begin with need_kernel(), which skips where root, btrfs, loop devices or mkfs.btrfs are missing.
 */
#include <stdbool.h>

#include "base/error.h"
#include "target/target.h"

/* Below `base`, a tmpfs: the folder of images, whose name is only ours, and mnt/. */
typedef struct Fixture {
        char base[32], images[64], mnt[64];
        int fd; /* root of the target, while a test has it open */
        Config config;
        Target target;
        bool mounts; /* we are root, in a mount namespace of our own */
        bool kernel; /* btrfs, loop and mkfs.btrfs are there */
        char missing[256];
} Fixture;

/* For cmocka_run_group_tests(); unmount_rest() after each test: after a failed one too nothing stays mounted for the next. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
int unmount_rest(void **state);
#define ROOT(test) cmocka_unit_test_teardown(test, unmount_rest)

Fixture *need_kernel(void **state);
void configure(Fixture *f, unsigned n, uint64_t size, const char *data, const char *metadata);
void make(Fixture *f);
/* The open root directory; unmount() closes it. */
int root_fd(Fixture *f);
/* Unmounts and asserts that nothing is left. */
void unmount(Fixture *f);
bool any_loop(const Fixture *f);
void assert_nothing_left(const Fixture *f);
/* Megabyte i is full of bytes of value i + 1. Committed when it returns. */
void write_file(int dir, const char *name, size_t megabytes);

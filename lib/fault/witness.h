/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Witness: writes small files and makes each one durable, as fast as it can, until the power goes. What fsync(2) had promised by then must be
 * there afterwards, whole and right.
 */
#include <stdatomic.h>
#include <stdint.h>

#define WITNESS_FILES_MAX 4096

/* In memory shared with whoever cuts the power. */
typedef struct Witness {
        uint64_t seed;             /* of content and sizes */
        _Atomic uint32_t promised; /* files made durable */
} Witness;

typedef struct WitnessState {
        unsigned lost;  /* not there, not as long as they were, or not to be read */
        unsigned wrong; /* that read otherwise than they were written */
        char text[200]; /* the first of them, and what is the matter with it */
} WitnessState;

/* Writes until it is killed, all files are there or an operation fails: a negative errno then. In a directory of its own below root_fd, which must
 * not be there. Blocks. */
int witness_write(Witness *w, int root_fd);
/* Reads the first `promised` files. Blocks. */
void witness_look(uint64_t seed, uint32_t promised, int root_fd, WitnessState *ret);
/* Deletes what is there. 0, also when nothing is, or a negative errno. Blocks. */
int witness_remove(int root_fd);

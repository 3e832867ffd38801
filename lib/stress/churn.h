/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Churn: the state of one creator and emptier, shared by the cycle (st-churn.c) and its two halves, filling and emptying. Files are named
 * by their number, in a directory of the worker's own or, to be deleted with it, in a subvolume below that.
 *
 * All functions that return int return 0 or the result of the kernel call that failed, which has been reported.
 */
#include "stress/budget.h"
#include "stress/worker.h"
#include "stress/writer.h"
#include "target/extent-map.h"

#define CHURN_SUBVOLUME "subvolume"
#define CHURN_NAME_MAX 32

typedef struct Churn {
        char directory[CHURN_NAME_MAX]; /* below the root of the target */
        int dir_fd, subvolume_fd;       /* -1: not open */
        Writer *writer;
        uint8_t *read_buffer;           /* block_size bytes; NULL: nothing is read back */
        Budget budget;
        ChurnFill fill;        /* how this cycle is filled: FILL_WRITE or FILL_FALLOCATE */
        ChurnEmpty way;        /* in which this cycle is emptied */
        uint64_t file_size;    /* of this cycle, … */
        unsigned files;        /* … and how many */
        unsigned filled;       /* files [0, filled) hold something that this cycle has to empty; what was overwritten does not count */
        unsigned named;        /* files [0, named) may be in the directory */
        bool subvolume;        /* there is one */
        uint64_t generation;   /* of what is written: a cycle's, and one more when it overwrites */
        uint64_t short_cycles; /* in a row without room for a single file */
        bool spent_noted;      /* that no more may be written */
        ExtentMap map, before; /* this reading of the chunk tree and the one before */
} Churn;

static inline int churn_files_fd(const Churn *s) {
        return s->subvolume_fd >= 0 ? s->subvolume_fd : s->dir_fd;
}

char *churn_file_name(unsigned i, char buf[static CHURN_NAME_MAX]);
/* Opens file i for reading and writing, O_CREAT. The caller owns the fd. */
int churn_open_file(Worker *w, Churn *s, unsigned i);

/* Writes file i full of pattern of this generation, from its beginning. */
int churn_write_file(Worker *w, Churn *s, int fd, unsigned i);

/* True while one more file of file_size leaves the headroom; keeps board->near_full. */
bool churn_has_room(Worker *w, const Churn *s);
/* One of FILL_WRITE and FILL_FALLOCATE, as [Churn] Fill= and what is left of WriteBudget= allow and the way that will empty the files needs. */
ChurnFill churn_pick_fill(Worker *w, ChurnEmpty way);
/* Fills as many files as there is room for, at most Files; the caller has found room for the first. Ends early when the phase changes or no more
 * may be written. */
int churn_fill(Worker *w, Churn *s);

/* A buffer for reading back, or none when [Churn] VerifyEvery= is 0. 0 or -ENOMEM (ours). */
int churn_verify_prepare(Worker *w, Churn *s);
/* Reads back one block in VerifyEvery of the files [0, n), drawn at random: from the devices, where their pages are clean (after a commit).
 * All of them were written in this generation. A block that is not what was written is sent as OBS_MISCOMPARE. Blocks. */
int churn_verify(Worker *w, Churn *s, unsigned n);

/* One of the ways that are enabled, of those that write only while that is allowed. Where no other is, EMPTY_UNLINK. */
ChurnEmpty churn_pick_way(Worker *w);
/* Commits, when [Churn] SyncBetween= wants that. */
int churn_commit(Worker *w);
/* Empties what is filled, from the last file to the first, in s->way. What could not be emptied stays `filled`. Where there is no room or
 * no time to overwrite any more, s->way becomes EMPTY_UNLINK. */
int churn_empty(Worker *w, Churn *s);

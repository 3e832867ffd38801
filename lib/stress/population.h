/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Population: the files of data that stays ([Target] Populate=, PopulateFill=write): what is in which, so that all of it can be read back at any time
 * and by anybody.
 */
#include "stress/writer.h"

#define POPULATION_DIRECTORY "population"
#define POPULATION_FILE_BYTES (64 * MiB)
/*
 * The last is a small file, beside the bytes asked for, where these are no more than so many.
 *
 * Files of up to 128 KiB get block groups of their own since Linux 6.3, and a new one rather than room in those of larger files (size classes;
 * extent-tree.c, find_free_extent(): LOOP_ALLOC_CHUNK comes before LOOP_WRONG_SIZE_CLASS). Without a small file that stays, each cycle of the
 * churn makes a data group of its own and has it die, which takes scrubs, commits and the cleaner from the system groups: one device with
 * 1 GiB of data, -EINVAL per minute 329 without, 454 with it (scrub-race, 20 s, n=3 in turn). Where the chunk tree has several leaves, though, it is
 * the chunks of just these groups that have it change, and leave its older blocks: with 500 groups, 167 without, 3 with it (n=1).
 */
#define POPULATION_SMALL_BYTES (64 * KiB)
#define POPULATION_SMALL_LIMIT (16 * GiB) /* some twenty chunks; a leaf of 4 KiB has room for 38 with a stripe */

/* How many files they are, and how long file i is. */
uint64_t population_files(uint64_t bytes);
uint64_t population_file_size(uint64_t bytes, uint64_t i);
/* What is in file i; at its beginning. */
Pattern population_pattern(uint64_t i);
/* Opens file i of the directory. A descriptor, which the caller owns, or a negative errno. */
int population_open(int dir_fd, uint64_t i, int flags);
/* A writer for all of it, or a reader. As writer_new(). */
int population_writer(Writer **ret, ChurnEngine engine, Error *e);

/* Calls func for a block that reads otherwise than it was written; it may ask where it lies while it is called. */
typedef void (*PopulationFunc)(void *userdata, int fd, const char *name, const PatternMismatch *m);

typedef struct PopulationReader {
        Writer *writer;
        int dir_fd;
        uint64_t bytes;        /* Populate= */
        uint64_t file, offset; /* where reading goes on */
        PopulationFunc func;
        void *userdata;
} PopulationReader;

#define POPULATION_READER_NULL ((PopulationReader){ .dir_fd = -1 })

/* Reads on, from the devices, not from the page cache, `length` bytes of one file at most; after the last file it is at the first again. Blocks. 0, or
 * the kernel's negative errno: then it goes on behind what could not be read. */
int population_read(PopulationReader *r, uint64_t length);
void population_reader_close(PopulationReader *r);

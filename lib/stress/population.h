/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Population: the files of data that stays ([Target] Populate=, PopulateFill=write): what is in which, so that all of it can be read back at any time
 * and by anybody.
 */
#include "stress/writer.h"

#define POPULATION_DIRECTORY "population"
#define POPULATION_FILE_BYTES (64 * MiB)

/* How many files they are, and how long file i is. */
static inline uint64_t population_files(uint64_t bytes) { return (bytes + POPULATION_FILE_BYTES - 1) / POPULATION_FILE_BYTES; }
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Config: what the user asked for. Every field is described once, in the key table (key.c): section, key, parser, slot, default, help.
 * Parser, defaults, sample file, man page section and `scrubstress config` are all made from that table.
 *
 * Life: config_init() (defaults) → config_load() (files and drop-ins, as systemd searches them) → config_set() (--set) → config_check().
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef enum ChurnFill { FILL_WRITE, FILL_FALLOCATE, FILL_MIXED, _FILL_MAX } ChurnFill;
typedef enum ChurnEngine { ENGINE_AUTO, ENGINE_URING, ENGINE_PWRITE, _ENGINE_MAX } ChurnEngine;
typedef enum SyncMode { SYNC_SYNC, SYNC_START_WAIT, SYNC_MIXED, _SYNC_MAX } SyncMode;
typedef enum OnFinding { ON_FINDING_CONTINUE, ON_FINDING_STOP, _ON_FINDING_MAX } OnFinding;

/* Ways to empty, a bit mask; key [Churn] Empty= is a list of their names. */
typedef enum ChurnEmpty {
        EMPTY_UNLINK = 1 << 0,
        EMPTY_TRUNCATE = 1 << 1,
        EMPTY_PUNCH = 1 << 2,
        EMPTY_SUBVOLUME = 1 << 3,
} ChurnEmpty;

#define CONFIG_STRING_MAX 512
#define CONFIG_KEYS_MAX 96

typedef struct Config {
        struct { /* [Run] */
                char instance[64];          /* Instance=default: two runs of one name exclude each other */
                uint64_t duration_ns;       /* Duration=60s for `scrubstress run`, 0 = until stopped */
                uint64_t seed;              /* Seed=0: one from the kernel */
                uint64_t min_collisions;    /* MinCollisions=100: fewer is INCONCLUSIVE */
                uint64_t max_remakes;       /* MaxRemakes=10: so many lost targets are re-made, then the run ends */
                OnFinding on_finding;       /* OnFinding=continue|stop */
                uint64_t operation_deadline_ns; /* OperationDeadline=120s: longer in the kernel is an observation */
                uint64_t max_findings;      /* MaxFindings=64: evidence folders kept; more are only counted */
                char evidence_directory[CONFIG_STRING_MAX]; /* EvidenceDirectory=/var/lib/scrubstress */
        } run;
        struct { /* [Target] */
                char devices[CONFIG_STRING_MAX];         /* Devices=loop:1GiB*4 (same grammar as --target) */
                unsigned n_loops;                        /* parsed from it */
                uint64_t loop_size;                      /* parsed from it */
                char image_directories[CONFIG_STRING_MAX]; /* ImageDirectories=/dev/shm /var/tmp: first with room */
                char mount_point[CONFIG_STRING_MAX];     /* MountPoint=/mnt, in our own mount namespace only */
                char mount_options[256];                 /* MountOptions=nodiscard */
                char data_profile[16];                   /* DataProfile=single */
                char metadata_profile[16];               /* MetadataProfile=… */
                uint64_t nodesize;                       /* NodeSize=16KiB */
                char checksum[16];                       /* Checksum=crc32c|xxhash|sha256|blake2 */
        } target;
        struct { /* [Churn] */
                uint64_t workers;
                ChurnFill fill;
                unsigned empty;          /* ChurnEmpty mask */
                uint64_t file_size, files;
                uint64_t block_size, depth; /* writes: bytes per request, requests in flight */
                ChurnEngine engine;
                bool sync_between;       /* SyncBetween=yes: sync after fill and after emptying */
        } churn;
        struct { /* [Sync] */
                uint64_t workers;
                SyncMode mode;
                uint64_t rest_ns;
        } sync;
        struct { /* [Balance] */
                bool enabled;
                uint64_t usage_data, usage_metadata; /* percent */
                uint64_t burst;    /* balances in a row */
                uint64_t rest_ns;  /* then rest */
        } balance;
        struct { /* [Scrub] */
                bool enabled;      /* one worker per device */
                bool readonly;
                uint64_t rest_ns;
        } scrub;
        struct { /* [Observe] */
                bool trace, kmsg;
        } observe;

        /* Where each value came from: "default", "/etc/scrubstress/scrubstress.conf:12", "command line"; index = key's index in the table. */
        char origins[CONFIG_KEYS_MAX][128];
} Config;

/* Called for each warning (unknown section or key), a sentence with file and line. */
typedef void (*ConfigWarnFunc)(void *userdata, const char *sentence);

typedef struct ConfigWarn {
        ConfigWarnFunc func;
        void *userdata;
} ConfigWarn;

void config_init(Config *c);
/* "Section.Key=VALUE". Unknown names are an error here (unlike in files). EXIT_USAGE. */
int config_set(Config *c, const char *assignment, Error *e);
/* One file. `must_exist`: given by --config. A bad value is an error with file, line, value and what is allowed. EXIT_USAGE. */
int config_load_file(Config *c, const char *path, bool must_exist, const ConfigWarn *warn, Error *e);
/* scrubstress.conf in /etc, /run, /usr/local/lib, /usr/lib (below each: scrubstress/): the first found; then scrubstress.conf.d/*.conf of
 * all of them, sorted by file name, the earlier directory hiding the same name in later ones, an empty or /dev/null-linked file masking.
 * `root` is put in front of all (tests). */
int config_load(Config *c, const char *root, const ConfigWarn *warn, Error *e);
/* What no single key can say: combinations, the grammar of Devices=, sizes against each other. EXIT_USAGE. Pure. */
int config_check(Config *c, Error *e);

/* `scrubstress config`: every key, its value and where it came from, as a valid configuration file with the origin as a comment. */
void config_print(const Config *c, FILE *f);
/* conf/scrubstress.conf: every key commented out with its default and help. */
void config_print_sample(FILE *f);
/* The options section of scrubstress.conf(5), in mdoc-free man macros. */
void config_print_man(FILE *f);

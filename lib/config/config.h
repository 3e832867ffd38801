/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Config: what the user asked for. Every field is described once, in the key table (key.c): section, key, parser, slot, default, help.
 * Parser, defaults, sample file, man page section and `scrubstress config` are all made from that table.
 *
 * Life: config_init() (defaults) → config_load() (files and drop-ins, searched as systemd does), config_load_instance() →
 *       config_set() (--set) → config_check().
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "config/device-spec.h"

typedef enum PopulateFill { POPULATE_WRITE, POPULATE_SPARSE, _POPULATE_FILL_MAX } PopulateFill;
typedef enum ChurnFill { FILL_WRITE, FILL_FALLOCATE, FILL_MIXED, _FILL_MAX } ChurnFill;
typedef enum ChurnEngine { ENGINE_AUTO, ENGINE_URING, ENGINE_PWRITE, _ENGINE_MAX } ChurnEngine;
typedef enum TargetLayer { LAYER_NONE, LAYER_DM, _LAYER_MAX } TargetLayer;
typedef enum SyncMode { SYNC_SYNC, SYNC_START_WAIT, SYNC_MIXED, _SYNC_MAX } SyncMode;
/* How much may be written: one of the two, or neither. */
typedef struct WriteBudget {
        uint64_t bytes;      /* in all; 0: no limit */
        uint64_t milli_dwpd; /* drive writes per day, in thousandths; 0: no limit */
} WriteBudget;

typedef enum OnFinding { ON_FINDING_CONTINUE, ON_FINDING_STOP, ON_FINDING_HOLD, _ON_FINDING_MAX } OnFinding;

/* Ways to empty, a bit mask; key [Churn] Empty= is a list of their names. */
typedef enum ChurnEmpty {
        EMPTY_UNLINK = 1 << 0,
        EMPTY_TRUNCATE = 1 << 1,
        EMPTY_PUNCH = 1 << 2,
        EMPTY_SUBVOLUME = 1 << 3,
        EMPTY_OVERWRITE = 1 << 4,
        EMPTY_REFLINK = 1 << 5,
        EMPTY_DEFRAG = 1 << 6,
} ChurnEmpty;

/* Those that write elsewhere what a file holds: it has to be written, not only allocated (the kernel writes into preallocated extents in place,
 * and defrag leaves them out), and until the next commit it takes its room twice. */
#define EMPTY_WRITES (EMPTY_OVERWRITE | EMPTY_DEFRAG)

/* Types of block groups, a bit mask; key [Scrub] Groups= is a list of their names. */
typedef enum GroupType {
        GROUP_DATA = 1 << 0,
        GROUP_METADATA = 1 << 1,
        GROUP_SYSTEM = 1 << 2,
} GroupType;

#define CONFIG_STRING_MAX 176
/* A word for each disk. The longest that udev makes for NVMe, /dev/disk/by-id/nvme-, 40 bytes of model, 20 of serial and a namespace, are 84. */
#define CONFIG_LIST_MAX (DEVICE_DISKS_MAX * 96)
#define CONFIG_KEYS_MAX 96
#define CONFIG_ORIGIN_MAX 128
#define CONFIG_WORKERS_MAX 64 /* as many as the board has slots */

typedef struct Config {
        struct { /* [Run] */
                char instance[64];          /* Instance=default: two runs of one name exclude each other */
                char profile[16];           /* Profile=race: the load profile, which see */
                uint64_t duration_ns;       /* Duration=0: until stopped; `scrubstress run` takes 60s where config_is_default() */
                uint64_t seed;              /* Seed=0: one from the kernel */
                uint64_t pair_time_ns;      /* PairTime=0: all run all the time; else two at a time, so long (plan/pairs.h) */
                bool tune;                  /* Tune=no: find the settings of the knobs (knob.h) that meet most */
                uint64_t min_collisions;    /* MinCollisions=100: fewer is INCONCLUSIVE */
                bool check;                 /* Check=yes: btrfs check at the end */
                uint64_t max_remakes;       /* MaxRemakes=10: so many lost targets are re-made, then the run ends */
                OnFinding on_finding;       /* OnFinding=continue|stop|hold */
                uint64_t operation_deadline_ns; /* OperationDeadline=2m: longer in the kernel is an observation */
                uint64_t control_interval_ns; /* ControlInterval=0: control scrubs only to confirm a suspect and at the end */
                uint64_t max_findings;      /* MaxFindings=64: evidence folders kept; more are only counted */
                char evidence_directory[CONFIG_STRING_MAX]; /* EvidenceDirectory=/var/lib/scrubstress */
        } run;
        struct { /* [Soak] */
                uint64_t duration_ns;       /* Duration=0: no soak; else stands in for Run.Duration and is kept over restarts (ledger/ledger.h) */
                char ledger_directory[CONFIG_STRING_MAX]; /* LedgerDirectory=/var/lib/scrubstress */
        } soak;
        struct { /* [Target] */
                char devices[CONFIG_LIST_MAX];           /* Devices=loop:1536MiB*4 (same grammar as --target) */
                bool disks;                              /* parsed from it by config_check(): block devices, not loop files */
                unsigned n_devices;                      /* likewise: how many devices, of either kind */
                uint64_t device_size;                    /* likewise; a multiple of 1 MiB. Disks: Size=, or what target_learn() found */
                char wipe[CONFIG_LIST_MAX];              /* Wipe=none: serials, one per disk */
                bool wipe_signatures;                    /* WipeSignatures=no */
                uint64_t size;                           /* Size=0: of each disk; 0: not said */
                TargetLayer layer;                       /* Layer=none: what lies between the devices and the filesystem */
                char image_directories[CONFIG_STRING_MAX]; /* ImageDirectories=/dev/shm /var/tmp: first with room */
                char mount_point[CONFIG_STRING_MAX];     /* MountPoint=/mnt, in our own mount namespace only */
                char mount_options[CONFIG_STRING_MAX];   /* MountOptions=nodiscard; never empty: "defaults" stands for none */
                char data_profile[16];                   /* DataProfile=single */
                char metadata_profile[16];               /* MetadataProfile=auto; see config_metadata_profile() */
                uint64_t populate;                       /* Populate=0: bytes of data that stays */
                PopulateFill populate_fill;              /* PopulateFill=write */
                uint64_t reclaim_threshold;              /* ReclaimThreshold=0%: of data block groups, percent; 0: the kernel's own */
                bool dynamic_reclaim;                    /* DynamicReclaim=no: likewise */
                uint64_t nodesize;                       /* NodeSize=4KiB */
                char checksum[16];                       /* Checksum=xxhash|crc32c|sha256|blake2 */
        } target;
        struct { /* [Churn] */
                uint64_t workers;        /* Workers=1; 0: off */
                ChurnFill fill;
                unsigned empty;          /* ChurnEmpty mask */
                uint64_t file_size, files;
                uint64_t block_size, depth; /* writes: bytes per request, requests in flight */
                ChurnEngine engine;
                uint64_t dwell_ns;       /* Dwell=0: between the sync after filling and the emptying */
                bool sync_between;       /* SyncBetween=yes: sync after fill and after emptying */
                uint64_t verify_every;   /* VerifyEvery=16: one block in so many is read back; 0: none */
                WriteBudget write_budget; /* WriteBudget=0: of the data that all workers write (stress/budget.h) */
        } churn;
        struct { /* [Sync] */
                uint64_t workers;        /* Workers=1; 0: off */
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
                bool aim;                /* Aim=yes: only living block groups that are not full, … */
                unsigned groups;         /* Groups=data system: … of these types, a GroupType mask, … */
                uint64_t whole_interval_ns; /* WholeInterval=0: … but for one scrub so often; 0: never */
                uint64_t rest_ns;
        } scrub;
        struct { /* [Replace] */
                bool enabled;      /* a spare device is made */
                uint64_t rest_ns;
        } replace;
        struct { /* [Remount] */
                bool enabled;
                char options[CONFIG_STRING_MAX]; /* sets that are added to MountOptions=, one after the other */
                uint64_t rest_ns;
        } remount;
        struct { /* [Snapshot] */
                bool enabled;
                uint64_t hold_ns, rest_ns; /* how long there is one, and then none */
        } snapshot;
        struct { /* [Cancel] */
                bool enabled;      /* of scrubs: none without them */
                uint64_t rest_ns;
        } cancel;
        struct { /* [Trim] */
                bool enabled;
                uint64_t rest_ns;
        } trim;
        struct { /* [Verify] */
                uint64_t share; /* Share=10, percent of one worker's time; 0: off */
        } verify;
        struct { /* [Fault] */
                bool enabled;
                unsigned faults;      /* Faults=all: a mask of the registry's (fault/fault.h) */
                uint64_t interval_ns; /* Interval=10s, of time under stress */
        } fault;
        struct { /* [Health], of disks */
                uint64_t smart_interval_ns; /* SmartInterval=10m; 0: only before and after */
                uint64_t temperature_limit; /* TemperatureLimit=70, degrees C; 0: none */
        } health;
        struct { /* [Observe] */
                bool trace, kmsg;
        } observe;

        /* Where each value came from: "default", "profile burst", "/etc/scrubstress/scrubstress.conf:12", "command line"; by the key's index in keys[]. */
        char origins[CONFIG_KEYS_MAX][CONFIG_ORIGIN_MAX];
} Config;

/* Called for each warning (unknown section or key), a sentence with file and line. */
typedef void (*ConfigWarnFunc)(void *userdata, const char *sentence);

typedef struct ConfigWarn {
        ConfigWarnFunc func;
        void *userdata;
} ConfigWarn;

/* Every key at its default; the defaults pass config_check(). */
void config_init(Config *c);
/* "Section.Key=VALUE"; an empty VALUE goes back to the default, which is the load profile's where
 * that has one. Unknown names are an error here (unlike in files). EXIT_USAGE. */
int config_set(Config *c, const char *assignment, Error *e);
/* One file. `must_exist`: given by --config. A bad value is an error with file, line, value and what is allowed. EXIT_USAGE.
 * On failure *c is unchanged. `warn` may be NULL. */
int config_load_file(Config *c, const char *path, bool must_exist, const ConfigWarn *warn, Error *e);
/* scrubstress.conf in /etc, /run, /usr/local/lib, /usr/lib (below each: scrubstress/): the first found; then every *.conf in the
 * scrubstress.conf.d of all of them, sorted by file name, the earlier directory hiding the same name in later ones, an empty or
 * /dev/null-linked file masking.
 * `root` is put in front of all (tests; NULL or "": none). On failure *c is unchanged. `warn` may be NULL. */
int config_load(Config *c, const char *root, const ConfigWarn *warn, Error *e);
/* After config_load(): NAME.conf, which must be in one of the four, and NAME.conf.d, searched in the same way. Run.Instance= becomes the
 * name, unless one of the files or what was there before says another. EXIT_USAGE: a bad name, no file, a bad value; *c is unchanged then. */
int config_load_instance(Config *c, const char *root, const char *name, const ConfigWarn *warn, Error *e);
/* What no single key can say: combinations, sizes against each other, what is refused for safety (EXIT_REFUSED), else EXIT_USAGE.
 * Fills in disks, n_devices and device_size. Pure. The sentence starts with where the value came from. */
int config_check(Config *c, Error *e);
/* MetadataProfile= with `auto` decided by the number of devices; after config_check(). */
const char *config_metadata_profile(const Config *c);
/* Images that are made: the devices and, with [Replace] Enabled=, a spare, and one more for the faults; after config_check(). */
unsigned config_n_images(const Config *c);
/* How long to stress: what a soak or else the run is asked for; 0: until stopped. */
uint64_t config_duration(const Config *c);
/* True when neither a file nor the command line gave the key a value: it has the default or the load profile's. An unknown name is false. */
bool config_is_default(const Config *c, const char *section, const char *name);

/* `scrubstress config`: every key, its value and where it came from, as a valid configuration file with the origin as a comment. */
void config_print(const Config *c, FILE *f);
/* The same without comments and origins: equal values print equally, wherever they came from. */
void config_print_values(const Config *c, FILE *f);
/* conf/scrubstress.conf: every key commented out with its default and help; the load profiles. */
void config_print_sample(FILE *f);
/* The options section of scrubstress.conf(5), in mdoc-free man macros. */
void config_print_man(FILE *f);
/* The load profiles for scrubstress.conf(5). */
void config_print_man_profiles(FILE *f);

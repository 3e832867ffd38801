/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Smart: the health of a disk as the disk itself tells it, out of what `smartctl --json -a` prints. Pure: no clock, no files. One table
 * (smart.c) of the counters: where each disk has it, in what unit, and whether its growth is held against the disk.
 *
 * Conditions, positive: SMART_NOTHING.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef enum HealthCounter {
        HEALTH_TEMPERATURE,    /* degrees C */
        HEALTH_REALLOCATED,    /* sectors */
        HEALTH_PENDING,        /* sectors that could not be read and wait to be reallocated: may fall again */
        HEALTH_UNCORRECTABLE,  /* sectors that the disk's own search has found unreadable: likewise */
        HEALTH_MEDIA_ERRORS,   /* that were reported to the host */
        HEALTH_CRC_ERRORS,     /* of the interface: the cable's, more often than the disk's */
        HEALTH_WARNING,        /* the disk says that it fails: not 0 */
        HEALTH_PERCENTAGE_USED,
        HEALTH_DEVICE_WRITTEN, /* bytes, by the disk's own count */
        HEALTH_HOST_WRITTEN,   /* bytes, by the kernel's count, since the disk was attached; not from smartctl */
        _HEALTH_MAX,
} HealthCounter;

typedef struct HealthInfo {
        const char *name;  /* of the JSON report; stable */
        const char *label; /* for sentences: "reallocated sectors" */
        bool finding;      /* its growth is held against the disk */
} HealthInfo;

extern const HealthInfo health_info[_HEALTH_MAX];

#define HEALTH_SERIAL_MAX 64

typedef struct Health {
        uint32_t known; /* a bit per HealthCounter */
        uint64_t values[_HEALTH_MAX];
        char serial[HEALTH_SERIAL_MAX]; /* as the disk has it; "": not told */
} Health;

/* Of one disk over a run. */
typedef struct DiskHealth {
        Health before;    /* each counter as it was when it was first known */
        Health now;       /* as it was when it was last known */
        uint64_t hottest; /* degrees C; 0: never known */
} DiskHealth;

static inline bool health_knows(const Health *h, HealthCounter c) { return h->known & UINT32_C(1) << c; }
void health_set(Health *h, HealthCounter c, uint64_t value);
/* What `more` knows is known from now on. */
void health_merge(Health *h, const Health *more);
/* By how much it has grown between two looks at one disk; 0: not, or one of them does not know, or they are of different disks. */
uint64_t health_growth(const Health *before, const Health *now, HealthCounter c);

/* The named condition of smart_parse(): smartctl has answered, but knows none of the counters (*e: in its own words). */
#define SMART_NOTHING 1

/* 0; SMART_NOTHING; -EBADMSG: that is no JSON of smartctl. *ret is filled in in all cases. */
int smart_parse(const char *text, Health *ret, Error *e);

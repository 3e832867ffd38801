/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * HealthWatch: how the disks of a target fare while a run is on. Each is asked by a process of its own (smart-ask.h): smartctl may take its time,
 * and a disk that does not answer must hold up neither the run nor the other disks. What smartctl does not tell the kernel may: temperature,
 * bytes written.
 *
 * Life: health_watch_new() → health_watch_learn() after each make of the target → health_watch_ask(), health_watch_poll() … →
 * health_watch_free().
 */
#include "base/child.h"
#include "observe/smart-ask.h"
#include "observe/smart.h"
#include "observe/source.h"
#include "target/target.h"

typedef struct HealthWatch HealthWatch;

/* What a look is for. */
typedef enum HealthLook {
        HEALTH_LOOK_WARMTH, /* the temperature, from the kernel where that has it: costs the disk nothing */
        HEALTH_LOOK_ALL,
} HealthLook;

/* `root` prefixes /sys (tests; ""). -ENOMEM. */
int health_watch_new(HealthWatch **ret, const char *root);
/* Kills who is still asking. */
void health_watch_free(HealthWatch *w);

/* The disks of this target; those that were watched before and are the same go on where they were. A target on loop files has none. */
void health_watch_learn(HealthWatch *w, const Target *t);
unsigned health_watch_n(const HealthWatch *w);
/* One per disk, in the order of the target's; valid as long as the watch. */
const DiskHealth *health_watch_disks(const HealthWatch *w);

/* Degrees C of the hottest disk, by the last look at each, and the kernel's name of it; 0: not known. */
uint64_t health_watch_warmest(const HealthWatch *w, const char **ret_name);

/* What smartctl has printed of a disk, for evidence; NULL: it has told nothing yet. Valid until the next poll. */
typedef struct HealthDocuments {
        const char *name;   /* the kernel's, of the disk */
        const char *before; /* at the first look, which is before the stress, … */
        const char *now;    /* … and at the last */
} HealthDocuments;

/* False: no disk with this devid is watched. */
bool health_watch_documents(const HealthWatch *w, uint64_t devid, HealthDocuments *ret);

/* Asks every disk that is not being asked. Does not block. */
void health_watch_ask(HealthWatch *w, HealthLook look, uint64_t now_ns);
/* When they were last asked, CLOCK_MONOTONIC; HEALTH_LOOK_ALL counts as a look at the warmth too. 0: never. */
uint64_t health_watch_asked_ns(const HealthWatch *w, HealthLook look);
/* Takes the answers that have come. OBS_HEALTH for each counter of a disk that has grown since the look before; OBS_NOTE once per watch when
 * smartctl is missing or tells nothing, once for a disk that says at the first look that it fails, and for one that has not answered in
 * SMART_TIMEOUT_NS: it is not asked again. Does not block. */
void health_watch_poll(HealthWatch *w, uint64_t now_ns, ObserveFunc func, void *userdata);
bool health_watch_busy(const HealthWatch *w);

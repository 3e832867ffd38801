/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Finding: an observation the judge holds against kernel or hardware (or, class setup/…, against the setting). Findings of one class,
 * operation, errno and reference are one row with a count; those of a disk's health a row for each device and counter.
 */
#include <limits.h>
#include <stdbool.h>

#include "observe/observation.h"

typedef enum Grade {
        GRADE_OK,
        GRADE_EXPECT,      /* legitimate, counted */
        GRADE_SETUP,       /* ours or the administrator's */
        GRADE_HW,          /* a finding against the hardware */
        GRADE_FINDING,     /* a finding against the kernel */
        GRADE_KNOWN,       /* a known upstream failure (known-issue.h), with its reference; counted, does not fail the run */
        GRADE_CONSEQUENCE, /* folded into the first cause */
        _GRADE_MAX,
} Grade;

const char *grade_name(Grade g);

/* Stable names: part of the JSON schema, the journal catalogue and the metrics. Table in finding.c. */
typedef enum FindingClass {
        CLASS_SCRUB_RACE,        /* regression/scrub-race */
        CLASS_REPLACE_RACE,      /* regression/replace-race */
        CLASS_TRANSACTION_ABORT, /* kernel/transaction-abort */
        CLASS_HANG,              /* kernel/hang */
        CLASS_SPLAT,             /* kernel/splat */
        CLASS_KERNEL_DIED,       /* kernel/died: told by the start after it */
        CLASS_ERRNO,             /* kernel/errno */
        CLASS_SCRUB_COUNTERS,    /* kernel/scrub-counters */
        CLASS_NEVER_DELETED,     /* kernel/group-never-deleted */
        CLASS_SPACE_LEAK,        /* kernel/space-leak */
        CLASS_BALANCE_EINVAL,    /* kernel/balance-einval */
        CLASS_FAULT_MISSED,      /* kernel/fault-missed */
        CLASS_FAULT_EXCESS,      /* kernel/fault-excess */
        CLASS_FAULT_OTHERWISE,   /* kernel/fault-otherwise */
        CLASS_POWER_CUT,         /* kernel/lost-after-power-cut */
        CLASS_DAMAGED,           /* kernel/filesystem-damaged */
        CLASS_IO_ERROR,          /* hardware/io-error */
        CLASS_HEALTH,            /* hardware/health */
        CLASS_MISCOMPARE,        /* data/miscompare */
        CLASS_SETUP_SCRUB,       /* setup/scrub-unsupported: the control scrub fails too */
        CLASS_SETUP_ERRNO,       /* setup/errno */
        CLASS_WORKER_DIED,       /* setup/worker-died: ours, not killed by an oops */
        _CLASS_MAX,
} FindingClass;

typedef struct FindingClassInfo {
        const char *name;     /* "group/name" */
        const char *message_id; /* 32 hex digits: sd_journal MESSAGE_ID, the catalogue's key */
        const char *sentence; /* what it means, for people */
        bool fails;           /* the verdict becomes FAIL (setup classes: ERROR) */
} FindingClassInfo;

extern const FindingClassInfo finding_classes[_CLASS_MAX];

/* -1 when there is none of that name. */
int finding_class_from_name(const char *name);

/* The race that this program is for, in a scrub or in a replace. */
bool finding_class_is_race(FindingClass class);

#define FINDING_REFERENCE_MAX 256

typedef struct Finding {
        FindingClass class;
        Grade grade;          /* FINDING, HW, KNOWN or SETUP; EXPECT: a note (a splat of another subsystem), never fails the run */
        Operation op;
        int32_t result;       /* as in Observation; of a kernel-log finding the errno its line names, or 0 */
        uint64_t devid, physical, logical; /* of the first */
        uint64_t first_ns, last_ns; /* CLOCK_MONOTONIC */
        uint64_t count;
        uint64_t confirmed;   /* of these, confirmed by a control scrub */
        uint64_t consequences; /* later failures folded into this one */
        const char *why;      /* what the table's row or the known issue says of it; NULL: the class's sentence */
        char reference[FINDING_REFERENCE_MAX]; /* of the known issue: where it is known; empty: it is news */
        char text[OBS_TEXT_MAX]; /* the first kernel-log line, stack or counters */
        char evidence[PATH_MAX]; /* folder; empty: none (yet) */
        Observation first;
} Finding;

/* Held against kernel or hardware: FINDING or HW. */
bool finding_fails(const Finding *f);

/* One sentence for a person: "scrub on devid 2 returned EINVAL at physical 1.2 GiB while …; the control scrub passed: …". */
void finding_sentence(const Finding *f, char *buf, size_t size);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Consent: may this block device be written to? A table of interlocks; each of them must agree. The name is looked up once
 * (candidate_open); from then on the device is the open descriptor and its number, and everything is read by these.
 *
 * Life: candidate_open() → consent_check(), again after each re-open → candidate_release() for mkfs and mount to claim the device
 * themselves → candidate_claim() to look at it again → candidate_close(). While the candidate is open its number cannot go to another disk.
 */
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "target/device-use.h"
#include "target/identity.h"
#include "target/signature.h"

typedef struct ConsentRequest {
        char path[256];        /* as configured */
        char wipe[256];        /* the serial that Wipe= gives; "": none */
        uint64_t size;         /* bytes, as Size= gives it; 0: any */
        bool wipe_signatures;  /* WipeSignatures= */
        const Identity *before; /* what it was when it was first taken in this run; NULL: not yet */
} ConsentRequest;

typedef struct Candidate {
        ConsentRequest request;
        const char *root;       /* prefixes /proc, /sys and /dev, not request.path; tests */
        const DeviceUses *uses; /* NULL: could not be read */
        int error;              /* of looking the name up or opening it; 0: none */
        mode_t mode;            /* of what is there */
        unsigned major, minor;
        int pin;                /* open for reading as long as the candidate is */
        int exclusive;          /* open for writing, O_EXCL; -1: not taken */
        int exclusive_error;    /* why not; 0: nobody asked */
        uint64_t size;          /* bytes, of the open device */
        int identity_error, signatures_error;
        Identity identity;
        Signatures signatures;
} Candidate;

#define CANDIDATE_NULL ((Candidate){ .pin = -1, .exclusive = -1 })

/* Looks the name up, pins the device and reads what it is. Never fails: what went wrong is what the interlocks speak of. Only reads. */
void candidate_open(Candidate *c, const ConsentRequest *request, const char *root);
/* Opens it O_EXCL for writing, which nothing else that uses it lets us; waits shortly for one that looks at it in passing (udev). */
void candidate_claim(Candidate *c);
void candidate_release(Candidate *c);
void candidate_close(Candidate *c);
/* Reads identity and signatures of the pinned device again. */
void candidate_read(Candidate *c);

typedef struct Interlock {
        const char *name;
        bool needs_device;       /* can only be asked of a block device */
        /* True: it agrees. Otherwise `why` is a clause that follows the device's name: "is mounted on /srv". */
        bool (*agrees)(const Candidate *c, char *why, size_t size);
        const char *remedy;
        const char *demand; /* what it wants of the disk; a clause for the man page */
} Interlock;

extern const Interlock interlocks[];
extern const size_t n_interlocks;

/* Called for each interlock that says no; the sentence names device, reason and remedy. */
typedef void (*ConsentRefusal)(void *userdata, const Interlock *interlock, const char *sentence);

/* Asks all interlocks and returns how many said no. `refusal` may be NULL. */
unsigned consent_check(const Candidate *c, ConsentRefusal refusal, void *userdata);

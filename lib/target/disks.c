/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/disks.h"

#include <errno.h>
#include <string.h>

#include "config/device-spec.h"

static void read_uses(Disks *d) {
        const char *const paths[] = { d->evidence_directory, NULL };
        int r;

        device_uses_free(&d->uses);
        r = device_uses_read(&d->uses, d->n > 0 ? d->candidates[0].root : "", paths);
        for (unsigned i = 0; i < d->n; i++)
                d->candidates[i].uses = r < 0 ? NULL : &d->uses;
}

static const Identity *identity_before(const Target *t, const char *path) {
        for (unsigned i = 0; t && i < t->n_disks; i++)
                if (strcmp(t->disks[i].path, path) == 0)
                        return &t->disks[i].identity;
        return NULL;
}

void disks_open(Disks *d, const Config *c, const char *root, const Target *before) {
        *d = DISKS_NULL;
        snprintf(d->evidence_directory, sizeof(d->evidence_directory), "%s", c->run.evidence_directory);
        for (; d->n < TARGET_DEVICES_MAX && d->n < c->target.n_devices; d->n++) {
                ConsentRequest request = { .size = c->target.size, .wipe_signatures = c->target.wipe_signatures };
                device_words_get(c->target.devices, d->n, request.path);
                device_words_get(c->target.wipe, d->n, request.wipe);
                request.before = identity_before(before, request.path);
                candidate_open(&d->candidates[d->n], &request, root);
        }
        read_uses(d);
}

void disks_claim(Disks *d) {
        for (unsigned i = 0; i < d->n; i++) {
                candidate_claim(&d->candidates[i]);
                candidate_read(&d->candidates[i]);
        }
        read_uses(d);
}

void disks_close(Disks *d) {
        for (unsigned i = 0; i < d->n; i++)
                candidate_close(&d->candidates[i]);
        device_uses_free(&d->uses);
        *d = DISKS_NULL;
}

static void append(Error *e, unsigned n, const char *sentence) {
        static const char more[] = "\n(and more)";
        size_t have;

        if (!e)
                return;
        if (n == 0)
                error_set(e, EXIT_REFUSED, EPERM, "refused, nothing was written:");
        have = strlen(e->sentence);
        if (have + 1 + strlen(sentence) + sizeof(more) <= sizeof(e->sentence))
                snprintf(e->sentence + have, sizeof(e->sentence) - have, "\n%s", sentence);
        else if (have < strlen(more) || strcmp(e->sentence + have - strlen(more), more) != 0)
                snprintf(e->sentence + have, sizeof(e->sentence) - have, "%s", more);
}

typedef struct Refusals {
        unsigned n;
        Error *error;
} Refusals;

static void on_refusal(void *userdata, const Interlock *interlock _unused_, const char *sentence) {
        Refusals *r = userdata;

        append(r->error, r->n++, sentence);
}

/* The one interlock that is about the set: a disk cannot be two devices of one filesystem. */
static void check_twice(const Disks *d, unsigned i, Refusals *r) {
        const Candidate *c = &d->candidates[i];
        char sentence[768];

        for (unsigned k = 0; k < i; k++) {
                const Candidate *o = &d->candidates[k];
                if (c->pin < 0 || o->pin < 0 || c->major != o->major || c->minor != o->minor)
                        continue;
                snprintf(sentence, sizeof(sentence), "%s is the same disk as %s; name each disk once (interlock named-once)",
                         c->request.path, o->request.path);
                on_refusal(r, NULL, sentence);
        }
}

unsigned disks_check(const Disks *d, Error *e) {
        Refusals r = { .error = e };

        for (unsigned i = 0; i < d->n; i++) {
                consent_check(&d->candidates[i], on_refusal, &r);
                check_twice(d, i, &r);
        }
        return r.n;
}

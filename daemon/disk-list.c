/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "disk-list.h"

#include <string.h>

#include "base/units.h"
#include "report/text.h"

#define LABEL 12

static void row(FILE *f, const char *label, const char *text) {
        fprintf(f, "  %-*s", LABEL - 2, label);
        text_wrap(f, LABEL, text[0] ? text : "none");
}

static void on_refusal(void *userdata, const Interlock *interlock _unused_, const char *sentence) {
        row(userdata, "refused", sentence);
}

void disk_list_identity(const Candidate *c, FILE *f) {
        char size[UNITS_MAX], text[512];
        const Identity *i = &c->identity;

        if (!i->name[0]) {
                fprintf(f, "%s\n", c->request.path);
                return;
        }
        fprintf(f, "%s  %s%s%s\n", c->request.path, units_human_size(i->size, size), i->model[0] ? "  " : "", i->model);
        snprintf(text, sizeof(text), "%s%s%s%s", i->serial, i->serial[0] ? " (" : "", i->serial_source, i->serial[0] ? ")" : "");
        row(f, "serial", text);
        row(f, "by-id", i->link);
        row(f, "wwid", i->wwid);
        row(f, "holds", c->signatures_error < 0 ? "unknown, it cannot be read" : c->signatures.text);
}

void disk_list_consent(const Candidate *c, FILE *f) {
        char text[512];

        if (consent_check(c, on_refusal, f) > 0)
                return;
        snprintf(text, sizeof(text), "would be taken with Wipe=%s", c->request.wipe);
        row(f, "consent", text);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stress/miscompare.h"

#include "target/file-place.h"

void miscompare_make(Observation *ret, const BtrfsOps *ops, int fd, const char *name, const PatternMismatch *m) {
        char place[200];

        *ret = (Observation){ .kind = OBS_MISCOMPARE, .op = OP_READ, .logical = m->offset, .length = PATTERN_BLOCK };
        file_place_say(place, sizeof(place), ops, fd, m->offset);
        snprintf(ret->text, sizeof(ret->text), "%.60s: %s; %.130s", name, m->text, place);
}

void miscompare_say(Worker *w, int fd, const char *name, const PatternMismatch *m) {
        Observation o;

        miscompare_make(&o, w->ops, fd, name, m);
        board_keep_block(w->board, o.text, m->found, m->expected, m->length);
        worker_observe(w, &o);
}

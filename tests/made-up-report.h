/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * MadeUp: a report of a run that never was, for the tests of everything that prints one. The numbers are fixed, so are the texts.
 */
#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "report/report.h"

#define MADE_UP_MONO (1000 * NSEC_PER_SEC)
#define MADE_UP_REAL (UINT64_C(1767225600) * NSEC_PER_SEC) /* 2026-01-01T00:00:00Z */

typedef struct MadeUp {
        Config config;
        Plan plan;
        Target target;
        Board *board;
        Judge *judge;
        Report report;
} MadeUp;

static inline void made_up_target(Target *t) {
        *t = (Target){ .mounted = true, .mount_point = "/mnt", .mount_options = "rw,relatime,nodiscard,space_cache=v2,subvolid=5,subvol=/",
                       .image_directory = "/dev/shm", .fsid_text = "8c2e9a1e-7d1c-4a53-9a60-0f5c1f0b2d11", .n_devices = 4,
                       .data_chunk_size = 424 * MiB, .metadata_chunk_size = 256 * MiB, .generation = 7, .nodesize = 16384,
                       .sectorsize = 4096 };
        for (unsigned i = 0; i < t->n_devices; i++) {
                t->devices[i] = (TargetDevice){ .devid = i + 1, .size = GiB };
                snprintf(t->devices[i].path, sizeof(t->devices[i].path), "/dev/loop%u", i);
        }
}

static inline void made_up_calls(Board *b, Operation op, int result, unsigned n) {
        while (n-- > 0)
                slot_count(&b->slots[0], op, result);
}

/* Returns false when there is no memory. The members point at each other: do not copy. */
static inline bool made_up_new(MadeUp *m) {
        JudgePolicy policy = { .confirm_max = 3 };
        Error e = ERROR_NULL;

        memset(m, 0, sizeof(*m));
        config_init(&m->config);
        m->config.run.seed = 18446744073709551615ULL;
        if (config_check(&m->config, &e) < 0 || plan_make(&m->plan, &m->config, 1, &e) < 0)
                return false;
        made_up_target(&m->target);
        m->board = board_new();
        if (!m->board || judge_new(&m->judge, &policy) < 0)
                return false;
        m->report = (Report){ .version = "0.1.0", .kernel = "6.18.44 x86_64", .run_id = "3f2c9a54-0c1e-4a7b-9f11-1d2e3f405162",
                              .started_real_ns = MADE_UP_REAL, .started_mono_ns = MADE_UP_MONO, .duration_asked_ns = 60 * NSEC_PER_SEC,
                              .config = &m->config, .plan = &m->plan, .target = &m->target, .board = m->board, .judge = m->judge,
                              .trace = true, .verdict = EXIT_PASS, .why = "18734 collisions in 60 s under stress, no finding" };
        m->report.totals = (Totals){ .time_ns = MADE_UP_MONO + 61 * NSEC_PER_SEC, .stress_ns = 60 * NSEC_PER_SEC, .collisions = 18734,
                                     .removals = 19802, .scrubs = 62518, .balances = 178, .syncs = 58211, .bytes_written = 19802 * MiB,
                                     .steps = 140000 };
        return true;
}

static inline void made_up_free(MadeUp *m) {
        judge_freep(&m->judge);
        board_freep(&m->board);
}

/* What `statement`, which prints to `f`, has printed. The caller frees the string. */
#define PRINTED(f, statement) ({                               \
        char *_text = NULL;                                    \
        size_t _size = 0;                                      \
        FILE *f = open_memstream(&_text, &_size);              \
        statement;                                             \
        fclose(f);                                             \
        _text;                                                 \
})

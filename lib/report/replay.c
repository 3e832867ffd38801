/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "base/units.h"
#include "report/kernel-info.h"

#define TRY_FACTOR 3
#define TRY_MIN_NS (10 * NSEC_PER_SEC)

void try_finding(Try *t, const Original *o, const Finding *f, const Report *r) {
        bool same = original_is(o, f);

        if (t->same || (!same && (t->others || !finding_fails(f))))
                return;
        if (same) {
                t->same = true;
                t->found_ns = r->totals.stress_ns;
        } else {
                t->others = true;
                t->other = f->class;
        }
        snprintf(t->run_id, sizeof(t->run_id), "%s", r->run_id);
        memcpy(t->evidence, f->evidence, sizeof(t->evidence));
}

void try_ended(Try *t, const Report *r) {
        t->verdict = r->verdict;
        t->stress_ns = r->totals.stress_ns;
        snprintf(t->run_id, sizeof(t->run_id), "%s", r->run_id);
        snprintf(t->why, sizeof(t->why), "%s", r->why);
        t->ended = true;
}

void try_failed(Try *t, const Error *e) {
        t->verdict = e->exit;
        snprintf(t->why, sizeof(t->why), "%.500s", e->sentence);
        t->ended = true;
}

TryEnd try_end(const Try *t) {
        if (t->same)
                return TRY_SAME;
        if (t->others)
                return TRY_OTHER;
        if (t->stopped && (!t->ended || t->verdict == EXIT_INCONCLUSIVE))
                return TRY_CUT;
        if (!t->ended)
                return TRY_FAILED;
        switch (t->verdict) {
        case EXIT_PASS: return TRY_NONE;
        case EXIT_FAIL: return TRY_OTHER;
        case EXIT_INCONCLUSIVE: return TRY_WEAK;
        default: return TRY_FAILED;
        }
}

int replay_init(Replay *p, const Original *o, const char *version, unsigned times, Error *e) {
        char taint[64];

        *p = (Replay){ .original = o, .version = version, .times = times };
        report_kernel(p->kernel, sizeof(p->kernel), taint, sizeof(taint), "");
        p->tries = mmap(NULL, times * sizeof(Try), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (p->tries != MAP_FAILED)
                return 0;
        p->tries = NULL;
        return error_set(e, EXIT_ERROR, ENOMEM, "Not enough memory to start.");
}

void replay_done(Replay *p) {
        if (p->tries)
                munmap(p->tries, p->times * sizeof(Try));
        p->tries = NULL;
}

void replay_run(Replay *p, const ReplayCaller *caller) {
        for (unsigned i = 0; i < p->times; i++) {
                Try *t = &p->tries[i];
                TryEnd end;

                t->stopped = caller->try(caller->userdata, t);
                end = try_end(t);
                if (end == TRY_CUT)
                        return;
                if (end == TRY_FAILED)
                        p->failed = t;
                else
                        p->n++;
                caller->tell(caller->userdata, p, t);
                if (t->stopped || p->failed)
                        return;
        }
}

uint64_t replay_try_ns(const Original *o) {
        uint64_t ns = MAX_OF(TRY_FACTOR * o->found_ns, TRY_MIN_NS);

        return o->asked_ns ? MIN_OF(ns, o->asked_ns) : ns;
}

int replay_config(const Original *o, Config *c, const ConfigWarn *warn, Error *e) {
        char path[PATH_MAX + 16], seed[64], duration[64], text[UNITS_MAX];
        const char *const sets[] = { seed, duration, "Run.OnFinding=stop", "Soak.Duration=0", "Target.Wipe=none", "Target.WipeSignatures=no" };
        int r;

        snprintf(path, sizeof(path), "%s/config.conf", o->folder);
        snprintf(seed, sizeof(seed), "Run.Seed=%" PRIu64, o->seed);
        snprintf(duration, sizeof(duration), "Run.Duration=%s", units_format_duration(replay_try_ns(o), text));
        config_init(c);
        r = config_load_file(c, path, true, warn, e);
        for (size_t i = 0; i < ELEMENTSOF(sets) && r >= 0; i++)
                r = config_set(c, sets[i], e);
        return r;
}

int replay_config_check(Config *c, Error *e) {
        if (c->soak.duration_ns > 0)
                return error_set(e, EXIT_USAGE, EINVAL, "A replay is no soak; leave Soak.Duration= out.");
        if (c->run.on_finding != ON_FINDING_STOP)
                return error_set(e, EXIT_USAGE, EINVAL, "A try ends at its finding, so that the next can begin; leave Run.OnFinding= out.");
        if (c->run.duration_ns == 0)
                return error_set(e, EXIT_USAGE, EINVAL, "A try must end when the finding does not come; give it a --duration that is not 0.");
        return config_check(c, e);
}

unsigned replay_k(const Replay *p) {
        unsigned k = 0;

        for (unsigned i = 0; i < p->n; i++)
                k += p->tries[i].same;
        return k;
}

static int compare(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

bool replay_times(const Replay *p, ReplayTimes *ret) {
        uint64_t ns[REPLAY_TIMES_MAX];
        unsigned k = 0;

        for (unsigned i = 0; i < p->n; i++)
                if (p->tries[i].same)
                        ns[k++] = p->tries[i].found_ns;
        if (k == 0)
                return false;
        qsort(ns, k, sizeof(ns[0]), compare);
        *ret = (ReplayTimes){ .min_ns = ns[0], .median_ns = (ns[(k - 1) / 2] + ns[k / 2]) / 2, .max_ns = ns[k - 1] };
        return true;
}

ExitCode replay_verdict(const Replay *p) {
        bool weak = p->n < p->times;

        for (unsigned i = 0; i < p->n; i++) {
                TryEnd end = try_end(&p->tries[i]);
                if (end == TRY_SAME || end == TRY_OTHER)
                        return EXIT_FAIL;
                weak |= end == TRY_WEAK;
        }
        if (p->failed)
                return p->failed->ended ? p->failed->verdict : EXIT_ERROR;
        return weak ? EXIT_INCONCLUSIVE : EXIT_PASS;
}

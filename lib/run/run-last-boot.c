/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A soak whose machine went down under its start before: what the kernel left of its log is looked at, and a death of the kernel is observed. What
 * the log said up to the newest sample was judged when it was said. */
#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "judge/kmsg-rules.h"
#include "run/run-internal.h"

/* The lines that tell of the death, and whether it has to do with us. */
typedef struct Death {
        char text[OBS_TEXT_MAX];
        bool told, hang, placed, related;
} Death;

static void quote(Death *d, const char *line) {
        size_t n = strlen(d->text);

        snprintf(d->text + n, sizeof(d->text) - n, "%s%s", n > 0 ? "; " : "", line);
}

static bool begins(const char *line, const char *with) {
        return strncmp(line, with, strlen(with)) == 0;
}

/* Which modules there are is in every report, and btrfs goes on talking beside it. */
static bool is_related(const char *line) {
        return kmsg_is_related(line) && !begins(line, "Modules linked in") && !begins(line, "BTRFS info") && !begins(line, "BTRFS warning") &&
               !begins(line, "BTRFS: device ");
}

/* The first line that says that a task or the machine died or hung, the place in the code, and the kernel's very last words. */
static void read_line(Death *d, const KmsgMatcher *m, const char *line) {
        const KmsgRule *rule = kmsg_match(m, line, 0);
        bool panic = strstr(line, "Kernel panic - "), fatal = rule && rule->fatal;

        if (!d->told && !fatal && !(rule && rule->class == CLASS_HANG))
                return;
        /* Who only waited did not kill it. */
        if (fatal && d->hang)
                *d = (Death){ 0 };
        if (!d->told)
                d->hang = !fatal;
        d->related |= is_related(line);
        if (!d->told || panic || (!d->placed && begins(line, "RIP: "))) {
                d->placed |= d->told && !panic;
                quote(d, line);
        }
        d->told = true;
}

static int find_death(Death *d, const char *text) {
        _cleanup_(kmsg_matcher_freep) KmsgMatcher *m = NULL;
        int r = kmsg_matcher_new(&m);

        for (const char *line = text, *end; r == 0 && (end = strchr(line, '\n')); line = end + 1) {
                char copy[1024];
                snprintf(copy, sizeof(copy), "%.*s", (int)MIN_OF((size_t)(end - line), sizeof(copy) - 1), line);
                read_line(d, m, copy);
        }
        return r;
}

/* What is in the log, in a note; and an observation, when the death is one that the run is about. */
static void tell(Run *r, unsigned start, const LastBoot *log) {
        Death d = { 0 };

        if (find_death(&d, log->text) < 0)
                run_note(r, "Not enough memory to read what the kernel has left of start %u in %.100s.", start, log->where);
        else if (!d.told)
                run_note(r, "The machine went down under start %u, and the kernel's log, of %.60s, does not say that the kernel died: a loss of power, or a "
                         "reset.", start, log->where);
        else if (!d.related)
                run_note(r, "The kernel died under start %u, of something that is neither btrfs nor this program: %.100s (%.60s).", start, d.text, log->where);
        else {
                Observation o = { .kind = OBS_KERNEL_DIED, .time_ns = r->report.started_mono_ns };
                memcpy(o.text, d.text, sizeof(o.text));
                run_note(r, "The kernel died under start %u: %.100s (%.60s).", start, d.text, log->where);
                run_observe(r, &o);
        }
}

void run_last_boot(Run *r, const char *root) {
        const SoakStart *now = &r->soak.starts[r->soak.n_starts - 1], *before;
        Error e = ERROR_NULL;
        uint64_t since_ns;
        int k;

        if (now->recovered != RECOVERED_REBOOT)
                return;
        before = now - 1;
        last_boot_done(&r->last_boot);
        k = ledger_newest(r->ledger, &since_ns, &e);
        if (k >= 0)
                k = last_boot_read(&r->last_boot, root, before->boot_id, MAX_OF(since_ns, before->began_ns));
        if (k == -ENODATA)
                run_note(r, "The machine went down under start %u, and of what the kernel said then there is nothing, neither in pstore nor in the journal.",
                         before->number);
        else if (k < 0)
                run_note(r, "The machine went down under start %u; what the kernel said then cannot be read: %s.", before->number, strerror(-k));
        else
                tell(r, before->number, &r->last_boot);
}

void run_last_boot_evidence(Run *r, const Finding *f) {
        if (f->class != CLASS_KERNEL_DIED || !r->last_boot.text)
                return;
        if (evidence_add(f, "last-boot.txt", r->last_boot.text) < 0)
                run_note(r, "The log of the kernel that died could not be kept in the evidence folder of its finding.");
}

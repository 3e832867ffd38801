/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "judge/kmsg-rules.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BTRFS_LINE "^BTRFS[: ].*"

#define EXPECTED(_pattern, _why) \
        { .pattern = _pattern, .grade = GRADE_EXPECT, .class = CLASS_ERRNO, .why = _why }
#define ABORT(_pattern, _why) \
        { .pattern = _pattern, .grade = GRADE_FINDING, .class = CLASS_TRANSACTION_ABORT, .lost = true, .why = _why }
/* Says that the filesystem is lost, but not why: the cause is another line, if there is one. */
#define ABORTED(_pattern, _why) \
        { .pattern = _pattern, .grade = GRADE_CONSEQUENCE, .class = CLASS_TRANSACTION_ABORT, .lost = true, .why = _why }
#define SPLAT(_pattern, _why) \
        { .pattern = _pattern, .grade = GRADE_FINDING, .class = CLASS_SPLAT, .why = _why }
#define OOPS(_pattern, _why) \
        { .pattern = _pattern, .grade = GRADE_FINDING, .class = CLASS_SPLAT, .fatal = true, .why = _why }
#define HANG(_pattern, _why) { .pattern = _pattern, .grade = GRADE_FINDING, .class = CLASS_HANG, .why = _why }
#define BTRFS(_pattern, _class, _why) \
        { .pattern = BTRFS_LINE _pattern, .grade = GRADE_FINDING, .class = _class, .ours_only = true, .why = _why }
#define HARDWARE(_pattern, _why) \
        { .pattern = _pattern, .grade = GRADE_HW, .class = CLASS_IO_ERROR, .ours_only = true, .why = _why }
/* What a scrub says of blocks that it took for used ones: no fault of the device. */
#define DISCARDED(_pattern)                                                                                                   \
        { .pattern = BTRFS_LINE _pattern, .when = OBS_DISCARDS, .grade = GRADE_FINDING, .class = CLASS_SCRUB_COUNTERS, .ours_only = true, \
          .why = "scrub found errors while freed blocks were being discarded" }

const KmsgRule kmsg_rules[] = {
        /* What a healthy run says, most frequent first. Of scrub.c, btrfs_scrub_dev(), and volumes.c, btrfs_balance(), the ioctl's result
         * is judged. */
        EXPECTED(BTRFS_LINE "(scrub: )?(started|finished|not finished) on devid", "a scrub began or ended"),
        /* Likewise: scrub_enumerate_chunks() says so only where it gives up with that error. */
        EXPECTED(BTRFS_LINE "failed setting block group ro: -[0-9]+", "a scrub or a replace gave up"),
        EXPECTED(BTRFS_LINE "(relocating block group|reclaiming chunk|found [0-9]+ extents|balance: |[0-9]+ enospc errors during balance)",
                 "a balance at work, or the kernel's own reclaim"),
        /* dev-replace.c, btrfs_dev_replace_finishing(): likewise. */
        EXPECTED(BTRFS_LINE "(dev_replace from |btrfs_scrub_dev\\(.*\\) failed )", "a replace began or ended"),
        EXPECTED("callbacks suppressed", "the log is rate-limited"),
        EXPECTED(BTRFS_LINE "skipping (scrub|relocation) of block group .* active swapfile", "a swap file is left alone"),
        EXPECTED("^BTRFS: device (fsid|label) ", "a device was scanned"),
        /* volumes.c, btrfs_dev_stat_print_on_load(): level info, counters of the past. */
        EXPECTED("^BTRFS info .*bdev .* errs: wr ", "the error counters a filesystem was mounted with"),

        /* Aborts. transaction.c, messages.c. Device "X state EA" since 5.18, "X: state EA" for a while. */
        /* A bug may pass on what is no errno: 1, "not found", of btrfs_search_slot(), from btrfs_free_dev_extent() in 6.12. */
        ABORT("Transaction aborted \\(error -?[0-9]+\\)", "a transaction was aborted"),
        ABORTED("^BTRFS: error .*errno=-30", "the filesystem was read-only already"),
        ABORT("^BTRFS: error .*errno=-?[0-9]+", "an error that the filesystem cannot go on with"),
        ABORTED(BTRFS_LINE "Skipping commit of aborted transaction", "a commit was given up"),
        ABORTED(BTRFS_LINE "forced readonly", "the filesystem went read-only"),

        /* Splats that kill their task. */
        OOPS("kernel BUG at ", "an assertion of the kernel failed"),
        OOPS("assertion failed: ", "an assertion of btrfs failed"),
        OOPS("Oops: ", "the kernel oopsed"),
        OOPS("general protection fault:|general protection fault, ", "a wild pointer was used"),
        OOPS("BUG: (kernel NULL pointer|unable to handle)", "a wild pointer was used"),
        OOPS("Unable to handle kernel ", "a wild pointer was used"),
        /* Nobody lives to see it: what reads it is the next start (run-last-boot.c). */
        OOPS("Kernel panic - not syncing", "the kernel gave up"),
        /* Hangs. */
        HANG("blocked for more than [0-9]+ seconds", "a task waits for ever"),
        HANG("soft lockup|hard LOCKUP|[Hh]ard lockup|rcu.*(self-)?detected (stall|expedited stall)", "a processor does not come back"),
        /* Splats that do not. */
        SPLAT("KASAN: |KCSAN: |UBSAN: |KFENCE: |kmemleak: [0-9]+ new suspected", "a sanitizer spoke"),
        SPLAT("refcount_t: ", "a reference count went wrong"),
        SPLAT("possible (recursive|circular) locking|suspicious RCU usage|inconsistent lock state|bad unlock balance|WARNING: lock held|"
              "INFO: trying to register non-static key|possible irq lock inversion|BUG: Invalid wait context", "lockdep spoke"),
        SPLAT("BUG .* remaining|BUG .*: (Poison|Redzone|Object|Freepointer|Padding|Left Redzone|Right Redzone)",
              "a slab is damaged or leaks"),
        SPLAT("(^|[^[:alnum:]_])BUG: ", "the kernel reported a bug"),
        { .pattern = "WARNING: ", .grade = GRADE_FINDING, .class = CLASS_SPLAT, .teardown = true, .why = "a check of the kernel failed" },
        { .pattern = "oom-kill:", .grade = GRADE_SETUP, .class = CLASS_SETUP_ERRNO,
          .why = "the machine ran out of memory: give it more, or the run less" },

        /* What only btrfs says. */
        { .pattern = BTRFS_LINE "unable to find (chunk map|logical)", .when = OBS_COLLIDED, .grade = GRADE_FINDING, .class = CLASS_SCRUB_RACE,
          .ours_only = true, .why = "scrub went on in a block group that had been removed under it (020d5b7366fc)" },
        BTRFS("unable to find (chunk map|logical)", CLASS_ERRNO, "I/O to a block group that is gone"),
        BTRFS("found a bad (chunk map|mapping)", CLASS_ERRNO, "I/O to a block group that is gone"),
        BTRFS("has wrong amount of free space", CLASS_ERRNO, "the free space cache and the extent tree disagree"),
        BTRFS("corrupt (leaf|node)|write time tree block corruption", CLASS_ERRNO, "the tree checker found damaged metadata"),

        /* Devices. */
        EXPECTED(BTRFS_LINE "(fixed up error|read error corrected)", "repaired; the counters are judged"),
        DISCARDED("bdev .* errs: wr 0, rd 0, flush 0, "),
        DISCARDED("(unable to fixup|checksum error at|header error at|tree block [0-9]+ mirror [0-9]+ has bad)"),
        HARDWARE(BTRFS_LINE "bdev .* errs: wr ", "an error counter of a device grew"),
        HARDWARE(BTRFS_LINE "unable to fixup", "scrub found what it could not repair"),
        HARDWARE(BTRFS_LINE "csum (failed|mismatch|verify failed)", "data or metadata does not match its checksum"),
        HARDWARE(BTRFS_LINE "checksum (error|verify failed)", "data or metadata does not match its checksum"),
        HARDWARE(BTRFS_LINE "parent transid verify failed", "metadata is older than it must be: a write was lost"),
        HARDWARE(BTRFS_LINE "(error writing primary super block|lost (page|super block) write|bad tree block start)", "a write was lost"),
        HARDWARE("error(,| on) dev [[:alnum:]/_-]+,", "a device failed to read or write"),

        BTRFS("corrupt|^BTRFS critical", CLASS_ERRNO, "btrfs calls it critical"),
};
const size_t n_kmsg_rules = ELEMENTSOF(kmsg_rules);

struct KmsgMatcher {
        regex_t compiled[ELEMENTSOF(kmsg_rules)];
        size_t n;
};

void kmsg_matcher_free(KmsgMatcher *m) {
        if (!m)
                return;
        while (m->n > 0)
                regfree(&m->compiled[--m->n]);
        free(m);
}

void kmsg_matcher_freep(KmsgMatcher **m) {
        kmsg_matcher_free(*m);
}

int kmsg_matcher_new(KmsgMatcher **ret) {
        _cleanup_(kmsg_matcher_freep) KmsgMatcher *m = calloc(1, sizeof(*m));

        if (!m)
                return -ENOMEM;
        for (; m->n < n_kmsg_rules; m->n++) {
                int r = regcomp(&m->compiled[m->n], kmsg_rules[m->n].pattern, REG_EXTENDED | REG_NOSUB);
                if (r != 0)
                        return r == REG_ESPACE ? -ENOMEM : -EINVAL;
        }
        *ret = TAKE_PTR(m);
        return 0;
}

const KmsgRule *kmsg_match(const KmsgMatcher *m, const char *line, uint32_t flags) {
        for (size_t i = 0; i < m->n; i++) {
                if (kmsg_rules[i].when && !(kmsg_rules[i].when & flags))
                        continue;
                if (regexec(&m->compiled[i], line, 0, NULL, 0) == 0)
                        return &kmsg_rules[i];
        }
        return NULL;
}

bool kmsg_device(const char *line, char ret[static KMSG_DEVICE_MAX]) {
        const char *s = strstr(line, "(device ");
        size_t n;

        if (s)
                s += strlen("(device ");
        else if ((s = strstr(line, "error, dev ")) || (s = strstr(line, "error on dev ")))
                s = strstr(s, "dev ") + strlen("dev ");
        else
                return false;
        if (strncmp(s, "/dev/", 5) == 0)
                s += 5;
        n = strcspn(s, " ,:)");
        if (n == 0 || n >= KMSG_DEVICE_MAX)
                return false;
        memcpy(ret, s, n);
        ret[n] = 0;
        return true;
}

int kmsg_errno(const char *line) {
        static const char *const before[] = { "(error -", "errno=-", "ro: -", "status: -", "failed -", "ret -" };

        for (size_t i = 0; i < ELEMENTSOF(before); i++) {
                const char *s = strstr(line, before[i]);
                long n = s ? strtol(s + strlen(before[i]), NULL, 10) : 0;
                if (n > 0 && n < 4096)
                        return (int)-n;
        }
        return 0;
}

bool kmsg_is_related(const char *line) {
        return strcasestr(line, "btrfs") || strstr(line, "Comm: ss:") || strstr(line, "task ss:") || strstr(line, "task=ss:");
}

bool kmsg_ends_report(const char *line) {
        return strstr(line, "---[ end ") != NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "judge/finding.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>

#include "base/units.h"

static const char *const grades[_GRADE_MAX] = {
        [GRADE_OK] = "ok",
        [GRADE_EXPECT] = "expected",
        [GRADE_SETUP] = "setup",
        [GRADE_HW] = "hardware",
        [GRADE_FINDING] = "finding",
        [GRADE_KNOWN] = "known",
        [GRADE_CONSEQUENCE] = "consequence",
};

const char *grade_name(Grade g) {
        return (unsigned)g < _GRADE_MAX ? grades[g] : "unknown";
}

const FindingClassInfo finding_classes[_CLASS_MAX] = {
        [CLASS_SCRUB_RACE] = { "regression/scrub-race", "1654b23f8d0140d097eb32e4b0f53940",
                               "scrub failed on a block group that was being deleted (the race of 020d5b7366fc)", true },
        [CLASS_REPLACE_RACE] = { "regression/replace-race", "e3e3e4450ce9409d82e9212196eb2282",
                                 "device replace failed on a block group that was being deleted (the race of 020d5b7366fc, in a replace)",
                                 true },
        [CLASS_TRANSACTION_ABORT] = { "kernel/transaction-abort", "557873760bf24e6690a06a91a4c18d7f",
                                      "btrfs aborted a transaction and went read-only", true },
        [CLASS_HANG] = { "kernel/hang", "974a00a4ddb84f68904495b7ef39ffe9",
                         "a task did not come back from the kernel", true },
        [CLASS_SPLAT] = { "kernel/splat", "865ab8a2558e4b849ba932296b55af8d",
                          "the kernel reported a bug of its own", true },
        [CLASS_KERNEL_DIED] = { "kernel/died", "2bf0b9b17a0e4a8cae3b1bd5a2e2f3c6",
                                "the kernel died under the stress, and took the machine with it", true },
        [CLASS_ERRNO] = { "kernel/errno", "95494b854ec54dd8b7f26b64e7bedf36",
                          "an operation failed in a way it must not", true },
        [CLASS_SCRUB_COUNTERS] = { "kernel/scrub-counters", "9397b6ae9d304c32a73a098099696d90",
                                   "scrub succeeded but counted errors that nothing explains", true },
        [CLASS_NEVER_DELETED] = { "kernel/group-never-deleted", "fd1e87ffb061420eae9203ff649bb5c7",
                                  "an empty block group is never deleted: scrub did not hand it back to the cleaner (the loss of 758f2dfcf8a2)",
                                  true },
        [CLASS_SPACE_LEAK] = { "kernel/space-leak", "54379d9c1043480e8afea69ca534003a",
                               "space stays read-only, pinned or promised though nothing holds it: the filesystem can never use it again", true },
        [CLASS_BALANCE_EINVAL] = { "kernel/balance-einval", "bd5e3ba1aea641fc89bf9b43c18f8b88",
                                   "balance failed on a block group that had vanished before it was relocated", true },
        [CLASS_FAULT_MISSED] = { "kernel/fault-missed", "d13eff1f54ba4b499390522415347fb4",
                                 "a fault of ours struck, and the kernel noticed less of it than there was", true },
        [CLASS_FAULT_EXCESS] = { "kernel/fault-excess", "51a65b83973245a5993fc0293665b74f",
                                 "a fault of ours struck, and the kernel counted more errors than there were", true },
        [CLASS_FAULT_OTHERWISE] = { "kernel/fault-otherwise", "44874c9475d3443ab48a590c03004b28",
                                    "a fault of ours struck, and the kernel did not repair, read or place it as it must", true },
        [CLASS_POWER_CUT] = { "kernel/lost-after-power-cut", "8ac5981f484b4ea99d6db16501f6598a",
                              "after a power cut files are gone that fsync had promised, or the filesystem is damaged", true },
        [CLASS_DAMAGED] = { "kernel/filesystem-damaged", "2e7ee9b20bc74a8ab784e8aea3ad04c9",
                            "btrfs check found the filesystem damaged when it was unmounted at its end", true },
        [CLASS_IO_ERROR] = { "hardware/io-error", "a11ab51bb01d474992c8c15964c5f9f7",
                             "a device failed to read or write", true },
        [CLASS_HEALTH] = { "hardware/health", "f808563b6a6fc8a8f8a5fe74b7a05e4f",
                           "a disk counts errors of its own, or of its cable, that it did not have before the stress", true },
        [CLASS_MISCOMPARE] = { "data/miscompare", "f1548cf1cca04a78bcaa648c104969cf",
                               "data read back is not what was written", true },
        [CLASS_SETUP_SCRUB] = { "setup/scrub-unsupported", "c824d76d38ce4b76a32397f02371f192",
                                "scrub fails on the quiesced target too: not supported there, or damaged; make the target again", false },
        [CLASS_SETUP_ERRNO] = { "setup/errno", "5ca14626fd184db3a01dfbbdfe75a0bc",
                                "an operation failed for a reason of the setting, not of the kernel", false },
        [CLASS_WORKER_DIED] = { "setup/worker-died", "89d89a1c55054f3e9b3fa442443a6620",
                                "a worker of scrubstress ended that should not have; please report it with the evidence folder", false },
};

int finding_class_from_name(const char *name) {
        for (int i = 0; i < _CLASS_MAX; i++)
                if (strcmp(finding_classes[i].name, name) == 0)
                        return i;
        return -1;
}

bool finding_class_is_race(FindingClass class) {
        return class == CLASS_SCRUB_RACE || class == CLASS_REPLACE_RACE;
}

bool finding_fails(const Finding *f) {
        return f->grade == GRADE_FINDING || f->grade == GRADE_HW;
}

typedef struct Sentence {
        char *buf;
        size_t size, length;
} Sentence;

static void _printf_(2, 3) say(Sentence *s, const char *format, ...) {
        va_list ap;
        int n;

        if (s->length + 1 >= s->size)
                return;
        va_start(ap, format);
        n = vsnprintf(s->buf + s->length, s->size - s->length, format, ap);
        va_end(ap);
        if (n > 0)
                s->length += (size_t)n; /* may pass the size: then it is full */
}

static void say_result(Sentence *s, const Finding *f) {
        char name[16];

        say(s, "%s", operation_name(f->op));
        if (f->devid)
                say(s, " on devid %" PRIu64, f->devid);
        if (f->result > 0)
                say(s, " returned %" PRId32, f->result);
        else
                say(s, " returned %s", errno_name(-f->result, name));
}

static void say_death(Sentence *s, const Finding *f) {
        int status = f->first.result;

        say(s, "worker %s ", f->text[0] ? f->text : "of scrubstress");
        if (WIFSIGNALED(status))
                say(s, "was killed by signal %d", WTERMSIG(status));
        else
                say(s, "ended with status %d", WEXITSTATUS(status));
}

static void say_what(Sentence *s, const Finding *f) {
        switch (f->first.kind) {
        case OBS_RESULT:
        case OBS_CONTROL:
                say_result(s, f);
                break;
        case OBS_KMSG:
                say(s, "kernel log: \"%s\"", f->text);
                break;
        case OBS_STUCK:
                say(s, "%s stuck in the kernel for %" PRIu64 " s (%s)", operation_name(f->op), f->first.count / 1000, f->text);
                break;
        case OBS_DIED:
                say_death(s, f);
                break;
        case OBS_COUNTERS:
                if (f->first.count == 0)
                        say(s, "%s on devid %" PRIu64 " reported counters that do not add up (%s)", operation_name(f->op), f->devid, f->text);
                else
                        say(s, "%s on devid %" PRIu64 " counted %" PRIu64 " errors (%s)", operation_name(f->op), f->devid, f->first.count, f->text);
                break;
        case OBS_DEVSTAT:
                say(s, "error counter of devid %" PRIu64 " grew by %" PRIu64 " (%s)", f->devid, f->first.count, f->text);
                break;
        case OBS_HEALTH:
                say(s, "health of devid %" PRIu64 " (%s)", f->devid, f->text);
                break;
        default:
                say(s, "%s", f->text);
        }
}

static void say_where(Sentence *s, const Finding *f) {
        char size[UNITS_MAX];

        if (f->physical)
                say(s, " at physical %s", units_human_size(f->physical, size));
        if (f->logical)
                say(s, " at %s %s", f->first.kind == OBS_MISCOMPARE ? "file offset" : "logical", units_human_size(f->logical, size));
        if (f->count > 1)
                say(s, ", %" PRIu64 " times", f->count);
        if (f->consequences)
                say(s, ", with %" PRIu64 " more failure%s as consequence", f->consequences, f->consequences == 1 ? "" : "s");
}

static void say_decision(Sentence *s, const Finding *f) {
        bool race = finding_class_is_race(f->class);

        if (race && f->confirmed)
                say(s, "; the control scrub of the quiesced target passed (%" PRIu64 " confirmed)", f->confirmed);
        else if (race)
                say(s, "; no control scrub could confirm it");
        if (f->grade == GRADE_EXPECT)
                say(s, "; nothing in it names btrfs, it may be unrelated: noted, not held against the run");
        if (f->reference[0])
                say(s, "; %s: %s", f->grade == GRADE_KNOWN ? "known" : "seen before", f->reference);
}

void finding_sentence(const Finding *f, char *buf, size_t size) {
        Sentence s = { .buf = buf, .size = size };

        if (size == 0)
                return;
        buf[0] = 0;
        say_what(&s, f);
        say_where(&s, f);
        say(&s, ": %s", f->why ?: finding_classes[f->class].sentence);
        say_decision(&s, f);
}

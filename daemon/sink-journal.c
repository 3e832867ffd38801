/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sink-journal.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/syslog.h>
#include <systemd/sd-journal.h>

bool journal_connected(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;

        /* The variable is inherited by whatever we are started from: only the stream it names is the journal's. */
        return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
               st.st_ino == inode;
}

static const char *device_path(const Report *r, uint64_t devid) {
        for (unsigned i = 0; r->target && i < r->target->n_devices; i++)
                if (r->target->devices[i].devid == devid)
                        return r->target->devices[i].path;
        return "";
}

static int priority(const Finding *f) {
        if (f->grade == GRADE_KNOWN || f->grade == GRADE_SETUP)
                return LOG_WARNING;
        return f->class == CLASS_MISCOMPARE ? LOG_CRIT : LOG_ERR;
}

void journal_finding(const Finding *f, const Report *r) {
        const FindingClassInfo *info = &finding_classes[f->class];
        char sentence[1024];

        finding_sentence(f, sentence, sizeof(sentence));
        if (!journal_connected()) {
                fprintf(stderr, "%s %s: %s%s%s\n", grade_name(f->grade), info->name, sentence, f->evidence[0] ? " Evidence: " : "",
                        f->evidence);
                return;
        }
        sd_journal_send("MESSAGE=%s: %s", info->name, sentence,
                        "MESSAGE_ID=%s", info->message_id,
                        "PRIORITY=%i", priority(f),
                        "ERRNO=%i", f->result < 0 ? -f->result : 0,
                        "SCRUBSTRESS_RUN_ID=%s", r->run_id,
                        "SCRUBSTRESS_FSID=%s", r->target ? r->target->fsid_text : "",
                        "SCRUBSTRESS_DEVID=%llu", (unsigned long long)f->devid,
                        "SCRUBSTRESS_DEVICE=%s", device_path(r, f->devid),
                        "SCRUBSTRESS_OPERATION=%s", operation_name(f->op),
                        "SCRUBSTRESS_CLASS=%s", info->name,
                        "SCRUBSTRESS_VERDICT=%s", grade_name(f->grade),
                        "SCRUBSTRESS_EVIDENCE=%s", f->evidence,
                        NULL);
}

void journal_verdict(const Report *r) {
        if (!journal_connected())
                return;
        sd_journal_send("MESSAGE=%s: %s", exit_code_name(r->verdict), r->why,
                        "MESSAGE_ID=" VERDICT_MESSAGE_ID,
                        "PRIORITY=%i", r->verdict == EXIT_PASS ? LOG_NOTICE : r->verdict == EXIT_FAIL ? LOG_ERR : LOG_WARNING,
                        "SCRUBSTRESS_RUN_ID=%s", r->run_id,
                        "SCRUBSTRESS_VERDICT=%s", exit_code_name(r->verdict),
                        "SCRUBSTRESS_COLLISIONS=%llu", (unsigned long long)r->totals.collisions,
                        NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What btrfs check finds in a target that was unmounted in good order (JOB_FINISH). */
#include "run/run-internal.h"

bool run_may_check(const Run *r) {
        return r->config.run.check && !r->desk->dark && !r->desk->striking && !r->replaced && !r->config.replace.enabled;
}

bool run_check_can_be_left(const Run *r) {
        return r->job.kind == JOB_FINISH && !r->desk->target.mounted && (r->urgent || r->now_ns >= r->job.deadline_ns);
}

void run_finished(Run *r) {
        run_observe_asides(r);
        r->report.checked = r->sound && r->desk->check_status == 0;
        if (r->desk->note[0])
                run_note(r, "%s", r->desk->note);
        if (r->desk->check.kind != OBS_CHECK)
                return;
        run_observe(r, &r->desk->check);
        judge_decide(r->judge);
        run_tell_findings(r);
        run_keep_check(r);
}

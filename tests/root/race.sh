#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The failure this project exists for: -EINVAL from scrub, confirmed by the control scrub or not.
. "${TOP_SRCDIR:?}/tests/root/lib.sh"

# Two devices: the jobs' first two scrubs are those of the preflight. A thousand scrubs take a second or so, so that a second of removals lies
# before the finding.
SHIM='scrub comm=ss:scrub after=1000 times=1 errno=EINVAL physical=123456789' start race --set Run.OnFinding=stop --duration 20s --set Run.Seed=7
SHIM='scrub comm=ss:scrub after=12 errno=EINVAL; scrub comm=ss:job after=2 errno=EINVAL' start unsupported
SHIM='scrub errno=EINVAL' start preflight
ends preflight 4 ERROR
ends unsupported 4 ERROR
ends race 1 FAIL

# One -EINVAL, and the control scrub passes.
is "race: the rule struck once" "$(strikes race)" 1
is "race: one finding" "$(findings race)" "regression/scrub-race scrub EINVAL finding"
is "race: once, confirmed by a control scrub" "$(query race '.findings[0] | "\(.count) \(.confirmed)"')" "1 1"
is "race: which device" "$(query race '.findings[0].devid | . == 1 or . == 2')" true
is "race: where on it" "$(query race '.findings[0].physical')" 123456789
is "race: no bound is claimed" "$(query race .bound_95)" null
is "race: the errno is in the table of operations" "$(query race .errnos.scrub.EINVAL)" 1
has "race: it is said while the run is on" "$t/race/err" '^finding regression/scrub-race$'
has "race: the sentence names the control scrub" "$t/race/err" 'control scrub of the quiesced target passed'

folder=$(evidence race regression/scrub-race)
is "evidence: below the evidence directory, by run" "${folder%/*}" "$t/race/evidence/$(query race .run_id)"
is "evidence: all files" "$(ls "$folder" | tr '\n' ' ')" "config.conf finding.json finding.txt kernel.log observations.obs removals.txt versions.txt "
devid=$(query race '.findings[0].devid')
has "evidence: devid and device" "$folder/finding.txt" "^devid +$devid \(/dev/loop[0-9]+\)"
has "evidence: physical" "$folder/finding.txt" '^physical +123456789$'
has "evidence: the errno" "$folder/finding.txt" '^result +EINVAL \(-22\)'
has "evidence: when" "$folder/finding.txt" '^first +20[0-9][0-9]-.*Z'
has "evidence: removals with logical and physical range" "$folder/removals.txt" \
        'logical [0-9]+\.\.[0-9]+ .*devid [0-9]+ physical [0-9]+\.\.[0-9]+'
is "evidence: removals of the last second only" "$(awk '$1 ~ /^-/ && substr($1, 2) > 1' "$folder/removals.txt")" ""
has "evidence: generation" "$folder/versions.txt" '^generation +[1-9][0-9]*$'
has "evidence: kernel" "$folder/versions.txt" "^kernel +$(uname -r) "
has "evidence: taint" "$folder/versions.txt" '^taint +.'
has "evidence: mount options" "$folder/versions.txt" '^mount options .*rw,'
has "evidence: seed" "$folder/versions.txt" '^seed +7$'
has "evidence: kernel log around it" "$folder/kernel.log" 'BTRFS'
has "evidence: replayable observations" "$folder/observations.obs" "^[0-9]+ result op=scrub errno=EINVAL .*devid=$devid"
has "evidence: the configuration" "$folder/config.conf" '^Seed=7'

# The control scrub fails too.
is "unsupported: the rules struck" "$(($(strikes unsupported 1) > 0)) $(($(strikes unsupported 2) > 0))" "1 1"
is "unsupported: not a regression" "$(query unsupported '[.findings[] | select(.class == "regression/scrub-race")] | length')" 0
is "unsupported: setup" "$(query unsupported '[.findings[] | "\(.class) \(.grade)"] | unique | join(",")')" "setup/scrub-unsupported setup"
has "unsupported: the verdict says that nothing is said about the kernel" "$t/unsupported/err" 'nothing is said about|about the kernel'

# Scrub fails from the first moment: refused before any stress.
is "preflight: no stress" "$(query preflight '"\(.duration_s) \(.collisions // 0) \(.scrubs)"' | sed 's/0\.000/0/')" "0 0 0"
is "preflight: setup" "$(findings preflight)" "setup/scrub-unsupported control-scrub EINVAL setup"
has "preflight: one sentence with a remedy" "$t/preflight/err" 'fails +the control'
is "preflight: the error is in the JSON" "$(query preflight '.error | test("control scrub before any stress")')" true
the_end

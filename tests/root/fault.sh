#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Faults strike while the target is stressed: the kernel must notice each, and nothing but them. tests/test-strike has the table of what must come
# of each on each profile; here is what a run makes of it.
. "${TOP_SRCDIR:?}/tests/root/lib.sh"

# Mirrored data needs room for three block groups beside the metadata.
faults=(--set Target.Devices=loop:4GiB*2 --set Fault.Enabled=yes --set Fault.Interval=1s --set Run.MinCollisions=0)

start mirrored "${faults[@]}" --duration 18s --set Target.DataProfile=raid1
start alone "${faults[@]}" --duration 8s --set Target.Devices=loop:4GiB*1 --set Target.MetadataProfile=single
# The preflight's control scrub is a call for each device.
SHIM='scrub comm=ss:job after=2 times=1 return=0' start missed "${faults[@]}" --duration 20s --set Run.OnFinding=stop --set Fault.Faults=data --set Target.DataProfile=raid1
SHIM='scrub comm=ss:job after=2 times=1 csum=1' start excess "${faults[@]}" --duration 20s --set Run.OnFinding=stop --set Fault.Faults=super
SHIM='pread comm=ss:job after=40 times=1 flip=100' start wrong "${faults[@]}" --duration 20s --set Run.OnFinding=stop --set Fault.Faults=data --set Target.DataProfile=raid1
SHIM='scrub comm=ss:job after=2 times=1 errno=ENOMEM' start hindered "${faults[@]}" --duration 4s --set Fault.Faults=data

ends mirrored 0 PASS
is "mirrored: each fault that there is has struck, and all was as it must be" \
        "$(query mirrored '.faults | [to_entries[] | select(.value.applies)] | "\(map(.key) | join(" ")) \(all(.[]; .value.struck > 0 and
                .value.met + .value.void == .value.struck and .value.met > 0))"')" \
        "cancel data freeze read-only super tree true"
is "mirrored: parity is not there" "$(query mirrored '.faults.parity.applies')" false
has "mirrored: the closing block tells of them" "$t/mirrored/err" '^super +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+$'
ends alone 0 PASS
is "alone: data with one copy is struck, trees with one are not" "$(query alone '"\(.faults.data.met > 0) \(.faults.tree.applies)"')" "true false"

ends missed 1 FAIL
is "missed: the rule struck once" "$(strikes missed)" 1
is "missed: one finding, of its class" "$(findings missed)" "kernel/fault-missed scrub null finding"
is "missed: the sentence says what differs" "$(query missed '.findings[0].text | test(": 0 checksum errors instead of [0-9]")')" true
ends excess 1 FAIL
is "excess: one finding, of its class" "$(findings excess)" "kernel/fault-excess scrub null finding"
ends wrong 1 FAIL
is "wrong: data that reads wrong is the gravest" "$(findings wrong)" "data/miscompare read null finding"
ends hindered 1 FAIL
is "hindered: an operation that fails is judged as any other" "$(query hindered '.findings[0] | "\(.operation) \(.errno)"')" "scrub ENOMEM"
nothing_left "ended"

start term "${faults[@]}" --duration 0
wait_stress term && sleep 1.2
kill -TERM "${pids[term]}"
finish term 20
is "term: a strike is ended as well" "$(query term '.verdict | test("PASS|INCONCLUSIVE")')" true
the_end

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The replace stressor: devices are replaced by a spare, results are judged, and neither the spare nor a replace under way stays behind.
. "${TOP_SRCDIR:?}/tests/root/lib.sh"

# Seconds only, and the load of small written files, whatever the profile's is: other loads have broken kernels.
replace=(--set Run.Profile=replace --set Scrub.Enabled=no --set Churn.Fill=write --set Churn.FileSize=1MiB --set Churn.Files=1
        --set Run.MinCollisions=0)

# Released kernels can lose the wakeup of a replace that ends (doc/findings/2026-11-replace-misses-its-wakeup.md). Then every mkfs and mount of this
# machine hangs, in the tests that come after too. Any write to the filesystem wakes it.
is_stuck() { grep -qs btrfs_rm_dev_replace_blocked "/proc/$1/stack"; }
wake_the_stuck() {
        local pid
        while sleep 2 >/dev/null && kill -0 $$; do
                for pid in $(our_processes); do
                        [[ $(cat "/proc/$pid/comm" 2>/dev/null) == ss:replace* ]] && is_stuck "$pid" && sleep 2 && is_stuck "$pid" || continue
                        echo "# the kernel forgot to wake the replace of process $pid; a write does it now"
                        timeout 10 nsenter -t "$pid" -m sh -c 'echo >/mnt/wake && sync /mnt/wake' || true
                done
        done
}
wake_the_stuck &
waker=$!

start plain "${replace[@]}"
SHIM='replace comm=ss:replace after=2 times=1 errno=EINVAL' start race "${replace[@]}" --set Run.OnFinding=stop --duration 20s
SHIM='replace comm=ss:replace after=1 times=2 return=3; replace comm=ss:replace after=4 times=1 return=8' start busy "${replace[@]}"
SHIM='replace comm=ss:replace errno=EINVAL; scrub comm=ss:job after=2 errno=EINVAL' start unsupported "${replace[@]}"
SHIM='replace comm=ss:replace after=1 times=1 return=1' start odd "${replace[@]}" --set Run.OnFinding=stop --duration 20s

ends plain 0 PASS
is "plain: devices were replaced" "$(query plain '.errnos.replace.ok > 2')" true
# -ENOSPC: doc/findings/2026-11-replace-fills-devices-with-system-groups.md, once in 50,000.
is "plain: only the end may cut one off" "$(query plain '.errnos.replace | del(.ok, .ECANCELED, .ENOSPC) | length')" 0
is "plain: the report names the stressor" "$(query plain '.stressors.replace')" 1

ends race 1 FAIL
is "race: the rule struck once" "$(strikes race)" 1
is "race: one finding, of its own class" "$(findings race)" "regression/replace-race replace EINVAL finding"
is "race: confirmed by a control scrub" "$(query race '.findings[0] | "\(.count) \(.confirmed)"')" "1 1"
has "race: the sentence names the mechanism" "$t/race/err" 'device replace met a block'
check "race: its evidence is there" test -s "$(evidence race regression/replace-race)/finding.txt"

ends busy 0 PASS
is "busy: a scrub or an exclusive operation in the way is expected" "$(query busy '"\(.findings | length) \(.errnos.replace["+3"]) \(.errnos.replace["+8"])"')" "0 2 1"
is "busy: and then it goes on" "$(query busy '.errnos.replace.ok > 1')" true
ends unsupported 4 ERROR
is "unsupported: not a regression" "$(query unsupported '[.findings[].class] | unique | join(",")')" setup/scrub-unsupported
ends odd 1 FAIL
is "odd: START never says that it was not started" "$(findings odd)" "kernel/errno replace +1 finding"
nothing_left "ended"

# A replace that takes long: the end keeps its time.
SHIM='replace comm=ss:replace after=2 times=1 sleep=8' start slow "${replace[@]}" --duration 0
start term "${replace[@]}" --duration 0
wait_stress slow && wait_stress term && sleep 1
for name in slow term; do
        begin=${EPOCHREALTIME/[.,]/}
        kill -TERM "${pids[$name]}"
        finish $name 20
        took=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
        check "$name: SIGTERM ends it within 10 s ($took ms)" test $took -lt 10000
        is "$name: there is a verdict, that of the exit code, and it is not FAIL" \
                "$(query $name '"\(.exit_code) \(.verdict | test("^(PASS|INCONCLUSIVE|ERROR)$"))"')" "$code true" ||
                diag "$(tail -n 40 "$t/$name/err")"
done
nothing_left "stopped" 10

# kill -9: the spare has one holder, the worker.
for i in 1 2 3; do start "dead$i" "${replace[@]}" --duration 60s; done
for i in 1 2 3; do wait_stress "dead$i"; done
nine() { [ "$(our_loops | wc -l)" = 9 ]; }
check "dead: two devices and a spare each" until_true 5 nine
for i in 1 2 3; do
        sleep 0.$((i * 3))
        kill -9 "${pids[dead$i]}"
        finish "dead$i"
done
nothing_left "killed" 10

kill "$waker"
the_end

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# OnFinding=hold: at a finding everything stands still for a debugger, until a signal ends the run.
. "${TOP_SRCDIR:?}/tests/root/lib.sh"

# state PID: as ps(1) has it.
state() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -c1; }
workers() {
        local pid
        for pid in $(children "$1"); do
                case "$(cat "/proc/$pid/comm" 2>/dev/null)" in
                ss:keeper | ss:health | ss:job) ;;
                ss:*) printf '%s\n' "$pid" ;;
                esac
        done
}
all_stopped() {
        local pid
        for pid in $(workers "$1"); do [ "$(state "$pid")" = T ] || return 1; done
}
# hold NAME: it is.
held() {
        check "$1: it says that it is held" until_true 30 grep -q 'The run is held' "$t/$1/err"
        check "$1: the workers are stopped" until_true 10 all_stopped "$1"
}
# stop NAME SIGNAL
stop() {
        local begin=${EPOCHREALTIME/[.,]/} took
        kill -"$2" "${pids[$1]}"
        finish "$1" 20
        took=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
        check "$1: SIG$2 ends it within 10 s ($took ms)" test $took -lt 10000
}

# An errno of an operation: no pause comes before it. It would be over after 3 s under stress.
SHIM='unlink comm=ss:churn after=2 times=1 errno=ENOSPC' start errno --duration 3s --set Run.OnFinding=hold
held errno
n=$(workers errno | wc -l)
check "errno: there are workers ($n)" test "$n" -gt 3
tr -s ' \n' ' ' <"$t/errno/err" >"$t/errno/unwrapped"
has "errno: whose mount namespace it is, and how to end it" "$t/errno/unwrapped" "process ${pids[errno]}"
check "errno: the target is mounted there" grep -q ' /mnt .* btrfs ' "/proc/${pids[errno]}/mountinfo"
check "errno: the evidence is there" test -s "$(ls -d "$t/errno/evidence"/*/01-*)/finding.txt"
sleep 6
check "errno: it outlives its duration" alive errno
check "errno: they still stand" all_stopped errno
is "errno: none has ended" "$(workers errno | wc -l)" "$n"
stop errno TERM
is "errno: FAIL" "$code $(query errno .verdict)" "1 FAIL"
is "errno: the one finding" "$(query errno '.findings | length')" 1
is "errno: the report says where it was held" "$(query errno .held_at)" "$(query errno '.findings[0].class')"
is "errno: and for how long" "$(query errno '.held_s > 5 and .held_s < 30')" true
is "errno: which is not time under stress" "$(query errno '.duration_s < 3')" true
nothing_left errno

# A suspect is confirmed first.
SHIM='scrub comm=ss:scrub after=100 times=1 errno=EINVAL physical=4096' start race --duration 0 --set Run.OnFinding=hold
held race
stop race INT
is "race: FAIL" "$code $(query race .verdict)" "1 FAIL"
is "race: confirmed, and nothing else" "$(query race '.findings | map("\(.class) \(.confirmed)") | join(",")')" "regression/scrub-race 1"

# Continued behind its back, as systemd does with the processes of a service that it stops.
SHIM='unlink comm=ss:churn after=2 times=1 errno=ENOSPC' start behind --duration 0 --set Run.OnFinding=hold
held behind
for pid in $(workers behind); do kill -CONT "$pid"; done
sleep 1
check "continued by another: it is held all the same" alive behind
stop behind TERM
is "continued by another: the one finding" "$code $(query behind '.findings | length')" "1 1"

# kill -9 of one that is held.
SHIM='unlink comm=ss:churn after=2 times=1 errno=ENOSPC' start dead --duration 0 --set Run.OnFinding=hold
held dead
kill -9 "${pids[dead]}" && wait "${pids[dead]}" 2>/dev/null
nothing_left "kill -9 of one that is held"

# As a service: fed watchdog and status. The socket is bound before the service starts.
printf '%s\n' '[Run]' "Instance=test-$mark-held" "EvidenceDirectory=$t/evidence" OnFinding=hold '[Target]' 'Devices=loop:2GiB*2' \
        "ImageDirectories=$images" >"$t/service.conf"
"$build/tests/notify-receiver" "$t/notify" >"$t/messages" &
receiver=$!
until_true 5 grep -q bound "$t/messages"
export NOTIFY_SOCKET=$t/notify WATCHDOG_USEC=2000000
SHIM='unlink comm=ss:churn after=2 times=1 errno=ENOSPC' start_as scrubstressd service --config "$t/service.conf"
check "service: the status says so" until_true 30 grep -q 'STATUS=held for [0-9]*s at the finding' "$t/messages"
before=$(grep -c WATCHDOG=1 "$t/messages")
sleep 5
check "service: the watchdog is fed" test "$(grep -c WATCHDOG=1 "$t/messages")" -gt "$before"
check "service: the status goes on" grep -q 'STATUS=held for [4-9]s at the finding' "$t/messages"
kill -HUP "${pids[service]}"
check "service: no other configuration meanwhile" until_true 5 grep -q 'RELOADING=1' "$t/messages"
stop service TERM
is "service: FAIL" "$code" 1
unset NOTIFY_SOCKET WATCHDOG_USEC
kill "$receiver"
the_end

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A soak lives through kill -9 and orderly stops: one run id, counters that only grow, no finding lost, one verdict.
# SOAK_KILLS: how many kills at random moments (200).
. "${TOP_SRCDIR:?}/tests/root/lib.sh"

command -v sqlite3 >/dev/null || skip_all "sqlite3 is not installed"

# of INSTANCE: whose soaks the rest is about.
of() {
        instance=test-$mark-$1
        keys=(--set "Run.Instance=$instance" --set "Soak.LedgerDirectory=$t/ledger")
}
of soak
# soak NAME TIME [ARGUMENT…]: a start; starts of one NAME are of one soak, for the evidence folder is in the configuration.
soak() {
        local name=$1 time=$2
        shift 2
        rm -f "$t/$name/out" "$t/$name/err"
        start "$name" --duration 0 "${keys[@]}" --set "Soak.Duration=$time" "$@"
}
# dead NAME: kill -9.
dead() {
        kill -9 "${pids[$1]}" && wait "${pids[$1]}" 2>/dev/null
        is "$1: it was killed" $? 137
}
# ledger FILTER: what `scrubstress ledger` says of the soaks.
ledger() { "$build/scrubstress" ledger --config "$t/empty.conf" "${keys[@]}" --format json 2>&1 | jq -r "$1" 2>&1; }
intact() { is "$1: the ledger is intact" "$(sqlite3 "$t/ledger/$instance.ledger" 'PRAGMA integrity_check')" ok; }
# At least / at most, of numbers with a fraction.
least() { jq -n "$1 >= $2" | grep -q true; }

# Refusals.
"$build/scrubstress" run --plan --config "$t/empty.conf" --duration 5s --set Soak.Duration=1h >"$t/plan" 2>&1
is "both durations: exit code" $? 2
has "both durations: the sentence" "$t/plan" 'Duration=5s: how long to stress is asked for twice'
"$build/scrubstress" ledger --config "$t/empty.conf" "${keys[@]}" >"$t/plan" 2>&1
is "no ledger yet: exit code" $? 4
has "no ledger yet: the sentence" "$t/plan" 'There is no ledger .*a run with Duration= in \[Soak\] begins one'

# Killed after a sample, killed before one, stopped in an orderly way, and to the end.
lived() { sleep "$2"; dead "$1"; nothing_left "$1"; }
soak whole 30s
wait_stress whole
id=$(ledger '.soaks[0].run_id')
seed=$(ledger '.soaks[0].seed')
lived whole 14
first=$(ledger '.soaks[0].duration_s')
# Not sure of the margin: a sample comes every 10 s since the program began, and making the target takes some of the first ten.
check "whole: 14 s under stress, at most 10 s are lost ($first s)" least "$first" 3.9
intact "killed once"
soak whole 30s
wait_stress whole
lived whole 2
check "whole: what was there stays" least "$(ledger '.soaks[0].duration_s')" "$first"
soak whole 30s
wait_stress whole && sleep 3
kill -TERM "${pids[whole]}"
ends whole 3 INCONCLUSIVE
is "stopped: what is left, and that it carries on" "$(query whole '.why | test("the soak pauses after .* are left, and the next start carries on")')" true
is "stopped: the run id" "$(query whole .run_id)" "$id"
is "stopped: the seed" "$(query whole .seed)" "$seed"
second=$(query whole .duration_s)
check "stopped: nothing of it is lost ($second s)" least "$second" "$(jq -n "$first + 2.5")"
soak whole 30s
ends whole 0 PASS
is "the end: the starts" "$(query whole '[.soak.starts[] | .recovered] | join(" ")')" "first crash crash clean"
is "the end: only the orderly ones have ended" "$(query whole '[.soak.starts[] | .ended] | map(tostring) | join(" ")')" "false false true true"
is "the end: the run id" "$(query whole .run_id)" "$id"
check "the end: all of the time" least "$(query whole .duration_s)" 30
check "the end: not twice" least 35 "$(query whole .duration_s)"
is "the end: nothing is left" "$(query whole .soak.left_s)" 0
is "the end: the ledger says so" "$(ledger '.soaks | map("\(.state) \(.verdict) \(.starts | length)") | join(",")')" "done PASS 4"
is "the end: the ledger's counters are the report's" "$(ledger '.soaks[0].totals | "\(.removals) \(.scrubs) \(.bytes_written)"')" \
        "$(query whole '"\(.removals) \(.scrubs) \(.bytes_written)"')"
is "the end: the ledger's latencies are the report's" "$(ledger '.soaks[0].latency')" "$(query whole .soak.latency)"
check "the end: those of all starts are more than those of the last" test "$(query whole .soak.latency.scrub.count)" -gt "$(query whole .latency.scrub.count)"
intact "the end"
nothing_left "the end of a soak"

# A finding, and kill -9 as soon as it is told.
SHIM='unlink comm=ss:churn after=2 times=1 errno=ENOSPC' soak found 12s
check "found: the finding is told" until_true 30 grep -q '^finding ' "$t/found/err"
dead found
nothing_left "found"
soak found 12s
ends found 1 FAIL
is "found: once, with its evidence" "$(query found '[.findings[] | select(.grade == "finding")] | map("\(.class) \(.operation) \(.count)") | join(",")')" \
        "kernel/errno unlink 1"
folder=$(query found '.findings[0].evidence')
is "found: the folder is of this run" "$folder" "$t/found/evidence/$(query found .run_id)/01-kernel-errno-unlink"
check "found: and it is there" test -f "$folder/finding.txt"

# Another configuration: given up, and it says so.
soak given 60s
wait_stress given
dead given
given=$(ledger '.soaks[-1].run_id')
soak given 60s --set Churn.FileSize=2MiB
wait_stress given && sleep 1
kill -TERM "${pids[given]}"
ends given 3 INCONCLUSIVE
is "another configuration: the old one is abandoned" "$(ledger ".soaks[] | select(.run_id == \"$given\") | .state")" abandoned
is "another configuration: it is said" "$(query given ".notes | map(select(test(\"The soak $given was not at its end.*abandoned\"))) | length")" 1
is "another configuration: another run" "$(query given ".run_id == \"$given\"")" false

# Killed at random moments, those of making the target and of undoing what the killed one left among them: four soaks at a time.
state() { ledger '.soaks[-1] | "\(.run_id) \(.state) \(.duration_s) \(.starts | length)"'; }
more_starts() { [ "$(ledger '.soaks[-1].starts | length')" -gt "${starts[$1]}" ]; }
soaks=(a b c d) kills=${SOAK_KILLS:-200}
declare -A ids before starts
for name in "${soaks[@]}"; do of "$name"; soak "$name" 3h; done
for name in "${soaks[@]}"; do wait_stress "$name"; done
sleep 14 # a sample, so that there is something to lose
for name in "${soaks[@]}"; do
        dead "$name"
        of "$name"
        read -r "ids[$name]" _ "before[$name]" "starts[$name]" <<<"$(state)"
        check "killed at random: $name: what it has to lose (${before[$name]} s)" least "${before[$name]}" 1
done
for ((n = 4; n <= kills; n += 4)); do
        for name in "${soaks[@]}"; do of "$name"; soak "$name" 3h; done
        for name in "${soaks[@]}"; do
                of "$name"
                # Half of them are in the ledger before they are killed, however slow the machine is, and must stay there.
                ((n % 8)) || until_true 30 more_starts "$name" || not_ok "killed $n times: $name: it does not get into the ledger"
                sleep "0.$((RANDOM % 4))"
                # Unsure: at the very first moment bash's child may not have become the program yet; it is killed all the same.
                kill -9 "${pids[$name]}"
                wait "${pids[$name]}" 2>/dev/null
                read -r run what after started <<<"$(state)"
                [ "$run $what" = "${ids[$name]} running" ] && least "$after" "${before[$name]}" && [ "$started" -ge "${starts[$name]}" ] ||
                        not_ok "killed $n times: $name: $run $what $after $started after ${ids[$name]} ${before[$name]} ${starts[$name]}"
                before[$name]=$after starts[$name]=$started
        done
        [ $((n % 40)) != 0 ] || nothing_left "killed $n times"
done
for name in "${soaks[@]}"; do
        of "$name"
        is "killed at random: $name: one run" "$(ledger '.soaks | map("\(.run_id) \(.state)") | join(",")')" "${ids[$name]} running"
        intact "killed at random: $name"
        check "killed at random: $name: as often as it was killed (${before[$name]} s under stress)" \
                least "${starts[$name]}" "$((kills / 8))"
done
# The ledger's own files, and nothing else.
is "killed at random: nothing beside the ledger" "$(ls "$t/ledger" | grep -cvE "^test-$mark-(soak|[abcd])\.ledger(-wal|-shm)?$")" 0
"$build/scrubstress" ledger --config "$t/empty.conf" "${keys[@]}" >"$t/list" 2>&1
is "the list for people: exit code" $? 0
has "the list for people: the soak" "$t/list" "^${ids[d]} running"
has "the list for people: its starts" "$t/list" '^  started .*, [0-9]+ starts, [0-9]+ after a crash'
the_end

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Signals end a run in an orderly way within 10 s, and kill -9 at any moment leaves nothing behind.
. "${TOP_SRCDIR:?}/tests/root/lib.sh"

# stop NAME SIGNAL: sends it, waits for the end; $took is the time in ms.
stop() {
        local begin=${EPOCHREALTIME/[.,]/}
        kill -"$2" "${pids[$1]}"
        finish "$1" 20
        took=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
        check "$1: within 10 s ($took ms)" test $took -lt 10000
}

# In the middle.
start term --duration 60s
start int --duration 0
start quit --duration 0 --set Run.MinCollisions=1000000
for name in term int quit; do wait_stress $name; done
sleep 1
stop term TERM
is "SIGTERM with a duration: cut short" "$code $(query term .verdict)" "3 INCONCLUSIVE"
is "SIGTERM with a duration: the sentence" "$(query term '.why | test("cut short")')" true
stop int INT
is "SIGINT without a duration: complete" "$code $(query int .verdict)" "0 PASS"
stop quit QUIT
is "too few collisions: the verdict says so" "$code $(query quit '.verdict, (.why | test("fewer than the 1000000"))' | tr '\n' ' ')" "3 INCONCLUSIVE true "
nothing_left "stopped"

# A finding counts, however the run ends.
SHIM='unlink comm=ss:churn after=2 times=1 errno=ENOSPC' start found --duration 60s
until_true 30 grep -q '^finding ' "$t/found/err"
stop found TERM
is "a finding, then SIGTERM: FAIL" "$code $(query found .verdict)" "1 FAIL"

# Early: the moments are those of making the target and of the preflight.
for ms in 000 020 050 100 200; do
        start "early$ms" --duration 60s
        sleep 0.$ms
        stop "early$ms" TERM
        # Before the handler is there the signal kills; after that there is a verdict.
        case "$code" in
        3) ok "SIGTERM after $ms ms: cut short" ;;
        143) is "SIGTERM after $ms ms: before there was a handler, nothing was done yet" "$(cat "$t/early$ms/err")" "" ;;
        *) not_ok "SIGTERM after $ms ms: exit code $code"; diag "$(cat "$t/early$ms/err")" ;;
        esac
done
nothing_left "stopped early"

# A worker in the kernel that does not come back in time: killed, and the end keeps its time.
SHIM='sync comm=ss:sync after=20 times=1 sleep=8' start slow --duration 0
wait_stress slow && sleep 1
stop slow TERM
is "an operation that lasts: there is a verdict" "$(query slow '.verdict | test("PASS|INCONCLUSIVE|ERROR")')" true
nothing_left "an operation that lasts"

# kill -9, three at a time, at moments all over a run.
moment=0
for round in 1 2 3 4 5; do
        for i in 1 2 3; do
                start "dead$round$i" --duration 60s
                # Denser at the beginning, where things are made.
                moment=$((moment + 1))
                ms=$((moment * moment * 12 + RANDOM % 30))
                (exec sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))") &
                sleepers[i]=$!
        done
        for i in 1 2 3; do
                wait "${sleepers[i]}"
                kill -9 "${pids[dead$round$i]}"
                wait "${pids[dead$round$i]}" 2>/dev/null
                is "kill -9 ($round.$i): it was" $? 137
        done
        nothing_left "kill -9 (round $round)" 3
done
the_end

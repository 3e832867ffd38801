#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A finding leaves what is needed to meet it again: `scrubstress replay` meets it while the kernel fails so, and says that it does not when the
# kernel no longer does.
. "${TOP_SRCDIR:?}/tests/root/lib.sh"

# replay NAME [ARGUMENT…]: in the background.
replay() {
        local name=$1
        shift
        start_as scrubstress "$name" replay --format json "$@"
}
# The process of the try under way, and whether its workers run.
try_of() { worker "$1" scrubstress; }
tries() {
        local pid child
        pid=$(try_of "$1")
        [ -n "$pid" ] || return 1
        for child in $(cat "/proc/$pid/task/$pid/children" 2>/dev/null); do
                cat "/proc/$child/comm" 2>/dev/null
        done | grep '^ss:churn' >/dev/null || return 1
        # Its trace instance is called after it.
        printf '%d\n' "$pid" >>"$t/supervisors"
}
counts() { query "$1" '"\(.reproduced) of \(.tried), asked \(.asked)"'; }
outcomes() { query "$1" '[.tries[].outcome] | join(" ")'; }

# An errno that comes each time: counters of the shim go on from try to try.
failing='unlink comm=ss:churn after=2 errno=ENOSPC'
SHIM=$failing start first --duration 20s --set Run.OnFinding=stop
ends first 1 FAIL
is "first: the finding" "$(findings first)" 'kernel/errno unlink ENOSPC finding'
folder=$(evidence first kernel/errno)
run=$(query first .run_id)
check "first: its evidence has what a replay needs" test -s "$folder/finding.json"
is "first: the seed is that of the run" "$(jq -r .seed "$folder/finding.json")" "$(query first .seed)"

# By its path, with the same failure.
SHIM=$failing replay again --times 3 "$folder"
ends again 1 FAIL
is "again: 3 of 3" "$(counts again)" "3 of 3, asked 3"
is "again: each is told" "$(outcomes again) $(grep -c '^try ' "$t/again/err")" "reproduced reproduced reproduced 3"
has "again: how long it took" "$t/again/err" '^FAIL  3 of 3 met kernel/errno of unlink'
is "again: the times are in order" "$(query again '.found_s | .min <= .median and .median <= .max and .max < 10')" true
is "again: what it is of" "$(query again '.original | "\(.folder) \(.run_id) \(.seed)"')" "$folder $run $(query first .seed)"
is "again: each has evidence of its own, with the same seed" \
        "$(query again '.tries[].evidence' | sort -u | while read -r kept; do jq -r .seed "$kept/finding.json"; done | sort | uniq -c | tr -s ' ')" \
        " 3 $(query first .seed)"
nothing_left again

# By its name, without the failure.
replay never --times 2 --duration 3s --config "$t/empty.conf" --set "Run.EvidenceDirectory=$t/first/evidence" "${run:0:30}/01"
ends never 0 PASS
is "never: 0 of 2" "$(counts never) $(outcomes never)" "0 of 2, asked 2 none none"
is "never: no times" "$(query never .found_s)" null
has "never: the sentence" "$t/never/err" '^PASS  0 of 2 met kernel/errno of unlink'

# Another one is a finding, but not that one; too little pressure is no answer.
SHIM='balance after=1 errno=EINVAL' replay other --times 1 --set Balance.Rest=100ms "$folder"
ends other 1 FAIL
is "other: 0 of 1, and which it was" "$(counts other) $(query other '.tries[0] | "\(.outcome) \(.other)"')" \
        "0 of 1, asked 1 other kernel/balance-einval"
replay weak --times 1 --duration 1s --set Run.MinCollisions=1000000 "$folder"
ends weak 3 INCONCLUSIVE
is "weak: it is told" "$(outcomes weak)" weak

# A soak of the original is neither continued nor begun anew.
SHIM=$failing start soak --duration 0 --set Soak.Duration=20s --set "Soak.LedgerDirectory=$t/ledger" --set Run.OnFinding=stop
ends soak 1 FAIL
ledger() { find "$t/ledger" -type f -exec sha256sum {} + | sort; }
before=$(ledger)
check "soak: there is a ledger" test -n "$before"
SHIM=$failing replay soaked --times 1 "$(evidence soak kernel/errno)"
ends soaked 1 FAIL
is "soaked: 1 of 1" "$(counts soaked)" "1 of 1, asked 1"
is "soaked: the ledger is as it was" "$(ledger)" "$before"

# Signals.
for signal in TERM INT; do
        replay "stop$signal" --times 100 --duration 60s "$folder"
        check "SIG$signal: it gets to stress" until_true 30 tries "stop$signal"
        sleep 1
        begin=${EPOCHREALTIME/[.,]/}
        kill -$signal "${pids[stop$signal]}"
        finish "stop$signal" 25
        took=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
        check "SIG$signal: ends it within 12 s ($took ms)" test $took -lt 12000
        is "SIG$signal: what was tried is told" "$code $(query "stop$signal" .verdict) $(counts "stop$signal")" "3 INCONCLUSIVE 0 of 0, asked 100"
        nothing_left "SIG$signal"
done
# One that dies takes its try along; a try that dies is no answer.
replay killed --times 2 --duration 60s "$folder"
check "kill -9: it gets to stress" until_true 30 tries killed
kill -9 "${pids[killed]}" && wait "${pids[killed]}" 2>/dev/null
nothing_left "kill -9 of a replay" 10
replay orphaned --times 2 --duration 60s "$folder"
check "kill -9 of the try: it gets to stress" until_true 30 tries orphaned
kill -9 "$(try_of orphaned)"
finish orphaned
is "kill -9 of the try: it is told" "$code $(query orphaned .verdict) $(counts orphaned) $(outcomes orphaned)" "4 ERROR 0 of 0, asked 2 failed"
nothing_left "kill -9 of the try" 10

# What cannot be replayed: a sentence, and no run.
# refused DESCRIPTION CODE REGULAR-EXPRESSION [ARGUMENT…]
refused() {
        local what=$1 wanted=$2 says=$3
        shift 3
        timeout -k 5 30 "$build/scrubstress" replay --config "$t/empty.conf" --set "Run.EvidenceDirectory=$t/first/evidence" "$@" \
                >"$t/refused.out" 2>"$t/refused.err" </dev/null
        is "$what: exit code" "$?" "$wanted"
        has "$what: the sentence" "$t/refused.err" "$says"
        is "$what: nothing else" "$(grep -c '' "$t/refused.err") $(grep -c . "$t/refused.out")" "1 0"
}
cp -r "$folder" "$t/old"
rm "$t/old/finding.json"
refused "nothing named" 2 'Which finding'
refused "no such run" 2 'no run nobody' nobody/01
refused "no such finding" 2 'no finding 77' "$run/77"
mkdir "$t/first/evidence/zz1" "$t/first/evidence/zz2"
refused "ambiguous" 2 'more than one run zz' zz/01
refused "no such path" 2 "no folder $t/absent" "$t/absent"
refused "of an older version" 2 'finding\.json: No such file.*--seed' "$t/old"
refused "times" 2 'from 1 to 1000' --times 0 "$folder"
refused "a soak" 2 'no soak' --set Soak.Duration=1h "$folder"
refused "without an end" 2 'must end' --duration 0 "$folder"
refused "a real disk" 5 'nothing was touched' --target /dev/sda "$folder"
the_end

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A healthy kernel: PASS, what is printed where, and that the same is true without trace events.
. "${TOP_SRCDIR:?}/tests/root/lib.sh"

# The proof that nothing is left behind is one only when it can fail.
truncate -s 1M "$images/made-up"
loop=$(losetup -f --show "$images/made-up")
env SCRUBSTRESS_TEST=$mark sleep 60 &
until_true 5 grep -q sleep "/proc/$!/comm"
echo 999999999 >>"$t/supervisors"
[ -z "$tracing" ] || mkdir "$tracing/instances/scrubstress-999999999"
is "what is left behind is seen" "$(leftovers | sed 's/: .*//' | sort | uniq | tr '\n' ' ')" \
        "image loop device process ${tracing:+trace instance }"
kill $! && wait $! 2>/dev/null
losetup -d "$loop"
[ ! -d "$tracing/instances/scrubstress-999999999" ] || rmdir "$tracing/instances/scrubstress-999999999"
rm "$images/made-up"
nothing_left "cleaned up"

common_arguments() { mapfile -t arguments < <(common "$1"); }

# JSON, with trace events and, at the same time, without; there with two stressors that are off by default. A trim and a balance make released
# kernels warn (doc/findings/2026-11-relocation-warns-of-a-trim.md).
start json --seed 42
start untraced --set Observe.Trace=no --set Trim.Enabled=yes --set Trim.Rest=200ms --set Balance.Enabled=no --set Remount.Enabled=yes --set Remount.Rest=200ms
common_arguments text
start_as scrubstress text run "${arguments[@]}" --duration 1s
ends json 0 PASS
ends untraced 0 PASS
finish text
text_code=$code

is "json: one object and nothing else on stdout" "$(jq -s 'length' "$t/json/out") $(wc -l <"$t/json/out")" "1 1"
is "json: every key of the issue is there" "$(query json '[.schema, .version, .kernel, .run_id, .seed, .verdict, .exit_code, .duration_s,
        .collisions, .removals, .scrubs, .balances, .syncs, .bytes_written, .errnos, .findings, .bound_95] | map(. != null) | all')" true
is "json: there was pressure" "$(query json '.collisions > 0 and .removals >= .collisions and .scrubs > 0 and .syncs > 0 and .bytes_written > 0')" true
is "json: the totals are those of the errnos" "$(query json '.scrubs == .errnos.scrub.ok and .bytes_written == .errnos.write.ok * 65536')" true
is "json: the rule of three" "$(query json '((.bound_95 * .collisions - 3) | fabs) < 0.01')" true
is "json: the seed asked for" "$(query json .seed)" 42
is "json: the duration asked for" "$(query json '.duration_s >= 2 and .duration_s < 4')" true
is "json: no finding, no evidence" "$(query json '.findings | length') $(ls "$t/json/evidence" 2>/dev/null | wc -l)" "0 0"
is "json: the kernel is this one" "$(query json '.kernel | split(" ")[0]')" "$(uname -r)"
has "json: people's text is on stderr" "$t/json/err" '^PASS '
has "json: its header too" "$t/json/err" '^target +btrfs '

is "without trace events: removals, from the chunk tree" "$(query untraced '.trace == false and .removals > 0')" true
is "trim and remount: they were at work" "$(query untraced '.errnos.trim.ok > 0 and .errnos.remount.ok > 3')" true
is "without trace events: collisions are not known, not 0" "$(query untraced '.collisions')" null
is "without trace events: it is said once" "$(query untraced '[.notes[] | select(test("removals are counted from the chunk tree"))] | length')" 1

# Data that stays: it is there, and aimed scrubs pass it by.
start populated --set Target.Populate=256MiB --duration 4s
if wait_stress populated; then
        inside() { nsenter -t "$(worker populated ss:churn/1)" -m "$@"; }
        is "populated: in files of 64 MiB" "$(inside find /mnt/population -type f -size 65536k | wc -l)" 4
        is "populated: and a small one" "$(inside find /mnt/population -type f -size 64k | wc -l)" 1
        is "populated: self-describing" "$(inside head -c 8 /mnt/population/3)" "sbstress"
fi
ends populated 0 PASS
# A scrub that read the 256 MiB each time would manage tens.
is "populated: scrubs are as quick as without" "$(query populated '.scrubs > 200 and .collisions > 50')" true

# So many groups that stay, with little in them.
start sparse --set Target.Devices=loop:12GiB*1 --set Target.Populate=5GiB --set Target.PopulateFill=sparse --duration 4s
if wait_stress sparse; then
        inside() { nsenter -t "$(worker sparse ss:churn/1)" -m "$@"; }
        is "sparse: in files of 1 GiB" "$(inside find /mnt/population -type f -size 1048576k | wc -l)" 5
        is "sparse: 64 MiB of each are there" "$(inside du -sBM /mnt/population | cut -f 1)" 320M
        is "sparse: and the groups that they were in" "$(inside btrfs filesystem df -g /mnt | awk '/^Data/ { sub(/.*total=/, ""); print ($0 + 0 >= 5) }')" 1
fi
ends sparse 0 PASS
is "sparse: scrubs are as quick as without" "$(query sparse '.scrubs > 200 and .collisions > 50')" true

is "text: exit code" "$text_code" 0
has "text: the verdict is on stdout" "$t/text/out" '^PASS '
is "text: nothing on stderr" "$(cat "$t/text/err")" ""
has_not "text: no escape sequence where stdout is no terminal" "$t/text/out" $'\033|\r'
is "text: at most 80 columns, but for paths and notes" "$(awk 'length > 80' "$t/text/out" | grep -vE '^Note: |/' | head -n 3)" ""

# A terminal.
if command -v script >/dev/null; then
        common_arguments tty
        mkdir -p "$t/tty"
        env SCRUBSTRESS_TEST=$mark TERM=xterm script -qec "stty cols 100; exec '$build/scrubstress' run ${arguments[*]@Q}" /dev/null </dev/null >"$t/tty/out"
        is "terminal: exit code" $? 0
        has "terminal: the line is redrawn" "$t/tty/out" $'\r.*coll.*\033\\[K'
        is "terminal: many times" "$(( $(grep -o $'\033\\[K' "$t/tty/out" | wc -l) >= 5 ))" 1
        env SCRUBSTRESS_TEST=$mark TERM=dumb script -qec "exec '$build/scrubstress' run ${arguments[*]@Q} --duration 1s" /dev/null </dev/null >"$t/tty/dumb"
        has_not "dumb terminal: no escape sequence" "$t/tty/dumb" $'\033'
else
        skip "terminal" "script(1) is not installed"
fi

# What touches nothing.
env SCRUBSTRESS_TEST=$mark "$build/scrubstress" run --plan "${arguments[@]}" >"$t/plan" 2>&1
is "plan: exit code" $? 0
has "plan: device by device" "$t/plan" 'device 2 +sparse image of 2GiB'
has "plan: it says that nothing was touched" "$t/plan" '^Nothing was touched'
the_end

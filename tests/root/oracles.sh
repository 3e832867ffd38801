#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is looked at beside the answers of operations: the data that stays, while the stress is on and after it, and the filesystem when it is unmounted.
. "${TOP_SRCDIR:?}/tests/root/lib.sh"

stays='--set Target.Populate=20MiB --set Target.PopulateFill=write'
# A btrfs(8) whose check finds something, is kept from looking, and takes its time.
real=$(command -v btrfs)
check_that() { # KIND COMMANDS
        mkdir "$t/$1"
        printf '#!/bin/sh\n[ "$1" = check ] || exec %s "$@"\n%s\n' "$real" "$2" >"$t/$1/btrfs"
        chmod +x "$t/$1/btrfs"
}
opening='echo "Opening filesystem to check..."'
check_that damaged "$opening; echo 'Checking filesystem on /dev/loop0'; echo 'ERROR: tree block bytenr 5 is not aligned' >&2; exit 1"
check_that kept "$opening; echo 'ERROR: cannot scan /dev/loop0: File exists' >&2; exit 1"
check_that slow "$opening; : >$t/checking; exec sleep 60"

# shellcheck disable=SC2086
start clean $stays --set Verify.Share=100% --duration 3s
# shellcheck disable=SC2086
SHIM='pread comm=ss:verify after=3 times=1 flip=8292' start during $stays --set Churn.Engine=pwrite --set Run.OnFinding=stop --duration 20s
# shellcheck disable=SC2086
SHIM='pread comm=ss:job after=3 times=1 flip=100' start after $stays --set Churn.Engine=pwrite --duration 2s
# shellcheck disable=SC2086
SHIM='pread comm=ss:job after=3 times=1 errno=EIO' start unreadable $stays --set Churn.Engine=pwrite --duration 2s
PATH="$t/damaged:$PATH" start damaged --duration 2s
PATH="$t/kept:$PATH" start kept --duration 2s
PATH="$t/damaged:$PATH" start stopped --duration 60s
PATH="$t/damaged:$PATH" start without --set Run.Check=no --duration 2s
PATH="$t/slow:$PATH" start slow --duration 2s

ends clean 0 PASS
is "clean: all that stays was read during the stress, without a word" "$(query clean '"\(.stressors.verify) \(.errnos.read.ok >= 20) \(.findings | length)"')" "1 true 0"
is "clean: and after it, and the filesystem was checked" "$(query clean '"\(.bytes_verified) \(.checked)"')" "$((20 << 20)) true"
has "clean: the closing block says so" "$t/clean/err" '^checked +btrfs check found no error'
has "clean: and of the data" "$t/clean/err" '^verified +all 20.0 MiB of data that stays'

block() { sed -n '1p' "$(evidence "$1" data/miscompare)/block-1.txt"; }
ends during 1 FAIL
is "during: the finding" "$(findings during)" 'data/miscompare read null finding'
is "during: which block, which byte" "$(query during '.findings[0] | "\(.logical % 65536) \(.text | test("population/0: flipped: payload differs from byte 100 on"))"')" "8192 true"
is "during: where it lies on the devices" "$(query during '.findings[0].text | test("; logical [0-9]+, devid [12] at [0-9]+")')" true
is "during: the evidence has the block" "$(block during | grep -c 'population/0: flipped')" 1
is "during: one line of it differs" "$(grep -c '^\*' "$(evidence during data/miscompare)/block-1.txt")" 1
ends after 1 FAIL
is "after: the finding" "$(findings after)" 'data/miscompare read null finding'
is "after: the evidence has the block" "$(block after | grep -c 'population/0: flipped')" 1
is "after: it is not called verified" "$(query after .bytes_verified)" 0
ends unreadable 1 FAIL
is "unreadable: the finding" "$(findings unreadable)" 'hardware/io-error read EIO hardware'
is "unreadable: it is not called verified" "$(query unreadable .bytes_verified)" 0

ends damaged 1 FAIL
is "damaged: the finding" "$(findings damaged)" 'kernel/filesystem-damaged null null finding'
is "damaged: what btrfs check said" "$(query damaged '"\(.findings[0].text) \(.checked)"')" 'ERROR: tree block bytenr 5 is not aligned false'
has "damaged: all of it is in the evidence" "$(evidence damaged kernel/filesystem-damaged)/btrfs-check.txt" 'Opening filesystem'
ends kept 0 PASS
is "kept: a check that was kept from looking finds nothing, and is told" \
        "$(query kept '"\(.findings | length) \(.checked) \(.notes | map(test("btrfs check could not look at the target at its end \\(status 1: ERROR: cannot scan")) | any)"')" "0 false true"
if wait_stress stopped; then kill -TERM "${pids[stopped]}"; fi
finish stopped
is "stopped: who stops a run does not wait for a check" "$(query stopped '"\(.findings | length) \(.checked)"')" "0 false"
ends without 0 PASS
is "without: Run.Check=no leaves the check out" "$(query without .checked)" false
until_true 30 test -e "$t/checking"
kill -TERM "${pids[slow]}"
begin=$SECONDS
finish slow
is "slow: who stops a run that is being checked does not wait either" "$(query slow '"\(.verdict) \(.checked)"') $((SECONDS - begin < 10))" "PASS false 1"
the_end

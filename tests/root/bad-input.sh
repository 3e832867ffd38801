#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Bad input and bad luck: one sentence that names the remedy, the right exit code, nothing left behind.
. "${TOP_SRCDIR:?}/tests/root/lib.sh"

# refused DESCRIPTION CODE REGULAR-EXPRESSION: what attempt() has just seen.
refused() {
        is "$1: exit code" "$code" "$2" || diag "$(tail -n 5 "$t/err")"
        has "$1: the sentence" "$t/err" "$3"
        is "$1: one sentence, and no run" "$(grep -c '' "$t/err") $(grep -c '^scrubstress: ' "$t/err") $(grep -c . "$t/out")" "1 1 0"
        is "$1: nothing is left behind" "$(leftovers)" ""
}

arguments() { mapfile -t arguments < <(common try); }
# attempt [COMMAND…] -- [ARGUMENT…]: runs it to its end, through COMMAND.
attempt() {
        local through=()
        while [ "$1" != -- ]; do through+=("$1"); shift; done
        shift
        n_runs=$((n_runs + 1))
        arguments
        timeout -k 5 30 env SCRUBSTRESS_TEST=$mark ${through[@]+"${through[@]}"} "$program" run "${arguments[@]}" "$@" >"$t/out" 2>"$t/err" </dev/null
        code=$?
}
program=$build/scrubstress

# The command line.
attempt -- --durration 5s
refused "unknown option" 2 'no option --durration.*--help'
attempt -- 60s
refused "stray word" 2 "'60s' is not expected"
attempt -- --duration soon
refused "bad duration" 2 'command line: .*Duration.*soon'
attempt -- --format yaml
refused "unknown format" 2 'text and json'
attempt -- --set Run.Durration=5s
refused "unknown key in --set" 2 'did you mean Duration='
attempt -- --set Duration=5s
refused "--set without a section" 2 'Section\.Key=VALUE'
attempt -- --config "$t/absent.conf"
refused "no such file" 2 "$t/absent.conf"
attempt -- --instance "test-$mark"
refused "no file of the instance" 2 "no test-$mark\.conf in /etc/scrubstress.*write one"
attempt -- --instance ../sn1234
refused "a bad name of an instance" 2 '"\.\./sn1234": not a name.*letters, digits'
attempt -- --target loop:64MiB
refused "target too small" 2 'from 256MiB'
attempt -- --target loop:1GiB --set Target.MetadataProfile=raid1
refused "too few devices for the profile" 2 'MetadataProfile=raid1.*(dup|add devices)'
attempt -- --target /dev/sda
refused "a real disk" 5 'nothing was touched.*loop:'
attempt -- --set Churn.FileSize=4GiB
refused "files larger than the target" 2 'FileSize=4GiB.*(smaller|larger)'
attempt -- --set Target.MountOptions=ro
refused "a mount option that would defeat the run" 2 'option ro is not allowed'
"$program" rum >"$t/out" 2>"$t/err"; code=$?
refused "unknown command" 2 "no command 'rum'"

# Files.
printf '[Run]\nDuration=1s\n\n[Churn]\nWorkers=many\n' >"$t/bad.conf"
attempt -- --config "$t/bad.conf"
refused "bad value in a file" 2 "$t/bad\.conf:5: .*many"
printf '[Rum]\nDuration=1s\n[Run]\nSpeed=9\nDuration=1s\n' >"$t/unknown.conf"
attempt -- --config "$t/unknown.conf" --plan
is "unknown section and key: a warning each, and the run goes on" "$code $(grep -c '^Warning: ' "$t/err")" "0 2"
has "unknown section: file and line" "$t/err" "$t/unknown\.conf:[12]: .*Rum"
has "unknown key: file and line" "$t/err" "$t/unknown\.conf:4: .*Speed"

# The machine. The program is copied to where nobody may run it.
chmod 755 "$t"
install -m 755 "$build/scrubstress" "$t/scrubstress"
program=$t/scrubstress
attempt setpriv --reuid=65534 --regid=65534 --clear-groups --
refused "not root" 4 'root.*sudo'
attempt setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin --
refused "root of a container" 4 'CAP_SYS_ADMIN.*--privileged'
program=$build/scrubstress

attempt env PATH="$t/absent" --
refused "no mkfs.btrfs" 4 'mkfs\.btrfs.*install btrfs-progs'
grep -v btrfs /proc/filesystems >"$t/filesystems"
mkdir -p "$t/modules"
attempt unshare -m sh -c 'mount --bind "$0/filesystems" /proc/filesystems; mkdir -p /lib/modules; mount --bind "$0/modules" /lib/modules; exec "$@"' "$t" --
refused "no btrfs in the kernel" 4 'neither btrfs nor a module.*CONFIG_BTRFS_FS'
attempt unshare -m sh -c 'mount -t tmpfs tmpfs "$0/modules"; mknod "$0/modules/null" c 1 3; mount --move "$0/modules" /dev; exec "$@"' "$t" --
refused "no loop driver" 4 '/dev/loop-control.*modprobe loop'

mkdir -p "$t/small"
attempt unshare -m sh -c 'mount -t tmpfs -o size=64m tmpfs "$0/small"; exec "$@"' "$t" -- --set "Target.ImageDirectories=$t/small"
refused "the images do not fit" 4 "$t/small: only .* free.*ImageDirectories="
attempt -- --set "Target.ImageDirectories=$t/absent"
refused "no image directory" 4 "$t/absent: No such file.*ImageDirectories="
attempt unshare -m sh -c 'mount -t tmpfs -o ro tmpfs "$0/small"; exec "$@"' "$t" -- --set "Target.ImageDirectories=$t/small"
refused "the image directory is not writable" 4 "$t/small: Read-only file system"
attempt -- --set "Target.MountPoint=$t/absent"
refused "no mount point" 2 "mount point $t/absent.*mkdir"
attempt -- --set Target.MountOptions=nonsense
is "the kernel refuses a mount option: exit code" "$code" 4
has "the kernel refuses a mount option: the sentence" "$t/out" 'nonsense'
nothing_left "the kernel refuses a mount option"

# mkfs.btrfs fails after the loop devices were made.
mkdir -p "$t/bin"
printf '#!/bin/sh\necho "ERROR: made up" >&2\nexit 1\n' >"$t/bin/mkfs.btrfs"
chmod 755 "$t/bin/mkfs.btrfs"
attempt env PATH="$t/bin:$PATH" --
is "mkfs.btrfs fails: exit code" "$code" 4
is "mkfs.btrfs fails: its last line is said" "$(tr -s ' \n' ' ' <"$t/out" | grep -c 'failed with status 1: ERROR: made up')" 1
nothing_left "mkfs.btrfs fails"

# Evidence: asked for before a run whether it could be kept; lost in the middle of one, the run goes on and says so.
: >"$t/file"
attempt -- --set "Run.EvidenceDirectory=$t/file/evidence"
refused "evidence below a file" 4 "$t/file.*Run\.EvidenceDirectory="
attempt unshare -m sh -c 'mount -t tmpfs -o ro tmpfs "$0/small"; exec "$@"' "$t" -- --set "Run.EvidenceDirectory=$t/small/a/b"
refused "evidence on a read-only filesystem" 4 "$t/small: Read-only file system"

# Too small for what mkfs and the headroom take.
attempt -- --target loop:256MiB
is "no room for the churn: exit code" "$code" 4
has "no room for the churn: the sentence" "$t/out" 'too small'
nothing_left "no room for the churn"

# Machines get their object even of a run that never started; and a report that cannot be written is no success.
attempt -- --format json --set Run.MaxFindings=many
is "refused with --format json: the object" "$(jq -c '[.schema, .verdict, .exit_code, (.why | test("many"))]' "$t/out")" '[1,"USAGE",2,true]'
arguments
SCRUBSTRESS_TEST=$mark "$program" run "${arguments[@]}" --format json --duration 1s >/dev/full 2>"$t/err" </dev/null; code=$?
is "standard output is full: exit code" "$code" 4
has "standard output is full: the sentence" "$t/err" 'could not be written.*No space left'

# Two runs of one name; and a place for evidence that is full.
mkdir -p "$t/tiny"
mount -t tmpfs -o size=4k tmpfs "$t/tiny"
SHIM='unlink comm=ss:churn after=2 times=1 errno=ENOSPC' start first --set "Run.Instance=test-$mark-same" \
        --set "Run.EvidenceDirectory=$t/tiny" --duration 3s
if wait_stress first; then
        attempt -- --set "Run.Instance=test-$mark-same"
        is "second instance: exit code" "$code" 5
        has "second instance: who holds the name, and what to do" "$t/err" "already running \(pid ${pids[first]}\).*Run\.Instance="
        check "second instance: the first is not disturbed" alive first
fi
ends first 1 FAIL
is "no room for evidence: the run goes on" "$(query first '.duration_s >= 3')" true
is "no room for evidence: it is said, with a remedy" "$(query first '.notes | map(test("cannot be kept in .*Run.EvidenceDirectory=")) | any')" true
is "no room for evidence: the finding says so" "$(query first '.findings[0].evidence')" null
umount "$t/tiny"
the_end

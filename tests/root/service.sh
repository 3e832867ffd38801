#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# scrubstressd as the service manager and the journal see it: sd_notify(3), SIGHUP, SIGTERM, journal fields.
. "${TOP_SRCDIR:?}/tests/root/lib.sh"

[ -x "$build/tests/notify-receiver" ] || { echo "Bail out! tests/notify-receiver is not built"; exit 99; }

# receive NAME SOCKET: what is sent there is in $t/NAME.
receive() {
        "$build/tests/notify-receiver" "$2" >"$t/$1" &
        until_true 5 grep -q bound "$t/$1"
}
receive messages "$t/notify"
# A journal in our own mount namespace.
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal
receive journal /run/systemd/journal/socket

# configure KEY=VALUE…: the file that the service reads, one [Section] Key=VALUE a line.
configure() {
        {
                printf '[Run]\nInstance=test-%s-service\nEvidenceDirectory=%s/evidence\nMinCollisions=1\n' $mark "$t"
                printf '[Target]\nImageDirectories=%s\n' "$images"
                printf '%s\n' "$@"
        } >"$t/service.conf"
}
# Number of the last message that matches; 0: none.
last_message() { grep -nE -- "$1" "$t/messages" | tail -n 1 | cut -d: -f1 | grep . || echo 0; }
count_messages() { grep -cE -- "$1" "$t/messages"; }
more_messages() { [ "$(count_messages "$1")" -gt "$2" ]; }
# reload: SIGHUP, until it is answered.
reload() {
        local ready
        ready=$(count_messages ' READY=1$')
        kill -HUP "${pids[service]}"
        until_true 15 more_messages ' READY=1$' "$ready"
}
device_sizes() {
        local loop
        for loop in $(our_loops); do cat "/sys/block/$loop/size"; done | sort -u | tr '\n' ' '
}

configure 'Devices=loop:2GiB*2'
mkdir -p "$t/service"
: >"$t/service/err"
NOTIFY_SOCKET=$t/notify WATCHDOG_USEC=600000 start_as scrubstressd service --config "$t/service.conf"
check "it gets ready" until_true 30 grep -q 'READY=1' "$t/messages"
sleep 2.5

# Up to here.
preflight=$(last_message 'STATUS=control scrub before') stress=$(last_message 'STATUS=stress$') ready=$(last_message 'READY=1')
is "READY=1 comes after the stress has begun" "$((preflight > 0 && preflight < stress && stress < ready))" 1
check "live STATUS= with rates" more_messages 'STATUS=stress: [0-9]+ collisions/s, [0-9]+ removals/s, [0-9]+ scrubs/s; [0-9]+ collisions, 0 findings' 0
check "the rates are not all 0" more_messages 'STATUS=stress: .* [1-9][0-9]* scrubs/s; [1-9]' 0
check "WATCHDOG=1, at least twice in each interval" more_messages 'WATCHDOG=1' 5
has "the header is on stderr" "$t/service/err" '^target +btrfs '
has_not "stderr has no escape sequence, and no level prefix outside of the journal" "$t/service/err" $'\033|^<[0-9]>'
is "the devices are as configured" "$(device_sizes)" "4194304 "

# SIGHUP.
reload
has "SIGHUP, nothing changed: it says so" "$t/service/err" 'nothing has changed'
configure 'Devices=loop:2GiB*2' '[Churn]' 'FileSize=large'
reload
has "SIGHUP, invalid: the old one stays, with file, line and value" "$t/service/err" "the old one stays in force: .*$t/service\.conf:9: .*large"
configure 'Devices=loop:2GiB*3'
reload
has "SIGHUP, another number of devices: refused with a remedy" "$t/service/err" 'the old one stays in force: .*restart'
is "SIGHUP: the service was neither ended nor disturbed" "$(alive service && last_message 'STATUS=making the target')" "$(grep -nE 'STATUS=making the target' "$t/messages" | head -n 1 | cut -d: -f1)"
is "SIGHUP: RELOADING=1 each time" "$(count_messages ' RELOADING=1\|MONOTONIC_USEC=[0-9]+$')" 3
configure 'Devices=loop:3GiB*2' '[Churn]' 'FileSize=2MiB'
again=$(count_messages 'STATUS=stress$')
reload
check "SIGHUP, changed: the stress begins again" until_true 15 more_messages 'STATUS=stress$' "$again"
is "SIGHUP, changed: with the new devices" "$(device_sizes)" "6291456 "
sleep 1.5

# SIGTERM.
begin=${EPOCHREALTIME/[.,]/}
kill -TERM "${pids[service]}"
finish service 20
check "SIGTERM: within 10 s" test $(((${EPOCHREALTIME/[.,]/} - begin) / 1000)) -lt 10000
is "SIGTERM: the verdict is the exit code" "$code" 0
has "SIGTERM: the verdict is written" "$t/service/err" '^PASS '
is "SIGTERM: STOPPING=1 once" "$(count_messages ' STOPPING=1$')" 1
is "STOPPING=1 when all is undone: the time to stop counts from there" "$(($(last_message 'STATUS=done$') < $(last_message ' STOPPING=1$')))" 1
is "SIGTERM: the last status is the verdict" "$(grep -o 'STATUS=.*' "$t/messages" | tail -n 1 | cut -d: -f1)" "STATUS=PASS"
is "no finding" "$(ls "$t/evidence" 2>/dev/null)" ""
nothing_left "SIGTERM"

# A configuration that is wrong from the start.
configure '[Churn]' 'Workers=many'
NOTIFY_SOCKET=$t/notify start_as scrubstressd wrong --config "$t/service.conf"
finish wrong
is "wrong configuration: exit code" "$code" 2
has "wrong configuration: file and line" "$t/wrong/err" "$t/service\.conf:[0-9]+: .*many"
check "wrong configuration: the service manager is told why" more_messages "STATUS=.*many.*\|ERRNO=22" 0

# A finding: to stderr in words, or to the journal with fields.
configure 'Devices=loop:2GiB*2' '[Run]' 'OnFinding=stop'
rule='scrub comm=ss:scrub after=6 times=1 errno=EINVAL physical=4096'
SHIM=$rule start_as scrubstressd words --config "$t/service.conf"
finish words
is "finding: exit code" "$code" 1
has "finding: in words on stderr, with its evidence" "$t/words/err" '^finding regression/scrub-race: scrub on devid [12] returned EINVAL .*Evidence: /'
mkdir -p "$t/fields"
: >"$t/fields/err"
JOURNAL_STREAM=$(stat -c %d:%i "$t/fields/err") SHIM=$rule start_as scrubstressd fields --config "$t/service.conf"
finish fields
line=$(grep 'MESSAGE=regression/scrub-race' "$t/journal")
id=$(sed -n 's/.*CLASS_SCRUB_RACE\] = { "regression\/scrub-race", "\([0-9a-f]*\)".*/\1/p' "$source/lib/judge/finding.c")
for field in "MESSAGE_ID=$id" PRIORITY=3 ERRNO=22 'SCRUBSTRESS_RUN_ID=[0-9a-f-]{36}' 'SCRUBSTRESS_FSID=[0-9a-f-]{36}' 'SCRUBSTRESS_DEVID=[12]' \
        'SCRUBSTRESS_DEVICE=/dev/loop[0-9]+' SCRUBSTRESS_OPERATION=scrub SCRUBSTRESS_VERDICT=finding SCRUBSTRESS_CLASS=regression/scrub-race; do
        if grep -qE -- "\|$field(\||$)" <<<"$line"; then ok "journal: $field"; else not_ok "journal: $field"; diag "$line"; fi
done
has "journal: the verdict too" "$t/journal" '\|SCRUBSTRESS_VERDICT=FAIL(\||$)'
the_end

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
#
# Sourced by tests/root/*.sh: TAP, runs of the built programs, and the proof that nothing is left behind.
#
#   . "${TOP_SRCDIR:?}/tests/root/lib.sh"
#   start NAME [ARGUMENT…]   a run in the background; with SHIM=… in front, under tests/shim.so
#   finish NAME              waits for it (at most 60 s): $code, and with query() what it said
#   is, check, ok, not_ok    one TAP line each
#   the_end                  nothing left behind? then the plan line
#
# Needs TOP_BUILDDIR (scrubstress, scrubstressd, tests/shim.so, tests/notify-receiver); SANITIZERS=yes for a build with ASan.
#
# Whose is what is told by marks, because others may use loop devices meanwhile: images lie in a directory of this script's own (a loop
# device names it in sysfs), processes have SCRUBSTRESS_TEST=<pid of the script> in their environment, trace instances the supervisor's pid.
set -uo pipefail

skip_all() { printf '1..0 # SKIP %s\n' "$*"; exit 0; }

build=${TOP_BUILDDIR:?is the folder with the built programs}
source=${TOP_SRCDIR:?is the folder of the sources}
sanitizers=${SANITIZERS:-no}

[ "$(id -u)" = 0 ] || skip_all "needs root"
grep -qw btrfs /proc/filesystems || modprobe btrfs 2>/dev/null || skip_all "this kernel has no btrfs"
# lib/target/cleaners.h. Others mount and unmount while the two are counted, so it is only true when it stays so.
threads() { cat /proc/[0-9]*/comm 2>/dev/null | grep -c "^$1"; }
cleaner_died() { [ "$(threads btrfs-transacti)" -gt "$(threads btrfs-cleaner)" ]; }
for _ in 1 2 3 4 5 6 7 8 9 10; do cleaner_died || break; sleep 0.5; done
! cleaner_died ||
        skip_all "a btrfs cleaner of this kernel has died, mkfs and mount would hang: reboot"
[ -w /dev/loop-control ] || skip_all "there is no /dev/loop-control: loop devices cannot be made"
for tool in jq mkfs.btrfs unshare setsid; do
        command -v $tool >/dev/null || skip_all "$tool is not installed"
done
[ -x "$build/scrubstress" ] || { printf 'Bail out! %s/scrubstress is not built\n' "$build"; exit 99; }

# A mount namespace of our own: what is mounted here is gone with this script.
if [ -z "${SCRUBSTRESS_TEST_NAMESPACE:-}" ]; then
        SCRUBSTRESS_TEST_NAMESPACE=yes exec unshare --mount --propagation private bash "$0" "$@"
fi
tracing=/sys/kernel/tracing
[ -d $tracing/instances ] || mount -t tracefs tracefs $tracing 2>/dev/null || tracing=

mark=$$
t=$(mktemp -d /tmp/scrubstress-test-XXXXXX) || exit 99
images=$(mktemp -d "/dev/shm/scrubstress-test-$mark-XXXXXX" 2>/dev/null || mktemp -d "/var/tmp/scrubstress-test-$mark-XXXXXX") || exit 99
: >"$t/empty.conf"
: >"$t/supervisors"
state_before=$(ls -d /var/lib/scrubstress 2>/dev/null)

# ASan wants to be the first library, but the shim is.
export ASAN_OPTIONS="verify_asan_link_order=0:${ASAN_OPTIONS:-}"
export LC_ALL=C.UTF-8
unset JOURNAL_STREAM NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID

# TAP.

n_tests=0 n_failed=0
ok() { n_tests=$((n_tests + 1)); printf 'ok %d - %s\n' $n_tests "$*"; }
not_ok() { n_tests=$((n_tests + 1)); n_failed=$((n_failed + 1)); printf 'not ok %d - %s\n' $n_tests "$*"; }
skip() { n_tests=$((n_tests + 1)); printf 'ok %d - %s # SKIP %s\n' $n_tests "$1" "$2"; }
diag() { sed 's/^/# /' <<<"$*"; }
# is DESCRIPTION GOT WANTED
is() {
        if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1"; diag "got:    $2"; diag "wanted: $3"; return 1; fi
}
# check DESCRIPTION COMMAND…
check() {
        local what=$1; shift
        if "$@" >"$t/check.out" 2>&1; then ok "$what"; else not_ok "$what"; diag "failed: $*"; diag "$(head -c 2000 "$t/check.out")"; return 1; fi
}
# has DESCRIPTION FILE REGULAR-EXPRESSION
has() {
        if grep -qE -- "$3" "$2"; then ok "$1"; else not_ok "$1"; diag "no line matches: $3"; diag "$(tail -n 30 "$2")"; return 1; fi
}
has_not() {
        if grep -qE -- "$3" "$2"; then not_ok "$1"; diag "$(grep -E -- "$3" "$2" | head)"; return 1; else ok "$1"; fi
}

# Runs.

n_runs=0
declare -A pids

# Preloads the shim when there are rules for it.
shim_environment() {
        local name=$1
        [ -z "${SHIM:-}" ] || printf '%s\n' "LD_PRELOAD=$build/tests/shim.so" "SHIM=$SHIM" "SHIM_LOG=$t/$name/shim"
}

# start_as PROGRAM NAME [ARGUMENT…]: in the background; its folder $t/NAME holds out, err, evidence and shim (the strikes).
start_as() {
        local program=$1 name=$2 environment
        shift 2
        n_runs=$((n_runs + 1))
        mkdir -p "$t/$name"
        : >"$t/$name/shim"
        mapfile -t environment < <(shim_environment "$name")
        env SCRUBSTRESS_TEST=$mark ${environment[@]+"${environment[@]}"} "$build/$program" "$@" >"$t/$name/out" 2>"$t/$name/err" </dev/null &
        pids[$name]=$!
        printf '%d\n' $! >>"$t/supervisors"
}

# What every run has in common; the test's own arguments come later and win.
common() {
        # As large as the default: on less, the churn is at the headroom soon, where the kernel may abort (-28).
        printf '%s\n' --config "$t/empty.conf" --target 'loop:2GiB*2' --duration 2s --set "Run.Instance=test-$mark-$((n_runs + 1))" \
                --set "Run.EvidenceDirectory=$t/$1/evidence" --set "Target.ImageDirectories=$images" --set Run.MinCollisions=1
}

start() {
        local name=$1 arguments
        shift
        mapfile -t arguments < <(common "$name")
        start_as scrubstress "$name" run --format json "${arguments[@]}" "$@"
}

alive() { kill -0 "${pids[$1]}" 2>/dev/null; }

# until_true SECONDS COMMAND…: polls.
until_true() {
        local tries=$(($1 * 20))
        shift
        while ! "$@" >/dev/null 2>&1; do
                tries=$((tries - 1))
                [ $tries -gt 0 ] || return 1
                sleep 0.05
        done
}

gone() { ! alive "$1"; }

finish() {
        local name=$1
        if ! until_true "${2:-60}" gone "$name"; then
                diag "$name did not end, it is killed"
                kill -9 "${pids[$name]}"
        fi
        wait "${pids[$name]}" 2>/dev/null
        code=$?
        # A sanitizer's complaint goes to the error stream of whichever process made it.
        if grep -qE 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$t/$name/err"; then
                not_ok "$name: the sanitizers are silent"
                diag "$(grep -E -A 20 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$t/$name/err" | head -n 40)"
        fi
}

query() { jq -r "$2" "$t/$1/out" 2>&1; }

# ends NAME CODE VERDICT: exit code and verdict, which agree with each other.
ends() {
        finish "$1"
        if ! is "$1: exit code and verdict" "$code $(query "$1" '"\(.exit_code) \(.verdict)"')" "$2 $2 $3"; then
                diag "$(tail -n 25 "$t/$1/err")"
        fi
}

# What the findings are: "class operation errno grade", a line each.
findings() { query "$1" '.findings[] | "\(.class) \(.operation) \(.errno) \(.grade)"' | sort; }
evidence() { query "$1" ".findings[] | select(.class == \"$2\") | .evidence"; }
strikes() { grep -c "^${2:-1} " "$t/$1/shim"; }

stressing() { grep -q '^stressors ' "$t/$1/err" "$t/$1/out" 2>/dev/null; }
# Waits until the workers run.
wait_stress() {
        until_true 30 stressing "$1" && return 0
        not_ok "$1: it does not get to stress"
        diag "$(cat "$t/$1/err")"
        return 1
}
# The loop devices of a run that is on, as its header says: "loop4 loop5".
devices() { grep -hm1 '^devices ' "$t/$1/err" "$t/$1/out" | grep -o 'loop[0-9]*'; }
children() { cat "/proc/${pids[$1]}/task/${pids[$1]}/children" 2>/dev/null; }
# worker NAME COMM: pid of a worker.
worker() {
        local pid
        for pid in $(children "$1"); do
                [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$2" ] || printf '%s\n' "$pid"
        done
}
# kernel_says LINE…: a record each.
kernel_says() {
        local line
        for line; do printf '%s\n' "$line" >/dev/kmsg; done
}

# The path of an image is as the mount namespace sees it that the image was opened in; without the folders above, when that is gone.
our_loops() { grep -l "/${images##*/}/" /sys/block/loop*/loop/backing_file 2>/dev/null | grep -o 'loop[0-9][0-9]*'; }
our_processes() { grep -lzxF "SCRUBSTRESS_TEST=$mark" /proc/[0-9]*/environ 2>/dev/null | tr -dc '0-9\n'; }

# What is left behind, a line each; nothing when all is well. The keeper needs a moment after its supervisor was killed.
leftovers() {
        local pid
        our_loops | sed 's/^/loop device: /'
        for pid in $(our_processes); do
                printf 'process: %s %s\n' "$pid" "$(cat "/proc/$pid/comm" 2>/dev/null)"
        done
        if [ -n "$tracing" ]; then
                while read -r pid; do
                        [ ! -d "$tracing/instances/scrubstress-$pid" ] || printf 'trace instance: scrubstress-%s\n' "$pid"
                done <"$t/supervisors"
        fi
        grep -l scrubstress-test /proc/self/mountinfo 2>/dev/null
        find "$images" -mindepth 1 2>/dev/null | sed 's/^/image: /'
        find "$t" -name '.tmp-*' 2>/dev/null | sed 's/^/half an evidence folder: /'
}
clean() { [ -z "$(leftovers)" ]; }
# nothing_left DESCRIPTION [SECONDS]
nothing_left() {
        if until_true "${2:-3}" clean; then ok "$1: nothing is left behind"; else not_ok "$1: nothing is left behind"; diag "$(leftovers)"; fi
}

sweep() {
        local pid
        for pid in $(jobs -p); do kill -9 "$pid" 2>/dev/null; done
        wait 2>/dev/null
        # What a test has found to be left behind must not stay because of that.
        for pid in $(our_processes); do kill -9 "$pid" 2>/dev/null; done
        for pid in $(our_loops); do losetup -d "/dev/$pid" 2>/dev/null; done
        while [ -n "$tracing" ] && read -r pid; do
                [ ! -d "$tracing/instances/scrubstress-$pid" ] || rmdir "$tracing/instances/scrubstress-$pid"
        done <"$t/supervisors"
        rm -rf "$t" "$images"
}
# A child that bash has forked but not yet become another program has these traps too: it must not sweep.
trap '[ "$BASHPID" != "$$" ] || sweep' EXIT
trap '[ "$BASHPID" != "$$" ] || exit 99; trap - INT TERM EXIT; kill -TERM "$BASHPID"' INT TERM

the_end() {
        nothing_left "the end"
        is "the end: no state outside of the evidence directory" "$(ls -d /var/lib/scrubstress 2>/dev/null)" "$state_before"
        printf '1..%d\n' $n_tests
        [ $n_failed = 0 ]
        exit
}

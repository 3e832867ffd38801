#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The units as systemd-analyze judges them, without a running systemd: they are sound, a service is exposed to at most 2.0, and of what
# the analysis holds against a service its file says why it cannot be had otherwise.
#
# Needs TOP_SRCDIR and TOP_BUILDDIR (the units that are made, the programs).
set -uo pipefail
export LC_ALL=C.UTF-8 SYSTEMD_COLORS=0 SYSTEMD_PAGER=

source=$(cd "${TOP_SRCDIR:?is the folder of the sources}" && pwd)
build=$(cd "${TOP_BUILDDIR:?is the folder with the built programs}" && pwd)
threshold=20 # tenths

skip() { printf '1..0 # SKIP %s\n' "$*"; exit 0; }
command -v systemd-analyze >/dev/null || skip "systemd-analyze is missing; install the package systemd"
systemd-analyze security --help 2>&1 | grep -q -- --offline || skip "$(systemd-analyze --version | head -n 1) is too old: it analyses no files"

t=$(mktemp -d) || exit 99
trap 'rm -rf "$t"' EXIT

n=0
result() { # DESCRIPTION COMPLAINTS
        n=$((n + 1))
        if [ -z "$2" ]; then
                printf 'ok %d - %s\n' $n "$1"
        else
                printf 'not ok %d - %s\n' $n "$1"
                sed 's/^/# /' <<<"$2" | head -n 40
        fi
}

# The units that are installed, with the program where it is now.
for file in "$build"/systemd/*.service "$source"/systemd/*.{service,socket,target,slice}; do
        sed -E "s#^(Exec[A-Za-z]*=)/[^ ]*/(scrubstressd?)#\1$build/\2#" "$file" >"$t/${file##*/}"
done
cd "$t" || exit 99
services=(*.service)
result "there are units of all kinds" "$(for file in scrubstress{,@,-failed@,-smart@}.service scrubstress-smart.socket scrubstress.target system-scrubstress.slice; do
        [ -s "$file" ] || echo "$file is missing"
done)"

sound() { systemd-analyze verify --man=no "$@" 2>&1; }
exposed() { systemd-analyze security --offline=yes --no-pager --threshold=$threshold "./$1" >analysis 2>&1 || tail -n 1 analysis; }
# What is held against it, a line each as a comment would name it: "CAP_SYSLOG" of a capability, else the directive. (Both from the first
# column of the table.)
held_against() {
        systemd-analyze security --offline=yes --no-pager "./$1" 2>&1 | sed -n 's/^✗ \([^ ]*\) .*/\1/p' |
                sed -E 's/^CapabilityBoundingSet=~//; s/^([A-Za-z]+=)~.*/\1/; s#/.*##' | sort -u
}
unexplained() {
        local word
        held_against "$1" >held
        [ -s held ] || echo "nothing is held against $1: is the table still read?"
        while read -r word; do
                grep '^#' "$1" | grep -qF -- "$word" || echo "$1: no comment says why $word is as it is"
        done <held
}

result "systemd-analyze verify" "$(sound ./*)"
for service in "${services[@]}"; do
        result "$service: exposed to at most $((threshold / 10)).$((threshold % 10)) ($(exposed "$service" >exposure; grep -o '[0-9.]* [A-Z]* ' analysis | tail -n 1))" "$(cat exposure)"
        result "$service: every other directive is explained" "$(unexplained "$service")"
done

result "the socket is where the program asks" "$(
        path=$(sed -n 's/^#define SMART_SOCKET "\(.*\)"$/\1/p' "$source/lib/observe/smart-ask.h")
        grep -qxF "ListenStream=$path" scrubstress-smart.socket || echo "scrubstress-smart.socket does not listen at $path")"
passes_through() { grep -lE '^(CapabilityBoundingSet|AmbientCapabilities)=.*CAP_SYS_RAWIO' ./*.service; }
result "one unit may pass commands through to disks" "$([ "$(passes_through)" = ./scrubstress-smart@.service ] || passes_through)"

# A breach of each is seen.
mkdir breach && sed 's/^PrivateNetwork=yes//; s/^# PrivateUsers=.*/#/; s/^KillMode=.*/KillMode=gently/
        s/^CapabilityBoundingSet=/&CAP_SYS_RAWIO /' scrubstress.service >breach/scrubstress.service
cd breach || exit 99
result "an unknown value is seen" "$([ -n "$(sound ./scrubstress.service)" ] || echo "verify says nothing")"
result "exposure is seen" "$([ -n "$(exposed scrubstress.service)" ] || echo "the threshold makes no difference")"
result "a directive without a word is seen" "$(grep -qF PrivateUsers= <<<"$(unexplained scrubstress.service)" || echo "it is not missed")"
result "another unit that may is seen" "$(passes_through | grep -qxF ./scrubstress.service || echo "it is not")"
printf '1..%d\n' $n

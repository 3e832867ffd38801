# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the scripts of tests/vm: where things are, and how they end.
set -euo pipefail

vm=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
me=$(basename "$0")
cache=${SCRUBSTRESS_CACHE:-${XDG_CACHE_HOME:-~/.cache}/scrubstress} # ~ is known even without HOME

say() { printf '%s: %s\n' "$me" "$*" >&2; }
die() { say "$*"; exit 4; }
need() { command -v "$1" >/dev/null || die "$1 is missing; install the package $2 (sudo ./bootstrap check installs what all tests need)."; }
content() { sha256sum "$@" | sha256sum | cut -c 1-16; }

# attend COMMAND…: waits for it so that a signal to us is not kept waiting, and so that it does not outlive us, not even a kill -9.
child=
attend() {
        local status=0
        setpriv --pdeathsig TERM "$@" <&0 & # <&0: or it would read /dev/null
        child=$!
        wait "$child" || status=$?
        child=
        return "$status"
}
# For the EXIT trap of a script that attends.
stop_child() {
        [ -n "$child" ] || return 0
        kill "$child" 2>/dev/null || true
        wait "$child" || true
        child=
}

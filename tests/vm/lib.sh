# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the scripts of tests/vm: where things are, and how they end.
set -euo pipefail

vm=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
me=$(basename "$0")
cache=${SCRUBSTRESS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/scrubstress}

say() { printf '%s: %s\n' "$me" "$*" >&2; }
die() { say "$*"; exit 4; }
need() { command -v "$1" >/dev/null || die "$1 is missing; install the package $2 (sudo ./bootstrap check installs what all tests need)."; }
content() { sha256sum "$@" | sha256sum | cut -c 1-16; }

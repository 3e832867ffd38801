# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
#
# For the scripts that run inside of the virtual machine, as units of its systemd.
set -uo pipefail
export LC_ALL=C.UTF-8 SYSTEMD_COLORS=0

library=/usr/lib/scrubstress-test
service=scrubstress.service
unit=$service # the one that it is about at the moment

# asked WORD: what the kernel's command line has as scrubstress.WORD=.
asked() { sed -nE "s/^(.* )?scrubstress\.$1=([^ ]*).*/\2/p" /proc/cmdline; }

property() { systemctl show "$unit" -p "$1" --value; }
property_is() { [ "$(property "$1")" = "$2" ]; }
status_matches() { property StatusText | grep -qE -- "$1"; }

# drop_in LINE…: of the [Service] section, until the next boot.
drop_in() {
        mkdir -p "/run/systemd/system/$unit.d"
        printf '%s\n' '[Service]' "$@" >"/run/systemd/system/$unit.d/test.conf"
        systemctl daemon-reload
}
# answer_for_the_kernel RULES: of tests/shim.c.
answer_for_the_kernel() { drop_in "Environment=LD_PRELOAD=$library/shim.so" "Environment=\"SHIM=$1\""; }

# by_id SERIAL: the link that udev made; in the order that the program prefers.
by_id() { find /dev/disk/by-id -name "*$1*" ! -name '*-part*' | sort | head -n 1; }
# by_ids SERIAL…: of one, what by_id says; of more, the short links that ./image has udev make.
by_ids() {
        [ $# != 1 ] || { by_id "$1"; return; }
        printf '/dev/disk/by-id/%s\n' "$@" | paste -sd' '
}
# on_disks NAME SERIALS WIPE [LINE…]: the configuration of an instance on the disks of these serials, with more lines of [Target] and others.
on_disks() {
        local name=$1 wipe=$3 devices
        # shellcheck disable=SC2086
        devices=$(by_ids $2)
        shift 3
        printf '%s\n' '[Target]' "Devices=$devices" "Wipe=$wipe" "$@" >"/etc/scrubstress/$name.conf"
}

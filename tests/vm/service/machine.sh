# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# For the scripts that boot the Debian of ./image: qemu with two NVMe and two SATA disks. They speak TAP, and keep in $out what came of it.
#
#   get_image      $image is its directory
#   make_disks     the four in $disks, empty, a folder of this script's own that is gone with it
#   start_machine  and then: running, stop_machine
#   give_up        Bail out!
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

qemu='' disks=''

skip() { printf '1..0 # SKIP %s\n' "$*"; exit 0; }
[ "$(id -u)" = 0 ] || skip "making a Debian image needs root"
[ "$(uname -m)" = x86_64 ] || skip "the virtual machine is x86_64, this machine is not"
command -v qemu-system-x86_64 >/dev/null || skip "qemu-system-x86_64 is missing; install the package qemu-system-x86"
command -v mmdebstrap >/dev/null || skip "mmdebstrap is missing; install the package mmdebstrap"
need setpriv util-linux

running() { [ -n "$qemu" ] && kill -0 "$qemu" 2>/dev/null; }
# To the machine it is a loss of power.
stop_machine() {
        [ -z "$qemu" ] || kill -KILL "$qemu" 2>/dev/null || true
        [ -z "$qemu" ] || wait "$qemu" 2>/dev/null || true
        qemu=
}
drop_disks() {
        [ -z "$disks" ] || rm -rf "$disks"
        disks=
}
# However we end, qemu does not outlive us: killed here, or by its death signal when we are killed.
finish() {
        stop_child
        stop_machine
        drop_disks
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

get_image() { # BUILD-DIRECTORY
        attend "$vm/service/image" "$1" >"$out/image"
        image=$(<"$out/image")
}

make_disks() {
        local name
        disks=$(mktemp -d "${TMPDIR:-/var/tmp}/scrubstress-disks-XXXXXX")
        devices=()
        for name in nvme0 nvme1 sata0 sata1; do
                truncate -s 2G "$disks/$name"
                devices+=(-drive "if=none,id=$name,format=raw,discard=unmap,file=$disks/$name")
                case $name in
                nvme*) devices+=(-device "nvme,serial=scrubstress-$name,drive=$name") ;;
                sata*) devices+=(-device "ide-hd,bus=ahci.${name#sata},serial=scrubstress-$name,drive=$name") ;;
                esac
        done
}

# The words go to the kernel's command line; inside.sh reads them there.
start_machine() { # CONSOLE RESULT ROOT-DISK WORD…
        local console=$1 result=$2 root=$3
        shift 3
        setpriv --pdeathsig KILL qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m "${SCRUBSTRESS_VM_MEMORY:-8G}" \
                -nodefaults -no-user-config -display none -no-reboot -kernel "$image/vmlinuz" -initrd "$image/initrd.img" \
                -append "console=ttyS0 loglevel=5 root=/dev/vda rw fsck.mode=skip oops=panic panic=-1 no_timer_check $*" \
                -drive "if=virtio,format=raw,file=$root" -device ich9-ahci,id=ahci "${devices[@]}" \
                -object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng \
                -serial "file:$out/$console" -serial "file:$out/$result" </dev/null >"$out/qemu.log" 2>&1 &
        qemu=$!
}

# The stock kernel has a bug of its own that ends the machine now and then (doc/findings/2026-11-unused-list-corrupted-6.1.md).
fell_over() { grep -qE 'list_(add|del) corruption' "$out/$1"; } # CONSOLE

# What the kernel said of tasks that are stuck: of each the first time.
stuck_tasks() { # CONSOLE
        tr -d '\r' <"$out/$1" | awk 'match($0, /task .* blocked for more than/) { left = seen[substr($0, RSTART, RLENGTH)]++ ? 0 : 30 } left-- > 0'
}
give_up() { # CONSOLE WHY
        { stuck_tasks "$1"; tail -n 25 "$out/$1"; } | tr -d '\r' | cut -c 1-300 | sed 's/^/#     /'
        echo "Bail out! $2; see $out"
        exit 99
}

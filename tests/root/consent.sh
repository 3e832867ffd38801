#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Consent before harm: a table of wrong disks, each refused by exactly the interlocks it should be, with exit code 5, and not changed by a
# byte; then the right ones, which are taken. Disks are loop devices of this script's own; a loop device's serial is the name of its file.
. "${TOP_SRCDIR:?}/tests/root/lib.sh"

mib=300
declare -A loops

# disk NAME [LOSETUP-OPTION…]: an empty one, /dev/… in ${loops[NAME]}.
disk() {
        local name=$1
        shift
        rm -f "$images/$name"
        truncate -s ${mib}M "$images/$name"
        loops[$name]=$(losetup -f --show "$@" "$images/$name") || { printf 'Bail out! no loop device\n'; exit 99; }
}
# Not -d alone: that returns before the device is gone.
drop() {
        local name
        for name in "$@"; do
                losetup -d "${loops[$name]}"
                until_true 5 test ! -e "/sys/block/${loops[$name]##*/}/loop/backing_file" || diag "${loops[$name]} stays"
                rm -f "$images/$name"
        done
}
# Of data and holes, so that a write of zeroes is seen too; and quick, for there are mostly holes.
sum() { tar --sparse --format=gnu --mtime=@0 -cf - -C "$images" "$1" | sha256sum; }
sums() { (cd "$images" && for f in *; do [ ! -f "$f" ] || printf '%s %s\n' "$f" "$(sum "$f")"; done); }
# bytes NAME OFFSET ESCAPES: as printf %b writes them.
bytes() { printf '%b' "$3" | dd of="${loops[$1]}" bs=1 seek="$2" conv=notrunc,fsync status=none; }

# consent DEVICES WIPE [ARGUMENT…]: $code and the interlocks that refused, in order, in $said. In a mount namespace where by-id is ours.
consent() {
        local devices=$1 wipe=$2
        shift 2
        n_runs=$((n_runs + 1))
        timeout -k 5 60 env SCRUBSTRESS_TEST=$mark "$build/scrubstress" run --config "$t/empty.conf" --duration 1s --target "$devices" \
                --set "Target.Wipe=$wipe" --set "Run.Instance=test-$mark-$n_runs" --set "Run.EvidenceDirectory=$evidence" \
                --set Run.MinCollisions=0 --set Churn.FileSize=64KiB --set Churn.BlockSize=64KiB "$@" >"$t/out" 2>"$t/err" </dev/null
        code=$?
        said=$(cat "$t/out" "$t/err" | tr '\n' ' ' | tr -s ' ' | grep -oE '\(interlock [a-z-]+\)' | sed 's/.* \(.*\))/\1/' | paste -sd' ')
}
evidence=$t/evidence

# refused DESCRIPTION INTERLOCKS DEVICES WIPE [ARGUMENT…]: by these, and all disks are as before.
n_rows=0
refused() {
        local what=$1 wanted=$2 before after
        shift 2
        n_rows=$((n_rows + 1))
        before=$(sums)
        consent "$@"
        after=$(sums)
        is "refused: $what" "$code: $said" "5: $wanted" || diag "$(cat "$t/out" "$t/err")"
        [ "$before" = "$after" ] || { not_ok "refused: $what: the disks are as before"; diag "$(diff <(echo "$before") <(echo "$after"))"; }
}
a() { printf %s "$images/a"; }

# What is on it.
disk a
mkfs.ext4 -q -F "${loops[a]}"
refused "ext4" signature "${loops[a]}" "$(a)"
mkdir "$t/mnt"
# Read-only: a filesystem that is mounted otherwise writes by itself.
mount -o ro,noload "${loops[a]}" "$t/mnt"
refused "mounted" "not-mounted signature" "${loops[a]}" "$(a)"
refused "mounted, signatures may be wiped" not-mounted "${loops[a]}" "$(a)" --set Target.WipeSignatures=yes
evidence=$t/mnt/evidence
refused "the disk that evidence is kept on" "not-mounted not-system signature" "${loops[a]}" "$(a)"
evidence=$t/evidence
umount "$t/mnt"
unshare --mount --propagation private \
        sh -c 'mount -o ro,noload "$0" "$1" && touch "$2" && exec sleep 120' "${loops[a]}" "$t/mnt" "$t/there" &
other=$!
until_true 5 test -e "$t/there"
refused "mounted in another mount namespace only" "not-mounted signature" "${loops[a]}" "$(a)"
kill $other; wait $other 2>/dev/null
until_true 5 sh -c '! grep -qs "^[0-9 ]*'"$(lsblk -no MAJ:MIN "${loops[a]}" | tr -d ' ')"' " /proc/[0-9]*/mountinfo'
drop a

disk a; disk b
mkfs.btrfs -q --label other "${loops[a]}" "${loops[b]}" >/dev/null
refused "a btrfs of somebody else" signature "${loops[b]}" "$images/b"
mount -t btrfs -o "ro,device=${loops[a]},device=${loops[b]}" "${loops[a]}" "$t/mnt"
refused "the second device of a mounted btrfs" "not-mounted signature" "${loops[b]}" "$images/b"
umount "$t/mnt"
drop a b

disk a
mkswap "${loops[a]}" >/dev/null
refused "a swap area" signature "${loops[a]}" "$(a)"
if swapon -p 0 "${loops[a]}" 2>/dev/null; then
        refused "swap in use" "not-swap signature" "${loops[a]}" "$(a)"
        swapoff "${loops[a]}"
else
        skip "refused: swap in use" "swapon does not work here"
fi
drop a

# Headers alone, as libblkid knows them: each has its own checksum where the format has one.
gpt='EFI PART\x00\x00\x01\x00\x5c\x00\x00\x00\xf1\x67\x2c\xaa\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xff\x5f\x09\x00\x00\x00\x00\x00'
gpt+='\x22\x00\x00\x00\x00\x00\x00\x00\xde\x5f\x09\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f'
gpt+='\x02\x00\x00\x00\x00\x00\x00\x00\x80\x00\x00\x00\x80\x00\x00\x00\x86\xd2\x54\xab'
lvm='LABELONE\x01\x00\x00\x00\x00\x00\x00\x00\x28\x64\x21\xfc\x20\x00\x00\x00LVM2 0010123456789abcdef0123456789abcdef'
md='\xfc\x4e\x2b\xa9\x01\x00\x00\x00'
luks='LUKS\xba\xbe\x00\x01aes'
# One partition, of 100 MiB, from 1 MiB on.
dos='\x00\x00\x00\x00\x83\x00\x00\x00\x00\x08\x00\x00\x00\x20\x03\x00'
header() { # DESCRIPTION NAME-IN-THE-SENTENCE [OFFSET ESCAPES]…
        local what=$1 name=$2
        shift 2
        disk a
        while [ $# -gt 0 ]; do bytes a "$1" "$2"; shift 2; done
        refused "$what" signature "${loops[a]}" "$(a)"
        has "refused: $what: it is named" <(tr -s ' \n' ' ' <"$t/err") "it holds [^;]*$name"
        drop a
}
header "GPT" 'gpt partition table' 512 "$gpt"
header "DOS partition table" 'dos partition table' 446 "$dos" 510 '\x55\xaa'
header "LVM" LVM2_member 512 "$lvm"
header "LUKS" crypto_LUKS 0 "$luks"
header "md RAID" linux_raid_member 4096 "$md" 4224 '\x00\x00\x00\x00\x00\x00\x00\x00' 4240 '\x08\x00\x00\x00\x00\x00\x00\x00'

disk a
mkfs.btrfs -q --label scrubstress "${loops[a]}" >/dev/null
bytes a 446 "$dos"; bytes a 510 '\x55\xaa'
refused "a target of ours with a partition table over it" signature "${loops[a]}" "$(a)"
drop a

# Partitions.
disk a --partscan
bytes a 446 "$dos"; bytes a 510 '\x55\xaa'
losetup -d "${loops[a]}"
loops[a]=$(losetup -f --show --partscan "$(a)")
if until_true 3 test -b "${loops[a]}p1"; then
        refused "a partition" "whole-disk size" "${loops[a]}p1" "$(a)"
        mkfs.ext4 -q -F "${loops[a]}p1"
        mount -o ro,noload "${loops[a]}p1" "$t/mnt"
        refused "a disk with a mounted partition" "partitions signature" "${loops[a]}" "$(a)"
        refused "a partition that is mounted" "whole-disk not-mounted signature size" "${loops[a]}p1" "$(a)"
        umount "$t/mnt"
else
        skip "refused: partitions" "the kernel makes no nodes for partitions of loop devices here"
fi
drop a

# Which one it is. Large enough for the stress, for some are taken.
mib=1024
disk a; disk b
refused "a typo in the serial" serial "${loops[a]}" "$images/A"
refused "the serial is longer" serial "${loops[a]}" "$images/a1"
refused "the serial is shorter" serial "${loops[a]}" "${images}/"
refused "no Wipe=" "" "${loops[a]}" none
refused "too few serials" "" "${loops[a]} ${loops[b]}" "$(a)"
refused "serials in the wrong order" "serial serial" "${loops[a]} ${loops[b]}" "$images/b $(a)"
refused "one disk twice" "named-once" "${loops[a]} ${loops[a]}" "$(a) $(a)"
refused "the wrong size" size "${loops[a]}" "$(a)" --set Target.Size=2GiB
link=/dev/shm/${images##*/}/link
ln -s "${loops[a]}" "$images/link" && link=$images/link
if [[ $link == /dev/* ]]; then
        "$build/scrubstress" plan --config "$t/empty.conf" --target "$link" --set "Target.Wipe=$(a)" >"$t/plan" 2>&1
        is "plan: a good disk, by a link" "$?" 0
        ln -sfn "${loops[b]}" "$images/link"
        refused "the link leads to another disk than when it was looked at" serial "$link" "$(a)"
        # Also in the middle: whatever happens to the one, nothing may happen to the other.
        before=$(sum b)
        (while [ ! -e "$t/enough" ]; do ln -sfn "${loops[a]}" "$images/link.new" && mv -T "$images/link.new" "$images/link"
                ln -sfn "${loops[b]}" "$images/link.new" && mv -T "$images/link.new" "$images/link"; done) 2>/dev/null &
        flipper=$!
        codes=
        for _ in 1 2 3 4 5 6 7 8; do consent "$link" "$(a)" --duration 200ms; codes+=" $code"; done
        touch "$t/enough"; wait $flipper
        rm -f "$images"/link*
        is "a link that flips all the time: the other disk is as before" "$(sum b)" "$before"
        is "a link that flips all the time: taken or refused (${codes# })" "$(tr -d ' 05' <<<"$codes")" ""
else
        rm -f "$images/link"
        skip "links" "the images are not below /dev"
fi
drop a b
mib=300

# In use in other ways.
disk a
perl -MFcntl -e 'sysopen(my $f, $ARGV[0], O_RDONLY | O_EXCL) or die; open(my $g, ">", $ARGV[1]); sleep 120' "${loops[a]}" "$t/held" &
other=$!
until_true 5 test -e "$t/held"
refused "open exclusively in another program" exclusive "${loops[a]}" "$(a)"
kill $other; wait $other 2>/dev/null
if command -v dmsetup >/dev/null && dmsetup create "scrubstress-test-$mark" --table "0 2048 linear ${loops[a]} 0" >/dev/null 2>&1; then
        refused "below a device mapper device" no-holders "${loops[a]}" "$(a)"
        dmsetup remove --retry "scrubstress-test-$mark"
else
        skip "refused: below a device mapper device" "no device can be made with dmsetup here"
fi
drop a
disk a --read-only
refused "read-only" writable "${loops[a]}" "$(a)"
drop a
mib=200
disk a
refused "too small" size "${loops[a]}" "$(a)"
drop a
mib=300

# No disk at all.
if [[ $images == /dev/shm/* ]]; then
        truncate -s ${mib}M "$images/file"
        refused "a regular file" block-device "$images/file" "$images/file"
        rm "$images/file"
fi
refused "a character device" block-device /dev/null none0
refused "a directory" block-device /dev/shm x
refused "nothing" block-device "/dev/shm/absent-$mark" x
disk a
number=${loops[a]}
losetup -d "$number"
# Another program may have taken the number meanwhile: then it is its disk.
consent "$number" "$(a)"
[ "$said" != serial ] || said="stable-name serial size"
is "refused: a loop device without a file" "$code: $said" "5: stable-name serial size"
truncate -s ${mib}M "$images/b"
loops[b]=$(losetup -f --show "$images/b")
[ "${loops[b]}" != "$number" ] || refused "another disk under the same number" serial "$number" "$(a)"
drop b
rm -f "$(a)"

# All or none.
disk a; disk b
mkfs.ext4 -q -F "${loops[b]}"
refused "one of two: the other is not touched either" signature "${loops[a]} ${loops[b]}" "$(a) $images/b"
drop a b
check "at least 25 situations ($n_rows)" [ $n_rows -ge 25 ]

# The check of the checksum: what is written, be it zeroes, is seen.
disk a
before=$(sums)
bytes a 4096 '\x00'
check "a write of zeroes is seen" [ "$before" != "$(sums)" ]
drop a

# The right ones.
taken() { # DESCRIPTION DEVICES WIPE [ARGUMENT…]
        local what=$1
        shift
        consent "$@"
        is "taken: $what" "$code" 0 || diag "$(tail -n 20 "$t/out" "$t/err")"
}
mib=1024
disk a; disk b
taken "an empty disk" "${loops[a]}" "$(a)" --set Target.Size=1GiB
has "taken: it is told by its name" "$t/out" "^devices +1 x 1GiB: 1=${loops[a]}\$"
is "taken: it holds our label then" "$(blkid -p -o value -s LABEL "${loops[a]}")" scrubstress
is "taken: the device is left to its owner" "$(losetup -n -O NAME -j "$(a)")" "${loops[a]}"
uuid=$(blkid -p -o value -s UUID "${loops[a]}")
taken "the target of an earlier run, beside an empty disk" "${loops[b]} ${loops[a]}" "$images/b $(a)"
has "taken: devid 1 is the first" "$t/out" "^devices +2 x 1GiB: 1=${loops[b]} 2=${loops[a]}\$"
check "taken: it is a new filesystem" [ "$uuid" != "$(blkid -p -o value -s UUID "${loops[a]}")" ]
wipefs -qa "${loops[a]}"
mkfs.ext4 -q -F "${loops[a]}"
taken "ext4, with WipeSignatures=yes" "${loops[a]}" "$(a)" --set Target.WipeSignatures=yes

# The list.
"$build/scrubstress" devices >"$t/devices" 2>&1
is "devices: exit code" $? 0
wipefs -qa "${loops[a]}" && mkfs.ext4 -q -F "${loops[a]}"
has "devices: the serial" "$t/devices" "^  serial +$(a) \\(loop/backing_file\\)"
"$build/scrubstress" devices --format json >"$t/devices.json"
is "devices, JSON: targets of earlier runs would be taken" \
        "$(jq -c ".devices | map(select(.serial | startswith(\"$images/\")? // false) | .refusals | length)" "$t/devices.json")" '[1,0]'
drop a b
the_end

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# For ./test: scenarios with disks that must not be taken, and at the end with those that may.

# The table of tests/root/consent.sh, whose disks are loop devices, on a kernel that has partitions of those, and device mapper.
consent_table() {
        local out=/run/consent.tap status=0 line programs
        programs=$(dirname "$(command -v scrubstress)")
        TOP_SRCDIR=$library TOP_BUILDDIR=$programs timeout -k 10 1200 bash "$library/tests/root/consent.sh" >$out 2>&1 </dev/null || status=$?
        is "exit code" $status 0
        while read -r line; do complain "$line"; done < <(grep -E '^not ok |# SKIP|^Bail out' $out)
        figure "$(grep -c '^ok ' $out) results"
        sed 's/^/# /' $out
}

# The same on NVMe and SATA, with what else the system does with disks.
disk() { readlink -f "$(by_id "scrubstress-$1")"; }
rows=0
# wrong DISK INTERLOCKS [DEVICE]: by its serial, and by its link if it is not another device that is named.
wrong() {
        sync
        udevadm settle -t 60
        refused "${3:-$(by_id "scrubstress-$1")}" "scrubstress-$1" "$2"
        rows=$((rows + 1)) figures=("$rows rows so far")
}
# udev may still look at what was there.
empty_disks() { within "all disks are empty" 20 wipefs -aq "$(disk nvme0)" "$(disk nvme1)" "$(disk sata0)" "$(disk sata1)"; }

wrong_filesystems() {
        local nvme sata
        nvme=$(disk nvme0) sata=$(disk sata0)
        empty_disks
        mkfs.ext4 -q -F "$nvme"
        wrong nvme0 signature
        # Read-only: a filesystem that is mounted otherwise writes by itself.
        mount -o ro,noload "$nvme" /mnt
        wrong nvme0 'not-mounted signature'
        umount /mnt
        mkfs.btrfs -q -f --label other "$nvme" "$sata"
        wrong sata0 signature
        mount -t btrfs -o "ro,device=$nvme,device=$sata" "$nvme" /mnt
        wrong sata0 'not-mounted signature'
        umount /mnt
        empty_disks
        mkswap "$sata" >/dev/null
        wrong sata0 signature
        swapon "$sata"
        wrong sata0 'not-swap signature'
        swapoff "$sata"
        empty_disks
}

wrong_partitions() {
        local nvme
        nvme=$(disk nvme1)
        empty_disks
        echo 'size=1GiB' | sfdisk -q --label gpt "$nvme"
        within "its partition" 10 test -b "${nvme}p1"
        wrong nvme1 signature
        wrong nvme1 whole-disk "${nvme}p1"
        mkfs.ext4 -q -F "${nvme}p1"
        mount -o ro,noload "${nvme}p1" /mnt
        wrong nvme1 'partitions signature'
        wrong nvme1 'whole-disk not-mounted signature' "${nvme}p1"
        umount /mnt
        wipefs -aq "${nvme}p1"
        empty_disks
}

wrong_stacks() {
        local nvme0 nvme1 sata
        nvme0=$(disk nvme0) nvme1=$(disk nvme1) sata=$(disk sata0)
        empty_disks
        { pvcreate -y "$sata"; wrong sata0 signature; vgcreate wrong "$sata"; lvcreate -y -l 1 -n volume wrong; } >/dev/null 2>&1
        wrong sata0 'no-holders signature'
        { vgremove -ff -y wrong; pvremove -y "$sata"; } >/dev/null 2>&1
        empty_disks
        printf secret | cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "$sata" -
        wrong sata0 signature
        printf secret | cryptsetup open --key-file - "$sata" wrong
        wrong sata0 'no-holders signature'
        cryptsetup close wrong
        empty_disks
        # Read-only: it would be synchronised.
        mdadm --create /dev/md/wrong --quiet --run --readonly --level=1 --raid-devices=2 "$nvme0" "$nvme1"
        wrong nvme1 'no-holders signature'
        within "the array ends" 10 mdadm --quiet --stop /dev/md/wrong
        mdadm --quiet --zero-superblock "$nvme0" "$nvme1"
        empty_disks
}

wrong_names() {
        local link=/dev/disk/by-id/nvme-moved
        empty_disks
        ln -sfn "$(disk nvme1)" $link
        wrong nvme0 serial $link
        rm -f $link
        wrong nvme0 serial "$(by_id scrubstress-sata0)"
        blockdev --setro "$(disk nvme0)"
        wrong nvme0 writable
        blockdev --setrw "$(disk nvme0)"
}

# After all that, together.
right_disks() {
        local serials=(scrubstress-{nvme,sata}{0,1})
        stress_on 2 --target "$(by_ids "${serials[@]}")" --set "Target.Wipe=${serials[*]}" --set Run.MinCollisions=0
}

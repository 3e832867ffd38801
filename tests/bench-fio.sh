#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What fio makes of the work of the row "fill" of make bench, on a target of the same shape: four sparse loop files of 1 GiB, data single, metadata
# raid1. Prints MiB/s. To be run in a mount namespace of its own; the images have no name and the loop devices go with the mount, however this
# ends.
#
# Usage: bench-fio.sh DIRECTORY-FOR-IMAGES MOUNT-POINT SECONDS
#
# What is compared: two files of 64 MiB, one after the other, written from registered buffers through io_uring into the page cache, 1 MiB each and
# eight in flight; their commit; their unlinking; and again. Bytes written, over the time that all of that takes.
#
# The commit of the program is the ioctl SYNC. fio has only fsync, and on btrfs that writes the log tree instead; mounted with notreelog it is
# a commit (fs/btrfs/tree-log.c, btrfs_log_inode_parent()). So both targets are mounted with it.
#
# Both commit twice in a round, which is why there are two files: the program when both are written and when they are unlinked, fio when it closes
# a file. (With end_fsync it would commit once, and unlink the first file before any of it is on the disk: what io_uring is asked to sync then has
# been opened again, fio 3.33.) The commits are counted.
#
# What differs: the program wakes the cleaner with each commit, which removes the emptied block group; it asks for the room left before each file and
# reads the chunk tree once in a round. This is in its time, and not made up for. fio is not asked for time_based: that makes it write the same files over and over, without fsync or unlink in between.
set -euo pipefail
export LC_ALL=C

directory=$1 mount=$2 seconds=$3 options=nodiscard,notreelog
image='' loop='' fio='' loops=() fds=()

die() { echo "bench-fio: $*" >&2; exit 4; }
finish() {
        [ -z "$fio" ] || { kill -KILL "$fio"; wait "$fio"; } 2>/dev/null || true
        [ -z "$image" ] || rm -f "$image"
        [ -z "$loop" ] || losetup --detach "$loop" || true
        umount "$mount" 2>/dev/null || true
        rm -f "$mount.json"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# Open, and told to detach itself: from then on it lasts as long as something has it open, this shell or the mount.
make_loop() {
        local fd
        image=$(mktemp "$directory/scrubstress-bench.XXXXXX")
        truncate --size 1G "$image"
        loop=$(losetup --find --show "$image")
        exec {fd}<>"$loop"
        losetup --detach "$loop"
        rm "$image"
        fds+=("$fd") loops+=("$loop")
        image='' loop=''
}

for _ in 1 2 3 4; do make_loop; done
mkfs.btrfs --quiet --data single --metadata raid1 --checksum crc32c --nodesize 16384 --nodiscard "${loops[@]}" >"$mount.json" 2>&1 ||
        die "mkfs.btrfs failed: $(tail -n 1 "$mount.json")"
for loop in "${loops[@]}"; do options+=,device=$loop; done
loop=''
mount -t btrfs -o "$options" "${loops[0]}" "$mount"
for fd in "${fds[@]}"; do exec {fd}>&-; done

statistics=/sys/fs/btrfs/$(findmnt --noheadings --output UUID "$mount")/commit_stats
commits() { awk '$1 == "commits" { print $2 }' "$statistics"; }
[ -r "$statistics" ] || die "the kernel does not say how often it commits: take Linux 6.0 or newer"

before=$(commits)
# A thread, not a process: it is gone when fio is.
setpriv --pdeathsig KILL fio --name=fill --thread --directory="$mount" --rw=write --ioengine=io_uring --fixedbufs=1 --bs=1m --iodepth=8 \
        --filesize=64m --nrfiles=2 --file_service_type=sequential --create_on_open=1 --fallocate=none --fsync_on_close=1 --unlink_each_loop=1 \
        --loops=1000000 --runtime="$seconds" \
        --output-format=json --output="$mount.json" >&2 &
fio=$!
wait "$fio" || die "fio failed"
fio=
rounds=$(jq '.jobs[0].write.io_bytes / 134217728 | floor' "$mount.json") commits=$(($(commits) - before))
((commits >= 2 * rounds)) || die "fio committed $commits times in $rounds rounds: that is less work than the program does"
jq -e '.jobs[0] | select(.error == 0 and .job_runtime > 0) | .write.io_bytes / 1048576 / (.job_runtime / 1000)' "$mount.json" ||
        die "fio has no result"

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make bench: rates of the main loads and what the supervisor costs, as a table. Every row is the median of BENCH_RUNS runs (default 3) of
# BENCH_SECONDS (default 20); the rows of one round run one after the other, so that a noisy neighbour hits all of them. BENCH_ROWS names those
# wanted (default all): BENCH_ROWS="default unverified" BENCH_RUNS=5 BENCH_SECONDS=6 for what verification costs alone.
set -euo pipefail
export LC_ALL=C

program=${TOP_BUILDDIR:?}/scrubstress here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
runs=${BENCH_RUNS:-3} seconds=${BENCH_SECONDS:-20}
[ "$(id -u)" = 0 ] || { echo "bench: needs root, it makes loop devices (in a mount namespace of its own)." >&2; exit 4; }
command -v jq >/dev/null || { echo "bench: jq is missing; ./bootstrap install-deps installs it." >&2; exit 4; }
work=$(mktemp -d) child=''
mkdir "$work/mount"
# What runs is told to end, and has undone what it made when we are gone.
finish() {
        [ -z "$child" ] || { kill "$child" && wait "$child"; } 2>/dev/null || true
        rm -rf "$work"
}
trap finish EXIT

# name|what it is|settings
#
# The row fio does the work of the row fill, on a target of the same shape: tests/bench-fio.sh has the same numbers, and says what is compared.
# The row unverified comes right after the row default, which is what it is laid beside: what verification costs.
# There is one size of device in the rows one to eight devices, so that nothing but their number differs; default is the one of four.
rows=(
        "default|the default load|"
        "unverified|the same, nothing of it is read back|Churn.VerifyEvery=0"
        "one-device|the same on one 2 GiB device|Target.Devices=loop:2GiB*1 Target.MetadataProfile=dup"
        "no-sync-loop|without the sync worker|Sync.Workers=0"
        "fallocate|4 x 180 MiB fallocated, one 2 GiB device|Target.Devices=loop:2GiB*1 Target.MetadataProfile=dup Churn.Fill=fallocate Churn.Files=4 Churn.FileSize=180MiB Sync.Workers=0"
        "fill|filling only: 64 MiB files, io_uring|Target.Devices=loop:1GiB*4 Target.NodeSize=16KiB Target.Checksum=crc32c Target.MountOptions=nodiscard,notreelog Churn.FileSize=64MiB Churn.Files=2 Churn.BlockSize=1MiB Churn.Depth=8 Churn.VerifyEvery=0 Sync.Workers=0 Scrub.Enabled=no Balance.Enabled=no Run.MinCollisions=0"
        "fio|the same by fio|"
        "devices-1|the default load on one 1.5 GiB device|Target.Devices=loop:1536MiB*1"
        "devices-2|on two|Target.Devices=loop:1536MiB*2"
        "devices-8|on eight|Target.Devices=loop:1536MiB*8"
)

# cpu_ticks PID: user and system time of the process itself, without its children
cpu_ticks() { awk '{ sub(/^.*\) /, ""); print $12 + $13 }' "/proc/$1/stat" 2>/dev/null || echo 0; }
# Of the whole machine: user, nice, system, irq, softirq; not what its host took away (steal), and guests are in user.
busy_ticks() { awk '/^cpu / { print $2 + $3 + $4 + $7 + $8 }' /proc/stat; }

# What was measured from outside goes to the columns 7 and on; "-": not known. A run that ended before its time has no rates.
columns='
        def per(n; d): if d > 0 then n / d else "-" end;
        (.duration_s // 0) as $d | ($ticks / $hz / ($ns / 1e9)) as $supervisor | ($busy / $hz / ($ns / 1e9)) as $machine
        | [.verdict, per(.collisions // 0; $d), per(.removals; $d), per(.scrubs; $d), per(.syncs; $d), per(.bytes_written / 1048576; $d),
           if $rss > 0 then 100 * $supervisor, $rss / 1024 else "-", "-" end, per(100 * $user; $user + $system),
           per(1000 * $machine; per(.collisions // 0; $d) | numbers // 0)] | @tsv'

# The same random choices in all rows of a round, and others in the next. What is verified is drawn at random as well, so with and without it
# the choices are the same only at the start.
#
# The time of workers counts for their parent when it has waited for them, and its own and theirs for us when we have waited for it.
one_run() { # NAME ROUND SETTING…
        local name=$1 round=$2 out="$work/$1.$2" args=() ticks busy t0 t1 rss s user=0 system=0 TIMEFORMAT='%3U %3S'
        shift 2
        for s in "$@"; do args+=(--set "$s"); done
        setpriv --pdeathsig TERM "$program" run --duration "${seconds}s" --format json --set Run.Instance="bench-$$" --set Run.Seed="$round" \
                --set Run.EvidenceDirectory="$work/evidence" "${args[@]}" >"$out" 2>"$out.people" &
        child=$!
        sleep 3
        ticks=$(cpu_ticks "$child") busy=$(busy_ticks) t0=$(date +%s%N)
        sleep $((seconds - 4))
        ticks=$(($(cpu_ticks "$child") - ticks)) busy=$(($(busy_ticks) - busy)) t1=$(date +%s%N)
        rss=$(awk '/^VmHWM/ { print $2 }' "/proc/$child/status" 2>/dev/null || true)
        { time wait "$child" 2>/dev/null; } 2>"$work/times" || true
        child=''
        read -r user system <"$work/times" || true
        [ -s "$out" ] && jq -r --argjson ticks "$ticks" --argjson busy "$busy" --argjson ns $((t1 - t0)) --argjson hz "$(getconf CLK_TCK)" \
                --argjson rss "${rss:-0}" --argjson user "${user:-0}" --argjson system "${system:-0}" "$columns" "$out" >>"$work/$name.tsv" ||
                printf 'no report\n' >>"$work/$name.tsv"
}

# After the row fill of the same round, with the images in the same directory.
fio_run() { # ROUND
        local directory rate status=0
        directory=$(jq -r '.target.image_directory // empty' "$work/fill.$1" 2>/dev/null || true)
        if [ -z "$directory" ]; then
                echo "there is nothing to compare with, the row fill has made no target" >"$work/fio.why"
                return
        fi
        setpriv --pdeathsig TERM unshare --mount --propagation slave \
                bash "$here/bench-fio.sh" "$directory" "$work/mount" "$seconds" >"$work/fio.$1" 2>"$work/fio.people" &
        child=$!
        wait "$child" || status=$?
        child=''
        if [ "$status" != 0 ]; then
                { echo "bench-fio.sh ended with exit code $status"; tail -n 1 "$work/fio.people"; } | paste -s -d ' ' >"$work/fio.why"
                return
        fi
        rate=$(<"$work/fio.$1")
        printf 'PASS\t-\t-\t-\t-\t%s\t-\t-\t-\t-\n' "$rate" >>"$work/fio.tsv"
        jq -r --argjson fio "$rate" 'select(.duration_s > 0) | .bytes_written / 1048576 / .duration_s / $fio' "$work/fill.$1" >>"$work/pairs.tsv"
}

# median FILE COLUMN: of those rows that have a number there
median() {
        [ ! -f "$1" ] || cut -f"$2" "$1" | { grep -E '^[0-9]' || true; } | sort -g |
                awk '{ v[NR] = $1 } END { if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}
cell() { # WIDTH DECIMALS FILE COLUMN
        local value
        value=$(median "$3" "$4")
        if [ -n "$value" ]; then printf '%*.*f ' "$1" "$2" "$value"; else printf '%*s ' "$1" -; fi
}

print_row() { # NAME WHAT
        local f=$work/$1.tsv column
        printf '%-13s' "$1"
        for column in 2 3 4 5 6; do cell 9 0 "$f" "$column"; done
        cell 8 2 "$f" 7; cell 7 1 "$f" 8; cell 6 1 "$f" 9; cell 9 2 "$f" 10
        echo " $2"
        [ -f "$f" ] && grep -q -v '^PASS' "$f" || return 0
        echo "              not all runs passed:$(cut -f1 "$f" | sort | uniq -c | tr -s ' \n' ' ')" \
                "$(jq -r 'select(.verdict != "PASS") | .error // .why' "$work/$1".[0-9] 2>/dev/null | head -n 1 || true)"
}

compare_fill() {
        [ ! -s "$work/fio.why" ] || echo "the row fio has not all of its runs: $(<"$work/fio.why")"
        [ -f "$work/pairs.tsv" ] || return 0
        echo "fill / fio = $(median "$work/pairs.tsv" 1 | awk '{ printf "%.2f", $1 }') (median of pairs: $(
                sort -g "$work/pairs.tsv" | awk '{ printf "%s%.2f", (NR > 1 ? ", " : ""), $1 }'))"
        ! grep -qs 'with pwrite instead' "$work"/fill.*.people || echo "fill had no io_uring and wrote with pwrite: this is not the comparison it should be"
}

# Of two reports, with verification and without: MiB/s of each and their ratio, removals/s of each and their ratio; nothing where one has no rates.
verification='
        map(select((.duration_s // 0) > 0 and .bytes_written > 0 and .removals > 0) | .duration_s as $d
            | [.bytes_written / 1048576 / $d, .removals / $d])
        | select(length == 2) | transpose | map(., [.[0] / .[1]]) | flatten | @tsv'

compare_verification() {
        local round column f=$work/verification.tsv
        for round in $(seq "$runs"); do
                [ -s "$work/default.$round" ] && [ -s "$work/unverified.$round" ] || continue
                jq -rs "$verification" "$work/default.$round" "$work/unverified.$round" >>"$f" 2>/dev/null || true
        done
        [ -s "$f" ] || return 0
        for column in 1 2 3 4 5 6; do median "$f" "$column"; done | paste -s | awk -v pairs="$(
                cut -f3 "$f" | sort -g | awk '{ printf "%s%.2f", (NR > 1 ? ", " : ""), $1 }')" '{
                        printf "verification at the default sampling costs %.1f %% of what the churn writes: ", 100 * (1 - $3)
                        printf "%.1f MiB/s with it, %.1f without, default / unverified = %.2f (median of pairs: %s); ", $1, $2, $3, pairs
                        printf "and %.1f %% of the removals: %.0f/s with it, %.0f without\n", 100 * (1 - $6), $4, $5 }'
}

compare_devices() {
        local row
        for row in 1:devices-1 2:devices-2 4:default 8:devices-8; do
                echo "${row%%:*} $(median "$work/${row#*:}.tsv" 10)"
        done | awk '
                NF < 2 { next }
                { list = list (n++ ? ", " : "") $1 ": " sprintf("%.2f", $2) }
                n == 1 || $2 < min { min = $2 }
                $2 > max { max = $2 }
                END { if (n > 1) printf "CPU seconds per 1000 collisions by devices of 1.5 GiB: %s; highest / lowest = %.2f\n", list, max / min }'
}

wanted=()
for row in "${rows[@]}"; do
        [ -z "${BENCH_ROWS:-}" ] || [[ " $BENCH_ROWS " == *" ${row%%|*} "* ]] || continue
        if [ "${row%%|*}" = fio ] && ! command -v fio >/dev/null; then
                echo "bench: fio is missing; ./bootstrap install-deps installs it. The row fio is left out." >&2
        else
                wanted+=("$row")
        fi
done
for round in $(seq "$runs"); do
        for row in "${wanted[@]}"; do
                IFS='|' read -r name _ settings <<<"$row"
                if [ -t 2 ]; then printf '\r\033[K'; fi >&2
                printf 'round %d of %d: %s' "$round" "$runs" "$name" >&2
                [ -t 2 ] || echo >&2
                read -r -a sets <<<"$settings"
                if [ "$name" = fio ]; then fio_run "$round"; else one_run "$name" "$round" "${sets[@]}"; fi
        done
done
[ ! -t 2 ] || printf '\r\033[K' >&2

cat <<TXT
kernel $(uname -r), $(nproc) CPUs; median of $runs runs of $seconds s; supervisor: % of one core, peak RSS; user %: share of user time in all CPU
time of the program and its workers; CPU s: of the whole machine, whoever used it, per 1000 collisions
TXT
printf '%-13s%9s %9s %9s %9s %9s %8s %7s %6s %9s  %s\n' load coll/s removals/s scrubs/s syncs/s MiB/s superv.% MiB user% 'CPU s' what
for row in "${wanted[@]}"; do
        IFS='|' read -r name what _ <<<"$row"
        print_row "$name" "$what"
done
compare_verification
compare_fill
compare_devices

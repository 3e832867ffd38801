#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make bench: rates of the main loads and what the supervisor costs, as a table. Every row is the median of BENCH_RUNS runs (default 3) of
# BENCH_SECONDS (default 20); the rows of one round run one after the other, so that a noisy neighbour hits all of them.
set -euo pipefail

program=${TOP_BUILDDIR:?}/scrubstress
runs=${BENCH_RUNS:-3} seconds=${BENCH_SECONDS:-20}
[ "$(id -u)" = 0 ] || { echo "bench: needs root, it makes loop devices (in a mount namespace of its own)." >&2; exit 4; }
command -v jq >/dev/null || { echo "bench: jq is missing; ./bootstrap install-deps installs it." >&2; exit 4; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

# name|what it is|settings
rows=(
        "default|the default load|"
        "one-device|the same on one 2 GiB device|Target.Devices=loop:2GiB*1 Target.MetadataProfile=dup"
        "no-sync-loop|without the sync worker|Sync.Workers=0"
        "fallocate|4 x 180 MiB fallocated, one 2 GiB device|Target.Devices=loop:2GiB*1 Target.MetadataProfile=dup Churn.Fill=fallocate Churn.Files=4 Churn.FileSize=180MiB Sync.Workers=0"
        "fill|filling only: 64 MiB files, io_uring|Churn.FileSize=64MiB Churn.BlockSize=1MiB Churn.Depth=8 Sync.Workers=0 Scrub.Enabled=no Balance.Enabled=no Run.MinCollisions=0"
)

# cpu_ticks PID: user and system time of the process itself, without its children
cpu_ticks() { awk '{ sub(/^.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }

one_run() {
        local name=$1 out="$work/$1.$2" args=() pid before after t0 t1 s
        shift 2
        for s in "$@"; do args+=(--set "$s"); done
        "$program" run --duration "${seconds}s" --format json --set Run.Instance="bench-$$" --set Run.EvidenceDirectory="$work/evidence" \
                "${args[@]}" >"$out" 2>/dev/null &
        pid=$!
        sleep 3
        before=$(cpu_ticks "$pid"); t0=$(date +%s%N)
        sleep $((seconds - 4))
        after=$(cpu_ticks "$pid"); t1=$(date +%s%N)
        rss=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status")
        wait "$pid" || true
        cpu=$(awk -v ticks=$((after - before)) -v ns=$((t1 - t0)) -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.2f", 100 * ticks / hz / (ns / 1e9) }')
        jq -r --arg cpu "$cpu" --arg rss "$rss" '.duration_s as $d | [.verdict, .collisions / $d, .removals / $d, .scrubs / $d, .syncs / $d,
                .bytes_written / $d / 1048576, ($cpu | tonumber), ($rss | tonumber / 1024)] | @tsv' "$out" >>"$work/$name.tsv"
}

median() { cut -f"$2" "$1" | sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

for round in $(seq "$runs"); do
        for row in "${rows[@]}"; do
                IFS='|' read -r name _ sets <<<"$row"
                [ ! -t 2 ] || printf '\r\033[Kround %d of %d: %s' "$round" "$runs" "$name" >&2
                # shellcheck disable=SC2086
                one_run "$name" "$round" $sets
        done
done
[ ! -t 2 ] || printf '\r\033[K' >&2

echo "kernel $(uname -r), $(nproc) CPUs; median of $runs runs of $seconds s; supervisor: % of one core, peak RSS"
printf '%-13s %8s %9s %9s %9s %9s %8s %7s  %s\n' load coll/s removals/s scrubs/s syncs/s MiB/s 'superv.%' 'MiB' what
for row in "${rows[@]}"; do
        IFS='|' read -r name what _ <<<"$row"
        f=$work/$name.tsv
        printf '%-13s %8.0f %9.0f %9.0f %9.0f %9.0f %8.2f %7.1f  %s\n' "$name" "$(median "$f" 2)" "$(median "$f" 3)" "$(median "$f" 4)" \
                "$(median "$f" 5)" "$(median "$f" 6)" "$(median "$f" 7)" "$(median "$f" 8)" "$what"
        ! grep -q -v '^PASS' "$f" || echo "              not all runs passed: $(cut -f1 "$f" | sort | uniq -c | tr -s ' \n' ' ')"
done

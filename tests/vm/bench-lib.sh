# SPDX-License-Identifier: GPL-2.0-or-later
#
# For bench and bench-shapes: boots of tests/vm/jobs/bench, and what came of them. What came of each stays in $out/$kind-NAME-N.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The one in the middle of a sorted array; of an even number of them the two.
middle='def middle: length as $n | (.[($n - 1) / 2 | floor], .[$n / 2 | floor]);'

# prepare KIND BUILD-DIRECTORY VARIANT [PROGRAM…]: the kernel, and an initramfs with these programs too. Earlier boots of the kind go, unless
# SCRUBSTRESS_BENCH_RESUME=yes asks for what is missing of them.
prepare() {
        kind=$1
        image=$("$vm/build-kernel" "$3")
        out=$2/tests/vm
        mkdir -p "$out"
        "$vm/initramfs" "$2" "$out/$kind.cpio" "${@:4}"
        [ "${SCRUBSTRESS_BENCH_RESUME:-}" = yes ] || rm -rf "$out/$kind"-*-[0-9]*
}

# has_result NAME N: this boot was done, now or in the run that is carried on
has_result() { jq -e . "$out/$kind-$1-$2/result" >/dev/null 2>&1; }

# boot NAME N SECONDS ARGUMENT…: one boot of the job, which takes at most so long beside what the machine itself takes.
boot() {
        "$vm/run" "$image" "$out/$kind.cpio" "$out/$kind-$1-$2" $(($3 + 180)) bench "${@:4}" >&2 ||
                say "the boot failed, see $out/$kind-$1-$2/console.log"
}

# The results of all boots of NAME that have one.
results() {
        local dir
        for dir in "$out/$kind-$1"-*; do
                [[ ${dir#"$out/$kind-$1-"} =~ ^[0-9]+$ ]] || continue # another name that begins like this one
                jq -c . "$dir/result" 2>/dev/null || true
        done
}

# "Linux 6.12.1 in qemu (tcg), two processors, 8G of memory"
machine() {
        local version with
        version=$(strings "$image" | grep -m 1 -oE '^[0-9]+[.][0-9]+[.][0-9]+[^ ]*' || true)
        with=$(cat "$cache/kvm-$(cat /proc/sys/kernel/random/boot_id)" 2>/dev/null || true)
        echo "Linux ${version:-$(basename "$image")} in qemu (${with%%,*}), two processors, ${SCRUBSTRESS_VM_MEMORY:-8G} of memory"
}

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The architecture as a test. A rule is a function that prints what breaks it in the tree it stands in (the current directory), and a
# mutation that breaks it: each rule is applied to the tree, where it must be silent, and to a mutated copy, where it must not be.
#
# Needs TOP_SRCDIR and TOP_BUILDDIR (scrubstress, libscrubstress.a).
set -uo pipefail
export LC_ALL=C

source=$(cd "${TOP_SRCDIR:?is the folder of the sources}" && pwd)
build=$(cd "${TOP_BUILDDIR:?is the folder with the built programs}" && pwd)
copy=$(mktemp -d) || exit 99
trap 'rm -rf "$copy"' EXIT
archive=$build/libscrubstress.a # what rule_variables looks at

# The sources, without comments and with empty strings, one line as long as the line was: "FILE:LINE:TEXT".
code() {
        awk '
        FNR == 1 { comment = 0 }
        {
                text = $0; out = ""
                while (text != "") {
                        if (comment) {
                                n = index(text, "*/")
                                if (!n) break
                                text = substr(text, n + 2); comment = 0
                        } else if (match(text, /\/\*|\/\/|"([^"\\]|\\.)*"|'\''([^'\''\\]|\\.)*'\''/)) {
                                token = substr(text, RSTART, RLENGTH)
                                out = out substr(text, 1, RSTART - 1)
                                text = substr(text, RSTART + RLENGTH)
                                if (token == "//") break
                                if (token == "/*") comment = 1
                                else out = out (substr(token, 1, 1) == "\"" ? "\"\"" : "0")
                        } else { out = out text; text = "" }
                }
                print FILENAME ":" FNR ":" out
        }' "$@"
}

# only PATTERN FILE…: uses of PATTERN in lib/ and daemon/ outside of these files.
only() {
        local pattern=$1 allowed
        shift
        allowed=$(printf '%s\n' "$@")
        code lib/*/*.[ch] daemon/*.[ch] | grep -E ":[0-9]+:.*$pattern" | grep -vE "^($(paste -sd'|' <<<"$allowed")):"
}

rule_ioctl() { only '\<ioctl *\(' lib/target/btrfs-kernel.c lib/target/loop.c daemon/terminal.c; }
mutate_ioctl() { echo 'int f(void) { return ioctl(1, 2, 3); }' >>lib/stress/st-scrub.c; }

rule_systemd() {
        only '\<sd_[a-z]' 'daemon/[a-z-]*\.[ch]'
        grep -nE '^# *include *<systemd/' lib/*/*.[ch]
}
mutate_systemd() { echo '#include <systemd/sd-daemon.h>' >>lib/run/run.c; }

rule_uring() {
        only '\<io_uring_' lib/stress/ring.c
        grep -nE '^# *include *<liburing' lib/*/*.[ch] daemon/*.[ch] | grep -v '^lib/stress/ring\.c:'
}
mutate_uring() { echo 'int f(void) { return io_uring_queue_init(1, NULL, 0); }' >>lib/stress/writer.c; }

rule_sqlite() {
        only '\<sqlite3_' 'lib/ledger/[a-z-]*\.[ch]'
        grep -nE '^# *include *<sqlite3' lib/*/*.[ch] daemon/*.[ch] | grep -v '^lib/ledger/'
}
mutate_sqlite() { echo '#include <sqlite3.h>' >>lib/run/run.c; }

# A folder includes itself and those before it; the judge, which must never call the kernel, only what it judges.
rule_includes() {
        grep -nE '^# *include *"' lib/*/*.[ch] | awk -F'[:"]' '
        BEGIN {
                n = split("base config observe judge target stress fault plan report ledger run", names, " ")
                for (i = 1; i <= n; i++) rank[names[i]] = i
        }
        {
                split($1, file, "/"); split($4, included, "/")
                from = file[2]; to = included[1]
                if (!(from in rank)) print $1 ": the folder lib/" from " has no rank in tests/check-house.sh"
                else if (!(to in rank)) print $1 ":" $2 ": \"" $4 "\" is not FOLDER/FILE"
                else if (rank[to] > rank[from]) print $1 ":" $2 ": " from " must not include \"" $4 "\""
                else if (from == "judge" && to != "judge" && to != "observe" && to != "base")
                        print $1 ":" $2 ": the judge must not include \"" $4 "\""
        }'
}
mutate_includes() { echo '#include "target/target.h"' >>lib/judge/judge.c; }

rule_goto() { code lib/*/*.[ch] daemon/*.[ch] | grep -E ':[0-9]+:.*\<goto\>'; }
mutate_goto() { printf 'void f(void) {\nagain:\n        goto again;\n}\n' >>lib/base/clock.c; }

rule_conditional() { grep -nE '^[[:space:]]*#[[:space:]]*(if|ifdef|ifndef|elif)\>' lib/*/*.c daemon/*.c; }
mutate_conditional() { printf '#ifdef DEBUG\n#endif\n' >>daemon/engine.c; }

# Relocated constants (.data.rel.ro) are constants.
rule_variables() {
        objdump -t "$archive" | awk '
        /^[^ ]*\.o: / { file = $1 }
        /\.(data|bss|tdata|tbss)(\.|[ \t])|\*COM\*/ && !/\.data\.rel\.ro/ && $NF !~ /^\.(data|bss)/ { print file " " $NF }'
}
mutate_variables() {
        archive=$copy/mutated.a
        rm -f "$archive"
        echo 'static int calls; int f(void); int f(void) { return ++calls; }' | cc -x c -c -o "$copy/mutated.o" - && ar rcs "$archive" "$copy/mutated.o"
}

# Every definition of a function: "FILE:LINE NAME LINES PARAMETERS". A definition begins in the first column and ends with "}" there.
functions() {
        code lib/*/*.c daemon/*.c | awk -F: '
        {
                file = $1; line = $2; text = substr($0, length(file) + length(line) + 3)
                if (file != last) { head = ""; inside = 0 }
                last = file
        }
        inside && text ~ /^}/ { print file ":" begin " " name " " line - begin + 1 " " parameters; inside = 0; head = ""; next }
        inside { next }
        text ~ /^[a-zA-Z]/ { head = ""; begin = line }
        text ~ /^[a-zA-Z \t]/ { head = head " " text }
        /[;=]/ || text ~ /^#/ { if (text !~ /\{[ \t]*$/ || text ~ /=/) head = "" }
        text ~ /\{[ \t]*$/ && head ~ /\(/ && head !~ /=/ {
                # The last parenthesis that opens at depth 0 begins the parameters.
                depth = 0; parameters = 1; start = 0
                for (i = 1; i <= length(head); i++) {
                        c = substr(head, i, 1)
                        if (c == "(" && depth++ == 0) { start = i; parameters = 1 }
                        else if (c == ")") depth--
                        else if (c == "," && depth == 1) parameters++
                }
                name = substr(head, 1, start - 1); sub(/[ \t]*$/, "", name); sub(/.*[ *]/, "", name)
                inside = 1
        }'
}

rule_functions() { functions | awk '$3 > 60 { print $1 ": " $2 "() has " $3 " lines" } END { if (NR < 100) print "the functions are not found" }'; }
mutate_functions() { { echo 'void f(void) {'; seq -f '        f(%g);' 59; echo '}'; } >>lib/base/clock.c; }

rule_parameters() { functions | awk '$4 > 5 { print $1 ": " $2 "() has " $4 " parameters" }'; }
mutate_parameters() { printf 'static void f(int a, int b, int c,\n              int d, int e, int (*f)(int a, int b)) {\n}\n' >>lib/base/clock.c; }

rule_files() { wc -l lib/*/*.[ch] daemon/*.[ch] | awk '$1 > 500 && $2 != "total" { print $2 " has " $1 " lines" }'; }
mutate_files() { seq -f '/* %g */' 500 >>lib/base/clock.c; }

rule_licence() { grep -LE 'SPDX-License-Identifier: GPL-2.0-or-later' lib/*/*.[ch] daemon/*.[ch] tests/*.[ch] tests/*.sh tests/root/*.sh; }
mutate_licence() { sed -i 1d lib/base/clock.c; }

# registered KIND SOURCES-OF-IT LISTED: both sorted and the same.
registered() {
        [ "$3" = "$(sort -u <<<"$3")" ] || echo "$1: not sorted, or one twice: $(paste -sd' ' <<<"$3")"
        diff <(sort -u <<<"$2") <(sort -u <<<"$3") | sed -n "s/^</$1: not registered:/p; s/^>/$1: there is no such file:/p"
}
rule_stressors() {
        registered stressor "$(ls lib/stress | sed -n 's/^st-\(.*\)\.c$/\1/p')" "$(sed -n 's/^ *&stressor_\([a-z_]*\),.*/\1/p' lib/stress/registry.c)"
}
mutate_stressors() { cp lib/stress/st-sync.c lib/stress/st-another.c; }

rule_commands() {
        registered command "$(ls daemon | sed -n 's/^cmd-\(.*\)\.c$/\1/p')" "$(sed -n 's/^ *&command_\([a-z_]*\),.*/\1/p' daemon/scrubstress.c)"
}
mutate_commands() { sed -i '/&command_config,/d; s/ *&command_run,/&\n        \&command_config,/' daemon/scrubstress.c; }

# listed KIND FILES LIST-FILE PATTERN: each file is a word of it, and each word that matches is a file.
listed() {
        diff <(sort -u <<<"$2") <(tr -s ' \t=\\' '\n' <"$3" | grep -xE "$4" | sort -u) |
                sed -n "s#^<#$3: missing:#p; s#^>#$3: there is no such file:#p"
}
# tests/root/lib.sh is no test.
rule_lists() {
        listed library "$(ls lib/*/*.[ch])" lib/lib.am 'lib/[a-z]+/[a-z-]+\.[ch]'
        listed daemon "$(ls daemon/*.[ch])" daemon/daemon.am 'daemon/[a-z-]+\.[ch]'
        listed tests "$(ls tests/test-*.c | sed 's/\.c$//')" tests/tests.am 'tests/test-[a-z-]+'
        listed 'known issues' "$(ls conf/known-issues.d/*)" conf/conf.am 'conf/known-issues\.d/[a-z0-9-]+\.conf'
        listed 'tests as root' "$(ls tests/root/*.sh | grep -v '/lib\.sh$')" tests/tests.am 'tests/root/[a-z-]+\.sh'
}
mutate_lists() { cp lib/base/clock.c lib/base/another.c; }
rule_tests() { rule_lists | grep '^tests/'; }
mutate_tests() { cp tests/root/clean.sh tests/root/another.sh; }

# What this program is for is nobody's known issue; an administrator may think otherwise.
rule_known() { grep -nE '^[[:space:]]*Class[[:space:]]*=[[:space:]]*(regression|data)/' conf/known-issues.d/*; }
mutate_known() { printf '[x]\nClass=regression/scrub-race\n' >>conf/known-issues.d/near-full-abort.conf; }
# Grades by the tables would be a second place for the same facts.
rule_known_table() { code lib/judge/*-rules.c lib/judge/*-policy.c | grep 'GRADE_KNOWN'; }
mutate_known_table() { echo 'static const Grade g = GRADE_KNOWN;' >>lib/judge/kmsg-rules.c; }

printed() { diff "$2" <("$build/scrubstress" documentation --part "$1") | head -n 20 | sed "s#^#$2 (<) and --part $1 (>): #"; }
rule_sample() { printed sample conf/scrubstress.conf; }
mutate_sample() { echo '# more' >>conf/scrubstress.conf; }
rule_catalog() { printed catalog systemd/scrubstress.catalog; }
mutate_catalog() { sed -i 's/^Subject: kernel/Subject: core/' systemd/scrubstress.catalog; }

# What autotools make is not ours.
ours() {
        find . \( -name .git -o -name 'build*' -o -name autom4te.cache -o -name m4 -o -name configure -o -name 'configure~' -o -name Makefile.in \
                -o -name aclocal.m4 \) -prune -o -type f -print
}
rule_paths() {
        ours | tr '\n' '\0' | xargs -0 grep -nIE '(^|[^][:alnum:]._${}/-])/(hom[e]|wor[k]|roo[t]|User[s]|tmp/buil[d])[/-][[:alnum:]]'
}
mutate_paths() { printf '/* see /%s/somebody/notes.txt */\n' home >>lib/base/clock.c; }

# TAP.

n=0
result() {
        n=$((n + 1))
        if [ -z "$2" ]; then
                printf 'ok %d - %s\n' $n "$1"
        else
                printf 'not ok %d - %s\n' $n "$1"
                sed 's/^/# /' <<<"$2" | head -n 40
        fi
}

# house RULE DESCRIPTION
house() {
        result "$2" "$(cd "$source" && "rule_$1" 2>&1)"
        # The copy is small: what has been built and made is left out.
        rm -rf "$copy/tree"
        mkdir "$copy/tree"
        (cd "$source" && ours | tar -cf - -T -) | tar -xf - -C "$copy/tree"
        chmod -R u+w "$copy/tree"
        local before after
        before=$(cd "$copy/tree" && "rule_$1" 2>&1)
        after=$(cd "$copy/tree" && "mutate_$1" && "rule_$1" 2>&1)
        result "$2: a breach is seen" "$([ "$before" != "$after" ] || echo "the mutation makes no difference")"
}

house ioctl "ioctl() only in lib/target/btrfs-kernel.c, loop.c and daemon/terminal.c"
house systemd "systemd only in daemon/"
house uring "io_uring only in lib/stress/ring.c"
house sqlite "SQLite only in lib/ledger/"
house includes "includes go one way"
house goto "no goto"
house conditional "no #if in .c files"
if [ "${SANITIZERS:-no}" = yes ]; then
        n=$((n + 1))
        printf 'ok %d - no variables of file scope in lib/ # SKIP sanitizers add their own; the plain build looks\n' $n
else
        house variables "no variables of file scope in lib/"
fi
house functions "functions have at most 60 lines"
house parameters "functions have at most 5 parameters"
house files "files have at most 500 lines"
house licence "every source says its licence"
house stressors "the registry of stressors is sorted and complete"
house commands "the table of commands is sorted and complete"
house lists "every source is in its .am file"
house tests "every test is in tests.am"
house known "no carried known issue hides the race or damaged data"
house known_table "what is known is in files only"
house sample "conf/scrubstress.conf is what the key table prints"
house catalog "systemd/scrubstress.catalog is what the table of classes prints"
house paths "no paths of a developer's machine"
printf '1..%d\n' $n

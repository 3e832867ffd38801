# SPDX-License-Identifier: GPL-2.0-or-later
#
# conf/known-issues.d as C, for the program to carry. Lines keep their numbers; comments are left out.
function quoted(text,    i, c, out) {
        for (i = 1; i <= length(text); i++) {
                c = substr(text, i, 1)
                out = out (c == "\\" || c == "\"" ? "\\" : "") c
        }
        return out
}
BEGIN {
        print "/* Made from conf/known-issues.d by conf/carry.awk. */\n#include \"judge/known-issue.h\"\n"
        print "const ConfCarried known_issues_carried[] = {"
}
FNR == 1 {
        name = FILENAME
        sub(/.*\//, "", name)
        printf "%s        { \"%s\",\n", open ? "        },\n" : "", name
        open = 1
}
{ printf "          \"%s\\n\"\n", /^#/ ? "" : quoted($0) }
END { print "        },\n        { NULL, NULL },\n};" }

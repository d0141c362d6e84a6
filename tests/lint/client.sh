#!/bin/bash
# The client says the same everywhere: the header compiles as C89 and C++, the library exports
# what the header declares and libdosvc.sym lists, and each verb, option and exit status of
# dosvcctl's help is in its manual and its completion, and the other way round.
set -u
cd "$(dirname "$0")/../.." || exit 1

B=${B:-build} bad=0
work=$(mktemp -d /tmp/dosvc-client-XXXXXX) || exit 1
trap 'rm -rf -- "$work"' EXIT

same() {
        local what=$1 left=$2 right=$3
        [ -s "$left" ] && [ -s "$right" ] && diff -u "$left" "$right" && return
        echo "^ $what"
        bad=1
}

echo '#include <dosvc.h>' | tee "$work/header.c" >"$work/header.cc"
for compiler in gcc clang; do
        command -v "$compiler" >/dev/null || continue
        "$compiler" -std=c89 -pedantic -Wall -Wextra -Werror -Iclient-lib -c -o /dev/null \
                "$work/header.c" || bad=1
done
! command -v g++ >/dev/null ||
        g++ -pedantic -Wall -Wextra -Werror -Iclient-lib -c -o /dev/null "$work/header.cc" || bad=1

grep -oE '\bdosvc_[a-z_]+\(' client-lib/dosvc.h | tr -d '(' | sort -u >"$work/declared"
sed -n 's/^ *\(dosvc_[a-z_]*\);$/\1/p' client-lib/libdosvc.sym | sort >"$work/listed"
nm -D --defined-only "$B/libdosvc.so.0" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
        sort >"$work/exported"
same 'functions of dosvc.h and of libdosvc.sym' "$work/declared" "$work/listed"
same 'symbols of libdosvc.sym and of the library' "$work/listed" "$work/exported"

LD_LIBRARY_PATH=$B "$B/dosvcctl" --help >"$work/help" || bad=1
manual=client-lib/ctl/dosvcctl.1 completion=client-lib/ctl/dosvcctl.bash
sed -e 's/\\f[BIR]//g' -e 's/\\-/-/g' "$manual" >"$work/manual"

# Verbs: "cred set" and "cred remove" are one line of the help and two of the manual.
{
        sed -n '/^Verbs:/,/^$/p' "$work/help" | awk 'NR > 1 && NF { print $1 }' | tr '|' '\n'
        echo help
} | sort -u >"$work/verbs"
sed -n '/^\.SH VERBS/,/^\.SH OPTIONS/p' "$work/manual" | grep -A 1 '^\.TP' |
        sed -n 's/^\.BR\{0,1\} "\{0,1\}\([a-z][a-z-]*\)\( | \([a-z]*\)\)\{0,1\}.*/\1\n\3/p' |
        sed '/^$/d' | sort -u >"$work/verbs-manual"
sed -n "/local verbs=/,/'\$/p" "$completion" | tr -d "'" | sed 's/local verbs=//' |
        tr -s ' ' '\n' | sed '/^$/d' | sort -u >"$work/verbs-completion"
same 'verbs of the help and the manual' "$work/verbs" "$work/verbs-manual"
same 'verbs of the help and the completion' "$work/verbs" "$work/verbs-completion"

grep -oE -- '^ +(-[a-zA-Z] )? *--[a-z-]+' "$work/help" | grep -oE -- '--[a-z-]+' | sort -u >"$work/options"
sed -n '/^\.SH OPTIONS/,/^\.SH EXIT/p' "$work/manual" | grep -A 1 '^\.TP' |
        grep -oE -- '--[a-z-]+' | sort -u >"$work/options-manual"
sed -n "/local options=/,/'\$/p" "$completion" | grep -oE -- '--[a-z-]+' | sort -u \
        >"$work/options-completion"
same 'options of the help and the manual' "$work/options" "$work/options-manual"
same 'options of the help and the completion' "$work/options" "$work/options-completion"

sed -n '/^Exit status:/,/^$/p' "$work/help" | sed -n 's/^ *\([0-9]\{1,\}\)  \(.*\)/\1 \2/p' \
        >"$work/statuses"
sed -n '/^\.SH EXIT/,/^\.SH ENV/p' "$work/manual" | sed -n '/^\.IP/{s/^\.IP \([0-9]*\).*/\1/;N;s/\n/ /;p}' \
        >"$work/statuses-manual"
same 'exit statuses of the help and the manual' "$work/statuses" "$work/statuses-manual"

# Errors of a job: one list in the wire header; the XML documents each with its class, and dosvcctl
# has advice for each. HTTP statuses have names of their own, which are no rows of the list.
sed -n 's/^ *X([A-Z_]*, 0x[0-9A-F]*u, "\([a-z-]*\)", \([A-Z]*\)).*/\1 \2/p' dbus/dosvc-wire.h |
        tr '[:upper:]' '[:lower:]' | sort >"$work/errors"
sed -n '/<!--/h;/<!--/!H;/<property name="Error"/{x;p;q}' dbus/org.dosvc1.Job.xml |
        sed -n 's/^ *"\([a-z-]*\)" *\(transient\|fatal\) .*/\1 \2/p' | sort >"$work/errors-xml"
sed -n '/job_advice\[\] = {/,/^};/s/^ *{ "\([a-z][a-z0-9-]*\)",.*/\1/p' client-lib/ctl/advice.c |
        grep -v '^http-' | sort >"$work/errors-advice"
same 'errors of dosvc-wire.h and of property Error in the XML' "$work/errors" "$work/errors-xml"
cut -d' ' -f1 "$work/errors" | sort >"$work/error-names"
same "errors of dosvc-wire.h and of dosvcctl's advice" "$work/error-names" "$work/errors-advice"

sed -n 's/^#define DOSVC_VERSION_[MP][A-Z]*  *\([0-9]*\)$/\1/p' client-lib/dosvc.h | paste -sd . >"$work/version"
sed -n 's/^VERSION := //p' Makefile >"$work/version-makefile"
same 'version of dosvc.h and of the Makefile' "$work/version" "$work/version-makefile"
grep -ohE '<(method|signal|property) name="[A-Za-z]*"' dbus/org.dosvc1.{Manager,Job,File}.xml |
        sed 's/.*"\(.*\)"/\1/' | sort >"$work/members"
sed -nE 's/^\.SS "(signal |property )?([A-Za-z]+).*/\2/p' "$B/org.dosvc1.5" | sort >"$work/members-manual"
same 'members of the XML and of org.dosvc1(5)' "$work/members" "$work/members-manual"

for page in "$manual" client-lib/libdosvc.3 "$B/org.dosvc1.5"; do
        command -v man >/dev/null || break
        ! man --warnings -l "$page" 2>&1 >/dev/null | grep . || bad=1
done
exit $bad

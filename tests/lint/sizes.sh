#!/bin/bash
# Tests, functions and lines that are too long to read. The limit of a function is well above the aim
# of the style, 40 lines, since some tables read well when long. Other files have no limit, because a
# number cannot find the noun that is missing; see structure.sh.
set -u
cd "$(dirname "$0")/../.." || exit 1

max_test=1000 max_function=90 bad=0

while read -r file; do
        [ -e "$file" ] || continue
        lines=$(wc -l <"$file")
        case $file in
        tests/*) max=$max_test ;;
        *) max='' ;;
        esac
        if [ -n "$max" ] && [ "$lines" -gt "$max" ]; then
                echo "$file: $lines lines, at most $max"
                bad=1
        fi
        # A function body opens with { and closes with } in the first column.
        awk -v max="$max_function" -v file="$file" '
                FNR == 1 { open = 0 }
                /^{$/ { open = FNR }
                /^}$/ { if (open && FNR - open - 1 > max) {
                                printf "%s:%d: function of %d lines, at most %d\n",
                                        file, open, FNR - open - 1, max
                                bad = 1
                        }
                        open = 0 }
                END { exit bad }' "$file" || bad=1
        # Tables that are laid out by hand may be wider.
        perl -CSD -ne '
                $by_hand = 1 if /clang-format off/;
                $by_hand = 0 if /clang-format on/;
                chomp;
                if (length > 100 && !$by_hand) {
                        print "$ARGV:$.: ", length, " columns\n";
                        $bad = 1;
                }
                END { $? = $bad }' "$file" || bad=1
done < <(find client-lib daemon dbus tests -name '*.[ch]' | sort)

exit $bad

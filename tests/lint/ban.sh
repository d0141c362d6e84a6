#!/bin/bash
# Calls that are wrong in a daemon of one loop, comments of the wrong kind, work left undone.
set -u
cd "$(dirname "$0")/../.." || exit 1

bad=0

# Code without comments, strings and character constants, lines kept.
strip() {
        perl -0777 -pe '
                s{(/\*.*?\*/)|("(?:\\.|[^"\\])*")|(\x27(?:\\.|[^\x27\\])*\x27)}{
                        my ($c, $s, $q) = ($1, $2, $3);
                        defined $c ? "\n" x ($c =~ tr/\n//) : defined $s ? "\"\"" : "\x270\x27"
                }gse' "$1"
}

# find_calls FILE REASON NAME...
find_calls() {
        local file=$1 reason=$2 names hits
        shift 2
        names=$(IFS='|' && echo "$*")
        hits=$(strip "$file" | grep -nE "(^|[^A-Za-z0-9_>.])($names) *\(" |
                grep -vE 'signal\([A-Z0-9]+, SIG_(IGN|DFL)\)')
        [ -n "$hits" ] || return 0
        while IFS=: read -r line text; do
                echo "$file:$line: $reason: ${text#"${text%%[![:space:]]*}"}"
        done <<<"$hits"
        bad=1
}

while read -r file; do
        [ -e "$file" ] || continue
        find_calls "$file" 'unbounded or not reentrant' strcpy strcat sprintf vsprintf strtok gets \
                alloca atoi atol atoll
        case $file in
        daemon/* | client-lib/*)
                find_calls "$file" 'runs a shell' system popen
                find_calls "$file" 'takes a sign and an overflow in silence' strtol strtoll
                find_calls "$file" 'not for anything that matters' rand srand
                find_calls "$file" 'use sigaction for a handler' signal
                ;;
        esac
        case $file in
        daemon/dosvc-spawn.c | daemon/dosvc-secret.c) ;; # no loop of a daemon, or before exec
        daemon/manager/privileges.c | daemon/manager/user-names.c) ;; # before the loop; in a child
        daemon/confine/rights.c | daemon/spawn/child.c) ;; # the same
        daemon/worker/sink.c) ;; # its calls wait for the disk, and for a lock that is held meanwhile
        daemon/*)
                find_calls "$file" 'NSS can block' getpwuid getpwnam getgrgid getgrnam getpwuid_r \
                        getpwnam_r initgroups getaddrinfo gethostbyname
                ;;&
        daemon/*)
                find_calls "$file" 'the loop waits for nobody' sd_bus_call sd_bus_call_method \
                        sd_bus_get_property sd_bus_get_property_trivial sd_bus_get_property_string \
                        sd_bus_get_name_creds sd_bus_query_sender_creds curl_easy_perform \
                        usleep sleep nanosleep
                ;;
        esac
        hits=$(strip "$file" | grep -nE '//')
        if [ -n "$hits" ]; then
                sed "s|^|$file:|; s|\$|: // is for debugging|" <<<"$hits"
                bad=1
        fi
        hits=$(grep -nE '\b(TODO|FIXME|XXX|HACK)\b' "$file" | grep -vE 'TODO\(#[0-9]+\)|X\(|XXXXXX')
        if [ -n "$hits" ]; then
                sed "s|^|$file:|; s|\$|: a TODO needs the number of an issue|" <<<"$hits"
                bad=1
        fi
done < <(find client-lib daemon dbus tests -name '*.[ch]' | sort)

exit $bad

#!/bin/bash
# Who may include what: rooms look only at the rooms below them, and each foreign library has
# the few files that may speak to it.
set -u
shopt -s extglob
cd "$(dirname "$0")/../.." || exit 1

bad=0

# includes FILE: one included name a line, with its < or ".
includes() {
        sed -n 's/^ *# *include *\([<"][^>"]*\)[>"].*/\1/p' "$1"
}

complain() {
        echo "$1 includes ${2#?}: $3"
        bad=1
}

# may FILE QUOTED-INCLUDE: rooms.
may_see() {
        local file=$1 name=${2#\"}
        case $file in
        daemon/base/*) [[ $name == base/* ]] ;;
        daemon/confine/*) [[ $name == @(base|confine)/* ]] ;;
        daemon/spawn/*) [[ $name == @(base|confine|spawn|dbus)/* ]] ;;
        daemon/model/*) [[ $name == @(base|model|dbus)/* ]] ;;
        daemon/manager/*) [[ $name == @(base|confine|model|manager|dbus)/* ]] ;;
        # A protocol sees the interface to the file, and only the chooser sees the protocols.
        daemon/worker/http/*) [[ $name == @(base/*|model/*|dbus/*|worker/http/*|worker/@(source|questions|parts).h) ]] ;;
        daemon/worker/sources.c) [[ $name == @(base|model|worker|dbus)/* ]] ;;
        daemon/worker/*) [[ $name == @(base|confine|model|worker|dbus)/* && $name != worker/http/* ]] ;;
        daemon/dosvcd.c) [[ $name == @(base|model|manager|dbus)/* ]] ;;
        daemon/dosvc-worker.c) [[ $name == @(base|confine|model|worker|dbus)/* ]] ;;
        daemon/dosvc-spawn.c) [[ $name == @(base|confine|spawn|dbus)/* ]] ;;
        daemon/*.c) [[ $name == @(base|confine|dbus)/* ]] ;;
        client-lib/ctl/*) [[ $name == ctl/* ]] ;;
        client-lib/*) [[ $name == @(dbus/*|internal.h|dosvc.h) ]] ;;
        dbus/*) false ;;
        *) true ;;
        esac
}

# The only users of a library. Tests may use what they test.
speakers() {
        case $1 in
        curl/urlapi.h) echo daemon/model/url daemon/worker/http/url ;;
        curl/*) echo daemon/worker/http/curl-loop daemon/worker/http/request \
                daemon/worker/http/tls ;;
        sqlite3.h) echo daemon/manager/store ;;
        libsecret/*) echo daemon/dosvc-secret ;;
        proxy.h) echo daemon/dosvc-proxy ;;
        keyutils.h) echo daemon/manager/vault-keyring ;;
        sodium.h) echo daemon/manager/vault daemon/base/secret daemon/dosvc-worker ;;
        ini.h) echo daemon/manager/config ;;
        seccomp.h | linux/landlock.h) echo daemon/confine/sandbox ;;
        openssl/*) echo daemon/worker/digest daemon/worker/http/tls ;;
        krb5.h | gssapi/*) echo daemon/worker/http/kerberos ;;
        jansson.h) echo client-lib/ctl/ ;;
        systemd/sd-bus.h) echo -bus manager/bus- manager/callers manager/subscribers \
                manager/job-paths manager/job-properties manager/live-settings link worker/questions model/wire- \
                daemon/dosvcd daemon/dosvc-worker client-lib/ ;;
        systemd/sd-event.h | systemd/sd-daemon.h) echo daemon/manager/ daemon/worker/ \
                daemon/dosvc client-lib/event ;;
        systemd/sd-journal.h) echo daemon/base/log ;;
        *) echo any ;;
        esac
}

# dosvcctl stands on the public header alone.
check_ctl() {
        case $2 in
        '<dosvc.h' | '<jansson.h') ;;
        '<systemd/'* | '<curl/'* | '<sqlite3.h' | '<sodium.h' | '<keyutils.h')
                complain "$1" "$2" 'dosvcctl stands on <dosvc.h> alone' ;;
        esac
}

check_library() {
        local file=$1 name=${2#<} speaker
        [[ $file != tests/* ]] || return 0
        for speaker in $(speakers "$name"); do
                [ "$speaker" != any ] || return 0
                [[ $file != *"$speaker"* ]] || return 0
        done
        complain "$file" "$2" "only for: $(speakers "$name")"
}

while read -r file; do
        [ -e "$file" ] || continue
        while read -r name; do
                case $name in
                \"*) may_see "$file" "$name" || complain "$file" "$name" 'not a room below it' ;;
                \<*) check_library "$file" "$name" ;;
                esac
                [[ $file != client-lib/ctl/* ]] || check_ctl "$file" "$name"
        done < <(includes "$file")
done < <(find client-lib daemon dbus tests -name '*.[ch]' | sort)

# A .c includes its own header first, which proves that the header stands alone.
while read -r file; do
        if [ ! -e "$file" ] || [ ! -e "${file%.c}.h" ]; then
                continue
        fi
        first=$(includes "$file" | head -n 1)
        [[ $first == *"$(basename "${file%.c}.h")" ]] ||
                complain "$file" "$first" 'its own header comes first'
done < <(find client-lib daemon dbus tests -name '*.c' | sort)

# Inside a room arrows point down one list.
ranks() {
        case $1 in
        *manager/*-bus | *manager/@(backend|store-recovery)) echo 9 ;;
        *manager/manager-parts) echo 7 ;;
        *manager/manager | *manager/manager-*) echo 8 ;;
        *manager/@(announcer|changes|effects|job-order|job-table|reports|runs|waiters)) echo 8 ;;
        *manager/@(worker-link|live-settings|answers|vault|store|policy)) echo 7 ;;
        *manager/@(job|attempts|owner|scheduler|timers)) echo 6 ;; # a job embeds the others
        *spawn/server) echo 9 ;;
        *spawn/child) echo 8 ;;
        *confine/sandbox) echo 9 ;;
        *confine/rights) echo 8 ;;
        *worker/link) echo 9 ;;
        *worker/@(download|publish)) echo 8 ;;
        *worker/transfer) echo 7 ;;
        *worker/sources) echo 6 ;;
        *worker/http/session) echo 4 ;; # fetch uses it, it knows all below
        *worker/http/fetch) echo 5 ;;
        *worker/http/@(logins|route)) echo 3 ;;
        *worker/http/@(request|resume|proxies|redirect)) echo 2 ;;
        *worker/partial) echo 5 ;;
        *worker/@(source|questions|record|sink|digest|destinations|parts)) echo 1 ;;
        *) echo 0 ;;
        esac
}

while read -r file; do
        [ -e "$file" ] || continue
        from=$(ranks "${file%.[ch]}")
        [ "$from" != 0 ] || continue
        while read -r name; do
                name=${name#\"}
                [ "daemon/${name%%/*}" = "$(cut -d / -f 1-2 <<<"$file")" ] || continue
                to=$(ranks "daemon/${name%.h}")
                [ "$to" -le "$from" ] || complain "$file" "\"$name" 'it is above in the list of S4'
        done < <(includes "$file" | grep -E '^"(confine|manager|spawn|worker)/')
done < <(find daemon -name '*.[ch]' | sort)

exit $bad

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
        daemon/model/*) [[ $name == @(base|model|dbus)/* ]] ;;
        daemon/manager/*) [[ $name == @(base|model|manager|dbus)/* ]] ;;
        daemon/worker/*) [[ $name == @(base|model|worker|dbus)/* ]] ;;
        daemon/dosvcd.c) [[ $name == @(base|model|manager|dbus)/* ]] ;;
        daemon/dosvc-worker.c) [[ $name == @(base|model|worker|dbus)/* ]] ;;
        daemon/dosvc-secret.c) [[ $name == @(base/*|manager/vault*) ]] ;; # the vault's other half
        daemon/dosvc-proxy.c) [[ $name == @(base/*|dbus/*|worker/sandbox.h) ]] ;;
        daemon/*.c) [[ $name == @(base|dbus)/* ]] ;;
        client-lib/ctl/*) [[ $name == ctl/* ]] ;;
        client-lib/*) [[ $name == @(dbus/*|internal.h|dosvc.h) ]] ;;
        dbus/*) false ;;
        *) true ;;
        esac
}

# The only users of a library. Tests may use what they test.
speakers() {
        case $1 in
        curl/urlapi.h) echo daemon/model/spec daemon/worker/ ;;
        curl/*) echo daemon/worker/curl-loop daemon/worker/transfer daemon/worker/request \
                daemon/worker/tls ;;
        sqlite3.h) echo daemon/manager/store ;;
        libsecret/*) echo daemon/dosvc-secret ;;
        proxy.h) echo daemon/dosvc-proxy ;;
        keyutils.h) echo daemon/manager/vault-keyring ;;
        sodium.h) echo daemon/manager/vault daemon/base/secret daemon/dosvc-worker ;;
        ini.h) echo daemon/manager/config ;;
        seccomp.h | linux/landlock.h) echo daemon/worker/sandbox ;;
        openssl/*) echo daemon/worker/digest daemon/worker/tls ;;
        krb5.h | gssapi/*) echo daemon/worker/kerberos ;;
        jansson.h) echo client-lib/ctl/ ;;
        systemd/sd-bus.h) echo -bus manager/bus- manager/callers manager/subscribers \
                manager/job-paths manager/job-properties link model/wire- \
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

# Inside the manager's and the worker's rooms arrows point down one list.
ranks() {
        case $1 in
        *manager/*-bus) echo 9 ;;
        *manager/manager | *manager/manager-*) echo 8 ;;
        *manager/@(announcer|changes|effects|job-order|job-table|reports|runs|waiters)) echo 8 ;;
        *manager/@(worker-link|vault|store|policy)) echo 7 ;;
        *manager/@(job|attempts|owner|scheduler|timers)) echo 6 ;; # a job embeds the others
        *worker/link) echo 9 ;;
        *worker/worker) echo 8 ;;
        *worker/transfer*) echo 7 ;;
        *worker/@(curl-loop|sink|digest)) echo 6 ;;
        *) echo 0 ;;
        esac
}

while read -r file; do
        [ -e "$file" ] || continue
        from=$(ranks "${file%.[ch]}")
        [ "$from" != 0 ] || continue
        while read -r name; do
                name=${name#\"}
                to=$(ranks "daemon/${name%.h}")
                [ "$to" -le "$from" ] || complain "$file" "\"$name" 'it is above in the list of S4'
        done < <(includes "$file" | grep -E '^"(manager|worker)/')
done < <(find daemon -name '*.[ch]' | sort)

exit $bad

#!/bin/bash
# The introspection of a running dosvcd is that of dbus/*.xml, member by member in the same
# order. Comments and documentation do not count.
set -u
cd "$(dirname "$0")/../.." || exit 1

B=${B:-build}
bus='' daemon=''
work=$(mktemp -d /tmp/dosvc-contract-XXXXXX) || exit 1

finish() {
        [ -z "$daemon" ] || kill "$daemon" 2>/dev/null
        [ -z "$bus" ] || kill "$bus" 2>/dev/null
        wait
        rm -rf -- "$work"
}
trap finish EXIT

[ -x "$B/dosvcd" ] || { echo "$B/dosvcd is not built"; exit 1; }

cat >"$work/bus.conf" <<EOF
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=$work/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/>
<allow receive_sender="*"/></policy>
</busconfig>
EOF
dbus-daemon --config-file="$work/bus.conf" --nofork --nopidfile 2>/dev/null &
bus=$!
address=unix:path=$work/bus
for _ in {1..100}; do
        ! busctl --address="$address" list >/dev/null 2>&1 || break
        sleep 0.05
done

mkdir -m 0700 "$work/state"
DBUS_SESSION_BUS_ADDRESS=$address "$B/dosvcd" --user --state-directory="$work/state" \
        --config="$work/none.conf" 2>"$work/log" &
daemon=$!

call() {
        busctl --address="$address" "$@"
}

for _ in {1..100}; do
        ! call status org.dosvc1 >/dev/null 2>&1 || break
        kill -0 "$daemon" 2>/dev/null || { cat "$work/log"; exit 1; }
        sleep 0.05
done

job=$(call -j call org.dosvc1 /org/dosvc1 org.dosvc1.Manager CreateJob 'ssa{sv}' contract download 0 |
        sed 's/.*\["\(.*\)"\].*/\1/')
file=$(call -j call org.dosvc1 "$job" org.dosvc1.Job AddFile 'ssa{sv}' http://127.0.0.1:9/x \
        /tmp/x 0 | sed 's/.*\["\(.*\)"\].*/\1/')

# normalize INTERFACE: that interface as one line a member, whatever the layout of the XML.
normalize() {
        xmllint --nonet --noblanks --c14n - 2>/dev/null |
                xmllint --xpath "/node/interface[@name='$1']" - 2>/dev/null |
                sed -e 's/<!--.*-->//g' -e 's/></>\n</g' |
                sed -e 's/ xmlns="[^"]*"//' -e '/^<!--/d' -e '/^ *$/d'
}

bad=0
compare() {
        local object=$1 interface=$2
        # Comments of several lines go before the layout does.
        perl -0777 -pe 's/<!--.*?-->//gs; s/<!DOCTYPE.*?>//s; s/>\s+</></g' "dbus/$interface.xml" |
                normalize "$interface" >"$work/written"
        call introspect --xml-interface org.dosvc1 "$object" |
                perl -0777 -pe 's/<!DOCTYPE.*?>//s; s/>\s+</></g' | normalize "$interface" >"$work/running"
        if [ ! -s "$work/written" ] || [ ! -s "$work/running" ]; then
                echo "$interface: nothing to compare"
                bad=1
        elif ! diff -u --label "dbus/$interface.xml" "$work/written" \
                --label "running dosvcd" "$work/running"; then
                bad=1
        fi
}

compare /org/dosvc1 org.dosvc1.Manager
compare "$job" org.dosvc1.Job
compare "$file" org.dosvc1.File
exit $bad

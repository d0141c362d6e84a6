#!/bin/bash
# Each message id of the log (daemon/base/log.h) has its explanation in systemd/dosvcd.catalog, and
# none is explained that is not there.
set -u
cd "$(dirname "$0")/../.." || exit 1

ids() {
        sed -n 's/^#define LOG_ID_[A-Z_]* *"\([0-9a-f]\{32\}\)"$/\1/p' daemon/base/log.h | sort
}

explained() {
        sed -n 's/^-- \([0-9a-f]\{32\}\)$/\1/p' systemd/dosvcd.catalog | sort
}

bad=0
[ -n "$(ids)" ] || { echo 'no message id found'; bad=1; }
diff --label daemon/base/log.h <(ids) --label systemd/dosvcd.catalog <(explained) || bad=1
subjects=$(grep -c '^Subject: .' systemd/dosvcd.catalog)
[ "$subjects" = "$(explained | wc -l)" ] || { echo 'an entry has no subject'; bad=1; }
exit "$bad"

# The daemons: three rooms' archives and the front doors.

ROOMS += base model manager worker

base_SOURCES := $(addprefix daemon/base/,clock.c fd.c log.c network-watch.c secret.c \
        stopwatch.c str.c)

model_SOURCES := $(addprefix daemon/model/,bypass.c error-code.c settings.c spec.c wire-codec.c \
        wire-settings.c)

manager_SOURCES := $(addprefix daemon/manager/,announcer.c attempts.c bus-edge.c bus-error.c callers.c certificate-bus.c \
        changes.c config.c credentials.c credentials-bus.c effects.c file-bus.c headers-bus.c helper.c job.c job-bus.c job-order.c \
        job-paths.c job-properties.c job-run.c job-table.c manager.c manager-bus.c manager-settings.c \
        manager-verbs.c owner.c policy.c proxy-finder.c reports.c runs.c \
        scheduler.c sealed.c secret-bus.c secret-reader.c settings-bus.c spawner.c store.c \
        store-schema.c store-statements.c subscribers.c timers.c user-names.c vault.c vault-keyring.c \
        vault-secret.c waiters.c worker-link.c)

worker_SOURCES := $(addprefix daemon/worker/,curl-loop.c destinations.c digest.c failure.c \
        head.c http-date.c kerberos.c link.c logins.c parts.c proxies.c publish.c redirects.c \
        request.c resume.c route.c rungs.c sandbox.c sink.c tickets.c tls.c transfer.c version.c \
        worker.c)

PROGRAMS += dosvcd dosvc-spawn dosvc-worker dosvc-secret dosvc-proxy

dosvcd_SOURCES := daemon/dosvcd.c daemon/base/wiping-heap.c
dosvcd_ROOMS   := manager.a model.a base.a
dosvcd_PKGS    := libsystemd sqlite3 libsodium inih libcurl
dosvcd_LIBS    := -lkeyutils

dosvc-spawn_SOURCES := daemon/dosvc-spawn.c
dosvc-spawn_ROOMS   := base.a
dosvc-spawn_PKGS    := libsystemd

dosvc-worker_SOURCES := daemon/dosvc-worker.c daemon/base/wiping-heap.c
dosvc-worker_ROOMS   := worker.a model.a base.a
dosvc-worker_PKGS    := libsystemd libcurl libssl libcrypto libsodium libseccomp krb5 krb5-gssapi

dosvc-proxy_SOURCES := daemon/dosvc-proxy.c
dosvc-proxy_ROOMS   := worker.a base.a
dosvc-proxy_PKGS    := libproxy-1.0 libsystemd libseccomp

dosvc-secret_SOURCES := daemon/dosvc-secret.c
dosvc-secret_ROOMS   := base.a
dosvc-secret_PKGS    := libsecret-1 libsodium
# GLib's headers are not clean under our warnings; nobody else sees them.
$(B)/daemon/dosvc-secret.o: PKG_CFLAGS += $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libsecret-1))

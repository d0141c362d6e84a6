# The daemons: the archives of the rooms, and the programs.

ROOMS += base confine model spawn manager worker

base_SOURCES := $(addprefix daemon/base/,child.c clock.c fd.c log.c network-watch.c secret.c \
        stopwatch.c str.c uid.c)

confine_SOURCES := $(addprefix daemon/confine/,rights.c sandbox.c)

model_SOURCES := $(addprefix daemon/model/,bypass.c checksum.c enums.c error-code.c failure.c \
        file-ranges.c file-record.c job-settings.c path.c secret-rules.c setting-checks.c text.c \
        url.c wire-codec.c wire-failure.c wire-settings.c)

spawn_SOURCES := $(addprefix daemon/spawn/,child.c server.c)

manager_SOURCES := $(addprefix daemon/manager/,announcer.c answers.c attempts.c backend.c bus-edge.c \
        bus-error.c bus-listing.c bus-presence.c callers.c certificate-bus.c changes.c config.c \
        credentials.c credentials-bus.c effects.c file-bus.c headers-bus.c helper.c idle-watch.c \
        job.c job-bus.c job-log.c job-order.c job-paths.c job-properties.c job-run.c job-table.c \
        live-settings.c manager.c manager-bus.c manager-settings.c manager-verbs.c objects-bus.c options.c owner.c policy.c \
        privileges.c proxy-finder.c reports.c runs.c scheduler.c sealed.c secret-bus.c \
        secret-reader.c service-paths.c settings-bus.c signals-bus.c spawner.c store.c store-core.c store-jobs.c \
        store-recovery.c store-row.c store-schema.c store-slots.c store-statements.c subscribers.c timers.c user-names.c users.c vault.c \
        vault-keyring.c vault-secret.c wait-bus.c waiters.c worker-link.c)

worker_SOURCES := $(addprefix daemon/worker/,destinations.c digest.c download.c file-access.c link.c partial.c \
        parts.c publish.c questions.c record.c sink.c sources.c transfer.c) \
        $(addprefix daemon/worker/http/,curl-loop.c date.c fetch.c head.c kerberos.c logins.c \
        origins.c proxies.c redirect.c request.c resume.c route.c session.c status.c tickets.c \
        tls.c url.c)

PROGRAMS += dosvcd dosvc-spawn dosvc-worker dosvc-secret dosvc-proxy

dosvcd_SOURCES := daemon/dosvcd.c daemon/base/wiping-heap.c
dosvcd_ROOMS   := manager.a model.a confine.a base.a
dosvcd_PKGS    := libsystemd sqlite3 libsodium inih libcurl
dosvcd_LIBS    := -lkeyutils

dosvc-spawn_SOURCES := daemon/dosvc-spawn.c
dosvc-spawn_ROOMS   := spawn.a confine.a base.a
dosvc-spawn_PKGS    := libsystemd

dosvc-worker_SOURCES := daemon/dosvc-worker.c daemon/base/wiping-heap.c
dosvc-worker_ROOMS   := worker.a model.a confine.a base.a
dosvc-worker_PKGS    := libsystemd libcurl libssl libcrypto libsodium libseccomp krb5 krb5-gssapi

dosvc-proxy_SOURCES := daemon/dosvc-proxy.c
dosvc-proxy_ROOMS   := confine.a base.a
dosvc-proxy_PKGS    := libproxy-1.0 libsystemd libseccomp

dosvc-secret_SOURCES := daemon/dosvc-secret.c
dosvc-secret_ROOMS   := confine.a base.a
dosvc-secret_PKGS    := libsecret-1 libsodium
# GLib's headers are not clean under our warnings; nobody else sees them.
$(B)/daemon/dosvc-secret.o: PKG_CFLAGS += $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libsecret-1))

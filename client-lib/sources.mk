# libdosvc and dosvcctl, which stands on the public header alone.

libdosvc_SOURCES := $(addprefix client-lib/,connection.c error.c event.c introspection.c job.c job-info.c \
        job-settings.c list.c properties.c service.c string-list.c values.c)

# The map of error names is registered with libsystemd, so the library stays loaded.
$(B)/libdosvc.so.$(VERSION): ALL_LDFLAGS += -Wl,-z,nodelete

ROOMS += client ctl

client_SOURCES := $(libdosvc_SOURCES)

# Everything of dosvcctl but its main, so that tests can link it.
ctl_SOURCES := $(addprefix client-lib/ctl/,advice.c ctl.c file-options.c format.c local-name.c \
        options.c password.c property.c proxy-environment.c screen.c table.c url-list.c verb-credentials.c \
        verb-edit-url.c verb-files.c verb-get.c verb-job.c verb-set.c verb-settings.c \
        verb-show.c verb-watch.c)

PROGRAMS += dosvcctl

dosvcctl_SOURCES := client-lib/ctl/dosvcctl.c
dosvcctl_ROOMS   := ctl.a
dosvcctl_SHARED  := libdosvc.so.0
dosvcctl_PKGS    := jansson
dosvcctl_LIBS    := -Wl,-rpath-link,$(B)

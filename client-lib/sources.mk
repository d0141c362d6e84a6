# libdosvc and dosvcctl, which stands on the public header alone.

libdosvc_SOURCES := $(addprefix client-lib/,connection.c error.c event.c job.c job-info.c list.c \
        properties.c service.c string-list.c)

# The map of error names is registered with libsystemd, so the library stays loaded.
$(B)/libdosvc.so.0: ALL_LDFLAGS += -Wl,-z,nodelete

ROOMS += client

client_SOURCES := $(libdosvc_SOURCES)

PROGRAMS += dosvcctl

dosvcctl_SOURCES := client-lib/ctl/dosvcctl.c client-lib/ctl/format.c
dosvcctl_SHARED  := libdosvc.so.0
dosvcctl_PKGS    := jansson
dosvcctl_LIBS    := -Wl,-rpath-link,$(B)

# libdosvc and dosvcctl, which stands on the public header alone.

libdosvc_SOURCES := $(addprefix client-lib/,connection.c error.c event.c job.c)

PROGRAMS += dosvcctl

dosvcctl_SOURCES := client-lib/ctl/dosvcctl.c client-lib/ctl/format.c
dosvcctl_SHARED  := libdosvc.so.0
dosvcctl_PKGS    := jansson
dosvcctl_LIBS    := -Wl,-rpath-link,$(B)

# dosvcd: one non-recursive Makefile. The sources.mk of each directory only names sources.
#
#   make [TARGET] [B=DIR] [CC=clang] [SAN=address,undefined] [COV=1] [WERROR=0] [V=1]

VERSION := 0.1.0
B       ?= build
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))

prefix         ?= /usr
sysconfdir     ?= /etc
libexecdir     ?= $(prefix)/libexec/dosvc
bindir         ?= $(prefix)/bin
includedir     ?= $(prefix)/include
datadir        ?= $(prefix)/share
mandir         ?= $(datadir)/man
# Debian's multiarch directory on Debian, lib elsewhere.
libdir         ?= $(prefix)/lib$(addprefix /,$(shell $(CC) -print-multiarch 2>/dev/null))
systemunitdir  ?= $(prefix)/lib/systemd/system
userunitdir    ?= $(prefix)/lib/systemd/user
systempresetdir ?= $(prefix)/lib/systemd/system-preset
userpresetdir  ?= $(prefix)/lib/systemd/user-preset
# D-Bus looks for services below /usr/local, but not for policies.
dbuspolicydir  ?= $(if $(filter /usr,$(prefix)),$(datadir),$(sysconfdir))/dbus-1/system.d
catalogdir     ?= $(prefix)/lib/systemd/catalog
sysusersdir    ?= $(prefix)/lib/sysusers.d
tmpfilesdir    ?= $(prefix)/lib/tmpfiles.d
INSTALL        ?= install

# What apt-get installs for `make deps` (to build and run the demo) and `make check-deps`.
DEPS := gcc make pkg-config libsystemd-dev libcurl4-openssl-dev libsecret-1-dev libkeyutils-dev \
        libproxy-dev libsodium-dev libsqlite3-dev libssl-dev libseccomp-dev libinih-dev \
        libjansson-dev uthash-dev libkrb5-dev ca-certificates systemd dbus nginx-light \
        openssl curl
CHECK_DEPS := $(DEPS) check clang clang-format clang-tidy cppcheck shellcheck dbus-broker \
        apache2-bin apache2-utils lighttpd lighttpd-mod-openssl squid libnginx-mod-stream \
        libapache2-mod-auth-gssapi krb5-kdc krb5-admin-server krb5-user libfaketime samba winbind \
        gnome-keyring \
        libsecret-tools libclang-rt-14-dev procps strace util-linux iproute2 keyutils \
        libxml2-utils python3 python3-gi libcap2-bin lcov e2fsprogs xfsprogs fish zsh \
        libproxy1-plugin-webkit

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wvla -Wcast-qual -Wwrite-strings \
        -Wformat=2 -Wconversion -Wsign-conversion -Wnull-dereference -Wredundant-decls \
        -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wimplicit-fallthrough \
        -Wswitch-enum -Wfloat-equal -Wunused-macros -Wno-unused-parameter
ifneq ($(WERROR),0)
WARNINGS += -Werror
endif
ifneq ($(findstring clang,$(CC)),)
WARNINGS += -Wno-gnu-statement-expression -Wno-gnu-zero-variadic-macro-arguments
# uthash marks its fall-throughs with comments, which only gcc reads (and still checks).
WARNINGS += -Wno-implicit-fallthrough
else
WARNINGS += -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Warith-conversion
endif

PKGS     := libsystemd libcurl libsodium sqlite3 libcrypto libseccomp inih jansson krb5 krb5-gssapi
CPPFLAGS += -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DSYSCONFDIR='"$(sysconfdir)"' \
        -I. -Idaemon -Iclient-lib
OPTIMIZE ?= -O2 -g
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fno-common
ALL_CFLAGS = -std=gnu17 $(OPTIMIZE) $(WARNINGS) $(HARDEN) -fvisibility=hidden $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed $(LDFLAGS)
ifdef SAN
ALL_CFLAGS  += -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
ALL_LDFLAGS += -fsanitize=$(SAN)
else
CPPFLAGS    += -D_FORTIFY_SOURCE=3
endif
ifdef COV
ALL_CFLAGS  += --coverage -O0
ALL_LDFLAGS += --coverage
CPPFLAGS    += -U_FORTIFY_SOURCE -DCOVERAGE_DIR='"$(abspath $(B))"'
endif
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $(2))

SOURCE_LISTS := daemon/sources.mk client-lib/sources.mk tests/sources.mk
include $(SOURCE_LISTS)

obj = $(patsubst %.c,$(B)/%.o,$(1))
pic = $(patsubst %.c,$(B)/%.pic.o,$(1))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

all: $(addprefix $(B)/,$(PROGRAMS)) $(B)/libdosvc.so.0 $(B)/org.dosvc1.5 ## Build daemons, library and dosvcctl

$(B)/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -fPIE -MMD -MP -c -o $@ $<

$(B)/%.pic.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -fPIC -MMD -MP -c -o $@ $<

# A room is an archive, so that a program or a test links only what it calls.
define room_rule
$(B)/$(1).a: $(call obj,$($(1)_SOURCES)) $(SOURCE_LISTS)
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && ar rcs $$@ $$(filter %.o,$$^)
endef
$(foreach room,$(ROOMS),$(eval $(call room_rule,$(room))))

define program_rule
$(B)/$(1): $(call obj,$($(1)_SOURCES)) $(addprefix $(B)/,$($(1)_ROOMS)) $(addprefix $(B)/,$($(1)_SHARED))
	$$(call say,LINK,$$@)
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(ALL_CFLAGS) -pie $(ALL_LDFLAGS) -o $$@ $$^ $$(shell pkg-config --libs $($(1)_PKGS)) $($(1)_LIBS)
endef
$(foreach program,$(PROGRAMS) $(TESTS) $(TEST_TOOLS),$(eval $(call program_rule,$(program))))

# The file has the full version; the link that programs name when they start has the ABI's, 0.
$(B)/libdosvc.so.$(VERSION): $(call pic,$(libdosvc_SOURCES)) client-lib/libdosvc.sym
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -shared -Wl,-soname,libdosvc.so.0 \
		-Wl,--version-script=client-lib/libdosvc.sym $(ALL_LDFLAGS) \
		-o $@ $(call pic,$(libdosvc_SOURCES)) $$(pkg-config --libs libsystemd)

$(B)/libdosvc.so.0: $(B)/libdosvc.so.$(VERSION)
	$(Q)ln -sf $(<F) $@
	$(Q)ln -sf $(@F) $(B)/libdosvc.so

include tests/targets.mk

demo: all ## Fetch a protected file through a private daemon, step by step
	$(Q)B=$(B) tests/demo

bench: all ## Fetch a large file next to curl, in pairs, and print the ratios
	$(Q)B=$(B) tests/bench

INSTALL_DIRS := $(bindir) $(libexecdir) $(libdir)/pkgconfig $(includedir) $(systemunitdir) \
        $(userunitdir) $(systempresetdir) $(userpresetdir) $(catalogdir) $(sysusersdir) $(tmpfilesdir) \
        $(dbuspolicydir) \
        $(datadir)/dbus-1/system-services $(datadir)/dbus-1/services $(datadir)/dbus-1/interfaces \
        $(mandir)/man1 $(mandir)/man5 $(mandir)/man8 $(sysconfdir)/dosvc/dosvcd.conf.d

include systemd/install.mk

$(B)/org.dosvc1.5: dbus/man-page.awk $(addprefix dbus/,$(INTERFACES))
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)awk -v version=$(VERSION) -f $^ >$@

deps: ## Install with apt-get what building and the demo need (as root)
	apt-get install -y --no-install-recommends $(DEPS)

check-deps: ## Install with apt-get what the tests need besides (as root)
	apt-get install -y --no-install-recommends $(CHECK_DEPS)

C_FILES = $(shell find client-lib daemon dbus tests -name '*.[ch]' | sort)

format: ## Rewrite all C files with clang-format
	clang-format -i $(C_FILES)

check-format: ## Fail if a C file is not formatted
	clang-format --dry-run -Werror $(C_FILES)

lint: export CPPFLAGS := $(CPPFLAGS)
lint: all check-format ## Layers, banned calls, contract, clang-tidy, cppcheck, gcc -fanalyzer, shellcheck
	$(Q)B=$(B) CC="$(CC)" PKG_CFLAGS='$(PKG_CFLAGS)' tests/lint/run

clean: ## Remove what was built
	rm -rf $(B)

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: all bench demo deps check-deps format check-format lint clean help

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# What goes where on a system, one entry a file: mode:source:destination. Texts name
# /usr/libexec/dosvc and /etc/dosvc; they are installed with the directories of this make.

INSTALL_PROGRAMS := \
        0755:$(B)/dosvcd:$(libexecdir)/dosvcd \
        0755:$(B)/dosvc-spawn:$(libexecdir)/dosvc-spawn \
        0711:$(B)/dosvc-worker:$(libexecdir)/dosvc-worker \
        0711:$(B)/dosvc-proxy:$(libexecdir)/dosvc-proxy \
        0755:$(B)/dosvc-secret:$(libexecdir)/dosvc-secret \
        0755:$(B)/dosvcctl:$(bindir)/dosvcctl \
        0644:$(B)/libdosvc.so.$(VERSION):$(libdir)/libdosvc.so.$(VERSION) \
        0644:$(B)/org.dosvc1.5:$(mandir)/man5/org.dosvc1.5

SYSTEM_UNITS := dosvcd.service dosvcd-resume.service dosvc-key.service dosvc-spawn.service \
        dosvc-spawn.socket
USER_UNITS   := dosvcd.service dosvcd-resume.service
INTERFACES   := $(addprefix org.dosvc1.,Manager.xml Job.xml File.xml)

INSTALL_TEXTS := \
        0755:systemd/dosvc-key:$(libexecdir)/dosvc-key \
        $(foreach unit,$(SYSTEM_UNITS),0644:systemd/$(unit):$(systemunitdir)/$(unit)) \
        $(foreach unit,$(USER_UNITS),0644:systemd/user/$(unit):$(userunitdir)/$(unit)) \
        0644:systemd/dosvcd.catalog:$(catalogdir)/dosvcd.catalog \
        0644:systemd/dosvcd.sysusers:$(sysusersdir)/dosvcd.conf \
        0644:systemd/dosvcd.tmpfiles:$(tmpfilesdir)/dosvcd.conf \
        0644:systemd/dosvcd.preset:$(systempresetdir)/80-dosvcd.preset \
        0644:systemd/dosvcd.preset:$(userpresetdir)/80-dosvcd.preset \
        0644:dbus/org.dosvc1.conf:$(dbuspolicydir)/org.dosvc1.conf \
        0644:dbus/org.dosvc1.service:$(datadir)/dbus-1/system-services/org.dosvc1.service \
        0644:dbus/org.dosvc1.user.service:$(datadir)/dbus-1/services/org.dosvc1.service \
        $(foreach xml,$(INTERFACES),0644:dbus/$(xml):$(datadir)/dbus-1/interfaces/$(xml)) \
        0644:client-lib/dosvc.h:$(includedir)/dosvc.h \
        0644:client-lib/libdosvc.pc.in:$(libdir)/pkgconfig/libdosvc.pc \
        0644:client-lib/ctl/dosvcctl.1:$(mandir)/man1/dosvcctl.1 \
        0644:client-lib/libdosvc.3:$(mandir)/man3/libdosvc.3 \
        0644:client-lib/ctl/dosvcctl.bash:$(datadir)/bash-completion/completions/dosvcctl \
        0644:client-lib/ctl/dosvcctl.zsh:$(datadir)/zsh/vendor-completions/_dosvcctl \
        0644:client-lib/ctl/dosvcctl.fish:$(datadir)/fish/vendor_completions.d/dosvcctl.fish \
        0644:systemd/dosvcd.8:$(mandir)/man8/dosvcd.8 \
        0644:systemd/dosvcd.conf.5:$(mandir)/man5/dosvcd.conf.5

# The administrator's once it is there: neither replaced nor, when changed, removed.
INSTALL_CONFIG := $(sysconfdir)/dosvc/dosvcd.conf

INSTALL_LINKS := \
        libdosvc.so.$(VERSION):$(libdir)/libdosvc.so.0 \
        libdosvc.so.0:$(libdir)/libdosvc.so

INSTALL_DIRS += $(datadir)/bash-completion/completions $(datadir)/zsh/vendor-completions \
        $(datadir)/fish/vendor_completions.d $(mandir)/man3

# Nobody else's, the inner ones first.
INSTALL_OWN_DIRS := $(libexecdir) $(sysconfdir)/dosvc/dosvcd.conf.d $(sysconfdir)/dosvc

# The fields of an entry: $(call field,N,ENTRY)
field = $(word $(1),$(subst :, ,$(2)))

define install_program
$(INSTALL) -m $(call field,1,$(1)) $(call field,2,$(1)) $(DESTDIR)$(call field,3,$(1))

endef

define install_text
$(INSTALL_SED) $(call field,2,$(1)) >$(DESTDIR)$(call field,3,$(1))
chmod $(call field,1,$(1)) $(DESTDIR)$(call field,3,$(1))

endef

define install_link
ln -sf $(call field,1,$(1)) $(DESTDIR)$(call field,2,$(1))

endef

INSTALL_SED = sed -e 's|/usr/libexec/dosvc|$(libexecdir)|g' -e 's|/etc/dosvc|$(sysconfdir)/dosvc|g' \
        -e 's|/usr/share/dbus-1|$(datadir)/dbus-1|g' \
        -e 's|@prefix@|$(prefix)|g' -e 's|@libdir@|$(libdir)|g' \
        -e 's|@includedir@|$(includedir)|g' -e 's|@VERSION@|$(VERSION)|g'

LIVE = prefix=$(prefix) sysconfdir=$(sysconfdir) systemunitdir=$(systemunitdir) \
        systempresetdir=$(systempresetdir) tmpfilesdir=$(tmpfilesdir) systemd/live-system

install: all ## Install, ready for use (as root); below DESTDIR only the files, as packages do
	$(if $(DESTDIR),,$(LIVE) install) $(MAKE) --no-print-directory install-files

uninstall: ## Stop it and remove what install put there, but no changed configuration and no data
	$(if $(DESTDIR),,$(LIVE) uninstall) $(MAKE) --no-print-directory uninstall-files

purge: ## The same, and remove configuration, jobs, credentials and user
	$(if $(DESTDIR),$(error purge is for this system, not for DESTDIR))
	$(LIVE) purge $(MAKE) --no-print-directory uninstall-files

install-files: all
	$(INSTALL) -d $(addprefix $(DESTDIR),$(INSTALL_DIRS))
	$(foreach entry,$(INSTALL_PROGRAMS),$(call install_program,$(entry)))
	$(foreach entry,$(INSTALL_TEXTS),$(call install_text,$(entry)))
	$(foreach entry,$(INSTALL_LINKS),$(call install_link,$(entry)))
	[ -e $(DESTDIR)$(INSTALL_CONFIG) ] || \
		$(INSTALL) -m 0644 systemd/dosvcd.conf $(DESTDIR)$(INSTALL_CONFIG)

uninstall-files:
	rm -f $(foreach entry,$(INSTALL_PROGRAMS) $(INSTALL_TEXTS),$(DESTDIR)$(call field,3,$(entry)))
	rm -f $(foreach entry,$(INSTALL_LINKS),$(DESTDIR)$(call field,2,$(entry)))
	! cmp -s systemd/dosvcd.conf $(DESTDIR)$(INSTALL_CONFIG) || rm -f $(DESTDIR)$(INSTALL_CONFIG)
	for directory in $(INSTALL_OWN_DIRS); do \
		[ ! -d $(DESTDIR)$$directory ] || \
		rmdir --ignore-fail-on-non-empty $(DESTDIR)$$directory; \
	done

.PHONY: install uninstall purge install-files uninstall-files

# Test programs: each tests/<room>/test-<fact>.c is one program.

ROOMS += testlib

# Stand-ins for a module of the daemon are linked only by the test that names them.
STAND_INS       := tests/lib/fake-link.c tests/lib/manager-fixture.c
NO_MEMORY       := tests/lib/no-memory.c
TRIAL           := tests/lib/manager-trial.c
testlib_SOURCES := $(filter-out $(STAND_INS) $(NO_MEMORY) $(TRIAL) tests/lib/fake-tickets.c \
        tests/lib/fake-questions.c tests/lib/fake-source.c,$(wildcard tests/lib/*.c))

UNIT_TESTS := $(patsubst %.c,%,$(wildcard tests/unit/test-*.c))
BUS_TESTS  := $(patsubst %.c,%,$(wildcard tests/bus/test-*.c))
NET_TESTS  := $(patsubst %.c,%,$(wildcard tests/net/test-*.c))
TORTURE    := tests/torture/torture
TESTS      := $(UNIT_TESTS) $(BUS_TESTS) $(NET_TESTS) $(TORTURE)

# What it does and looks at is several modules of its own.
$(TORTURE)_STAND_INS := $(filter-out $(TORTURE).c,$(wildcard tests/torture/*.c))

# The client's tests link the client's rooms instead of the daemons'.
tests/unit/test-format_OWN_ROOMS := ctl.a
tests/unit/test-proxy-environment_OWN_ROOMS := ctl.a
tests/unit/test-ctl_OWN_ROOMS    := ctl.a client.a testlib.a base.a
tests/unit/test-property_OWN_ROOMS := ctl.a client.a base.a
tests/bus/test-large_OWN_ROOMS   := client.a testlib.a base.a
$(foreach test,client client-events dosvcctl dosvcctl-get dosvcctl-terminal dosvcctl-versions dosvcctl-completion,\
        $(eval tests/bus/test-$(test)_OWN_ROOMS := testlib.a client.a base.a))
tests/unit/test-job-list_OWN_ROOMS := client.a base.a
tests/unit/test-values_OWN_ROOMS   := client.a base.a

define manager_test
$(1)_OWN_ROOMS := manager.a testlib.a model.a base.a
$(1)_STAND_INS := $(STAND_INS)
endef
MANAGER_TESTS := changes effects job-log manager manager-verbs reports runs
$(foreach test,$(MANAGER_TESTS),$(eval $(call manager_test,tests/unit/test-$(test))))

# Each allocation fails in turn: of our own objects, not of the libraries'.
WRAPPED := malloc calloc realloc reallocarray strdup strndup vasprintf __vasprintf_chk free \
        sodium_malloc EVP_MD_CTX_new sd_event_add_defer sd_event_add_time \
        sd_event_add_time_relative sd_bus_message_new_method_return sandbox_confine _mark_point \
        _ck_assert_failed

NO_MEMORY_TESTS := $(filter tests/unit/test-no-memory%,$(UNIT_TESTS))

$(foreach test,manager workers,\
        $(eval tests/unit/test-no-memory-$(test)_OWN_ROOMS := manager.a testlib.a model.a base.a)\
        $(eval tests/unit/test-no-memory-$(test)_STAND_INS := $(STAND_INS) $(TRIAL)))
tests/unit/test-no-memory-client_OWN_ROOMS  := client.a base.a

comma := ,
define no_memory_test
$(1)_STAND_INS += $(NO_MEMORY)
$(1)_WRAPS     := $(addprefix -Wl$(comma)--wrap=,$(WRAPPED))
endef
$(foreach test,$(NO_MEMORY_TESTS),$(eval $(call no_memory_test,$(test))))

tests/unit/test-logins_STAND_INS  := tests/lib/fake-questions.c tests/lib/fake-tickets.c
tests/unit/test-proxies_STAND_INS := tests/lib/fake-questions.c
tests/unit/test-route_STAND_INS   := tests/lib/fake-questions.c
tests/unit/test-transfer_STAND_INS := tests/lib/fake-source.c

# It lets sd_event_add_time() fail.
tests/unit/test-timers_WRAPS := -Wl$(comma)--wrap=sd_event_add_time

# It does not wait as long as a worker may be busy.
tests/unit/test-live-settings_WRAPS := -Wl$(comma)--wrap=sd_bus_call_async

define test_sources
$(1)_SOURCES := $(1).c $($(1)_STAND_INS)
$(1)_ROOMS   := $(or $($(1)_OWN_ROOMS),testlib.a manager.a worker.a spawn.a model.a confine.a base.a)
$(1)_PKGS    := check libsystemd sqlite3 libsodium inih libcurl libssl libcrypto libseccomp jansson \
        krb5 krb5-gssapi
$(1)_LIBS    := -lkeyutils $($(1)_WRAPS)
endef
$(foreach test,$(TESTS),$(eval $(call test_sources,$(test))))

# Programs that scripts of the tests need.
TEST_TOOLS := tests/tools/fill-store tests/power-cut/power-cut

tests/tools/fill-store_SOURCES := tests/tools/fill-store.c
tests/tools/fill-store_ROOMS   := manager.a model.a base.a
tests/tools/fill-store_PKGS    := libsystemd sqlite3 libsodium libcurl
tests/tools/fill-store_LIBS    := -lkeyutils

# What `make power-cut` runs.
POWER_CUT := tests/power-cut/power-cut
tests/power-cut/power-cut_SOURCES := $(wildcard tests/power-cut/*.c)
tests/power-cut/power-cut_ROOMS   := testlib.a manager.a worker.a model.a confine.a base.a
tests/power-cut/power-cut_PKGS    := check libsystemd sqlite3 libsodium libcurl libcrypto
tests/power-cut/power-cut_LIBS    := -lkeyutils

# They run a copy of the real one.
$(addprefix $(B)/tests/unit/test-,spawn-child spawn-server spawner): | $(B)/dosvc-spawn

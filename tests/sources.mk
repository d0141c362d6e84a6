# Test programs: each tests/<room>/test-<fact>.c is one program.

ROOMS += testlib

testlib_SOURCES := $(wildcard tests/lib/*.c)

UNIT_TESTS := $(patsubst %.c,%,$(wildcard tests/unit/test-*.c))
BUS_TESTS  := $(patsubst %.c,%,$(wildcard tests/bus/test-*.c))
NET_TESTS  := $(patsubst %.c,%,$(wildcard tests/net/test-*.c))
TESTS      := $(UNIT_TESTS) $(BUS_TESTS) $(NET_TESTS)

# The client's tests link the client's rooms instead of the daemons'.
tests/unit/test-format_CLIENT_ROOMS := ctl.a
tests/unit/test-ctl_CLIENT_ROOMS    := ctl.a client.a testlib.a base.a
tests/bus/test-client_CLIENT_ROOMS  := client.a testlib.a base.a

define test_sources
$(1)_SOURCES := $(1).c
$(1)_ROOMS   := $(or $($(1)_CLIENT_ROOMS),testlib.a manager.a worker.a model.a base.a)
$(1)_PKGS    := check libsystemd sqlite3 libsodium inih libcurl libcrypto libseccomp jansson
$(1)_LIBS    := -lkeyutils
endef
$(foreach test,$(TESTS),$(eval $(call test_sources,$(test))))

# Programs that scripts of the tests need.
TEST_TOOLS := tests/tools/fill-store

tests/tools/fill-store_SOURCES := tests/tools/fill-store.c
tests/tools/fill-store_ROOMS   := manager.a model.a base.a
tests/tools/fill-store_PKGS    := libsystemd sqlite3 libsodium libcurl
tests/tools/fill-store_LIBS    := -lkeyutils

# They run a copy of the real one.
$(B)/tests/unit/test-spawn $(B)/tests/unit/test-spawner: | $(B)/dosvc-spawn

# Test programs: each tests/<room>/test-<fact>.c is one program.

ROOMS += testlib

testlib_SOURCES := $(wildcard tests/lib/*.c)

UNIT_TESTS := $(patsubst %.c,%,$(wildcard tests/unit/test-*.c))
BUS_TESTS  := $(patsubst %.c,%,$(wildcard tests/bus/test-*.c))
NET_TESTS  := $(patsubst %.c,%,$(wildcard tests/net/test-*.c))
TESTS      := $(UNIT_TESTS) $(BUS_TESTS) $(NET_TESTS)

define test_sources
$(1)_SOURCES := $(1).c
$(1)_ROOMS   := testlib.a manager.a worker.a model.a base.a
$(1)_PKGS    := check libsystemd sqlite3 libsodium inih libcurl libcrypto libseccomp
$(1)_LIBS    := -lkeyutils
endef
$(foreach test,$(TESTS),$(eval $(call test_sources,$(test))))

# They run a copy of the real one.
$(B)/tests/unit/test-spawn $(B)/tests/unit/test-spawner: | $(B)/dosvc-spawn

# How the test programs are run. tests/run does it and sums up.

in_build = $(addprefix $(B)/,$(1))

check: all $(call in_build,$(TESTS)) ## Run all tests, those under a booted systemd too (as root)
	$(Q)B=$(B) tests/run --boot $(call in_build,$(TESTS))

check-unit: $(call in_build,$(UNIT_TESTS)) ## Run the tests of single modules
	$(Q)B=$(B) tests/run $(call in_build,$(UNIT_TESTS))

check-bus: all $(call in_build,$(BUS_TESTS)) ## Run the tests over a private bus (as root)
	$(Q)B=$(B) tests/run $(call in_build,$(BUS_TESTS))

check-net: all $(call in_build,$(NET_TESTS)) ## Run the tests against web servers and proxies (as root)
	$(Q)B=$(B) tests/run $(call in_build,$(NET_TESTS))

# The seed is printed at the start and with every failure; kills meet processes that run on their
# own, so a seed repeats the choices, not each moment.
torture: all $(call in_build,$(NO_MEMORY_TESTS) $(TORTURE)) ## Fail each allocation in turn, kill the service at work: ROUNDS (1000), SEED, BATCH (as root)
	$(Q)B=$(B) ROUNDS=$(ROUNDS) SEED=$(SEED) BATCH=$(BATCH) TEST_TIMEOUT=0 \
		tests/run --show $(call in_build,$(NO_MEMORY_TESTS) $(TORTURE))

check-boot: all ## Run the tests under a booted systemd of their own (as root)
	$(Q)B=$(B) tests/boot/run

# A copy of the disk at random moments of ROUNDS lives: about twenty seconds each.
power-cut: all $(call in_build,$(POWER_CUT)) ## Cut the power of the service at work: ROUNDS (5), SEED (as root)
	$(Q)B=$(B) ROUNDS=$(ROUNDS) SEED=$(SEED) TEST_TIMEOUT=0 tests/run $(call in_build,$(POWER_CUT))

# Who is killed writes no counters. Daemons of other users write theirs too, so the objects are
# everybody's to write.
COVERING = $(filter-out $(TORTURE),$(TESTS))
coverage: ## Run the tests instrumented and list what they reach, file by file (as root)
	$(Q)$(MAKE) B=build-cov COV=1 all $(addprefix build-cov/,$(COVERING))
	$(Q)find build-cov -name '*.gcda' -delete
	$(Q)chmod -R a+rwX build-cov
	-$(Q)B=build-cov tests/run $(addprefix build-cov/,$(COVERING))
	$(Q)lcov --quiet --capture --directory build-cov --output-file build-cov/all.info
	$(Q)lcov --quiet --extract build-cov/all.info '*/daemon/*' '*/client-lib/*' \
		--output-file build-cov/coverage.info
	$(Q)lcov --list build-cov/coverage.info

# Each tests/fuzz/fuzz-<parser>.c is one program of clang's; tests/fuzz/<parser>/ its corpus.
FUZZ_SECONDS ?= 20
FUZZERS      := $(patsubst %.c,%,$(wildcard tests/fuzz/fuzz-*.c))
FUZZ_PKGS    := libsystemd libsodium libcurl libssl libcrypto libseccomp krb5 krb5-gssapi

build-fuzz/tests/fuzz/%: tests/fuzz/%.c $(model_SOURCES) $(worker_SOURCES) $(confine_SOURCES) $(base_SOURCES)
	$(call say,FUZZ,$<)
	@mkdir -p $(@D)
	$(Q)clang $(CPPFLAGS) -U_FORTIFY_SOURCE -std=gnu17 -O1 -g \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all $(PKG_CFLAGS) -o $@ $^ \
		$$(pkg-config --libs $(FUZZ_PKGS))

fuzz: $(addprefix build-fuzz/,$(FUZZERS)) ## Fuzz each parser for FUZZ_SECONDS (20)
	$(Q)for fuzzer in $^; do \
		name=$${fuzzer##*/fuzz-}; work=build-fuzz/corpus-$$name; mkdir -p $$work; \
		seeds=tests/fuzz/$$name; [ -d $$seeds ] || seeds=; \
		echo "$$name"; \
		$$fuzzer -max_total_time=$(FUZZ_SECONDS) -verbosity=0 -print_final_stats=1 \
			-artifact_prefix=build-fuzz/ $$work $$seeds || exit 1; \
	done

.PHONY: check check-unit torture power-cut check-bus check-net check-boot coverage fuzz

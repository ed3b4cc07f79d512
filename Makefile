# SPDX-License-Identifier: GPL-3.0-or-later
# One makefile for all of spyq; everything it makes is below $(BUILD). `make help` lists the targets.

VERSION := 0.1.0
SANITIZE ?=
# The sanitizers' own code makes compilers see overruns that are not there.
WERROR ?= $(if $(SANITIZE),0,1)

BUILD := build$(if $(SANITIZE),/sanitize)
PREFIX ?= /usr/local
prefix ?= $(PREFIX)
bindir ?= $(prefix)/bin
sbindir ?= $(prefix)/sbin
libdir ?= $(prefix)/lib
mandir ?= $(prefix)/share/man
docdir ?= $(prefix)/share/doc/spyq
completiondir ?= $(prefix)/share/bash-completion/completions
unitdir ?= $(prefix)/lib/systemd/system
sysusersdir ?= $(prefix)/lib/sysusers.d
tmpfilesdir ?= $(prefix)/lib/tmpfiles.d
DESTDIR ?=

CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
CLANG ?= clang
# Ubuntu's bpftool is a wrapper that wants the running kernel's own build: take the real one.
BPFTOOL ?= $(firstword $(wildcard /usr/lib/linux-tools/*/bpftool) \
	$(shell PATH="$$PATH:/usr/sbin" command -v bpftool) bpftool)
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wvla $(if $(filter 1,$(WERROR)),-Werror)
SANITIZER := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer \
	-fno-sanitize-recover=undefined)
# Fortified functions need the optimiser, and hide from the sanitizers what they look for.
OPTIMISED := $(filter-out -O0,$(filter -O%,$(CFLAGS)))
HARDENING := -fstack-protector-strong $(if $(SANITIZE),,$(if $(OPTIMISED),-U_FORTIFY_SOURCE \
	-D_FORTIFY_SOURCE=2))
SPYQ_CPPFLAGS = -D_GNU_SOURCE -DSPYQ_VERSION='"$(VERSION)"' -iquote . -I$(BUILD)/generated $(CPPFLAGS)
SPYQ_CFLAGS = -std=gnu17 $(CFLAGS) $(WARNINGS) $(HARDENING) -fvisibility=hidden -MMD -MP
SPYQ_LDFLAGS = $(LDFLAGS) -Wl,-z,relro,-z,now
# libbpf's macros leave parameters unused, and want the name that the kernel gives the processor.
ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/; s/ppc64.*/powerpc/; s/s390x/s390/; s/riscv.*/riscv/')
BPF_CFLAGS = -g -O2 -target bpf -mcpu=v3 -std=gnu17 -D__TARGET_ARCH_$(ARCH) \
	-Wall -Wextra -Wno-unused-parameter -Werror
# Warnings inside other projects' headers are not ours to mend: they are system headers here.
packages = $(subst -I,-isystem ,$(shell $(PKG_CONFIG) --cflags $(1)))
libraries = $(shell $(PKG_CONFIG) --libs $(1))

# A short line for each step; V=1 shows the commands, -s nothing.
silent = $(findstring s,$(firstword -$(MAKEFLAGS)))
step = $(if $(V),,@$(if $(silent),,printf '  %-8s %s\n' '$(1)' '$(@:$(BUILD)/%=%)';) )

DAEMON_PACKAGES := libbpf libuv sqlite3 inih jansson libsodium
SHELL_PACKAGES := sqlite3
PROMPT_PACKAGES := readline # loaded by the shell itself when it is needed

# What finds out what deserves a look, in both programs.
RISK_SOURCES := sql/rows.c sql/row_fetch.c sql/statement.c sql/text_hash.c $(wildcard sql/rule*.c sql/score*.c sql/judge*.c sql/novelty*.c) sql/suppress.c
DAEMON_SOURCES := $(wildcard daemon/*.c) sql/nearest.c sql/layout.c sql/interned.c $(wildcard sql/store*.c sql/retention*.c sql/ballast.c) $(RISK_SOURCES)
EXTENSION_SOURCES := $(wildcard sql/ext*.c sql/fn_*.c sql/vt_*.c sql/graph*.c)
SHELL_SOURCES := $(wildcard shell/*.c) sql/nearest.c $(RISK_SOURCES)
BPF_SOURCES := $(wildcard bpf/*.bpf.c)
SQL_FILES := $(wildcard sql/*.sql sql/*/*.sql)
UNIT_SOURCES := $(wildcard tests/unit/test_*.c)
HELPER_SOURCES := $(wildcard tests/bpf/helpers/*.c)
BENCH_SOURCES := $(wildcard tests/bench/*.c)
EXAMPLES := $(wildcard packaging/examples/*)
PAGES := $(wildcard docs/*.[1578])

BUILTIN_OBJECTS := $(EXTENSION_SOURCES:%.c=$(BUILD)/builtin/%.o)
DAEMON_OBJECTS := $(DAEMON_SOURCES:%.c=$(BUILD)/%.o) $(BUILTIN_OBJECTS)
SHELL_OBJECTS := $(SHELL_SOURCES:%.c=$(BUILD)/%.o) $(BUILTIN_OBJECTS)
LOADABLE_OBJECTS := $(EXTENSION_SOURCES:%.c=$(BUILD)/loadable/%.o)
UNIT_TESTS := $(UNIT_SOURCES:%.c=$(BUILD)/%)
TEST_HELPERS := $(HELPER_SOURCES:%.c=$(BUILD)/%)
QUERY_FILES := $(wildcard sql/queries/*.sql)
RULE_FILES := $(wildcard sql/rules/*.sql)
VIEW_FILES := $(wildcard sql/views/*.sql)
SQL_HEADERS := $(patsubst sql/%.sql,$(BUILD)/generated/%.sql.h,$(filter-out $(QUERY_FILES) $(RULE_FILES) $(VIEW_FILES),$(SQL_FILES))) \
	$(BUILD)/generated/queries.h $(BUILD)/generated/rules.h
BENCH_HELPERS := $(BENCH_SOURCES:%.c=$(BUILD)/%)
SKELETON := $(BUILD)/generated/spyq.skel.h
GENERATED := $(SQL_HEADERS) $(SKELETON)

all: $(BUILD)/spyqd $(BUILD)/spyq $(BUILD)/spyq.so ## build everything (V=1, CC=clang, SANITIZE=address,undefined)

$(BUILD)/spyqd: $(DAEMON_OBJECTS)
	$(call step,LINK)$(CC) $(SPYQ_LDFLAGS) $(SANITIZER) -o $@ $^ $(call libraries,$(DAEMON_PACKAGES)) -lpthread -lm

$(BUILD)/spyq: $(SHELL_OBJECTS)
	$(call step,LINK)$(CC) $(SPYQ_LDFLAGS) $(SANITIZER) -o $@ $^ $(call libraries,$(SHELL_PACKAGES)) -ldl -lm

$(BUILD)/spyq.so: $(LOADABLE_OBJECTS)
	$(call step,LINK)$(CC) $(SPYQ_LDFLAGS) $(SANITIZER) -shared -o $@ $^ -lm

$(BUILD)/daemon/%.o: daemon/%.c $(BUILD)/.flags | $(GENERATED)
	@mkdir -p $(@D)
	$(call step,CC)$(CC) $(SPYQ_CPPFLAGS) $(call packages,$(DAEMON_PACKAGES)) $(SPYQ_CFLAGS) $(SANITIZER) -c -o $@ $<

$(BUILD)/sql/%.o: sql/%.c $(BUILD)/.flags | $(SQL_HEADERS)
	@mkdir -p $(@D)
	$(call step,CC)$(CC) $(SPYQ_CPPFLAGS) $(call packages,sqlite3) $(SPYQ_CFLAGS) $(SANITIZER) -c -o $@ $<

$(BUILD)/shell/%.o: shell/%.c $(BUILD)/.flags | $(SQL_HEADERS)
	@mkdir -p $(@D)
	$(call step,CC)$(CC) $(SPYQ_CPPFLAGS) $(call packages,$(SHELL_PACKAGES) $(PROMPT_PACKAGES)) $(SPYQ_CFLAGS) $(SANITIZER) -c -o $@ $<

# The extension, from one source: inside spyq, and for any other SQLite client.
$(BUILD)/builtin/%.o: %.c $(BUILD)/.flags | $(SQL_HEADERS)
	@mkdir -p $(@D)
	$(call step,CC)$(CC) $(SPYQ_CPPFLAGS) -DSQLITE_CORE $(call packages,sqlite3) $(SPYQ_CFLAGS) $(SANITIZER) -c -o $@ $<

$(BUILD)/loadable/%.o: %.c $(BUILD)/.flags | $(SQL_HEADERS)
	@mkdir -p $(@D)
	$(call step,CC)$(CC) $(SPYQ_CPPFLAGS) $(call packages,sqlite3) $(SPYQ_CFLAGS) $(SANITIZER) -fPIC -c -o $@ $<

# The kernel programs, in one object, embedded as a skeleton. Not each unit by itself: the linker of
# libbpf before 1.4 takes no kernel function that two of them call.
$(BUILD)/generated/spyq.bpf.c: $(BPF_SOURCES) $(BUILD)/.flags
	@mkdir -p $(@D)
	@printf '#include "%s"\n' $(BPF_SOURCES) >$@

$(BUILD)/spyq.bpf.o: $(BUILD)/generated/spyq.bpf.c
	$(call step,BPF)$(CLANG) $(BPF_CFLAGS) $(call packages,libbpf) -I. -MMD -MP -c -o $@ $<

# What bpftool writes is not ours to mend either; unlike -isystem the pragma keeps the dependency.
$(SKELETON): $(BUILD)/spyq.bpf.o
	@mkdir -p $(@D)
	$(call step,SKELETON){ echo '#pragma GCC system_header'; \
		$(BPFTOOL) gen skeleton $< name spyq_bpf; } >$@.new && mv $@.new $@

$(BUILD)/generated/%.sql.h: sql/%.sql scripts/embed
	@mkdir -p $(@D)
	$(call step,EMBED)scripts/embed $< >$@.new && mv $@.new $@

# All views are run as one script.
$(BUILD)/generated/views.sql.h: sql/views.sql $(VIEW_FILES) sql/views scripts/embed
	@mkdir -p $(@D)
	$(call step,EMBED)cat sql/views.sql $(sort $(VIEW_FILES)) >$(BUILD)/generated/views.sql && \
		scripts/embed $(BUILD)/generated/views.sql >$@.new && mv $@.new $@

# The directory is newer when a file in it has come or gone.
$(BUILD)/generated/queries.h: $(QUERY_FILES) sql/queries scripts/embed-queries
	@mkdir -p $(@D)
	$(call step,EMBED)scripts/embed-queries $(QUERY_FILES) >$@.new && mv $@.new $@

$(BUILD)/generated/rules.h: $(RULE_FILES) sql/rules scripts/embed-rules
	@mkdir -p $(@D)
	$(call step,EMBED)scripts/embed-rules $(sort $(RULE_FILES)) >$@.new && mv $@.new $@

# Other flags, another compiler or another makefile: everything is built again. The file is touched
# only when they differ, so that a second make has nothing to do. The first thing to be made, it is
# also where a machine that lacks something hears so in one line.
FLAGS := $(strip $(CC) $(CLANG) $(BPFTOOL) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) $(SANITIZE) $(WERROR) $(VERSION))
ifneq ($(FLAGS),$(file <$(BUILD)/.flags))
$(BUILD)/.flags: FORCE
endif
$(BUILD)/.flags: Makefile
	@CC='$(CC)' CLANG='$(CLANG)' BPFTOOL='$(BPFTOOL)' PKG_CONFIG='$(PKG_CONFIG)' \
		scripts/install-deps --check build
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS))' >$@

# ---- tests ----

# What a unit test uses of spyq is linked from here: everything but the programs' own main().
# Appended, not replaced: objects of one name in two directories both belong in it.
UNIT_OBJECTS := $(filter-out %/main.o,$(DAEMON_OBJECTS) $(SHELL_OBJECTS))

$(BUILD)/unit.a: $(UNIT_OBJECTS)
	$(call step,AR)rm -f $@ && $(AR) qcs $@ $^

# Less optimised than what is tested: quicker to build, plainer to debug.
$(BUILD)/tests/unit/%: tests/unit/%.c $(BUILD)/unit.a $(BUILD)/.flags | $(GENERATED)
	@mkdir -p $(@D)
	$(call step,CC)$(CC) $(SPYQ_CPPFLAGS) $(call packages,$(DAEMON_PACKAGES) cmocka) $(SPYQ_CFLAGS:-O2=-O1) \
		$(SPYQ_LDFLAGS) $(SANITIZER) -o $@ $< $(BUILD)/unit.a \
		$(call libraries,$(DAEMON_PACKAGES) $(SHELL_PACKAGES) cmocka) -lpthread -lresolv -ldl -lm

$(BUILD)/tests/bpf/helpers/%: tests/bpf/helpers/%.c $(BUILD)/.flags
	@mkdir -p $(@D)
	$(call step,CC)$(CC) -D_GNU_SOURCE -std=gnu17 -O1 -g $(WARNINGS) -MMD -MP -o $@ $< -lpthread

# Linked statically: what is measured is not the dynamic linker.
$(BUILD)/tests/bench/%: tests/bench/%.c $(BUILD)/.flags
	@mkdir -p $(@D)
	$(call step,CC)$(CC) -D_GNU_SOURCE -std=gnu17 -O1 -g $(WARNINGS) -MMD -MP -static -o $@ $<

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# ---- what people type ----

# As many jobs as processors, unless the person who types has said how many.
parallel = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
build = $(MAKE) -q $(1) >/dev/null 2>&1 || \
	$(MAKE) --no-print-directory $(parallel) $(1) </dev/null >&2

run: ## build, record, open the shell on it; or read SQL from stdin
	@scripts/install-deps build
	+@$(call build,all)
	@scripts/run $(BUILD)

check: ## run all tests, or some: SUITES="unit sql"
	@scripts/install-deps build test
	+@$(call build,all tests)
	@scripts/check $(BUILD) $(SUITES)

check-kernels: ## run the real-kernel tests on stock kernels, in virtual machines: KERNELS="6.1 7" WHOLE=1
	@scripts/install-deps build test
	+@$(call build,all tests)
	@tests/vm/run $(BUILD) $(if $(KERNELS),--kernels '$(KERNELS)') $(if $(TIERS),--tiers '$(TIERS)') \
		$(if $(WHOLE),--whole) $(foreach name,$(TESTS),-k $(name))

check-detection: ## act out attacks and harmless work, and hold the flags against them: NAMES="shell cron"
	@scripts/install-deps build test
	+@$(call build,all tests)
	@tests/detection/run $(BUILD) $(foreach name,$(NAMES),-k $(name))

generated: $(GENERATED)

tests: $(UNIT_TESTS) $(TEST_HELPERS) ## build what the tests consist of

fuzz: ## fuzz what reads recordings, each target for SECONDS (60)
	@scripts/install-deps build fuzz
	@FUZZ_BUILD=$(BUILD)/fuzz CLANG='$(CLANG)' tests/fuzz/run $(or $(SECONDS),60)

soak: ## record a mixed load for SECONDS (3600) within MIB (32) of store, and look for what grows
	@scripts/install-deps build test
	+@$(call build,all tests)
	@tests/soak/run $(BUILD) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(MIB),--mib $(MIB))

check-faults: ## kill the recorder 1,000 times, have writes and allocations of the store fail in turn (an hour)
	@scripts/install-deps build test
	+@$(call build,all $(BUILD)/tests/unit/test_store_faults)
	@tests/faults/run $(BUILD) --long
	@SPYQ_TEST_LONG=$(if $(ALL),2,1) $(BUILD)/tests/unit/test_store_faults

bench: ## time recording and searching, beside what else there is: SUBJECTS="slowdown losses" (an hour)
	@scripts/install-deps build test bench
	+@$(call build,all $(BENCH_HELPERS))
	@tests/bench/run $(BUILD) $(SUBJECTS) --json $(BUILD)/bench.json
	@$(if $(SUBJECTS),,tests/bench/graph $(BUILD))

deps: ## install what is needed to build, test, lint and fuzz
	@scripts/install-deps build test lint fuzz

format: ## format the C files in place
	clang-format -i $(sort $(wildcard */*.[ch] tests/*/*.[ch] tests/*/*/*.[ch]))

lint: ## formatting, static analysis, scripts and manual pages
	@scripts/install-deps build test lint
	+@$(call build,generated)
	@SPYQ_FLAGS='$(subst ',,$(SPYQ_CPPFLAGS)) -std=gnu17 $(call packages,$(DAEMON_PACKAGES) $(SHELL_PACKAGES) $(PROMPT_PACKAGES) cmocka)' \
		BPF_FLAGS='$(BPF_CFLAGS) $(call packages,libbpf)' scripts/lint

install: all ## install below prefix (DESTDIR, prefix, bindir, mandir, ...)
	install -D -m 755 $(BUILD)/spyqd $(DESTDIR)$(sbindir)/spyqd
	install -D -m 755 $(BUILD)/spyq $(DESTDIR)$(bindir)/spyq
	install -D -m 644 $(BUILD)/spyq.so $(DESTDIR)$(libdir)/spyq/spyq.so
	install -D -m 644 packaging/spyqd.conf $(DESTDIR)$(docdir)/spyqd.conf
	install -m 644 docs/cookbook.md $(DESTDIR)$(docdir)/cookbook.md
	install -d $(DESTDIR)$(docdir)/examples
	install -m 644 $(EXAMPLES) $(DESTDIR)$(docdir)/examples
	install -D -m 644 packaging/completion/spyq $(DESTDIR)$(completiondir)/spyq
	install -d $(DESTDIR)$(unitdir)
	sed 's|@sbindir@|$(sbindir)|' packaging/spyqd.service.in >$(DESTDIR)$(unitdir)/spyqd.service
	install -D -m 644 packaging/spyq.sysusers $(DESTDIR)$(sysusersdir)/spyq.conf
	install -D -m 644 packaging/spyq.tmpfiles $(DESTDIR)$(tmpfilesdir)/spyq.conf
	$(foreach page,$(PAGES),install -D -m 644 $(page) \
		$(DESTDIR)$(mandir)/man$(patsubst .%,%,$(suffix $(page)))/$(notdir $(page)) &&) true

uninstall: ## remove what install put there; store and configuration stay
	rm -f $(DESTDIR)$(sbindir)/spyqd $(DESTDIR)$(bindir)/spyq $(DESTDIR)$(libdir)/spyq/spyq.so \
		$(DESTDIR)$(docdir)/spyqd.conf $(DESTDIR)$(docdir)/cookbook.md $(DESTDIR)$(completiondir)/spyq \
		$(patsubst packaging/%,$(DESTDIR)$(docdir)/%,$(EXAMPLES)) \
		$(DESTDIR)$(unitdir)/spyqd.service \
		$(DESTDIR)$(sysusersdir)/spyq.conf $(DESTDIR)$(tmpfilesdir)/spyq.conf \
		$(foreach page,$(PAGES),$(DESTDIR)$(mandir)/man$(patsubst .%,%,$(suffix $(page)))/$(notdir $(page)))
	-rmdir $(DESTDIR)$(libdir)/spyq $(DESTDIR)$(docdir)/examples $(DESTDIR)$(docdir)

clean: ## remove everything that was built; recordings in .spyq stay
	rm -rf $(BUILD)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: all run check check-kernels check-faults soak check-detection generated tests fuzz bench deps format lint install uninstall clean help FORCE
.DELETE_ON_ERROR:

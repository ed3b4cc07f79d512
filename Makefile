# SPDX-License-Identifier: GPL-3.0-or-later
# One makefile for all of spyq; everything it makes is below $(BUILD). `make help` lists the targets.

VERSION := 0.1.0
SANITIZE ?=
WERROR ?= 1

BUILD := build$(if $(SANITIZE),/sanitize)
PREFIX ?= /usr/local
prefix ?= $(PREFIX)
bindir ?= $(prefix)/bin
sbindir ?= $(prefix)/sbin
libdir ?= $(prefix)/lib
mandir ?= $(prefix)/share/man
DESTDIR ?=

CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
CLANG ?= clang
BPFTOOL ?= $(firstword $(shell command -v bpftool 2>/dev/null) /usr/sbin/bpftool)
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wvla $(if $(filter 1,$(WERROR)),-Werror)
HARDENING := -fstack-protector-strong $(if $(SANITIZE),-fsanitize=$(SANITIZE) \
	-fno-omit-frame-pointer -fno-sanitize-recover=undefined,-D_FORTIFY_SOURCE=2)
SPYQ_CPPFLAGS = -D_GNU_SOURCE -DSPYQ_VERSION='"$(VERSION)"' -I$(BUILD)/generated $(CPPFLAGS)
SPYQ_CFLAGS = -std=gnu17 $(CFLAGS) $(WARNINGS) $(HARDENING) -fvisibility=hidden -MMD -MP
SPYQ_LDFLAGS = $(LDFLAGS) $(if $(SANITIZE),-fsanitize=$(SANITIZE)) -Wl,-z,relro,-z,now
# Warnings inside other projects' headers are not ours to mend: they are system headers here.
packages = $(subst -I,-isystem ,$(shell $(PKG_CONFIG) --cflags $(1)))
libraries = $(shell $(PKG_CONFIG) --libs $(1))

DAEMON_PACKAGES := libbpf libuv sqlite3 inih
SHELL_PACKAGES := sqlite3 readline

DAEMON_SOURCES := $(wildcard daemon/*.c) sql/rows.c $(wildcard sql/store*.c)
EXTENSION_SOURCES := $(wildcard sql/ext*.c sql/fn_*.c sql/vt_*.c sql/graph*.c)
SHELL_SOURCES := $(wildcard shell/*.c)
BPF_SOURCES := $(wildcard bpf/*.bpf.c)
SQL_FILES := $(wildcard sql/*.sql sql/migrate/*.sql)
UNIT_SOURCES := $(wildcard tests/unit/test_*.c)
HELPER_SOURCES := $(wildcard tests/bpf/helpers/*.c)

DAEMON_OBJECTS := $(DAEMON_SOURCES:%.c=$(BUILD)/%.o)
SHELL_OBJECTS := $(SHELL_SOURCES:%.c=$(BUILD)/%.o) $(EXTENSION_SOURCES:%.c=$(BUILD)/builtin/%.o)
LOADABLE_OBJECTS := $(EXTENSION_SOURCES:%.c=$(BUILD)/loadable/%.o)
BPF_OBJECTS := $(BPF_SOURCES:%.bpf.c=$(BUILD)/%.bpf.o)
UNIT_TESTS := $(UNIT_SOURCES:%.c=$(BUILD)/%)
TEST_HELPERS := $(HELPER_SOURCES:%.c=$(BUILD)/%)
GENERATED := $(SQL_FILES:sql/%.sql=$(BUILD)/generated/%.sql.h) $(BUILD)/generated/spyq.skel.h

all: $(BUILD)/spyqd $(BUILD)/spyq $(BUILD)/spyq.so ## build everything

$(BUILD)/spyqd: $(DAEMON_OBJECTS)
	$(CC) $(SPYQ_LDFLAGS) -o $@ $^ $(call libraries,$(DAEMON_PACKAGES)) -lpthread

$(BUILD)/spyq: $(SHELL_OBJECTS)
	$(CC) $(SPYQ_LDFLAGS) -o $@ $^ $(call libraries,$(SHELL_PACKAGES)) -lm

$(BUILD)/spyq.so: $(LOADABLE_OBJECTS)
	$(CC) $(SPYQ_LDFLAGS) -shared -o $@ $^ -lm

$(BUILD)/daemon/%.o: daemon/%.c $(BUILD)/.flags | $(GENERATED)
	@mkdir -p $(@D)
	$(CC) $(SPYQ_CPPFLAGS) $(call packages,$(DAEMON_PACKAGES)) $(SPYQ_CFLAGS) -c -o $@ $<

$(BUILD)/sql/%.o: sql/%.c $(BUILD)/.flags | $(GENERATED)
	@mkdir -p $(@D)
	$(CC) $(SPYQ_CPPFLAGS) $(call packages,sqlite3) $(SPYQ_CFLAGS) -c -o $@ $<

$(BUILD)/shell/%.o: shell/%.c $(BUILD)/.flags | $(GENERATED)
	@mkdir -p $(@D)
	$(CC) $(SPYQ_CPPFLAGS) $(call packages,$(SHELL_PACKAGES)) $(SPYQ_CFLAGS) -c -o $@ $<

# The extension, from one source: inside spyq, and for any other SQLite client.
$(BUILD)/builtin/%.o: %.c $(BUILD)/.flags
	@mkdir -p $(@D)
	$(CC) $(SPYQ_CPPFLAGS) -DSQLITE_CORE $(call packages,sqlite3) $(SPYQ_CFLAGS) -c -o $@ $<

$(BUILD)/loadable/%.o: %.c $(BUILD)/.flags
	@mkdir -p $(@D)
	$(CC) $(SPYQ_CPPFLAGS) $(call packages,sqlite3) $(SPYQ_CFLAGS) -fPIC -c -o $@ $<

# The kernel programs: each unit by itself, linked into one object, embedded as a skeleton.
$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) -g -O2 -target bpf -mcpu=v3 -std=gnu17 -Wall -Wextra -Werror \
		$(call packages,libbpf) -MMD -MP -c -o $@ $<

$(BUILD)/spyq.bpf.o: $(BPF_OBJECTS)
	$(BPFTOOL) gen object $@ $^

$(BUILD)/generated/spyq.skel.h: $(BUILD)/spyq.bpf.o
	@mkdir -p $(@D)
	$(BPFTOOL) gen skeleton $< name spyq_bpf >$@.new && mv $@.new $@

$(BUILD)/generated/%.sql.h: sql/%.sql scripts/embed
	@mkdir -p $(@D)
	scripts/embed $< >$@.new && mv $@.new $@

# Other flags, another compiler or another version: everything is built again.
FLAGS := $(CC) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) $(SANITIZE) $(WERROR) $(VERSION)
$(BUILD)/.flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' >$@

# ---- tests ----

# A unit test is linked with everything but the programs' own main().
UNIT_OBJECTS := $(filter-out $(BUILD)/daemon/main.o,$(DAEMON_OBJECTS))

$(BUILD)/tests/unit/%: tests/unit/%.c $(UNIT_OBJECTS) $(BUILD)/.flags | $(GENERATED)
	@mkdir -p $(@D)
	$(CC) $(SPYQ_CPPFLAGS) $(call packages,$(DAEMON_PACKAGES) cmocka) $(SPYQ_CFLAGS) \
		$(SPYQ_LDFLAGS) -o $@ $< $(UNIT_OBJECTS) \
		$(call libraries,$(DAEMON_PACKAGES) cmocka) -lpthread

$(BUILD)/tests/bpf/helpers/%: tests/bpf/helpers/%.c $(BUILD)/.flags
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu17 -O1 -g $(WARNINGS) -MMD -MP -o $@ $< -lpthread

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: all FORCE
.DELETE_ON_ERROR:

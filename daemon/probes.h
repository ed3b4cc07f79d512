/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel programs: chosen by what this kernel has, loaded, attached, asked for their numbers.
 * A probe that the kernel refuses is one line in the list of probes; only a missing fork, exec or
 * exit is a failure.
 */
#ifndef SPYQ_PROBES_H
#define SPYQ_PROBES_H

#include <stddef.h>

#include "cgroups.h"
#include "source.h"

struct probes;

/* What an iterator walks. */
enum probes_iterator { PROBES_PROCESSES, PROBES_SOCKETS };

/*
 * Loads the programs. place: the root of the v2 hierarchy (its mount empty where there is none), or
 * with config->cgroup the only subtree that is recorded; it and config are to outlive the result.
 * Returns NULL with *error, which names the cause: no BTF, no CAP_BPF, a kernel too old, or what
 * the kernel said.
 */
struct probes *probes_load(const struct config *config, const struct cgroup_place *place,
                           struct source_error *error);

/* Attaches them: events come from here on. May load them again, without some: descriptors of maps
 * and what else is asked for below are good only after this. Returns 0, or -1 with *error. */
int probes_attach(struct probes *probes, struct source_error *error);

/* No more events after this. */
void probes_detach(struct probes *probes);

/* Detaches and frees. */
void probes_free(struct probes *probes);

/* The descriptor of a ring's map, EVENT_RING_*. */
int probes_ring(const struct probes *probes, int ring);

/* The map of what each cgroup may still send: __u64 cgroup id -> struct emit_budget. */
int probes_budgets(const struct probes *probes);

/* The map of UDP's flows: struct emit_flow_key -> struct event_udp. *room: how many it can hold. */
int probes_udp_flows(const struct probes *probes, uint32_t *room);

/* Packets that are in no flow because that map was full, so far. */
uint64_t probes_udp_flowless(const struct probes *probes);

/* The counters of each CPU, shared with the kernel, and how many CPUs there are. */
const volatile struct emit_counters *probes_counters(const struct probes *probes, size_t *cpus);

/* Asks that the next record of each ring wakes whoever polls it; once. false: takes that back. */
void probes_arm(struct probes *probes, bool armed);

/* A descriptor whose reading runs the iterator. Returns -1 with errno. */
int probes_iterate(struct probes *probes, enum probes_iterator iterator);

/* Writes at most `most` probes, as source_ops.probes. */
size_t probes_list(const struct probes *probes, struct source_probe *list, size_t most);

#endif

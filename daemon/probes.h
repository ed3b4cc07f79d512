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

/* What a sweep is about. */
enum probes_sweep { PROBES_FLOWS, PROBES_BUDGETS };

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

/* No more records after this but those of sweeps; all others are in the rings when it returns. */
void probes_stop(struct probes *probes);

/* Detaches and frees. After probes_stop() the detaching is left to a child, attach_leave(). */
void probes_free(struct probes *probes);

/* The descriptor of a ring's map, EVENT_RING_*. */
int probes_ring(const struct probes *probes, int ring);

/* How many bytes it holds. */
size_t probes_ring_bytes(const struct probes *probes, int ring);

/* How many flows of UDP the kernel can count at once. */
uint32_t probes_udp_room(const struct probes *probes);

/* Packets that are in no flow because that map was full, so far. */
uint64_t probes_udp_flowless(const struct probes *probes);

/* The sum over all CPUs of a counter that the programs share with user space: `member` is that of
 * struct emit_counters. */
#define probes_count(probes, member) probes_sum(probes, offsetof(struct emit_counters, member))
uint64_t probes_sum(const struct probes *probes, size_t offset);

/* Asks that the next record of each ring wakes whoever polls it; once. false: takes that back. */
void probes_arm(struct probes *probes, bool armed);

/* A descriptor whose reading runs the iterator. Returns -1 with errno. */
int probes_iterate(struct probes *probes, enum probes_iterator iterator);

/* Has the kernel tell of what has changed (bpf/sweep.bpf.c); unfinished: drain the rings and call
 * again. Returns 0, or -1 where it can not. */
int probes_sweep(const struct probes *probes, enum probes_sweep which, struct emit_sweep *sweep);

/* Writes at most `most` probes, as source_ops.probes. */
size_t probes_list(const struct probes *probes, struct source_probe *list, size_t most);

#endif

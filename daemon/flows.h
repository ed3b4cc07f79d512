/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The flows of UDP, which the kernel counts by itself (bpf/udp.bpf.c): looks through them about
 * once a second and makes EVENT_UDP_FLOW records of those that have changed. Those that have been
 * idle for long, or whose socket was closed, are told of for the last time and removed.
 */
#ifndef SPYQ_FLOWS_H
#define SPYQ_FLOWS_H

#include "source.h"

struct flows;

/* map: emit_flow_key -> event_udp, not owned, for `room` flows. NULL: out of memory. */
struct flows *flows_new(int map, uint32_t room, uint32_t idle_s);
void flows_free(struct flows *flows);

/* The socket was closed: the next look takes what flows it still has. */
void flows_closed(struct flows *flows, uint64_t cookie);

/* One look. all: tells every flow that has changed since it was last told, however often that was;
 * otherwise a long-lived one is told less and less often, at least once in 32 looks. */
void flows_look(struct flows *flows, bool all, source_sink *sink, void *context);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel counts in maps of its own is told about once a second: UDP's flows, and what
 * cgroups sent beyond their budgets. It walks the maps itself (bpf/sweep.bpf.c), and the records
 * come through the ring; here is decided when.
 */
#ifndef SPYQ_SWEEPS_H
#define SPYQ_SWEEPS_H

#include <stdbool.h>
#include <stdint.h>

#include "probes.h"

struct sweeps {
    struct probes *probes;        /* not owned */
    void (*drain)(void *context); /* empties the rings, where there is more than they can hold */
    void *context;
    uint64_t idle_ns;     /* a flow for which nothing came for so long has ended */
    uint64_t round;       /* looks at the flows so far */
    uint32_t flows;       /* that the last look has seen */
    bool stirred;         /* a flow may have begun or ended since: the caller's to set */
    uint64_t over_budget; /* records not sent because of a budget, at the last look at those */
    uint64_t budgets_at;  /* when that was; ns, boot clock */
};

/* The flows that have changed, as EVENT_UDP_FLOW; where there can be none it costs nothing. all:
 * every one; otherwise a long-lived one is told less and less often, at least once in 32 looks. */
void sweeps_flows(struct sweeps *sweeps, bool all);

/* What cgroups could not send because of their budgets, as EVENT_LOSS; those that send nothing any
 * more make room for others. began: when the last look was. */
void sweeps_budgets(struct sweeps *sweeps, uint64_t began);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/*
 * What a cgroup may send: so many records of a class a second, and a burst on top. What goes beyond
 * is not sent and counted, by class and cgroup. Of the lifecycle only failed execs have a budget.
 */
#ifndef SPYQ_BUDGET_H
#define SPYQ_BUDGET_H

#include "emit.h"

#define BUDGET_CGROUPS 8192
#define NS_PER_S       1000000000ull
#define REFILL_MAX_NS  (60 * NS_PER_S)

/* Keyed by cgroup id. When it is full all further cgroups share the bucket of id 0. */
struct budgets_map {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, BUDGET_CGROUPS);
    __type(key, __u64);
    __type(value, struct emit_budget);
};
extern struct budgets_map budgets SEC(".maps");

/* Records a second, and how many may come at once; rate 0: no limit. Set by user space. */
extern const volatile __u64 budget_rate[EVENT_CLASSES];
extern const volatile __u64 budget_burst[EVENT_CLASSES];

/* Whether a cgroup may send one more record of that class (EVENT_CLASS_*); counts it if not. Once
 * in the object, and verified by itself: whoever calls it is walked for two outcomes only. */
int budget_allows(__u32 class, __u64 cgroup_id);

#endif

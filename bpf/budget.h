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

static __always_inline struct emit_budget *budget_of(__u64 cgroup_id)
{
    static const struct emit_budget full = {};
    struct emit_budget *budget = bpf_map_lookup_elem(&budgets, &cgroup_id);
    __u64 shared = 0;

    if (budget)
        return budget;
    bpf_map_update_elem(&budgets, &cgroup_id, &full, BPF_NOEXIST);
    budget = bpf_map_lookup_elem(&budgets, &cgroup_id);
    return budget ? budget : bpf_map_lookup_elem(&budgets, &shared);
}

/* Adds what the time since the last look has earned. Two CPUs may both do so: a few records too
 * many then, never a wrong count of what was dropped. */
static __always_inline void bucket_refill(struct emit_bucket *bucket, __u64 rate, __u64 burst)
{
    __u64 now = bpf_ktime_get_boot_ns();
    __u64 waited = now - bucket->refilled;
    __s64 earned;

    if (waited > REFILL_MAX_NS)
        waited = REFILL_MAX_NS;
    earned = bucket->refilled ? waited * rate / NS_PER_S : burst;
    if (!earned)
        return;
    bucket->refilled = now;
    bucket->tokens = earned < (__s64)burst ? earned : burst;
}

/* Whether a cgroup may send one more record of that class (a constant); counts it if not. */
static __always_inline bool budget_allows(__u32 class, __u64 cgroup_id)
{
    __u64 rate = budget_rate[class];
    struct emit_budget *budget = rate ? budget_of(cgroup_id) : NULL;
    struct emit_bucket *bucket;

    if (!budget)
        return true;
    bucket = &budget->buckets[class];
    if (bucket->tokens <= 0)
        bucket_refill(bucket, rate, budget_burst[class]);
    if (bucket->tokens > 0) {
        bucket->tokens--;
        return true;
    }
    __sync_fetch_and_add(&bucket->dropped, 1);
    EMIT_COUNT(over_budget);
    return false;
}

#endif

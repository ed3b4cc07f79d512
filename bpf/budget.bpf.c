// SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later
#include "budget.h"

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

__noinline int budget_allows(__u32 class, __u64 cgroup_id)
{
    struct emit_budget *budget;
    struct emit_bucket *bucket;

    if (class >= EVENT_CLASSES || !budget_rate[class])
        return true;
    budget = budget_of(cgroup_id);
    if (!budget)
        return true;
    bucket = &budget->buckets[class];
    if (bucket->tokens <= 0)
        bucket_refill(bucket, budget_rate[class], budget_burst[class]);
    if (bucket->tokens > 0) {
        bucket->tokens--;
        return true;
    }
    __sync_fetch_and_add(&bucket->dropped, 1);
    EMIT_COUNT(over_budget);
    return false;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sweeps.h"

#include "record.h"

#define NS_PER_S 1000000000ull
/* How long a flow may be idle when three quarters of the room are taken. */
#define CROWDED_NS (2 * NS_PER_S)
/* Between two looks for cgroups that send nothing any more. */
#define BUDGETS_NS (60 * NS_PER_S)
/* Where others fill the ring as fast as it is drained a sweep is left for the next second. */
#define ATTEMPTS 64

/* Returns whether it came to its end. */
static bool run(const struct sweeps *sweeps, enum probes_sweep which, struct emit_sweep *sweep)
{
    sweep->now = boot_now();
    for (int i = 0; i < ATTEMPTS; i++) {
        if (probes_sweep(sweeps->probes, which, sweep) < 0)
            return false;
        if (!sweep->unfinished)
            return true;
        sweeps->drain(sweeps->context);
    }
    return false;
}

void sweeps_flows(struct sweeps *sweeps, bool all)
{
    uint32_t room = probes_udp_room(sweeps->probes);
    struct emit_sweep sweep = {.idle_ns = sweeps->idle_ns, .round = sweeps->round++, .all = all};

    /* To look through an empty map takes the kernel a millisecond. */
    if (!all && !sweeps->flows && !sweeps->stirred)
        return;
    sweeps->stirred = false;
    if (sweeps->flows > room / 4 * 3 && sweep.idle_ns > CROWDED_NS)
        sweep.idle_ns = CROWDED_NS;
    if (run(sweeps, PROBES_FLOWS, &sweep))
        sweeps->flows = sweep.seen;
    else
        sweeps->stirred = true;
}

void sweeps_budgets(struct sweeps *sweeps, uint64_t began)
{
    uint64_t over = probes_count(sweeps->probes, over_budget), now = boot_now();
    struct emit_sweep sweep = {.began = began};

    if (over == sweeps->over_budget && now - sweeps->budgets_at < BUDGETS_NS)
        return;
    if (!run(sweeps, PROBES_BUDGETS, &sweep))
        return;
    sweeps->over_budget = over;
    sweeps->budgets_at = now;
}

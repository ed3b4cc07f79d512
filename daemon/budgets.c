/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "budgets.h"

#include <bpf/bpf.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../bpf/event.h"
#include "index.h"

/* A cgroup that has sent nothing for this long begins anew with a full bucket. ns. */
#define IDLE_NS (60 * 1000000000ull)

/* What has been told of a cgroup. */
struct told {
    uint64_t dropped[EVENT_CLASSES];
};

struct budgets {
    int map;
    struct index told; /* cgroup id -> struct told; only of those that dropped something */
};

static struct key cgroup_key(uint64_t cgroup_id)
{
    return (struct key){cgroup_id, 0};
}

struct budgets *budgets_new(int map)
{
    struct budgets *budgets = calloc(1, sizeof(*budgets));

    if (budgets)
        budgets->map = map;
    return budgets;
}

void budgets_free(struct budgets *budgets)
{
    struct key key;

    if (!budgets)
        return;
    while (index_any(&budgets->told, &key))
        free(index_remove(&budgets->told, key));
    index_free(&budgets->told);
    free(budgets);
}

static bool is_idle(const struct emit_budget *budget, uint64_t now)
{
    for (int loss_class = 0; loss_class < EVENT_CLASSES; loss_class++)
        if (budget->buckets[loss_class].refilled + IDLE_NS > now)
            return false;
    return true;
}

static bool has_dropped(const struct emit_budget *budget)
{
    for (int loss_class = 0; loss_class < EVENT_CLASSES; loss_class++)
        if (budget->buckets[loss_class].dropped)
            return true;
    return false;
}

static struct told *told_of(struct budgets *budgets, uint64_t cgroup_id)
{
    struct told *told = index_get(&budgets->told, cgroup_key(cgroup_id));

    if (told)
        return told;
    told = calloc(1, sizeof(*told));
    if (told && index_put(&budgets->told, cgroup_key(cgroup_id), told) == 0)
        return told;
    free(told);
    return NULL;
}

/* Out of memory the count stays in the map until the next look. */
static void tell(struct budgets *budgets, uint64_t cgroup_id, const struct emit_budget *budget,
                 budgets_visitor *visit, void *context)
{
    struct told *told = has_dropped(budget) ? told_of(budgets, cgroup_id) : NULL;

    for (uint32_t loss_class = 0; told && loss_class < EVENT_CLASSES; loss_class++) {
        uint64_t dropped = budget->buckets[loss_class].dropped;
        if (dropped > told->dropped[loss_class])
            visit(context, cgroup_id, loss_class, dropped - told->dropped[loss_class]);
        told->dropped[loss_class] = dropped;
    }
}

static void look_at(struct budgets *budgets, uint64_t cgroup_id, uint64_t now,
                    budgets_visitor *visit, void *context)
{
    struct emit_budget budget;

    if (bpf_map_lookup_elem(budgets->map, &cgroup_id, &budget) < 0)
        return;
    /* Taken out and read at once: nothing is counted in between and forgotten. */
    if (cgroup_id && is_idle(&budget, now) &&
        bpf_map_lookup_and_delete_elem(budgets->map, &cgroup_id, &budget) == 0) {
        tell(budgets, cgroup_id, &budget, visit, context);
        free(index_remove(&budgets->told, cgroup_key(cgroup_id)));
        return;
    }
    tell(budgets, cgroup_id, &budget, visit, context);
}

void budgets_audit(struct budgets *budgets, uint64_t now, budgets_visitor *visit, void *context)
{
    uint64_t cgroup_id, next;
    int more = bpf_map_get_next_key(budgets->map, NULL, &next);

    while (more == 0) {
        cgroup_id = next;
        /* The key after this one is asked for while this one is still there. */
        more = bpf_map_get_next_key(budgets->map, &cgroup_id, &next);
        look_at(budgets, cgroup_id, now, visit, context);
    }
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The user-space side of bpf/budget.h: what each cgroup sent beyond its budget is looked up and
 * told of, and cgroups that send nothing any more make room for others.
 */
#ifndef SPYQ_BUDGETS_H
#define SPYQ_BUDGETS_H

#include <stdint.h>

struct budgets;

/* Records of a class (EVENT_CLASS_*) that a cgroup could not send since the last look. The shared
 * bucket of those that found no room in the map has the id 0. */
typedef void budgets_visitor(void *context, uint64_t cgroup_id, uint32_t loss_class,
                             uint64_t count);

/* map: the descriptor of the map of buckets; it stays the caller's. NULL: out of memory. */
struct budgets *budgets_new(int map);
void budgets_free(struct budgets *budgets);

/* Visits all that was dropped since the last call. now: ns, boot clock. */
void budgets_audit(struct budgets *budgets, uint64_t now, budgets_visitor *visit, void *context);

#endif

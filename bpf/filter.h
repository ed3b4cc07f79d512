/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/* What is recorded: everything, or one cgroup v2 subtree (spyqd --cgroup). */
#ifndef SPYQ_FILTER_H
#define SPYQ_FILTER_H

#include "kernel.h"

extern const volatile __u64 filter_cgroup; /* id of the subtree's root; 0: record everything */
extern const volatile __u32 filter_level;  /* its depth below the hierarchy's root */

static __always_inline __u64 cgroup_id(struct cgroup *cgroup)
{
    return PEEK(cgroup, kn, id);
}

static __always_inline bool filter_allows(struct cgroup *cgroup)
{
    struct cgroup *ancestor = NULL;

    if (!filter_cgroup)
        return true;
    if (!cgroup || PEEK(cgroup, level) < (int)filter_level)
        return false;
    bpf_probe_read_kernel(&ancestor, sizeof(ancestor),
                          (void *)cgroup + bpf_core_field_offset(struct cgroup, ancestors) +
                              sizeof(ancestor) * filter_level);
    return ancestor && cgroup_id(ancestor) == filter_cgroup;
}

static __always_inline struct cgroup *task_cgroup(struct task_struct *task)
{
    return task->cgroups->dfl_cgrp;
}

#endif

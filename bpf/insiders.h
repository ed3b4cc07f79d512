/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/*
 * With --cgroup: the processes that have been recorded and are alive. One that moves out of the
 * cgroup is followed to its exit, and nothing is told of those that were never in it.
 */
#ifndef SPYQ_INSIDERS_H
#define SPYQ_INSIDERS_H

#include "filter.h"

#include "event.h"

struct insider {
    __u64 start;
    __u64 pid;
};

struct insiders_map {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1 << 20);
    __type(key, struct insider);
    __type(value, __u8);
};
extern struct insiders_map insiders SEC(".maps");

static __always_inline struct insider insider_key(struct task_struct *task)
{
    struct insider key = {
        .start = task->group_leader->start_boottime,
        .pid = task->tgid,
    };

    return key;
}

/* The process that a record is about. */
static __always_inline void insiders_add(const struct event_header *header)
{
    struct insider key = {.start = header->start, .pid = header->pid};
    __u8 inside = 1;

    if (filter_cgroup && !bpf_map_lookup_elem(&insiders, &key))
        bpf_map_update_elem(&insiders, &key, &inside, BPF_NOEXIST);
}

/* Without a filter everybody is inside. */
static __always_inline bool insiders_has(struct task_struct *task)
{
    struct insider key = insider_key(task);

    return !filter_cgroup || bpf_map_lookup_elem(&insiders, &key);
}

/* Returns whether it was there. */
static __always_inline bool insiders_remove(struct task_struct *task)
{
    struct insider key = insider_key(task);

    return !filter_cgroup || bpf_map_delete_elem(&insiders, &key) == 0;
}

#endif

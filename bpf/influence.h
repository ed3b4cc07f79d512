/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/* One process that acts on another by its pid: who the other is, and the record about both. */
#ifndef SPYQ_INFLUENCE_H
#define SPYQ_INFLUENCE_H

#include "budget.h"
#include "emit.h"
#include "task.h"

/* Who wrote to whom, and how. */
struct influence_pair {
    __u64 source_start;
    __u32 source;
    __u32 target;
    __u32 how;
    __u32 number;
};

/* When it was last told of: a debugger writes a word at a time. */
struct influence_map {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 4096);
    __type(key, struct influence_pair);
    __type(value, __u64);
};
extern struct influence_map influences SEC(".maps");

/* The thread that a struct pid stands for; NULL: it is gone. */
static __always_inline struct task_struct *influence_task(struct pid *pid)
{
    struct hlist_node *node = PEEK(pid, tasks[PIDTYPE_PID].first);

    if (!node)
        return NULL;
    return (void *)node - bpf_core_field_offset(struct task_struct, pid_links[PIDTYPE_PID]);
}

/* Depth of a tree of a million pids with 16 slots in a node. */
#define PID_TREE_DEPTH 6

/* The struct pid of a number in a pid namespace, looked up in the namespace's tree (an xarray: a
 * node has a shift and a power of two of slots; its pointers are marked by the number 2). */
static __always_inline struct pid *influence_pid(struct pid_namespace *namespace, __u32 number)
{
    __u64 entry = (__u64)PEEK(namespace, idr.idr_rt.xa_head);
    __u64 slots = bpf_core_field_size(((struct xa_node *)0)->slots) / sizeof(void *);
    __u8 shift;

    for (int i = 0; i < PID_TREE_DEPTH && (entry & 3) == 2; i++) {
        struct xa_node *node = (void *)(entry - 2);
        shift = PEEK(node, shift);
        if (i == 0 && (__u64)number >> (shift & 31) >= slots)
            return NULL;
        bpf_probe_read_kernel(&entry, sizeof(entry),
                              (void *)node + bpf_core_field_offset(struct xa_node, slots) +
                                  sizeof(void *) * (number >> (shift & 31) & (slots - 1)));
    }
    return (entry & 3) == 0 ? (struct pid *)entry : NULL;
}

static __always_inline struct pid_namespace *influence_namespace(struct task_struct *task)
{
    struct pid *pid = task->thread_pid;
    struct upid innermost = {};

    bpf_probe_read_kernel(&innermost, sizeof(innermost),
                          (void *)pid + bpf_core_field_offset(struct pid, numbers) +
                              (PEEK(pid, level) & 63) * sizeof(innermost));
    return innermost.ns;
}

/* Whether this has not been told for a second. */
static __always_inline bool influence_is_news(const struct influence_pair *pair)
{
    __u64 now = bpf_ktime_get_boot_ns();
    __u64 *told = bpf_map_lookup_elem(&influences, pair);

    if (told && now - *told < NS_PER_S)
        return false;
    bpf_map_update_elem(&influences, pair, &now, BPF_ANY);
    return true;
}

/* A record of that kind, with its subject; NULL: it is not wanted. */
static __always_inline struct event_influence *influence_record(struct task_struct *source,
                                                                __u16 kind)
{
    struct cgroup *cgroup = task_cgroup(source);
    struct event_influence *record;

    if (!filter_allows(cgroup) || !budget_allows(EVENT_CLASS_PRIVILEGE, cgroup_id(cgroup)))
        return NULL;
    record = EMIT_RESERVE(EVENT_CLASS_PRIVILEGE, event_influence, kind);
    if (!record)
        return NULL;
    task_identify(&record->header, source);
    record->cgroup_id = cgroup_id(cgroup);
    record->target_pid_ns = 0;
    record->how = 0;
    record->number = 0;
    return record;
}

static __always_inline void influence_target(struct event_influence *record,
                                             struct task_struct *target)
{
    record->target_start = PEEK(target, group_leader, start_boottime);
    record->target_pid = PEEK(target, tgid);
}

/* The current task wrote to another's memory or state. */
static __always_inline void influence_write(struct task_struct *target, __u16 kind, __u32 how,
                                            __u32 number)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct influence_pair pair = {
        .source_start = task->group_leader->start_boottime,
        .source = task->tgid,
        .target = PEEK(target, tgid),
        .how = how,
        .number = number,
    };
    struct event_influence *record;

    if (!pair.target || pair.target == pair.source || !filter_allows(task_cgroup(task)) ||
        !influence_is_news(&pair))
        return;
    record = influence_record(task, kind);
    if (!record)
        return;
    influence_target(record, target);
    record->how = how;
    record->number = number;
    emit_submit(record, EVENT_CLASS_PRIVILEGE);
}

/* The current task has written to a file of procfs. */
static __always_inline void influence_memory(struct file *file, struct inode *inode)
{
    static const char memory[4] = "mem";
    char name[4] = {};
    struct proc_inode *of = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);

    bpf_probe_read_kernel(name, sizeof(name), PEEK(file, f_path.dentry, d_name.name));
    if (*(__u32 *)name != *(const __u32 *)memory)
        return;
    influence_write(influence_task(PEEK(of, pid)), EVENT_INJECT, EVENT_INJECT_FILE, 0);
}

#endif

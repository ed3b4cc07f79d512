/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/* From a struct pid, by which the kernel remembers a process, to the process. */
#ifndef SPYQ_PID_H
#define SPYQ_PID_H

#include "kernel.h"

/* The number of a thread group in the initial pid namespace, and when its leader started; *start is
 * 0 where the process has been reaped, both are 0 where pid is NULL. */
static __always_inline void pid_process(struct pid *pid, __u32 *number, __u64 *start)
{
    struct hlist_node *link = PEEK(pid, tasks[PIDTYPE_TGID].first);
    struct task_struct *task;

    *number = PEEK(pid, numbers[0].nr);
    *start = 0;
    if (!link)
        return;
    task = (void *)link - bpf_core_field_offset(struct task_struct, pid_links[PIDTYPE_TGID]);
    *start = PEEK(task, start_boottime);
}

#endif

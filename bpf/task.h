/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/*
 * What a record says of a process, filled in from its task_struct. Every task here is one that the
 * verifier knows as such: it is read by plain loads, which cost a tenth of what the helpers do.
 */
#ifndef SPYQ_TASK_H
#define SPYQ_TASK_H

#include "filter.h"

#include "event.h"

static __always_inline void task_identify(struct event_header *header, struct task_struct *task)
{
    header->start = task->group_leader->start_boottime;
    header->pid = task->tgid;
    header->tid = task->pid;
}

static __always_inline void task_pids(struct event_task *out, struct task_struct *task)
{
    struct signal_struct *signal = task->signal;
    struct pid *pid = task->group_leader->thread_pid;
    struct upid innermost = {};
    __u32 level = pid->level;

    bpf_probe_read_kernel(&innermost, sizeof(innermost),
                          (void *)pid + bpf_core_field_offset(struct pid, numbers) +
                              level * sizeof(innermost));
    out->ns_pid = innermost.nr;
    out->pid_ns = PEEK(innermost.ns, ns.inum);
    out->sid = signal->pids[PIDTYPE_SID]->numbers[0].nr;
    out->pgid = signal->pids[PIDTYPE_PGID]->numbers[0].nr;
}

static __always_inline void task_credentials(struct event_task *out, const struct cred *cred)
{
    out->uid = cred->uid.val;
    out->euid = cred->euid.val;
    out->gid = cred->gid.val;
    out->egid = cred->egid.val;
    bpf_probe_read_kernel(&out->capabilities, sizeof(out->capabilities),
                          (void *)cred + bpf_core_field_offset(struct cred, cap_effective));
    out->user_ns = cred->user_ns->ns.inum;
}

static __always_inline void task_ids(struct event_task *out, struct task_struct *task)
{
    task_credentials(out, task->cred);
    out->login_uid = EVENT_ID_UNSET;
    out->audit_session = EVENT_ID_UNSET;
    if (bpf_core_field_exists(task->loginuid)) {
        out->login_uid = task->loginuid.val;
        out->audit_session = task->sessionid;
    }
}

static __always_inline void task_terminal(struct event_task *out, struct task_struct *task)
{
    struct tty_struct *tty = task->signal->tty;

    __builtin_memset(out->tty, 0, sizeof(out->tty));
    if (tty)
        bpf_core_read_str(out->tty, sizeof(out->tty), &tty->name);
}

static __always_inline void task_working_directory(struct event_task *out, struct task_struct *task)
{
    struct inode *inode = task->fs->pwd.dentry->d_inode;

    out->cwd_inode = inode->i_ino;
    out->cwd_device = inode->i_sb->s_dev;
}

/* creator: who called fork; NULL where that is not known. */
static __always_inline void task_fill(struct event_task *out, struct task_struct *task,
                                      struct task_struct *creator)
{
    struct task_struct *parent = task->real_parent;

    out->parent_pid = parent->tgid;
    out->parent_start = parent->group_leader->start_boottime;
    out->creator_pid = creator ? creator->tgid : 0;
    out->creator_start = creator ? creator->group_leader->start_boottime : 0;
    out->cgroup_id = task->cgroups->dfl_cgrp->kn->id;
    task_pids(out, task);
    task_ids(out, task);
    task_terminal(out, task);
    task_working_directory(out, task);
    out->mnt_ns = task->nsproxy->mnt_ns->ns.inum;
    out->net_ns = task->nsproxy->net_ns->ns.inum;
    out->flags = task->flags & PF_KTHREAD ? EVENT_TASK_KERNEL_THREAD : 0;
    out->child_pid_ns = task->nsproxy->pid_ns_for_children->ns.inum;
    bpf_core_read(out->comm, sizeof(out->comm), &task->comm);
}

#endif

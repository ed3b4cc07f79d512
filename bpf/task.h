/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/* What a record says of a process, filled in from its task_struct. */
#ifndef SPYQ_TASK_H
#define SPYQ_TASK_H

#include "filter.h"

#include "event.h"

static __always_inline void task_identify(struct event_header *header, struct task_struct *task)
{
    header->start = BPF_CORE_READ(task, group_leader, start_boottime);
    header->pid = BPF_CORE_READ(task, tgid);
    header->tid = BPF_CORE_READ(task, pid);
}

static __always_inline __u32 task_pid_in_root(struct pid *pid)
{
    return BPF_CORE_READ(pid, numbers[0].nr);
}

static __always_inline void task_pids(struct event_task *out, struct task_struct *task)
{
    struct signal_struct *signal = BPF_CORE_READ(task, signal);
    struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
    struct upid innermost = {};
    __u32 level = BPF_CORE_READ(pid, level);

    bpf_probe_read_kernel(&innermost, sizeof(innermost),
                          (void *)pid + bpf_core_field_offset(struct pid, numbers) +
                              level * sizeof(innermost));
    out->ns_pid = innermost.nr;
    out->pid_ns = BPF_CORE_READ(innermost.ns, ns.inum);
    out->sid = task_pid_in_root(BPF_CORE_READ(signal, pids[PIDTYPE_SID]));
    out->pgid = task_pid_in_root(BPF_CORE_READ(signal, pids[PIDTYPE_PGID]));
}

static __always_inline void task_ids(struct event_task *out, struct task_struct *task)
{
    const struct cred *cred = BPF_CORE_READ(task, cred);

    out->uid = BPF_CORE_READ(cred, uid.val);
    out->euid = BPF_CORE_READ(cred, euid.val);
    out->gid = BPF_CORE_READ(cred, gid.val);
    out->egid = BPF_CORE_READ(cred, egid.val);
    out->capabilities = BPF_CORE_READ(cred, cap_effective.val);
    out->user_ns = BPF_CORE_READ(cred, user_ns, ns.inum);
    out->login_uid = EVENT_ID_UNSET;
    out->audit_session = EVENT_ID_UNSET;
    if (bpf_core_field_exists(task->loginuid)) {
        out->login_uid = BPF_CORE_READ(task, loginuid.val);
        out->audit_session = BPF_CORE_READ(task, sessionid);
    }
}

static __always_inline void task_terminal(struct event_task *out, struct task_struct *task)
{
    struct tty_struct *tty = BPF_CORE_READ(task, signal, tty);

    __builtin_memset(out->tty, 0, sizeof(out->tty));
    if (tty)
        bpf_core_read_str(out->tty, sizeof(out->tty), &tty->name);
}

static __always_inline void task_working_directory(struct event_task *out, struct task_struct *task)
{
    struct inode *inode = BPF_CORE_READ(task, fs, pwd.dentry, d_inode);

    out->cwd_inode = BPF_CORE_READ(inode, i_ino);
    out->cwd_device = BPF_CORE_READ(inode, i_sb, s_dev);
}

/* creator: who called fork; NULL where that is not known. */
static __always_inline void task_fill(struct event_task *out, struct task_struct *task,
                                      struct task_struct *creator)
{
    struct task_struct *parent = BPF_CORE_READ(task, real_parent);

    out->parent_pid = BPF_CORE_READ(parent, tgid);
    out->parent_start = BPF_CORE_READ(parent, group_leader, start_boottime);
    out->creator_pid = creator ? BPF_CORE_READ(creator, tgid) : 0;
    out->creator_start = creator ? BPF_CORE_READ(creator, group_leader, start_boottime) : 0;
    out->cgroup_id = cgroup_id(task_cgroup(task));
    task_pids(out, task);
    task_ids(out, task);
    task_terminal(out, task);
    task_working_directory(out, task);
    out->mnt_ns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
    out->net_ns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
    out->flags = BPF_CORE_READ(task, flags) & PF_KTHREAD ? EVENT_TASK_KERNEL_THREAD : 0;
    out->padding = 0;
    bpf_core_read(out->comm, sizeof(out->comm), &task->comm);
}

#endif

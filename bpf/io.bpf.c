// SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later
/*
 * Bytes that went through a descriptor. These are the hottest system calls there are: one program
 * for each family finds out what the descriptor is, and hands pipes and regular files on.
 */
#include "call.h"
#include "file.h"
#include "influence.h"
#include "pipe.h"

static __always_inline void transfer(struct task_struct *task, struct file *file, bool write)
{
    struct inode *inode = BPF_CORE_READ(file, f_inode);
    __u32 type = BPF_CORE_READ(inode, i_mode) & S_IFMT;

    if (type == S_IFIFO)
        pipe_transfer(task, file, inode, write);
    else if (type == S_IFREG && write && BPF_CORE_READ(inode, i_sb, s_magic) == PROC_SUPER_MAGIC)
        influence_memory(file, inode);
    else if (type == S_IFREG)
        file_transfer(task, file, inode, write);
}

/* The current system call has moved bytes through a descriptor. One copy for all programs. */
static __noinline int transferred(__u32 fd, bool write)
{
    struct task_struct *task = bpf_get_current_task_btf();

    if (filter_allows(task_cgroup(task)))
        transfer(task, image_descriptor(task, fd), write);
    return 0;
}

/* A read of the current task's came back without a byte. */
static __noinline int exhausted(__u32 fd)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct file *file = image_descriptor(task, fd);
    struct inode *inode = BPF_CORE_READ(file, f_inode);

    if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) == S_IFIFO && filter_allows(task_cgroup(task)))
        pipe_ended(task, file, inode);
    return 0;
}

/* From one descriptor into another, inside the kernel. */
static __always_inline int moved(__u32 from, __u32 to)
{
    transferred(from, false);
    transferred(to, true);
    return 0;
}

SEC("tracepoint/syscalls/sys_exit_read|sys_exit_pread64|sys_exit_readv|sys_exit_preadv|"
    "sys_exit_preadv2")
int io_read_exit(struct trace_event_raw_sys_exit *ctx)
{
    if (ctx->ret > 0)
        transferred(PT_REGS_PARM1_CORE_SYSCALL(call_registers()), false);
    else if (!ctx->ret)
        exhausted(PT_REGS_PARM1_CORE_SYSCALL(call_registers()));
    return 0;
}

SEC("tracepoint/syscalls/sys_exit_write|sys_exit_pwrite64|sys_exit_writev|sys_exit_pwritev|"
    "sys_exit_pwritev2")
int io_write_exit(struct trace_event_raw_sys_exit *ctx)
{
    if (ctx->ret > 0)
        transferred(PT_REGS_PARM1_CORE_SYSCALL(call_registers()), true);
    return 0;
}

SEC("tracepoint/syscalls/sys_exit_sendfile64")
int io_sendfile_exit(struct trace_event_raw_sys_exit *ctx)
{
    struct pt_regs *regs = call_registers();

    if (ctx->ret <= 0)
        return 0;
    return moved(PT_REGS_PARM2_CORE_SYSCALL(regs), PT_REGS_PARM1_CORE_SYSCALL(regs));
}

SEC("tracepoint/syscalls/sys_exit_copy_file_range|sys_exit_splice")
int io_copy_exit(struct trace_event_raw_sys_exit *ctx)
{
    struct pt_regs *regs = call_registers();

    if (ctx->ret <= 0)
        return 0;
    return moved(PT_REGS_PARM1_CORE_SYSCALL(regs), PT_REGS_PARM3_CORE_SYSCALL(regs));
}

SEC("tracepoint/syscalls/sys_exit_tee")
int io_tee_exit(struct trace_event_raw_sys_exit *ctx)
{
    struct pt_regs *regs = call_registers();

    if (ctx->ret <= 0)
        return 0;
    return moved(PT_REGS_PARM1_CORE_SYSCALL(regs), PT_REGS_PARM2_CORE_SYSCALL(regs));
}

/* User pages into a pipe, or a pipe into user pages: which end it is says the open file. */
SEC("tracepoint/syscalls/sys_exit_vmsplice")
int io_vmsplice_exit(struct trace_event_raw_sys_exit *ctx)
{
    struct task_struct *task = bpf_get_current_task_btf();
    __u32 fd = PT_REGS_PARM1_CORE_SYSCALL(call_registers());

    if (ctx->ret <= 0)
        return 0;
    return transferred(fd, BPF_CORE_READ(image_descriptor(task, fd), f_mode) & FMODE_WRITE);
}

// SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later
/*
 * Bytes that went through a descriptor. These are the hottest system calls there are: one program
 * for each family finds out what the descriptor is, and hands pipes and regular files on.
 */
#include "call.h"
#include "file.h"
#include "influence.h"
#include "pipe.h"

/*
 * Bytes of an open pipe or regular file have been moved by the current task, which is inside of
 * what is recorded; or a fifo had none left to read (`moved` is false). Not static: so it is
 * verified by itself, once for each program and not for each way that leads there.
 */
__noinline int io_transfer(const struct opened *opened, bool moved, bool write)
{
    struct task_struct *task = bpf_get_current_task_btf();

    if (!opened)
        return 0;
    if (!moved)
        pipe_ended(task, opened);
    else if (opened->type == S_IFIFO)
        pipe_transfer(task, opened, write);
    else if (write && opened->magic == PROC_SUPER_MAGIC)
        influence_memory(opened->file, opened->inode);
    else
        file_transfer(task, opened, write);
    return 0;
}

/* The current system call has moved bytes through a descriptor, or none (`moved` is false). */
__noinline int io_descriptor(__u32 fd, bool moved, bool write)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct opened opened = {};

    if (!filter_allows(task_cgroup(task)))
        return 0;
    opened_look(&opened, image_descriptor(task, fd));
    if (opened.type == S_IFIFO || (moved && opened.type == S_IFREG))
        io_transfer(&opened, moved, write);
    return 0;
}

/* The same of an open file, for the full tier. One copy for each program. */
static __noinline int io_file(struct file *file, bool moved, bool write)
{
    struct opened opened = {};

    if (!filter_allows(task_cgroup(bpf_get_current_task_btf())))
        return 0;
    opened_known(&opened, file);
    return io_transfer(&opened, moved, write);
}

/* ---- base tier: system calls ---- */

SEC("tracepoint/syscalls/sys_exit_read|sys_exit_pread64|sys_exit_readv|sys_exit_preadv|"
    "sys_exit_preadv2")
int io_read_exit(struct trace_event_raw_sys_exit *ctx)
{
    if (ctx->ret >= 0)
        io_descriptor(PT_REGS_PARM1_SYSCALL(call_registers()), ctx->ret > 0, false);
    return 0;
}

SEC("tracepoint/syscalls/sys_exit_write|sys_exit_pwrite64|sys_exit_writev|sys_exit_pwritev|"
    "sys_exit_pwritev2")
int io_write_exit(struct trace_event_raw_sys_exit *ctx)
{
    if (ctx->ret > 0)
        io_descriptor(PT_REGS_PARM1_SYSCALL(call_registers()), true, true);
    return 0;
}

/* From one descriptor into another, inside the kernel. */
static __always_inline int io_move(__u32 from, __u32 to)
{
    io_descriptor(from, true, false);
    io_descriptor(to, true, true);
    return 0;
}

/* In the order of the program's section. */
enum { MOVE_SENDFILE, MOVE_TEE, MOVE_COPY_FILE_RANGE, MOVE_SPLICE };

SEC("tracepoint/syscalls/sys_exit_sendfile64|sys_exit_tee|sys_exit_copy_file_range|sys_exit_splice")
int io_move_exit(struct trace_event_raw_sys_exit *ctx)
{
    struct pt_regs *regs = call_registers();
    __u64 call = bpf_get_attach_cookie(ctx);

    if (ctx->ret <= 0)
        return 0;
    if (call == MOVE_SENDFILE)
        return io_move(PT_REGS_PARM2_SYSCALL(regs), PT_REGS_PARM1_SYSCALL(regs));
    if (call == MOVE_TEE)
        return io_move(PT_REGS_PARM1_SYSCALL(regs), PT_REGS_PARM2_SYSCALL(regs));
    return io_move(PT_REGS_PARM1_SYSCALL(regs), PT_REGS_PARM3_SYSCALL(regs));
}

/* User pages into a pipe, or a pipe into user pages: which end it is says the open file. */
SEC("tracepoint/syscalls/sys_exit_vmsplice")
int io_vmsplice_exit(struct trace_event_raw_sys_exit *ctx)
{
    struct task_struct *task = bpf_get_current_task_btf();
    __u32 fd = PT_REGS_PARM1_SYSCALL(call_registers());

    if (ctx->ret <= 0)
        return 0;
    return io_descriptor(fd, true, PEEK(image_descriptor(task, fd), f_mode) & FMODE_WRITE);
}

/*
 * ---- full tier ----
 *
 * Here only what reads and writes is slowed down, and not each system call of the host. Most of it
 * goes to sockets and terminals: that is found out by plain loads.
 */

static __always_inline void file_read(struct file *file, long result)
{
    __u32 type = file->f_inode->i_mode & S_IFMT;

    if (type != S_IFIFO && type != S_IFREG)
        return;
    if (result > 0 || (!result && type == S_IFIFO))
        io_file(file, result, false);
}

static __always_inline void file_write(struct file *file, long result)
{
    __u32 type = file->f_inode->i_mode & S_IFMT;

    if (result > 0 && (type == S_IFIFO || type == S_IFREG))
        io_file(file, true, true);
}

/*
 * The kernel skips a tracing program that a task which was put aside on that CPU is inside of: of
 * calls that are made as often as these not a few, where tasks can be put aside inside the kernel.
 * So each program is there twice. The first says while it is at work on a CPU; where the second
 * finds it so, it is not for the second's own task, for which the first was skipped.
 */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, EVENT_PAIRS);
    __type(key, __u32);
    __type(value, __u32);
} io_at_work SEC(".maps");

static __always_inline void io_first(__u32 pair, struct file *file, long result, bool write)
{
    __u32 slot = pair;
    volatile __u32 *at_work = bpf_map_lookup_elem(&io_at_work, &slot);

    if (!at_work)
        return;
    *at_work = 1;
    if (write)
        file_write(file, result);
    else
        file_read(file, result);
    *at_work = 0;
}

/* `pair` stays what the compiler knows it to be where its address is not taken. */
static __always_inline void io_second(__u32 pair, struct file *file, long result, bool write)
{
    __u32 slot = pair;
    volatile __u32 *at_work = bpf_map_lookup_elem(&io_at_work, &slot);

    if (!at_work || !*at_work)
        return;
    EMIT_COUNT(rescued[pair]);
    if (write)
        file_write(file, result);
    else
        file_read(file, result);
}

/* For a function whose first argument is the file; `result`: how many arguments come before it. */
#define IO_PROGRAMS(name, function, pair, result, write)                                           \
    SEC("fexit/" function)                                                                         \
    int name(__u64 *ctx)                                                                           \
    {                                                                                              \
        io_first(pair, (struct file *)ctx[0], (long)ctx[result], write);                           \
        return 0;                                                                                  \
    }                                                                                              \
    SEC("fexit/" function)                                                                         \
    int name##_again(__u64 *ctx)                                                                   \
    {                                                                                              \
        io_second(pair, (struct file *)ctx[0], (long)ctx[result], write);                          \
        return 0;                                                                                  \
    }

IO_PROGRAMS(io_read, "vfs_read", EVENT_PAIR_READ, 4, false)
IO_PROGRAMS(io_readv, "vfs_readv", EVENT_PAIR_READV, 5, false)
IO_PROGRAMS(io_write, "vfs_write", EVENT_PAIR_WRITE, 4, true)
IO_PROGRAMS(io_writev, "vfs_writev", EVENT_PAIR_WRITEV, 5, true)

/* A request of io_uring that is done at once returns 0 here, and has its result in it. One that
 * goes on by itself, as only direct I/O does, may be gone. */
SEC("fexit/io_read")
int BPF_PROG(io_uring_read, struct io_kiocb *request, __u32 flags, int result)
{
    if (!result)
        file_read(request->file, request->cqe.res);
    return 0;
}

SEC("fexit/io_write")
int BPF_PROG(io_uring_write, struct io_kiocb *request, __u32 flags, int result)
{
    if (!result)
        file_write(request->file, request->cqe.res);
    return 0;
}

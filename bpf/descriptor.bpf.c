// SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later
/*
 * Descriptors that are passed over UNIX sockets, or taken by pidfd_getfd(). The open file behind
 * one is the same for sender and receiver: by its address user space finds the one for the other.
 * The control messages are read from the caller's memory when the call returns: they are what it
 * sent, or what it got.
 */
#include "budget.h"
#include "call.h"
#include "image.h"
#include "unix_socket.h"

/* struct msghdr and struct cmsghdr of the 64-bit ABI. */
struct user_control {
    const char *control;
    __u64 length;
};

struct user_cmsg {
    __u64 length; /* of header and data */
    __s32 level;
    __s32 type;
};

#define MSGHDR_CONTROL 32 /* offset of msg_control, with msg_controllen behind it */
#define MMSGHDR_SIZE   64
#define MESSAGES_MAX   1024  /* UIO_MAXIOV: no call moves more */
#define STEPS_MAX      16384 /* descriptors and control messages, in the longest control buffer */

/* What is left to look at in a control buffer. It lies in the scratch area: of a variable on the
 * stack the verifiers before 6.7 believe, through all turns of a bpf_loop(), what it was in the
 * first, and leave out whatever depends on it. */
struct control_walk {
    const char *next; /* control message */
    const char *end;
    const char *fd; /* of the present control message */
    __u32 fds;
    __u32 count; /* found so far */
};

static __always_inline void descriptor_fill(struct event_descriptor *out, struct file *file,
                                            __u32 fd)
{
    out->file = (__u64)file;
    out->inode = PEEK(file, f_inode, i_ino);
    out->mode = PEEK(file, f_inode, i_mode);
    out->fd = fd;
}

static __always_inline struct event_descriptor *descriptor_at(struct scratch *scratch, __u32 index)
{
    return tail_at(scratch,
                   sizeof(struct event_fd_pass) + (index & 0xff) * sizeof(struct event_descriptor));
}

static __always_inline struct control_walk *control_walk(struct scratch *scratch)
{
    return (struct control_walk *)scratch->environment;
}

static __always_inline void control_take(struct scratch *scratch, struct control_walk *walk)
{
    struct file *file;
    __u32 fd = 0;

    bpf_probe_read_user(&fd, sizeof(fd), walk->fd);
    walk->fd += sizeof(fd);
    walk->fds--;
    file = image_descriptor(bpf_get_current_task_btf(), fd);
    if (file)
        descriptor_fill(descriptor_at(scratch, walk->count++), file, fd);
}

/* One descriptor, or on to the next control message. A callback of bpf_loop: 1 stops. */
static long control_step(__u32 index, void *context)
{
    struct scratch *scratch = *(struct scratch **)context;
    struct control_walk *walk = control_walk(scratch);
    struct user_cmsg cmsg = {};
    __u64 room = walk->end - walk->next;

    if (walk->count >= EVENT_DESCRIPTORS_MAX)
        return 1;
    if (walk->fds) {
        control_take(scratch, walk);
        return 0;
    }
    if (walk->next >= walk->end || room < sizeof(cmsg) ||
        bpf_probe_read_user(&cmsg, sizeof(cmsg), walk->next))
        return 1;
    if (cmsg.length < sizeof(cmsg) || cmsg.length > room)
        return 1;
    if (cmsg.level == SOL_SOCKET && cmsg.type == SCM_RIGHTS) {
        walk->fd = walk->next + sizeof(cmsg);
        walk->fds = (cmsg.length - sizeof(cmsg)) / sizeof(__u32);
    }
    walk->next += (cmsg.length + 7) & ~7ull;
    return 0;
}

static __always_inline void descriptor_emit(struct scratch *scratch, struct task_struct *task,
                                            __u64 socket, __u32 count, __u16 kind)
{
    struct event_fd_pass *record = (struct event_fd_pass *)scratch->record;
    __u32 size = sizeof(*record);

    count &= 0xff;
    record->header.time = bpf_ktime_get_boot_ns();
    task_identify(&record->header, task);
    record->socket = socket;
    record->count = count;
    record->descriptors = tail_take(&size, count * sizeof(struct event_descriptor));
    emit_scratch(scratch, size, EVENT_CLASS_IPC, kind);
}

static __always_inline void control_tell(struct scratch *scratch, struct task_struct *task,
                                         const struct user_control *control, struct socket *socket,
                                         __u16 kind)
{
    struct control_walk *walk = control_walk(scratch);
    struct event_fd_pass *record;
    struct sock *sk;

    walk->next = control->control;
    walk->end = control->control + control->length;
    walk->fds = 0;
    walk->count = 0;
    bpf_loop(STEPS_MAX, control_step, &scratch, 0);
    if (!walk->count || !budget_allows(EVENT_CLASS_IPC, cgroup_id(task_cgroup(task))))
        return;
    sk = PEEK(socket, sk);
    if (kind == EVENT_FD_SEND)
        sk = PEEK((struct unix_sock *)sk, peer);
    record = (struct event_fd_pass *)scratch->record;
    record->source_pid = 0;
    record->source_start = 0;
    descriptor_emit(scratch, task, unix_inode(sk), walk->count, kind);
}

/* A message went through a socket of the current task's, with that control buffer. */
static __always_inline void control_look(__u32 fd, const struct user_control *control, __u16 kind)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct socket *socket = unix_socket_of(image_descriptor(task, fd));
    struct scratch *scratch;

    if (!socket || !filter_allows(task_cgroup(task)))
        return;
    scratch = scratch_take(SCRATCH_DESCRIPTOR, EVENT_CLASS_IPC);
    if (!scratch)
        return;
    control_tell(scratch, task, control, socket, kind);
    scratch_give(scratch);
}

/* Nearly all messages have no control buffer: that is looked at first. */
static __always_inline void message_look(__u32 fd, const void *message, __u16 kind)
{
    struct user_control control = {};

    if (bpf_probe_read_user(&control, sizeof(control), message + MSGHDR_CONTROL))
        return;
    if (control.control && control.length > sizeof(struct user_cmsg))
        control_look(fd, &control, kind);
}

SEC("tracepoint/syscalls/sys_exit_sendmsg")
int descriptor_sendmsg_exit(struct trace_event_raw_sys_exit *ctx)
{
    struct pt_regs *regs = call_registers();

    if (ctx->ret >= 0)
        message_look(PT_REGS_PARM1_SYSCALL(regs), (void *)PT_REGS_PARM2_SYSCALL(regs),
                     EVENT_FD_SEND);
    return 0;
}

SEC("tracepoint/syscalls/sys_exit_recvmsg")
int descriptor_recvmsg_exit(struct trace_event_raw_sys_exit *ctx)
{
    struct pt_regs *regs = call_registers();

    if (ctx->ret >= 0)
        message_look(PT_REGS_PARM1_SYSCALL(regs), (void *)PT_REGS_PARM2_SYSCALL(regs),
                     EVENT_FD_RECEIVE);
    return 0;
}

/* ---- several messages at once ---- */

struct messages {
    const void *next;
    __u32 fd;
};

static long message_sent(__u32 index, void *context)
{
    struct messages *messages = context;

    message_look(messages->fd, messages->next, EVENT_FD_SEND);
    messages->next += MMSGHDR_SIZE;
    return 0;
}

static long message_received(__u32 index, void *context)
{
    struct messages *messages = context;

    message_look(messages->fd, messages->next, EVENT_FD_RECEIVE);
    messages->next += MMSGHDR_SIZE;
    return 0;
}

static __always_inline __u32 message_count(long result)
{
    return result < 0 ? 0 : result < MESSAGES_MAX ? result : MESSAGES_MAX;
}

SEC("tracepoint/syscalls/sys_exit_sendmmsg")
int descriptor_sendmmsg_exit(struct trace_event_raw_sys_exit *ctx)
{
    struct pt_regs *regs = call_registers();
    struct messages messages = {.next = (void *)PT_REGS_PARM2_SYSCALL(regs),
                                .fd = PT_REGS_PARM1_SYSCALL(regs)};

    bpf_loop(message_count(ctx->ret), message_sent, &messages, 0);
    return 0;
}

SEC("tracepoint/syscalls/sys_exit_recvmmsg")
int descriptor_recvmmsg_exit(struct trace_event_raw_sys_exit *ctx)
{
    struct pt_regs *regs = call_registers();
    struct messages messages = {.next = (void *)PT_REGS_PARM2_SYSCALL(regs),
                                .fd = PT_REGS_PARM1_SYSCALL(regs)};

    bpf_loop(message_count(ctx->ret), message_received, &messages, 0);
    return 0;
}

/* ---- taken out of another process ---- */

/* The process that a pidfd stands for; since 6.9 pidfds have a file system of their own. */
static __always_inline struct pid *pid_of_file(struct file *file)
{
    if (PEEK(file, f_inode, i_sb, s_magic) == PID_FS_MAGIC)
        return PEEK(file, f_inode, i_private);
    return PEEK(file, private_data);
}

SEC("tracepoint/syscalls/sys_exit_pidfd_getfd")
int descriptor_pidfd_getfd_exit(struct trace_event_raw_sys_exit *ctx)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct event_fd_pass *record;
    struct file *pidfd, *file;
    struct scratch *scratch;

    if (ctx->ret < 0 || !filter_allows(task_cgroup(task)) ||
        !budget_allows(EVENT_CLASS_IPC, cgroup_id(task_cgroup(task))))
        return 0;
    pidfd = image_descriptor(task, PT_REGS_PARM1_SYSCALL(call_registers()));
    file = image_descriptor(task, ctx->ret);
    scratch = pidfd && file ? scratch_take(SCRATCH_DESCRIPTOR, EVENT_CLASS_IPC) : NULL;
    if (!scratch)
        return 0;
    record = (struct event_fd_pass *)scratch->record;
    pid_process(pid_of_file(pidfd), &record->source_pid, &record->source_start);
    descriptor_fill(descriptor_at(scratch, 0), file, ctx->ret);
    descriptor_emit(scratch, task, 0, 1, EVENT_FD_RECEIVE);
    scratch_give(scratch);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later
/*
 * UNIX sockets: who accepted whose connection, who connected a datagram socket, and who gave a
 * socket its name. An accepted socket knows who connected it, so that one record tells both ends;
 * a datagram socket knows only the other socket, whose holder is whoever bound it or was found with
 * it by a scan.
 */
#include "budget.h"
#include "call.h"
#include "image.h"
#include "unix_socket.h"

/* The UNIX socket behind a descriptor of the current task's; NULL: something else, or nothing that
 * is to be recorded. */
static __always_inline struct socket *unix_called(struct task_struct *task, __u32 fd)
{
    struct socket *socket = unix_socket_of(image_descriptor(task, fd));

    return socket && filter_allows(task_cgroup(task)) ? socket : NULL;
}

static __always_inline int unix_record(struct task_struct *task, struct socket *socket, bool server,
                                       __u16 kind)
{
    struct scratch *scratch;

    if (!budget_allows(EVENT_CLASS_IPC, cgroup_id(task_cgroup(task))))
        return 0;
    scratch = scratch_take(SCRATCH_UNIX, EVENT_CLASS_IPC);
    if (!scratch)
        return 0;
    unix_emit(scratch, task, socket, server, EVENT_CLASS_IPC, kind);
    scratch_give(scratch);
    return 0;
}

SEC("tracepoint/syscalls/sys_exit_accept|sys_exit_accept4")
int unix_accept_exit(struct trace_event_raw_sys_exit *ctx)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct socket *socket = ctx->ret < 0 ? NULL : unix_called(task, ctx->ret);

    return socket ? unix_record(task, socket, true, EVENT_UNIX_ACCEPT) : 0;
}

/* A call upon a socket has returned, which counts where that is a datagram socket. */
static __always_inline int unix_datagram(long result, bool server, __u16 kind)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct socket *socket;

    if (result)
        return 0;
    socket = unix_called(task, PT_REGS_PARM1_SYSCALL(call_registers()));
    if (!socket || PEEK(socket, type) != SOCK_DGRAM)
        return 0;
    return unix_record(task, socket, server, kind);
}

SEC("tracepoint/syscalls/sys_exit_connect")
int unix_connect_exit(struct trace_event_raw_sys_exit *ctx)
{
    return unix_datagram(ctx->ret, false, EVENT_UNIX_CONNECT);
}

SEC("tracepoint/syscalls/sys_exit_bind")
int unix_bind_exit(struct trace_event_raw_sys_exit *ctx)
{
    return unix_datagram(ctx->ret, true, EVENT_UNIX_BIND);
}

/* ---- full tier: whichever way the call was made, by io_uring too ---- */

/* As network_accepted (network.bpf.c). */
SEC("fentry/security_sock_graft")
int BPF_PROG(unix_accepted, struct sock *sk, struct socket *socket)
{
    struct task_struct *task = bpf_get_current_task_btf();

    if (!socket->file || !socket_is_unix(sk) || !filter_allows(task_cgroup(task)))
        return 0;
    return unix_record(task, socket, true, EVENT_UNIX_ACCEPT);
}

static __always_inline int unix_datagram_of(struct socket *socket, int result, bool server,
                                            __u16 kind)
{
    struct task_struct *task = bpf_get_current_task_btf();

    if (result || !socket->file || socket->type != SOCK_DGRAM || !filter_allows(task_cgroup(task)))
        return 0;
    return unix_record(task, socket, server, kind);
}

SEC("fexit/unix_dgram_connect")
int BPF_PROG(unix_connected, struct socket *socket, const void *address, int length, int flags,
             int result)
{
    return unix_datagram_of(socket, result, false, EVENT_UNIX_CONNECT);
}

SEC("fexit/unix_bind")
int BPF_PROG(unix_bound, struct socket *socket, const void *address, int length, int result)
{
    return unix_datagram_of(socket, result, true, EVENT_UNIX_BIND);
}

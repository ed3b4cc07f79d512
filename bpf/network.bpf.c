// SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later
/*
 * TCP: connect, establish, accept, listen, close. State changes run in whatever context the packet
 * arrives in, so `current` counts only where the kernel calls on behalf of the owner: sending a
 * SYN, listening, accepting. The socket's cookie ties the rest together.
 */
#include "budget.h"
#include "call.h"
#include "image.h"
#include "socket.h"
#include "task.h"

/* Which record a state change makes; 0: none. */
static __always_inline __u16 state_kind(int old_state, int new_state)
{
    if (new_state == TCP_SYN_SENT)
        return EVENT_TCP_CONNECT;
    if (new_state == TCP_LISTEN)
        return EVENT_TCP_LISTEN;
    if (new_state == TCP_ESTABLISHED && (old_state == TCP_SYN_SENT || old_state == TCP_SYN_RECV))
        return EVENT_TCP_ESTABLISHED;
    if (new_state == TCP_CLOSE && old_state != TCP_CLOSE)
        return EVENT_TCP_CLOSE;
    return 0;
}

static __always_inline bool network_budget(struct sock *sk)
{
    return budget_allows(EVENT_CLASS_NETWORK, socket_cgroup(sk));
}

static __always_inline void emit_state(struct sock *sk, int old_state, int new_state)
{
    __u16 kind = state_kind(old_state, new_state);
    struct event_tcp *record;

    if (!kind || PEEK(sk, sk_protocol) != IPPROTO_TCP)
        return;
    if (!filter_allows(PEEK(sk, sk_cgrp_data.cgroup)) || !network_budget(sk))
        return;
    record = EMIT_RESERVE(EVENT_CLASS_NETWORK, event_tcp, kind);
    if (!record)
        return;
    record->cookie = bpf_get_socket_cookie(sk);
    socket_fill(record, sk);
    record->old_state = old_state;
    record->new_state = new_state;
    if (kind == EVENT_TCP_CONNECT || kind == EVENT_TCP_LISTEN)
        task_identify(&record->header, bpf_get_current_task_btf());
    else
        record->flags |= EVENT_TCP_OWNER_UNKNOWN;
    emit_submit(record, EVENT_CLASS_NETWORK);
}

/*
 * The kernel skips a tracing program that is already running on its CPU, and an interrupt, or where
 * tracepoints may be preempted another task, may come in the middle of one with other sockets. So
 * the program is there twice. The first leaves a mark of the change on the socket; the second deals
 * with what bears no such mark, for then the first was skipped. Whoever changes a socket's state
 * has it locked, so that nothing comes between the two. Where there is no memory for a mark the
 * first leaves the change to the second. What is lost is then exactly what the first was skipped or
 * has left, less what the second has dealt with.
 */
struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, __u32);
} state_marks SEC(".maps");

/* Never 0, which is no mark. */
#define STATE_CHANGE(old_state, new_state) (1u << 16 | (__u8)(old_state) << 8 | (__u8)(new_state))

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(network_state, struct sock *sk, int old_state, int new_state)
{
    __u32 *mark = bpf_sk_storage_get(&state_marks, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

    if (!mark) {
        EMIT_COUNT(deferred);
        return 0;
    }
    *mark = STATE_CHANGE(old_state, new_state);
    emit_state(sk, old_state, new_state);
    return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(network_state_again, struct sock *sk, int old_state, int new_state)
{
    __u32 *mark = bpf_sk_storage_get(&state_marks, sk, NULL, 0);
    bool done = mark && *mark == STATE_CHANGE(old_state, new_state);

    if (mark)
        *mark = 0;
    if (done)
        return 0;
    emit_state(sk, old_state, new_state);
    EMIT_COUNT(rescued[EVENT_PAIR_STATE]);
    return 0;
}

/* The socket behind a descriptor of the current task, for classic tracepoints; NULL: not TCP. */
static __always_inline struct sock *tcp_socket_of(struct task_struct *task, __u32 fd)
{
    struct file *file = image_descriptor(task, fd);
    struct socket *socket;
    struct sock *sk;

    if (!file || (PEEK(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
        return NULL;
    socket = PEEK(file, private_data);
    sk = PEEK(socket, sk);
    return socket_is_tcp(sk) ? sk : NULL;
}

/* A record about a TCP socket that the current task called upon; NULL: it is not to be recorded, or
 * the ring is full. The cookie was given to it at an earlier state change: no helper makes one in
 * classic tracepoints. 0: there was none. */
static __always_inline struct event_tcp *socket_record(struct sock *sk, __u16 kind)
{
    struct event_tcp *record;

    if (!filter_allows(PEEK(sk, sk_cgrp_data.cgroup)) || !network_budget(sk))
        return NULL;
    record = EMIT_RESERVE(EVENT_CLASS_NETWORK, event_tcp, kind);
    if (!record)
        return NULL;
    record->cookie = PEEK(sk, __sk_common.skc_cookie.counter);
    socket_fill(record, sk);
    record->old_state = record->new_state;
    task_identify(&record->header, bpf_get_current_task_btf());
    return record;
}

/* The same of the socket behind a descriptor of the current task's; NULL: or it is not TCP. */
static __always_inline struct event_tcp *call_record(__u32 fd, __u16 kind)
{
    struct sock *sk = tcp_socket_of(bpf_get_current_task_btf(), fd);

    return sk ? socket_record(sk, kind) : NULL;
}

static __always_inline int accept_returned(long fd)
{
    struct event_tcp *record = fd < 0 ? NULL : call_record(fd, EVENT_TCP_ACCEPT);

    if (record)
        emit_submit(record, EVENT_CLASS_NETWORK);
    return 0;
}

SEC("tracepoint/syscalls/sys_exit_accept")
int network_accept_exit(struct trace_event_raw_sys_exit *ctx)
{
    return accept_returned(ctx->ret);
}

SEC("tracepoint/syscalls/sys_exit_accept4")
int network_accept4_exit(struct trace_event_raw_sys_exit *ctx)
{
    return accept_returned(ctx->ret);
}

/* A socket that was never bound gets its port after its state has changed: only the return of
 * listen() knows it. */
SEC("tracepoint/syscalls/sys_exit_listen")
int network_listen_exit(struct trace_event_raw_sys_exit *ctx)
{
    struct event_tcp *record;

    if (ctx->ret)
        return 0;
    record = call_record(PT_REGS_PARM1_SYSCALL(call_registers()), EVENT_TCP_LISTEN);
    if (record)
        emit_submit(record, EVENT_CLASS_NETWORK);
    return 0;
}

/* Not outcomes: the attempt goes on, or there was none. */
static __always_inline bool connect_undecided(long error)
{
    return error >= 0 || error == -EINPROGRESS || error == -EALREADY || error == -EISCONN ||
           error == -EINTR || error == -EAGAIN || will_restart(error);
}

SEC("tracepoint/syscalls/sys_exit_connect")
int network_connect_exit(struct trace_event_raw_sys_exit *ctx)
{
    struct socket_address address = {};
    struct event_tcp *record;
    struct pt_regs *regs;
    const void *given;

    if (connect_undecided(ctx->ret))
        return 0;
    regs = call_registers();
    record = call_record(PT_REGS_PARM1_SYSCALL(regs), EVENT_TCP_CONNECT_FAILED);
    if (!record)
        return 0;
    record->error = -ctx->ret;
    given = (const void *)PT_REGS_PARM2_SYSCALL(regs);
    if (bpf_probe_read_user(&address, sizeof(address), given))
        bpf_probe_read_user(&address, 8, given);
    /* Where no route was found the socket never learnt whom it was to reach. */
    socket_destination(record, &address);
    emit_submit(record, EVENT_CLASS_NETWORK);
    return 0;
}

/* ---- full tier: whichever way the call was made, by io_uring too ---- */

/* A socket of the kernel's own has no file. */
static __always_inline struct sock *tcp_of_user(struct socket *socket)
{
    struct sock *sk = socket->sk;

    return socket->file && socket_is_tcp(sk) ? sk : NULL;
}

/* A socket gets its owner when it is accepted. This is under a spinlock: no other task comes in
 * between, and the kernel skips nothing. */
SEC("fentry/security_sock_graft")
int BPF_PROG(network_accepted, struct sock *sk, struct socket *socket)
{
    struct event_tcp *record;

    if (!socket->file || !socket_is_tcp(sk))
        return 0;
    record = socket_record(sk, EVENT_TCP_ACCEPT);
    if (record)
        emit_submit(record, EVENT_CLASS_NETWORK);
    return 0;
}

SEC("fexit/inet_listen")
int BPF_PROG(network_listened, struct socket *socket, int backlog, int result)
{
    struct sock *sk = result ? NULL : tcp_of_user(socket);
    struct event_tcp *record = sk ? socket_record(sk, EVENT_TCP_LISTEN) : NULL;

    if (record)
        emit_submit(record, EVENT_CLASS_NETWORK);
    return 0;
}

static __always_inline int connect_failed(struct socket *socket, const void *given, int error)
{
    struct sock *sk = connect_undecided(error) ? NULL : tcp_of_user(socket);
    struct event_tcp *record = sk ? socket_record(sk, EVENT_TCP_CONNECT_FAILED) : NULL;
    struct socket_address address = {};

    if (!record)
        return 0;
    record->error = -error;
    bpf_probe_read_kernel(&address, sizeof(address), given);
    socket_destination(record, &address);
    emit_submit(record, EVENT_CLASS_NETWORK);
    return 0;
}

SEC("fexit/inet_stream_connect")
int BPF_PROG(network_connected, struct socket *socket, const void *address, int length, int flags,
             int result)
{
    return connect_failed(socket, address, result);
}

/* What a security module has forbidden does not get as far as that. */
SEC("fexit/security_socket_connect")
int BPF_PROG(network_connect_denied, struct socket *socket, const void *address, int length,
             int result)
{
    return connect_failed(socket, address, result);
}

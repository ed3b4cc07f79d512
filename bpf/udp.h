/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/* What is kept of a UDP socket, and what a record says of one. */
#ifndef SPYQ_UDP_H
#define SPYQ_UDP_H

#include "kernel.h"

#include "emit.h"
#include "event.h"
#include "socket.h"
#include "task.h"

#define UDP_FLOWS_MAX  65536
#define UDP_CLOSED_MAX 8192

#define UDP_SOCKET_BOUND  1u
#define UDP_SOCKET_CLOSED 2u

/* Lives and dies with the socket. The owner is set in the owner's context only: by socket(), bind()
 * and sending; receiving runs in whatever context a packet arrives in, and reads it. */
struct udp_socket {
    __u64 start;
    __u32 pid; /* 0: nobody is known */
    __u32 tid;
    __u32 flags; /* UDP_SOCKET_* */
    __u32 flows; /* that it ever had */
    struct emit_flow_key newest;
};

struct udp_sockets_map {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct udp_socket);
};
extern struct udp_sockets_map udp_sockets SEC(".maps");

/* The value is the record that is sent of a flow; its header names the owner, and as its time when
 * the flow was last told. */
struct udp_flows_map {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, UDP_FLOWS_MAX);
    __type(key, struct emit_flow_key);
    __type(value, struct event_udp);
};
extern struct udp_flows_map udp_flows SEC(".maps");

/* Cookies of sockets that were closed and may have left flows, and when that was. Without room for
 * one its flows end when they are idle. */
struct udp_closed_map {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, UDP_CLOSED_MAX);
    __type(key, __u64);
    __type(value, __u64);
};
extern struct udp_closed_map udp_closed SEC(".maps");

static __always_inline bool socket_is_udp(struct sock *sk)
{
    __u16 family = PEEK(sk, __sk_common.skc_family);

    return sk && (family == AF_INET || family == AF_INET6) && PEEK(sk, sk_protocol) == IPPROTO_UDP;
}

static __always_inline void udp_own(struct udp_socket *socket, struct task_struct *task)
{
    socket->start = task->group_leader->start_boottime;
    socket->pid = task->tgid;
    socket->tid = task->pid;
}

/* A record of a flow's state as it is now, but for what of its header all records have. */
static __always_inline void udp_flow_fill(struct event_udp *record, const struct event_udp *flow)
{
    __builtin_memcpy(&record->cookie, &flow->cookie, sizeof(*flow) - sizeof(flow->header));
    record->header.start = flow->header.start;
    record->header.pid = flow->header.pid;
    record->header.tid = flow->header.tid;
}

/* What the socket itself tells, its addresses aside. */
static __always_inline void udp_fill(struct event_udp *out, struct sock *sk)
{
    out->cgroup_id = socket_cgroup(sk);
    out->inode = PEEK(sk, sk_socket, file, f_inode, i_ino);
    out->net_ns = PEEK(sk, __sk_common.skc_net.net, ns.inum);
    out->uid = PEEK(sk, sk_uid.val);
    if (PEEK(sk, __sk_common.skc_state) == TCP_ESTABLISHED)
        out->flags |= EVENT_UDP_CONNECTED;
}

/* Everything behind the header of a record about a socket that has no flow (yet). */
static __always_inline void udp_describe(struct event_udp *out, struct sock *sk)
{
    __builtin_memset(&out->cookie, 0, sizeof(*out) - sizeof(out->header));
    udp_fill(out, sk);
    out->local_port = PEEK(sk, __sk_common.skc_num);
    out->remote_port = bpf_ntohs(PEEK(sk, __sk_common.skc_dport));
    socket_ends(sk, &out->family, out->local_address, out->remote_address);
}

/* A socket that a scan has found in a process, which owns it unless somebody is known to. */
static __always_inline void udp_scan(struct task_struct *task, struct sock *sk)
{
    __u8 locks = BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks);
    struct udp_socket *socket =
        bpf_sk_storage_get(&udp_sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    __u64 cookie = bpf_get_socket_cookie(sk);
    struct event_udp *record;

    if (socket && !socket->pid)
        udp_own(socket, task);
    if (!PEEK(sk, __sk_common.skc_num))
        return;
    record = EMIT_RESERVE(EVENT_CLASS_LIFECYCLE, event_udp, EVENT_UDP_SOCKET);
    if (!record)
        return;
    udp_describe(record, sk);
    record->cookie = cookie;
    if (locks & (SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK))
        record->flags |= EVENT_UDP_BOUND;
    if (socket && record->flags & EVENT_UDP_BOUND)
        socket->flags |= UDP_SOCKET_BOUND;
    task_identify(&record->header, task);
    emit_submit(record, EVENT_CLASS_LIFECYCLE);
}

#endif

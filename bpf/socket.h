/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/* What a record says of a TCP socket, filled in from its struct sock. */
#ifndef SPYQ_SOCKET_H
#define SPYQ_SOCKET_H

#include "kernel.h"

#include "event.h"

struct socket_address {
    __u16 family;
    __be16 port;
    union {
        __be32 v4;
        struct {
            __be32 flow;
            __u8 address[16];
        } v6;
    };
};

static __always_inline bool socket_is_tcp(struct sock *sk)
{
    __u16 family = PEEK(sk, __sk_common.skc_family);

    return sk && (family == AF_INET || family == AF_INET6) && PEEK(sk, sk_protocol) == IPPROTO_TCP;
}

static __always_inline bool address_is_mapped(const __u8 *address)
{
    const __u64 *high = (const __u64 *)address;
    const __u32 *third = (const __u32 *)(address + 8);

    return *high == 0 && *third == bpf_htonl(0xffff);
}

/* Turns IPv4 mapped into IPv6 into IPv4. */
static __always_inline void address_unmap(__u8 *address)
{
    __builtin_memcpy(address, address + 12, 4);
    __builtin_memset(address + 4, 0, 12);
}

/* A socket's family does not say which addresses it uses: both must be mapped, or the local one
 * mapped and the remote one unset. */
static __always_inline void addresses_normalise(__u16 *family, __u8 *local, __u8 *remote)
{
    const __u64 *halves = (const __u64 *)remote;
    bool unset = halves[0] == 0 && halves[1] == 0;

    if (*family != AF_INET6)
        return;
    if (address_is_mapped(remote)) {
        *family = AF_INET;
        address_unmap(remote);
        if (address_is_mapped(local))
            address_unmap(local);
    } else if (unset && address_is_mapped(local)) {
        *family = AF_INET;
        address_unmap(local);
    }
}

/* The addresses of both ends, 16 bytes each. */
static __always_inline void socket_ends(struct sock *sk, __u16 *family, __u8 *local, __u8 *remote)
{
    *family = PEEK(sk, __sk_common.skc_family);
    __builtin_memset(local, 0, 16);
    __builtin_memset(remote, 0, 16);
    if (*family == AF_INET6) {
        bpf_core_read(local, 16, &sk->__sk_common.skc_v6_rcv_saddr);
        bpf_core_read(remote, 16, &sk->__sk_common.skc_v6_daddr);
    } else {
        bpf_core_read(local, 4, &sk->__sk_common.skc_rcv_saddr);
        bpf_core_read(remote, 4, &sk->__sk_common.skc_daddr);
    }
    addresses_normalise(family, local, remote);
}

static __always_inline void socket_addresses(struct event_tcp *out, struct sock *sk)
{
    out->local_port = PEEK(sk, __sk_common.skc_num);
    if (!out->local_port)
        out->local_port = bpf_ntohs(PEEK((struct inet_sock *)sk, inet_sport));
    out->remote_port = bpf_ntohs(PEEK(sk, __sk_common.skc_dport));
    socket_ends(sk, &out->family, out->local_address, out->remote_address);
}

/* The kernel counts a FIN as a byte received. */
static __always_inline void socket_bytes(struct event_tcp *out, struct sock *sk)
{
    struct tcp_sock *tcp = (struct tcp_sock *)sk;
    __u64 fin = PEEK(sk, __sk_common.skc_flags) >> SOCK_DONE & 1;
    __u64 received = PEEK(tcp, bytes_received);

    out->bytes_sent = PEEK(tcp, bytes_sent) - PEEK(tcp, bytes_retrans);
    out->bytes_received = received && fin ? received - 1 : received;
    out->flags = fin ? EVENT_TCP_FIN_RECEIVED : 0;
}

/* The id of the cgroup that it was made in. */
static __always_inline __u64 socket_cgroup(struct sock *sk)
{
    return PEEK(sk, sk_cgrp_data.cgroup, kn, id);
}

/* Everything but header, cookie and states; new_state is set to what the socket says. */
static __always_inline void socket_fill(struct event_tcp *out, struct sock *sk)
{
    struct tcp_sock *tcp = (struct tcp_sock *)sk;

    socket_addresses(out, sk);
    socket_bytes(out, sk);
    out->cgroup_id = socket_cgroup(sk);
    out->inode = PEEK(sk, sk_socket, file, f_inode, i_ino);
    out->net_ns = PEEK(sk, __sk_common.skc_net.net, ns.inum);
    out->error = PEEK(sk, sk_err);
    out->local_sequence = PEEK(tcp, snd_una);
    out->remote_sequence = PEEK(tcp, rcv_nxt);
    out->uid = PEEK(sk, sk_uid.val);
    out->new_state = PEEK(sk, __sk_common.skc_state);
}

/* Overwrites the remote end with the address that connect() was given; of neither family where it
 * could not be read. */
static __always_inline void socket_destination(struct event_tcp *out,
                                               const struct socket_address *address)
{
    if (address->family != AF_INET && address->family != AF_INET6)
        return;
    out->family = address->family;
    out->remote_port = bpf_ntohs(address->port);
    __builtin_memset(out->remote_address, 0, sizeof(out->remote_address));
    if (address->family == AF_INET6)
        __builtin_memcpy(out->remote_address, address->v6.address, 16);
    else
        __builtin_memcpy(out->remote_address, &address->v4, 4);
    addresses_normalise(&out->family, out->local_address, out->remote_address);
}

#endif

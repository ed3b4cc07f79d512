// SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later
/*
 * UDP, and what is said to and from port 53. The programs for packets run for every packet of every
 * socket in the cgroup, so that they must be quick to see that one is none of theirs. Packets are
 * counted here, by flow; a new flow makes a record, its totals are told by sweep.bpf.c. They run in
 * the context of a task as well as in interrupts, preempted by each other: nothing may be built in
 * a scratch area.
 *
 * They see a packet as the socket's owner does: before it is cut into fragments or segments, after
 * it was put together again, and each copy of a multicast by itself. Only addresses that this host
 * translates (NAT) differ on the way out.
 */
#include "udp.h"
#include "budget.h"

#define DNS_PORT        53
#define UDP_HEADER      8
#define EXTENSIONS_MAX  4
#define NEXT_HOP_BY_HOP 0
#define NEXT_ROUTING    43
#define NEXT_FRAGMENT   44
#define NEXT_OPTIONS    60

/* Packets of flows for which there was no room. Read by user space. */
__u64 udp_flowless = 0;

/* ---- packets ---- */

struct packet {
    __u32 transport; /* offset of the UDP or TCP header */
    __u16 family;
    __u8 protocol;
    bool in;
};

/* Where the transport header is, behind IPv6's extension headers. */
static __always_inline void packet_extensions(struct __sk_buff *skb, struct packet *packet)
{
    for (int i = 0; i < EXTENSIONS_MAX; i++) {
        __u8 extension[2]; /* what comes next, and its own length */

        if (packet->protocol != NEXT_HOP_BY_HOP && packet->protocol != NEXT_ROUTING &&
            packet->protocol != NEXT_FRAGMENT && packet->protocol != NEXT_OPTIONS)
            return;
        if (bpf_skb_load_bytes(skb, packet->transport, extension, sizeof(extension)))
            return;
        packet->transport += packet->protocol == NEXT_FRAGMENT ? 8 : (extension[1] + 1) * 8;
        packet->protocol = extension[0];
    }
}

/* The IP layer has made sure that its header lies in the linear part. */
static __always_inline bool packet_parse(struct __sk_buff *skb, struct packet *packet)
{
    const __u8 *data = (const __u8 *)(long)skb->data;
    const __u8 *end = (const __u8 *)(long)skb->data_end;

    if (data + 20 > end)
        return false;
    if (data[0] >> 4 == 4) {
        packet->family = AF_INET;
        packet->protocol = data[9];
        packet->transport = (data[0] & 15) * 4;
    } else {
        packet->family = AF_INET6;
        packet->protocol = data[6];
        packet->transport = 40;
        packet_extensions(skb, packet);
    }
    return true;
}

/* Both ends of a packet, as the socket sees them. Returns false where it is cut short. */
static __always_inline bool packet_ends(struct __sk_buff *skb, const struct packet *packet,
                                        struct emit_flow_key *key)
{
    __u8 *source = packet->in ? key->remote_address : key->local_address;
    __u8 *destination = packet->in ? key->local_address : key->remote_address;
    const __u8 *data = (const __u8 *)(long)skb->data;
    const __u8 *end = (const __u8 *)(long)skb->data_end;
    __be16 ports[2];

    key->family = packet->family;
    if (packet->family == AF_INET && data + 20 <= end) {
        __builtin_memcpy(source, data + 12, 4);
        __builtin_memcpy(destination, data + 16, 4);
    } else if (packet->family == AF_INET6 && data + 40 <= end) {
        __builtin_memcpy(source, data + 8, 16);
        __builtin_memcpy(destination, data + 24, 16);
    } else {
        return false;
    }
    if (bpf_skb_load_bytes(skb, packet->transport, ports, sizeof(ports)))
        return false;
    key->local_port = bpf_ntohs(ports[packet->in ? 1 : 0]);
    key->remote_port = bpf_ntohs(ports[packet->in ? 0 : 1]);
    return true;
}

/* The kernel's own struct of a socket: a number to the verifier, which lets nobody read behind the
 * pointers that it hands out to these programs. */
static __always_inline struct sock *socket_behind(const void *handle)
{
    const void *sk = NULL;

    bpf_probe_read_kernel(&sk, sizeof(sk), &handle);
    return (struct sock *)sk;
}

/* ---- flows ---- */

static __always_inline void flow_count(struct event_udp *flow, struct __sk_buff *skb,
                                       const struct packet *packet)
{
    __u64 bytes = skb->len - packet->transport - UDP_HEADER;
    __u64 packets = skb->gso_segs ? skb->gso_segs : 1;

    flow->last = bpf_ktime_get_boot_ns();
    __sync_fetch_and_add(packet->in ? &flow->bytes_received : &flow->bytes_sent, bytes);
    __sync_fetch_and_add(packet->in ? &flow->packets_received : &flow->packets_sent, packets);
}

static __always_inline void flow_own(struct event_udp *flow, const struct udp_socket *socket)
{
    flow->header.start = socket->start;
    flow->header.pid = socket->pid;
    flow->header.tid = socket->tid;
}

/* Who sends is who the socket belongs to. Kernel threads send what others gave them. */
static __always_inline void flow_sender(struct udp_socket *socket)
{
    struct task_struct *task = bpf_get_current_task_btf();

    if (!(task->flags & PF_KTHREAD))
        udp_own(socket, task);
}

/* Returns false where there was no room for a record. */
static __always_inline bool flow_emit(const struct event_udp *flow, __u16 kind)
{
    struct event_udp *record = EMIT_RESERVE(EVENT_CLASS_NETWORK, event_udp, kind);

    if (!record)
        return false;
    udp_flow_fill(record, flow);
    emit_submit(record, EVENT_CLASS_NETWORK);
    return true;
}

static __always_inline void flow_describe(struct event_udp *flow, const struct emit_flow_key *key,
                                          const struct packet *packet)
{
    flow->cookie = key->cookie;
    flow->family = key->family;
    flow->local_port = key->local_port;
    flow->remote_port = key->remote_port;
    __builtin_memcpy(flow->local_address, key->local_address, 16);
    __builtin_memcpy(flow->remote_address, key->remote_address, 16);
    flow->flags = packet->in ? EVENT_UDP_IN : 0;
    flow->began = bpf_ktime_get_boot_ns();
    flow->header.time = flow->began;
}

/* Adds a flow that has begun with this packet. Another CPU may have done so just before. */
static __noinline int flow_begin(struct __sk_buff *skb, const struct emit_flow_key *key,
                                 const struct packet *packet)
{
    struct event_udp flow = {};
    struct event_udp *known;
    struct bpf_sock *sk = skb->sk;
    struct udp_socket *socket;
    long error;

    if (!key || !packet || !sk)
        return 0;
    socket = bpf_sk_storage_get(&udp_sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    if (!socket || socket->flags & UDP_SOCKET_CLOSED)
        return 0;
    if (!budget_allows(EVENT_CLASS_NETWORK, bpf_skb_cgroup_id(skb)))
        return 0;
    if (!packet->in)
        flow_sender(socket);
    flow_own(&flow, socket);
    flow_describe(&flow, key, packet);
    udp_fill(&flow, socket_behind(sk));
    flow_count(&flow, skb, packet);
    error = bpf_map_update_elem(&udp_flows, key, &flow, BPF_NOEXIST);
    if (!error) {
        socket->newest = *key;
        __sync_fetch_and_add(&socket->flows, 1);
        flow_emit(&flow, EVENT_UDP_FLOW);
        return 0;
    }
    known = error == -EEXIST ? bpf_map_lookup_elem(&udp_flows, key) : NULL;
    if (known)
        flow_count(known, skb, packet);
    else
        __sync_fetch_and_add(&udp_flowless, 1);
    return 0;
}

/* The first that answers on a flow that came in is whom it was meant for. */
static __always_inline void flow_answered(struct event_udp *flow, struct __sk_buff *skb)
{
    struct bpf_sock *sk = skb->sk;
    struct udp_socket *socket = sk ? bpf_sk_storage_get(&udp_sockets, sk, NULL, 0) : NULL;

    if (!socket)
        return;
    flow_sender(socket);
    flow_own(flow, socket);
}

/* Counts a packet. Returns its flow; NULL: it is new, or not recorded. */
static __always_inline struct event_udp *
flow_packet(struct __sk_buff *skb, const struct packet *packet, const struct emit_flow_key *key)
{
    struct event_udp *flow = bpf_map_lookup_elem(&udp_flows, key);

    if (!flow) {
        flow_begin(skb, key, packet);
        return NULL;
    }
    if (!packet->in && !flow->packets_sent)
        flow_answered(flow, skb);
    flow_count(flow, skb, packet);
    return flow;
}

/* ---- DNS ---- */

/* What a payload is cleared with, so that none of an earlier record is left behind a short one. */
static const __u8 zeros[EVENT_DNS_MAX] = {};

struct dns_piece {
    __u32 offset; /* of the payload in the packet */
    __u32 length;
    __u32 sequence;
};

static __always_inline void dns_describe(struct event_dns *record, struct __sk_buff *skb,
                                         const struct packet *packet,
                                         const struct emit_flow_key *key)
{
    const struct event_udp *flow = bpf_map_lookup_elem(&udp_flows, key);

    record->cookie = key->cookie;
    record->net_ns = PEEK(socket_behind(skb->sk), __sk_common.skc_net.net, ns.inum);
    record->flags = (packet->in ? EVENT_DNS_RECEIVED : 0) |
                    (packet->protocol == IPPROTO_TCP ? EVENT_DNS_TCP : 0);
    record->family = key->family;
    record->local_port = key->local_port;
    record->remote_port = key->remote_port;
    record->padding = 0;
    __builtin_memcpy(record->local_address, key->local_address, 16);
    __builtin_memcpy(record->remote_address, key->remote_address, 16);
    if (!flow)
        return;
    record->header.start = flow->header.start;
    record->header.pid = flow->header.pid;
    record->header.tid = flow->header.tid;
}

/* Sends a payload, which is not empty, in a record with room for `room` bytes of it: a constant,
 * and a power of two. */
static __always_inline void dns_emit(struct __sk_buff *skb, const struct packet *packet,
                                     const struct emit_flow_key *key, const struct dns_piece *piece,
                                     __u32 room)
{
    struct event_dns *record =
        emit_reserve(EMIT_MAP(EVENT_CLASS_DNS), EVENT_CLASS_DNS, sizeof(*record) + room, EVENT_DNS);
    __u32 length = piece->length;

    if (!record)
        return;
    dns_describe(record, skb, packet, key);
    bpf_probe_read_kernel(record + 1, room, zeros);
    record->length = length;
    record->sequence = piece->sequence;
    record->payload.offset = sizeof(*record);
    if (length > room)
        length = room;
    record->payload.length = length;
    /* From 1 to room, as the verifier of 6.1 understands it. */
    length--;
    barrier_var(length);
    length = (length & (room - 1)) + 1;
    if (bpf_skb_load_bytes(skb, piece->offset, record + 1, length))
        record->payload.length = 0;
    emit_submit(record, EVENT_CLASS_DNS);
}

/* Records have one of a few sizes: only those can be built in the ring itself. */
static __noinline int dns_packet(struct __sk_buff *skb, const struct packet *packet,
                                 const struct emit_flow_key *key, const struct dns_piece *piece)
{
    if (!packet || !key || !piece || !skb->sk)
        return 0;
    if (!piece->length || piece->length > 0xffff ||
        !budget_allows(EVENT_CLASS_DNS, bpf_skb_cgroup_id(skb)))
        return 0;
    if (piece->length <= 128)
        dns_emit(skb, packet, key, piece, 128);
    else if (piece->length <= 512)
        dns_emit(skb, packet, key, piece, 512);
    else if (piece->length <= 2048)
        dns_emit(skb, packet, key, piece, 2048);
    else
        dns_emit(skb, packet, key, piece, EVENT_DNS_MAX);
    return 0;
}

static __always_inline void dns_over_udp(struct __sk_buff *skb, const struct packet *packet,
                                         const struct emit_flow_key *key)
{
    struct dns_piece piece = {
        .offset = packet->transport + UDP_HEADER,
        .length = skb->len - packet->transport - UDP_HEADER,
    };

    dns_packet(skb, packet, key, &piece);
}

static __always_inline void dns_over_tcp(struct __sk_buff *skb, const struct packet *packet,
                                         const struct emit_flow_key *key)
{
    struct dns_piece piece = {};
    __be32 sequence;
    __u8 words;

    if (bpf_skb_load_bytes(skb, packet->transport + 4, &sequence, sizeof(sequence)) ||
        bpf_skb_load_bytes(skb, packet->transport + 12, &words, sizeof(words)))
        return;
    piece.sequence = bpf_ntohl(sequence);
    piece.offset = packet->transport + (words >> 4) * 4;
    piece.length = skb->len - piece.offset;
    dns_packet(skb, packet, key, &piece);
}

/* A connected socket knows whom it asks even where this host sends the packet elsewhere (NAT). */
static __always_inline bool is_dns(const struct bpf_sock *sk)
{
    return sk->dst_port == bpf_htons(DNS_PORT) || sk->src_port == DNS_PORT;
}

/* ---- every packet ---- */

static __always_inline void udp_packet(struct __sk_buff *skb, bool in)
{
    const struct bpf_sock *sk = skb->sk;
    struct packet packet = {.in = in};
    struct emit_flow_key key = {};

    if (!sk || !packet_parse(skb, &packet))
        return;
    if (packet.protocol != IPPROTO_UDP && !(packet.protocol == IPPROTO_TCP && is_dns(sk)))
        return;
    if (!packet_ends(skb, &packet, &key))
        return;
    key.cookie = bpf_get_socket_cookie(skb);
    if (packet.protocol == IPPROTO_TCP) {
        dns_over_tcp(skb, &packet, &key);
        return;
    }
    flow_packet(skb, &packet, &key);
    if (key.remote_port == DNS_PORT || is_dns(sk))
        dns_over_udp(skb, &packet, &key);
}

SEC("cgroup_skb/egress")
int udp_egress(struct __sk_buff *skb)
{
    udp_packet(skb, false);
    return 1;
}

SEC("cgroup_skb/ingress")
int udp_ingress(struct __sk_buff *skb)
{
    udp_packet(skb, true);
    return 1;
}

/* ---- sockets ---- */

SEC("cgroup/sock_create")
int udp_create(struct bpf_sock *ctx)
{
    struct udp_socket *socket;

    if (ctx->protocol != IPPROTO_UDP)
        return 1;
    socket = bpf_sk_storage_get(&udp_sockets, ctx, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    if (socket)
        udp_own(socket, bpf_get_current_task_btf());
    return 1;
}

static __always_inline void udp_bound(struct bpf_sock *ctx)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct sock *sk = socket_behind(ctx);
    struct udp_socket *socket;
    struct event_udp *record;

    if (ctx->protocol != IPPROTO_UDP)
        return;
    socket = bpf_sk_storage_get(&udp_sockets, ctx, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    if (socket) {
        udp_own(socket, task);
        socket->flags |= UDP_SOCKET_BOUND;
    }
    if (!budget_allows(EVENT_CLASS_NETWORK, socket_cgroup(sk)))
        return;
    record = EMIT_RESERVE(EVENT_CLASS_NETWORK, event_udp, EVENT_UDP_BIND);
    if (!record)
        return;
    udp_describe(record, sk);
    record->cookie = bpf_get_socket_cookie(ctx);
    task_identify(&record->header, task);
    emit_submit(record, EVENT_CLASS_NETWORK);
}

SEC("cgroup/post_bind4")
int udp_bind4(struct bpf_sock *ctx)
{
    udp_bound(ctx);
    return 1;
}

SEC("cgroup/post_bind6")
int udp_bind6(struct bpf_sock *ctx)
{
    udp_bound(ctx);
    return 1;
}

/* The last descriptor was closed. With one flow its totals go with the record, and it is done. */
SEC("cgroup/sock_release")
int udp_release(struct bpf_sock *ctx)
{
    struct event_udp *flow = NULL;
    struct udp_socket *socket;
    struct event_udp nothing = {};
    __u64 closed;

    if (ctx->protocol != IPPROTO_UDP)
        return 1;
    socket = bpf_sk_storage_get(&udp_sockets, ctx, NULL, 0);
    if (!socket || !(socket->flows || socket->flags & UDP_SOCKET_BOUND))
        return 1;
    socket->flags |= UDP_SOCKET_CLOSED;
    if (socket->flows == 1)
        flow = bpf_map_lookup_elem(&udp_flows, &socket->newest);
    if (flow) {
        if (flow_emit(flow, EVENT_UDP_CLOSE))
            bpf_map_delete_elem(&udp_flows, &socket->newest);
        return 1;
    }
    nothing.cookie = bpf_get_socket_cookie(ctx);
    flow_own(&nothing, socket);
    /* What is not known to be closed goes on until it is idle. */
    if (!flow_emit(&nothing, EVENT_UDP_CLOSE) || !socket->flows)
        return 1;
    closed = bpf_ktime_get_boot_ns();
    bpf_map_update_elem(&udp_closed, &nothing.cookie, &closed, BPF_ANY);
    return 1;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * UDP. A flow is a connection: it has no handshake, is open as soon as it is, and ends when it has
 * been idle or its socket is closed, at the time of its last packet. One socket has many.
 */
#include <stdlib.h>
#include <string.h>

#include "model_private.h"

/* A flow of an earlier run that this one has not seen ends after this long; ns. Those that it has
 * seen end when the kernel's side says so. */
#define UNSEEN_NS (60 * 1000000000ull)

LIST_HEAD(flow_list, connection);

struct udp_socket {
    uint64_t cookie;
    struct flow_list flows;
};

struct udp_state {
    struct index sockets; /* cookie -> struct udp_socket */
    struct index flows;   /* cookie and hash of the tuple -> struct connection */
    size_t unseen;        /* flows of an earlier run that have not been heard of, at most */
    bool scanned;         /* the sockets of those have been looked for */
};

static struct key socket_key(uint64_t cookie)
{
    return (struct key){cookie, 0};
}

static struct key flow_key(uint64_t cookie, const struct tuple *tuple)
{
    return (struct key){cookie, hash_bytes(HASH_START, tuple, sizeof(*tuple))};
}

static struct udp_state *state_of(struct model *model)
{
    if (!model->udp)
        model->udp = calloc(1, sizeof(*model->udp));
    return model->udp;
}

/* ---- sockets and their flows ---- */

static struct udp_socket *socket_find(const struct model *model, uint64_t cookie)
{
    return model->udp ? index_get(&model->udp->sockets, socket_key(cookie)) : NULL;
}

static struct udp_socket *socket_of(struct udp_state *state, uint64_t cookie)
{
    struct udp_socket *socket = index_get(&state->sockets, socket_key(cookie));

    if (socket)
        return socket;
    socket = calloc(1, sizeof(*socket));
    if (!socket || index_put(&state->sockets, socket_key(cookie), socket) < 0) {
        free(socket);
        return NULL;
    }
    socket->cookie = cookie;
    LIST_INIT(&socket->flows);
    return socket;
}

/* Makes a connection a flow of its socket. Returns false without memory. */
static bool enter(struct model *model, struct connection *connection)
{
    struct udp_state *state = state_of(model);
    struct udp_socket *socket = state ? socket_of(state, connection->cookie) : NULL;

    if (!socket) {
        model->unkept++;
        return false;
    }
    connection->flow.socket = socket;
    LIST_INSERT_HEAD(&socket->flows, connection, flow.of_socket);
    if (index_put(&state->flows, flow_key(connection->cookie, &connection->tuple), connection) < 0)
        model->unkept++;
    return true;
}

void udp_leave(struct model *model, struct connection *connection)
{
    struct udp_socket *socket = connection->flow.socket;
    struct key key = flow_key(connection->cookie, &connection->tuple);

    if (index_get(&model->udp->flows, key) == connection)
        index_remove(&model->udp->flows, key);
    LIST_REMOVE(connection, flow.of_socket);
    connection->flow.socket = NULL;
    if (!LIST_EMPTY(&socket->flows))
        return;
    index_remove(&model->udp->sockets, socket_key(socket->cookie));
    free(socket);
}

/* ---- a flow ---- */

static struct tuple tuple_of_udp(const struct event_udp *udp)
{
    struct tuple tuple = {
        .family = udp->family,
        .local_port = udp->local_port,
        .remote_port = udp->remote_port,
    };

    memcpy(tuple.local, udp->local_address, sizeof(tuple.local));
    memcpy(tuple.remote, udp->remote_address, sizeof(tuple.remote));
    return tuple;
}

/* The flow that a record is about; NULL: it is not known. One that has ended may begin again. */
static struct connection *flow_find(const struct model *model, const struct event_udp *udp)
{
    struct tuple tuple = tuple_of_udp(udp);
    struct connection *flow;

    flow = model->udp ? index_get(&model->udp->flows, flow_key(udp->cookie, &tuple)) : NULL;
    if (!flow || memcmp(&flow->tuple, &tuple, sizeof(tuple)) != 0)
        return NULL;
    return flow->ended && udp->began > flow->flow.began ? NULL : flow;
}

static struct connection *flow_new(struct model *model, const struct event_udp *udp)
{
    struct connection *flow = connection_new(model, 0, "event");

    if (!flow)
        return NULL;
    flow->cookie = udp->cookie;
    flow->tuple = tuple_of_udp(udp);
    if (!enter(model, flow)) {
        connection_end(model, flow, model->now, udp->last, 0);
        return NULL;
    }
    flow->state = "open";
    flow->established = true; /* there is no attempt that could fail */
    flow->direction = udp->flags & EVENT_UDP_IN ? "in" : "out";
    flow->row.cookie = (int64_t)udp->cookie;
    flow->row.net_ns = udp->net_ns;
    flow->row.started_at = model_wall(model, udp->began);
    return flow;
}

static int64_t more(int64_t known, uint64_t counted, int64_t earlier)
{
    int64_t total = (int64_t)counted + earlier;

    return known == INTEGER_NULL || known < total ? total : known;
}

/* Records of one flow may overtake each other: what was counted never becomes less. */
static void flow_count(struct connection *flow, const struct event_udp *udp)
{
    struct row_connection *row = &flow->row;

    row->bytes_sent = more(row->bytes_sent, udp->bytes_sent, flow->flow.earlier_sent);
    row->bytes_received =
        more(row->bytes_received, udp->bytes_received, flow->flow.earlier_received);
    if (!flow->flow.began)
        flow->flow.began = udp->began;
    if (flow->flow.last < udp->last)
        flow->flow.last = udp->last;
}

/* A sender sends in its own context. Who receives is only what was last known of the socket: one
 * that had ended before the flow began has left it to somebody else. */
static const struct process *owner_of(struct model *model, const struct connection *flow,
                                      const struct event *event, const struct listener *listener)
{
    const struct event_header *header = event->header;
    const struct process *process;

    if (!connection_is_incoming(flow) && flow->row.process_id == INTEGER_NULL)
        return process_of(model, header);
    process = process_known(model, header->pid, header->start);
    if (!process && listener)
        process = process_by_id(model, listener->row.process_id);
    return process && process->ended && process->ended < event->udp->began ? NULL : process;
}

/* Whose it is: who sent first, or the owner of the socket that it came to. */
static void flow_owner(struct model *model, struct connection *flow, const struct event *event)
{
    const struct listener *listener = listener_of(model, flow->cookie);
    const struct process *process = owner_of(model, flow, event, listener);

    if (connection_is_incoming(flow) && listener)
        flow->row.listener_id = listener->row.id;
    if (process)
        connection_set_process(model, flow, process);
    flow->accepted = flow->row.process_id != INTEGER_NULL;
    if (!flow->name)
        connection_set_name(model, flow);
}

/* It ended with its last packet, as far as that is known. */
static void flow_end(struct model *model, struct connection *flow, uint64_t now)
{
    uint64_t last = flow->flow.last ? flow->flow.last : now;

    connection_end(model, flow, now, last, 0);
}

/* What a record tells of a flow; makes one where it is not known. */
static struct connection *flow_update(struct model *model, const struct event *event)
{
    const struct event_udp *udp = event->udp;
    struct connection *flow = flow_find(model, udp);

    if (!flow)
        flow = flow_new(model, udp);
    if (!flow)
        return NULL;
    flow->seen = event->header->time;
    flow_count(flow, udp);
    connection_touch(model, flow);
    if (flow->ended) {
        flow_end(model, flow, event->header->time);
        return flow;
    }
    connection_set_inode(model, flow, udp->inode);
    flow_owner(model, flow, event);
    if (!flow->indexed)
        peer_join(model, flow);
    else
        peer_edge(model, flow);
    return flow;
}

/* ---- events ---- */

void udp_flow(struct model *model, const struct event *event)
{
    const struct event_udp *udp = event->udp;
    struct connection *flow = flow_update(model, event);

    /* A socket that was bound and then connected waits for nobody any more. */
    if (udp->flags & EVENT_UDP_CONNECTED)
        listener_gone(model, udp->cookie, udp->began);
    if (flow && !flow->ended && udp->flags & EVENT_UDP_IDLE)
        flow_end(model, flow, event->header->time);
}

void udp_close(struct model *model, const struct event *event)
{
    const struct event_udp *udp = event->udp;
    const struct udp_socket *socket;
    struct connection *flow;

    if (udp->packets_sent || udp->packets_received)
        flow_update(model, event);
    socket = socket_find(model, udp->cookie);
    for (flow = socket ? LIST_FIRST(&socket->flows) : NULL; flow;
         flow = LIST_NEXT(flow, flow.of_socket))
        if (!flow->ended)
            flow_end(model, flow, event->header->time);
    listener_gone(model, udp->cookie, event->header->time);
}

void udp_bind(struct model *model, const struct event *event)
{
    listener_open(model, event, "event");
}

/* ---- scan and restart ---- */

void udp_snapshot(struct model *model, const struct event *event)
{
    const struct event_udp *udp = event->udp;
    const struct udp_socket *socket = socket_find(model, udp->cookie);
    struct connection *flow;

    if (udp->flags & EVENT_UDP_BOUND && !(udp->flags & EVENT_UDP_CONNECTED))
        listener_open(model, event, "scan");
    for (flow = socket ? LIST_FIRST(&socket->flows) : NULL; flow;
         flow = LIST_NEXT(flow, flow.of_socket))
        flow->seen = event->header->time;
}

void udp_adopt(struct model *model, struct connection *connection)
{
    struct key key = socket_key(connection->cookie);

    /* It is found by its addresses, not as the newest attempt on its socket. */
    if (index_get(&model->connections, key) == connection)
        index_remove(&model->connections, key);
    if (!enter(model, connection))
        return;
    if (connection->row.bytes_sent != INTEGER_NULL)
        connection->flow.earlier_sent = connection->row.bytes_sent;
    if (connection->row.bytes_received != INTEGER_NULL)
        connection->flow.earlier_received = connection->row.bytes_received;
    model->udp->unseen++;
}

/* Ends what an earlier run has left open, and was last seen before that time. */
static void end_unseen(struct model *model, uint64_t before)
{
    struct connection *flow, *next;

    if (!model->udp || !model->udp->unseen)
        return;
    model->udp->unseen = 0;
    for (flow = TAILQ_FIRST(&model->open_connections); flow; flow = next) {
        next = TAILQ_NEXT(flow, open);
        if (!flow->flow.socket || flow->flow.began)
            continue;
        if (flow->seen < before)
            flow_end(model, flow, model->now);
        else
            model->udp->unseen++;
    }
}

void udp_reconcile(struct model *model, uint64_t began)
{
    end_unseen(model, began);
    if (model->udp)
        model->udp->scanned = true;
}

void udp_forget(struct model *model, uint64_t before)
{
    (void)before;
    if (model->udp && model->udp->scanned && model->now > UNSEEN_NS)
        end_unseen(model, model->now - UNSEEN_NS);
}

void udp_free_all(struct model *model)
{
    struct udp_state *state = model->udp;

    if (!state)
        return;
    index_free(&state->sockets);
    index_free(&state->flows);
    free(state);
    model->udp = NULL;
}

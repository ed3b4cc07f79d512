/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image.h"
#include "model_private.h"

static struct key cookie_key(uint64_t cookie)
{
    return (struct key){cookie, 0};
}

#define PORT_DNS 53

/* Whose data may come in through it; 0: nobody's. */
static int64_t fed_process(const struct connection *connection)
{
    const struct tuple *tuple = &connection->tuple;

    if (connection->ended || !connection->established || connection->flow.socket ||
        connection->row.process_id == INTEGER_NULL || tuple->remote_port == PORT_DNS ||
        tuple->local_port == PORT_DNS)
        return 0;
    return connection->row.process_id;
}

static void feed(struct model *model, int64_t process_id, int64_t connection_id, bool more)
{
    struct process *process = process_id ? process_by_id(model, process_id) : NULL;

    if (!process)
        return;
    process->feeds += more ? 1 : -1u;
    process->feed_sum += more ? connection_id : -connection_id;
}

/* Counts it with the process that it belongs to now. */
static void connection_feeds(struct model *model, struct connection *connection)
{
    int64_t fed = fed_process(connection);

    if (fed == connection->feeds)
        return;
    feed(model, connection->feeds, connection->row.id, false);
    feed(model, fed, connection->row.id, true);
    connection->feeds = fed;
}

int64_t connection_feeding(const struct model *model, const struct process *process)
{
    const struct connection *held;

    if (process->feeds)
        return process->feeds == 1 ? process->feed_sum : INTEGER_NULL;
    held = connection_of_socket(model, process->holds_socket);
    return held && held->row.id == process->holds ? held->row.id : INTEGER_NULL;
}

void connection_touch(struct model *model, struct connection *connection)
{
    connection_feeds(model, connection);
    trace_connection(model, connection);
    if (connection->dirty)
        return;
    connection->dirty = true;
    TAILQ_INSERT_TAIL(&model->changed_connections, connection, changed);
}

bool connection_is_incoming(const struct connection *connection)
{
    return connection->direction && strcmp(connection->direction, "in") == 0;
}

/* The newest attempt on a socket; NULL where the socket has none, or no cookie yet. */
static struct connection *connection_find(const struct model *model, uint64_t cookie)
{
    return cookie ? index_get(&model->connections, cookie_key(cookie)) : NULL;
}

/* ---- making one ---- */

struct connection *connection_new(struct model *model, uint64_t cookie, const char *origin)
{
    struct connection *connection = calloc(1, sizeof(*connection));

    if (!connection ||
        (cookie && index_put(&model->connections, cookie_key(cookie), connection) < 0)) {
        free(connection);
        model->unkept++;
        return NULL;
    }
    row_clear(ROW_CONNECTION, &connection->row);
    connection->cookie = cookie;
    connection->origin = origin;
    connection->state = "connecting";
    connection->row.id = model_id(model, ROW_CONNECTION);
    connection->row.host_id = model->host_id;
    connection->row.cookie = cookie ? (int64_t)cookie : INTEGER_NULL;
    TAILQ_INSERT_TAIL(&model->open_connections, connection, open);
    connection_touch(model, connection);
    return connection;
}

static void set_owner(struct model *model, struct connection *connection,
                      const struct event_header *header)
{
    const struct process *process = process_of(model, header);

    if (process)
        connection->row.process_id = process->row.id;
}

void connection_set_inode(struct model *model, struct connection *connection, uint64_t inode)
{
    if (!inode || connection->row.inode == (int64_t)inode)
        return;
    connection->row.inode = (int64_t)inode;
    if (index_put(&model->sockets, cookie_key(inode), connection) < 0)
        model->unkept++;
}

struct connection *connection_of_socket(const struct model *model, uint64_t inode)
{
    return inode ? index_get(&model->sockets, cookie_key(inode)) : NULL;
}

static void forget_socket(struct model *model, const struct connection *connection)
{
    struct key key = cookie_key((uint64_t)connection->row.inode);

    if (index_get(&model->sockets, key) == connection)
        index_remove(&model->sockets, key);
}

/* The addresses change as the socket learns them: an unset part never replaces a set one. */
static void set_tuple(struct model *model, struct connection *connection,
                      const struct event_tcp *tcp)
{
    struct tuple tuple = tuple_of(tcp), *known = &connection->tuple;

    peer_leave(model, connection);
    if (!tuple.local_port)
        tuple.local_port = known->local_port;
    if (!tuple.remote_port)
        tuple.remote_port = known->remote_port;
    if (address_is_any(tuple.local))
        memcpy(tuple.local, known->local, sizeof(tuple.local));
    if (address_is_any(tuple.remote)) {
        memcpy(tuple.remote, known->remote, sizeof(tuple.remote));
        tuple.family = known->family ? known->family : tuple.family;
    }
    *known = tuple;
    connection->row.net_ns = tcp->net_ns;
    connection_set_inode(model, connection, tcp->inode);
}

static void set_open(struct connection *connection)
{
    connection->state = "open";
    connection->established = true;
}

/* A scan did not see it and took it for ended, and it was not. */
static void reopen(struct model *model, struct connection *connection)
{
    if (!connection->ended || !connection->presumed)
        return;
    TAILQ_REMOVE(&model->closed_connections, connection, open);
    TAILQ_INSERT_TAIL(&model->open_connections, connection, open);
    connection->ended = 0;
    connection->presumed = false;
    connection->row.ended_at = INTEGER_NULL;
    set_open(connection);
    connection_touch(model, connection);
    if (!connection->edge.id)
        return;
    connection->edge.open = 1;
    connection->edge_dirty = true;
    connection_leads_in(model, connection);
}

void connection_set_name(struct model *model, struct connection *connection)
{
    const struct process *process = process_by_id(model, connection->row.process_id);

    if (connection->direction && !connection_is_incoming(connection))
        shared_set(&connection->name,
                   shared_hold(dns_name_for(model, process, connection->tuple.family,
                                            connection->tuple.remote)));
}

static struct connection *connection_from(struct model *model, const struct event *event,
                                          const char *direction, const char *origin)
{
    struct connection *connection = connection_new(model, event->tcp->cookie, origin);

    if (!connection)
        return NULL;
    connection->direction = direction;
    connection->seen = event->header->time;
    set_tuple(model, connection, event->tcp);
    set_owner(model, connection, event->header);
    connection_set_name(model, connection);
    trace_connection(model, connection);
    return connection;
}

/* ---- its end ---- */

/* What an error says of an attempt that never came to be, and of a connection that did. */
static const struct {
    uint32_t error;
    const char *attempt;
    const char *connection;
} outcomes[] = {
    {ECONNREFUSED, "refused", "reset"},
    {ETIMEDOUT, "timeout", "timeout"},
    {ENETUNREACH, "unreachable", "unreachable"},
    {EHOSTUNREACH, "unreachable", "unreachable"},
    {ECONNRESET, "reset", "reset"},
    {EPIPE, "reset", "reset"},
    {ECONNABORTED, "failed", "reset"},
};

static const char *outcome(const struct connection *connection, uint32_t error)
{
    bool established = connection->established;

    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
        if (outcomes[i].error == error)
            return established ? outcomes[i].connection : outcomes[i].attempt;
    return established ? "closed" : "failed";
}

void connection_edge_changed(struct model *model, struct connection *server)
{
    trace_edge(model, &server->edge, false);
    server->edge_dirty = true;
    connection_touch(model, server);
}

void connection_leads_in(struct model *model, struct connection *server)
{
    struct process *client = process_by_id(model, server->edge.src);
    struct process *process = process_by_id(model, server->edge.dst);

    edge_acted(client, process, server->edge.last_at);
    if (server->ended || server->leads_in || !client || !process)
        return;
    server->leads_in = true;
    client->ways_out++;
    process->ways_in++;
}

static void leads_in_no_more(struct model *model, struct connection *server)
{
    struct process *client = process_by_id(model, server->edge.src);
    struct process *process = process_by_id(model, server->edge.dst);

    edge_acted(client, process, server->row.ended_at);
    if (!server->leads_in)
        return;
    server->leads_in = false;
    if (client)
        client->ways_out--;
    if (process)
        process->ways_in--;
}

void connection_end(struct model *model, struct connection *connection, uint64_t now,
                    uint64_t ended_at, uint32_t error)
{
    connection->state = outcome(connection, error);
    shared_set(&connection->error, image_error(error));
    peer_leave(model, connection);
    TAILQ_REMOVE(connection->ended ? &model->closed_connections : &model->open_connections,
                 connection, open);
    connection->row.ended_at = model_wall(model, ended_at);
    connection->ended = now;
    TAILQ_INSERT_TAIL(&model->closed_connections, connection, open);
    connection_touch(model, connection);
    forget_socket(model, connection);
    if (!connection->edge.id)
        return;
    leads_in_no_more(model, connection);
    connection->edge.last_at = connection->row.ended_at;
    connection->edge.open = 0;
    connection_edge_changed(model, connection);
}

static void connection_free(struct model *model, struct connection *connection)
{
    peer_leave(model, connection);
    if (connection->peer && connection->peer->peer == connection)
        connection->peer->peer = NULL;
    if (connection_find(model, connection->cookie) == connection)
        index_remove(&model->connections, cookie_key(connection->cookie));
    forget_socket(model, connection);
    if (connection->flow.socket)
        udp_leave(model, connection);
    if (connection->dirty)
        TAILQ_REMOVE(&model->changed_connections, connection, changed);
    shared_drop(connection->error);
    shared_drop(connection->name);
    free(connection);
}

/* ---- events ---- */

void connection_connect(struct model *model, const struct event *event)
{
    struct connection *earlier = connection_find(model, event->tcp->cookie);
    struct connection *connection;

    if (earlier && !earlier->ended) /* its end was lost */
        connection_end(model, earlier, event->header->time, event->header->time, 0);
    connection = connection_from(model, event, "out", "event");
    if (connection)
        connection->row.started_at = model_wall(model, event->header->time);
}

/* Until somebody accepts it, an incoming connection is its listener's. */
static void set_listener(struct model *model, struct connection *connection)
{
    const struct listener *listener =
        listener_for(model, &connection->tuple, connection->row.net_ns, connection->row.process_id);

    if (!listener)
        return;
    connection->row.listener_id = listener->row.id;
    if (connection->row.process_id == INTEGER_NULL)
        connection->row.process_id = listener->row.process_id;
}

void connection_established(struct model *model, const struct event *event)
{
    const struct event_tcp *tcp = event->tcp;
    struct connection *connection = connection_find(model, tcp->cookie);
    bool incoming = tcp->old_state == TCP_SYN_RECV;
    int64_t at = model_wall(model, event->header->time);

    if (!connection || connection->ended)
        connection = connection_from(model, event, incoming ? "in" : "out", "event");
    if (!connection)
        return;
    set_tuple(model, connection, tcp);
    connection->seen = event->header->time;
    set_open(connection);
    connection->row.established_at = at;
    if (connection->row.started_at == INTEGER_NULL)
        connection->row.started_at = at;
    connection->local_sequence = tcp->local_sequence;
    connection->remote_sequence = tcp->remote_sequence;
    connection->handshake = true;
    if (connection_is_incoming(connection))
        set_listener(model, connection);
    peer_join(model, connection);
    connection_touch(model, connection);
}

/* The other end learns who took its connection. */
static void tell_peer(struct model *model, const struct connection *connection)
{
    struct connection *peer = connection->peer;

    if (!peer || peer->row.peer_process_id == connection->row.process_id)
        return;
    peer->row.peer_process_id = connection->row.process_id;
    connection_touch(model, peer);
}

void connection_set_process(struct model *model, struct connection *connection,
                            const struct process *process)
{
    if (connection->row.process_id == process->row.id)
        return;
    connection->row.process_id = process->row.id;
    tell_peer(model, connection);
    connection_touch(model, connection);
    if (!connection->edge.id || connection->edge.dst == process->row.id)
        return;
    leads_in_no_more(model, connection);
    connection->edge.dst = process->row.id;
    connection_leads_in(model, connection);
    connection_edge_changed(model, connection);
}

/* Whoever forks now does so for this one, if it serves each in a process of its own. */
static void note_accepted(struct model *model, const struct connection *connection)
{
    struct process *process = process_by_id(model, connection->row.process_id);

    if (process && connection->row.inode != INTEGER_NULL)
        process->accepted = (uint64_t)connection->row.inode;
}

void connection_accept(struct model *model, const struct event *event)
{
    struct connection *connection = connection_find(model, event->tcp->cookie);

    if (!connection) {
        connection = connection_from(model, event, "in", "event");
        if (!connection)
            return;
        set_open(connection);
        peer_join(model, connection);
    }
    reopen(model, connection);
    connection->seen = event->header->time;
    connection->accepted = true;
    connection_set_inode(model, connection, event->tcp->inode);
    set_owner(model, connection, event->header);
    note_accepted(model, connection);
    set_listener(model, connection);
    tell_peer(model, connection);
    peer_edge(model, connection);
    connection_touch(model, connection);
}

/* A connection that was established before the recorder came and accepted afterwards: accept()
 * could not tell the cookie, which the socket got only now. */
static struct connection *take_nameless(struct model *model, const struct event_tcp *tcp)
{
    struct tuple tuple = tuple_of(tcp);
    struct connection *connection = peer_nameless(model, &tuple, tcp->net_ns);

    if (!connection)
        return NULL;
    connection->cookie = tcp->cookie;
    connection->row.cookie = (int64_t)tcp->cookie;
    connection_touch(model, connection);
    if (index_put(&model->connections, cookie_key(tcp->cookie), connection) < 0)
        model->unkept++;
    return connection;
}

void connection_close(struct model *model, const struct event *event)
{
    const struct event_tcp *tcp = event->tcp;
    struct connection *connection = connection_find(model, tcp->cookie);

    if (!connection)
        connection = take_nameless(model, tcp);
    if (!connection || (connection->ended && !connection->presumed))
        return;
    set_tuple(model, connection, tcp);
    connection->row.bytes_sent = (int64_t)tcp->bytes_sent;
    connection->row.bytes_received = (int64_t)tcp->bytes_received;
    connection->presumed = false;
    connection_end(model, connection, event->header->time, event->header->time, tcp->error);
}

static bool same_destination(const struct connection *connection, const struct event_tcp *tcp)
{
    struct tuple tuple = tuple_of(tcp);

    return connection->tuple.remote_port == tuple.remote_port &&
           memcmp(connection->tuple.remote, tuple.remote, sizeof(tuple.remote)) == 0;
}

/* connect() returned an error. Where the socket went through SYN_SENT its close has told already,
 * but perhaps not why; where there was no route, this is the only trace of the attempt. */
void connection_connect_failed(struct model *model, const struct event *event)
{
    const struct event_tcp *tcp = event->tcp;
    struct connection *connection = connection_find(model, tcp->cookie);

    if (connection && !connection->ended)
        return;
    if (connection && connection->row.established_at == INTEGER_NULL && !connection->reported &&
        same_destination(connection, tcp)) {
        connection->reported = true;
        if (connection->error)
            return;
        connection->state = outcome(connection, tcp->error);
        shared_set(&connection->error, image_error(tcp->error));
        connection_touch(model, connection);
        return;
    }
    connection = connection_from(model, event, "out", "event");
    if (!connection)
        return;
    connection->reported = true;
    connection->row.started_at = model_wall(model, event->header->time);
    connection_end(model, connection, event->header->time, event->header->time, tcp->error);
}

/* ---- scan and restart ---- */

/* A scan has found a connection that is known. */
static void connection_seen(struct model *model, struct connection *connection,
                            const struct event *event)
{
    connection->seen = event->header->time;
    reopen(model, connection);
    if (connection->ended)
        return;
    connection_set_inode(model, connection, event->tcp->inode);
    connection->accepted = true; /* somebody holds it */
    if (event->tcp->new_state == TCP_SYN_SENT)
        return;
    if (!connection->established) {
        set_tuple(model, connection, event->tcp);
        connection_touch(model, connection);
    }
    set_open(connection);
    connection_feeds(model, connection);
    if (!connection->indexed)
        peer_join(model, connection);
}

void connection_snapshot(struct model *model, const struct event *event)
{
    const struct event_tcp *tcp = event->tcp;
    struct connection *connection = connection_find(model, tcp->cookie);

    if (!connection)
        connection = take_nameless(model, tcp);
    if (connection) {
        connection_seen(model, connection, event);
        return;
    }
    connection = connection_from(model, event, NULL, "scan");
    if (!connection)
        return;
    connection->accepted = true; /* somebody holds it */
    connection->row.bytes_sent = (int64_t)tcp->bytes_sent;
    connection->row.bytes_received = (int64_t)tcp->bytes_received;
    if (tcp->new_state == TCP_SYN_SENT)
        return;
    set_open(connection);
    connection_feeds(model, connection);
    peer_join(model, connection);
}

static bool is_udp(struct text protocol)
{
    static const char *const udp[] = {"udp", NULL};

    return model_one_of(protocol, udp);
}

void connection_adopt(struct model *model, const struct row_connection *row)
{
    static const char *const directions[] = {"out", "in", NULL};
    static const char *const states[] = {"connecting", "open", NULL};
    int64_t next = model->next_id[ROW_CONNECTION];
    struct connection *connection;
    struct tuple *tuple;

    if (!model_one_of(row->state, states))
        return;
    connection = connection_new(model, row->cookie == INTEGER_NULL ? 0 : (uint64_t)row->cookie,
                                model_origin(row->origin));
    if (!connection)
        return;
    model->next_id[ROW_CONNECTION] = next;
    connection->row = *row;
    trace_adopt_connection(model, connection);
    connection->name = shared_new(row->remote_name);
    connection->direction = model_one_of(row->direction, directions);
    connection->state = model_one_of(row->state, states);
    connection->established = strcmp(connection->state, "open") == 0;
    tuple = &connection->tuple;
    address_parse(row->local_address, &tuple->family, tuple->local);
    address_parse(row->remote_address, &tuple->family, tuple->remote);
    tuple->local_port = (uint16_t)row->local_port;
    tuple->remote_port = (uint16_t)row->remote_port;
    connection_feeds(model, connection);
    connection->dirty = false;
    TAILQ_REMOVE(&model->changed_connections, connection, changed);
    if (is_udp(row->protocol)) {
        udp_adopt(model, connection);
        return;
    }
    if (!connection->cookie) /* its socket is found by the addresses alone */
        peer_join(model, connection);
}

/* Its evidence is the client's end, and it is kept by the server's. Where that is not alive nobody
 * will tell of its end: it is over. */
void connection_adopt_edge(struct model *model, const struct row_edge *row)
{
    struct row_edge over = *row;
    struct connection *connection;

    TAILQ_FOREACH(connection, &model->open_connections, open)
    {
        if (connection->row.peer_id != row->connection_id || !connection_is_incoming(connection))
            continue;
        connection->edge = *row;
        connection->edge.kind = model_constant("connect");
        connection->edge.detail = TEXT_NULL;
        connection_leads_in(model, connection);
        return;
    }
    over.open = 0;
    model_put(model, ROW_EDGE, &over);
}

/* Which way a connection found by a scan went: in, where something listens on its local port. */
static void settle_direction(struct model *model, struct connection *connection)
{
    const struct listener *listener;

    if (connection->direction || connection->flow.socket)
        return;
    listener =
        listener_for(model, &connection->tuple, connection->row.net_ns, connection->row.process_id);
    connection->direction = listener ? "in" : "out";
    connection->row.listener_id = listener ? listener->row.id : INTEGER_NULL;
    connection_touch(model, connection);
    if (listener)
        peer_edge(model, connection);
}

/* Whether it may still wait in the queue of an open listener. */
static bool is_queued(const struct model *model, const struct connection *connection)
{
    return connection_is_incoming(connection) && !connection->accepted &&
           listener_for(model, &connection->tuple, connection->row.net_ns, INTEGER_NULL);
}

void connection_reconcile(struct model *model, uint64_t began)
{
    struct connection *connection, *next;

    TAILQ_FOREACH(connection, &model->open_connections, open)
    settle_direction(model, connection);
    for (connection = TAILQ_FIRST(&model->open_connections); connection; connection = next) {
        next = TAILQ_NEXT(connection, open);
        /* One in a listener's queue is nobody's yet: no scan sees it. */
        if (connection->flow.socket || connection->seen >= began || is_queued(model, connection))
            continue;
        connection->presumed = true;
        connection_end(model, connection, began, began, 0);
    }
}

/* ---- who else holds it ---- */

void connection_hold(struct model *model, const struct connection *connection,
                     const struct process *process, uint64_t time, const char *how, int64_t edge_id)
{
    struct row_holder row = {
        .id = model_id(model, ROW_HOLDER),
        .connection_id = connection->row.id,
        .process_id = process->row.id,
        .at = model_wall(model, time),
        .how = model_constant(how),
        .edge_id = edge_id ? edge_id : INTEGER_NULL,
    };

    model_put(model, ROW_HOLDER, &row);
}

void connection_inherit(struct model *model, struct process *process, const struct event *event)
{
    for (int i = 0; i < 3; i++) {
        const struct event_fd *stream = &event->exec->image.stdio[i];
        const struct connection *connection = connection_of_socket(model, stream->inode);

        if (!S_ISSOCK(stream->mode) || !connection ||
            connection->row.process_id == process->row.id || process->holds == connection->row.id)
            continue;
        process->holds = connection->row.id;
        process->holds_socket = stream->inode;
        connection_hold(model, connection, process, event->header->time, "stdio", 0);
    }
}

/* ---- rows ---- */

static void connection_put(struct model *model, const struct connection *connection)
{
    const struct tuple *tuple = &connection->tuple;
    struct row_connection row = connection->row;
    char local[ADDRESS_SIZE], remote[ADDRESS_SIZE];

    row.protocol = model_constant(connection->flow.socket ? "udp" : "tcp");
    row.direction = model_constant(connection->direction);
    row.state = model_constant(connection->state);
    row.origin = model_constant(connection->origin);
    row.error = shared_text(connection->error);
    row.remote_name = shared_text(connection->name);
    row.local_address = row.remote_address = TEXT_NULL;
    if (!address_is_any(tuple->local))
        row.local_address = address_text(tuple->family, tuple->local, local);
    if (!address_is_any(tuple->remote))
        row.remote_address = address_text(tuple->family, tuple->remote, remote);
    row.local_port = tuple->local_port ? tuple->local_port : INTEGER_NULL;
    row.remote_port = tuple->remote_port ? tuple->remote_port : INTEGER_NULL;
    model_put(model, ROW_CONNECTION, &row);
}

void connection_flush(struct model *model)
{
    struct connection *connection;

    while ((connection = TAILQ_FIRST(&model->changed_connections))) {
        TAILQ_REMOVE(&model->changed_connections, connection, changed);
        connection->dirty = false;
        connection_put(model, connection);
        if (connection->edge_dirty)
            model_put(model, ROW_EDGE, &connection->edge);
        connection->edge_dirty = false;
    }
}

void connection_forget(struct model *model, uint64_t before)
{
    struct connection *connection;

    while ((connection = TAILQ_FIRST(&model->closed_connections)) && connection->ended < before) {
        TAILQ_REMOVE(&model->closed_connections, connection, open);
        connection_free(model, connection);
    }
}

void connection_free_all(struct model *model)
{
    struct connection *connection;

    connection_forget(model, UINT64_MAX);
    while ((connection = TAILQ_FIRST(&model->open_connections))) {
        TAILQ_REMOVE(&model->open_connections, connection, open);
        connection_free(model, connection);
    }
    index_free(&model->connections);
    index_free(&model->sockets);
    index_free(&model->tuples);
    index_free(&model->handshakes);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The two ends of one connection find each other.
 *
 * In one network namespace the reversed tuple is exact. Between namespaces the same tuple may exist
 * several times over, and address translation changes it: there the sequence numbers of the
 * handshake tell, for what one end sent first is what the other received first. Where a scan found
 * the connection the handshake is long past, and a reversed tuple that fits only one other is
 * taken.
 */
#include <string.h>

#include "model_private.h"

static struct key handshake_key(uint32_t first, uint32_t second)
{
    return (struct key){(uint64_t)first << 32 | second, 1};
}

static struct key tuple_key(const struct tuple *tuple)
{
    uint64_t ports = (uint64_t)tuple->local_port << 32 | tuple->remote_port;
    uint64_t hash = hash_bytes(HASH_START, tuple->local, sizeof(tuple->local));

    return (struct key){hash_bytes(hash, tuple->remote, sizeof(tuple->remote)), ports};
}

static struct tuple reversed(const struct tuple *tuple)
{
    struct tuple other = {
        .family = tuple->family,
        .local_port = tuple->remote_port,
        .remote_port = tuple->local_port,
    };

    memcpy(other.local, tuple->remote, sizeof(other.local));
    memcpy(other.remote, tuple->local, sizeof(other.remote));
    return other;
}

static bool same_tuple(const struct tuple *one, const struct tuple *other)
{
    return one->family == other->family && one->local_port == other->local_port &&
           one->remote_port == other->remote_port &&
           memcmp(one->local, other->local, sizeof(one->local)) == 0 &&
           memcmp(one->remote, other->remote, sizeof(one->remote)) == 0;
}

/* Whether a reversed tuple in another namespace may stand for the other end by itself. */
static bool may_guess(const struct connection *one, const struct connection *other)
{
    return !(one->handshake && other->handshake) &&
           !address_is_loopback(one->tuple.family, one->tuple.remote) &&
           other->row.peer_id == INTEGER_NULL;
}

/* One that has found its other end by the handshake is not that of a later user of its tuple: its
 * own close was lost. */
static bool is_free(const struct connection *one, const struct connection *other)
{
    return !other->peer || other->peer == one || !(one->handshake && other->handshake);
}

static struct connection *find_by_tuple(const struct model *model,
                                        const struct connection *connection)
{
    struct tuple wanted = reversed(&connection->tuple);
    struct connection *other, *guess = NULL;
    int guesses = 0;

    for (other = index_get(&model->tuples, tuple_key(&wanted)); other;
         other = other->next_same_tuple) {
        if (!same_tuple(&other->tuple, &wanted) || !other->flow.socket != !connection->flow.socket)
            continue;
        if (other->row.net_ns == connection->row.net_ns && is_free(connection, other))
            return other;
        if (may_guess(connection, other)) {
            guess = other;
            guesses++;
        }
    }
    return guesses == 1 ? guess : NULL;
}

static struct connection *find_peer(const struct model *model, const struct connection *connection)
{
    struct connection *other = NULL;

    if (connection->handshake)
        other = index_get(&model->handshakes,
                          handshake_key(connection->remote_sequence, connection->local_sequence));
    return other ? other : find_by_tuple(model, connection);
}

struct connection *peer_nameless(const struct model *model, const struct tuple *tuple,
                                 int64_t net_ns)
{
    struct connection *other;

    for (other = index_get(&model->tuples, tuple_key(tuple)); other; other = other->next_same_tuple)
        if (!other->cookie && other->row.net_ns == net_ns && same_tuple(&other->tuple, tuple))
            return other;
    return NULL;
}

static void peer_enter(struct model *model, struct connection *connection)
{
    struct key key = tuple_key(&connection->tuple);
    struct key handshake = handshake_key(connection->local_sequence, connection->remote_sequence);

    connection->next_same_tuple = index_get(&model->tuples, key);
    if (index_put(&model->tuples, key, connection) < 0 ||
        (connection->handshake && index_put(&model->handshakes, handshake, connection) < 0))
        model->unkept++;
    connection->indexed = true;
}

static void part(struct connection *connection)
{
    if (connection->peer && connection->peer->peer == connection)
        connection->peer->peer = NULL;
    connection->peer = NULL;
}

static void join(struct model *model, struct connection *one, struct connection *other)
{
    if (one->peer != other)
        part(one);
    one->row.peer_id = other->row.id;
    one->row.peer_process_id = other->row.process_id;
    one->peer = other;
    connection_touch(model, one);
}

void peer_join(struct model *model, struct connection *connection)
{
    struct connection *other;

    if (!connection->indexed)
        peer_enter(model, connection);
    other = find_peer(model, connection);
    if (!other)
        return;
    join(model, connection, other);
    join(model, other, connection);
    peer_edge(model, connection);
    peer_edge(model, other);
}

static void leave_chain(struct model *model, struct connection *connection)
{
    struct key key = tuple_key(&connection->tuple);
    struct connection *first = index_get(&model->tuples, key), *other;

    if (first == connection) {
        if (connection->next_same_tuple)
            index_put(&model->tuples, key, connection->next_same_tuple);
        else
            index_remove(&model->tuples, key);
        return;
    }
    for (other = first; other; other = other->next_same_tuple)
        if (other->next_same_tuple == connection)
            other->next_same_tuple = connection->next_same_tuple;
}

void peer_leave(struct model *model, struct connection *connection)
{
    struct key handshake = handshake_key(connection->local_sequence, connection->remote_sequence);

    if (!connection->indexed)
        return;
    /* By the keys under which it entered: nothing may change them before this. */
    leave_chain(model, connection);
    if (connection->handshake && index_get(&model->handshakes, handshake) == connection)
        index_remove(&model->handshakes, handshake);
    connection->indexed = false;
}

/* A process that talks to itself influences nobody else. */
void peer_edge(struct model *model, struct connection *server)
{
    int64_t client = server->row.peer_process_id;
    int64_t established = server->row.established_at;
    int64_t at = established == INTEGER_NULL ? server->row.started_at : established;

    if (server->edge.id || !server->accepted || !connection_is_incoming(server) ||
        client == INTEGER_NULL || server->row.process_id == INTEGER_NULL ||
        client == server->row.process_id)
        return;
    server->edge = edge_new(model, "connect", client, server->row.process_id,
                            at == INTEGER_NULL ? model_wall(model, server->seen) : at);
    server->edge.connection_id = server->row.peer_id;
    server->edge.open = !server->ended;
    if (server->ended)
        server->edge.last_at = server->row.ended_at;
    connection_leads_in(model, server);
    connection_edge_changed(model, server);
}

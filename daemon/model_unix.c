/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "model_private.h"

/* Sockets and ways kept in mind; beyond that the oldest is forgotten. */
#define SOCKETS_MAX 16384
#define WAYS_MAX    16384

/* The longest name (sun_path), and a trailing NUL that is no part of it. */
#define NAME_MAX_LENGTH 109

/* A socket that others may come to hold: one that was accepted, or a datagram socket. */
struct unix_socket {
    uint64_t inode;
    uint64_t peer_inode; /* datagram: whom it is connected to; 0: nobody */
    int64_t client;      /* accepted: the process at the other end; INTEGER_NULL: none is known */
    int64_t holder;      /* who last came to hold it */
    struct shared *name; /* the server's, as the column shows it */
    bool waits;          /* a datagram socket whose peer's holder is not known yet */
    TAILQ_ENTRY(unix_socket) known;
};
TAILQ_HEAD(unix_socket_list, unix_socket);

/* One process is connected to another by that name, once or more often. No event tells of the end
 * of a connection: the way stays open until either process has ended. */
struct unix_way {
    struct row_edge edge; /* detail is in `name` */
    struct shared *name;
    struct key key;
    bool dirty;
    TAILQ_ENTRY(unix_way) open;
    TAILQ_ENTRY(unix_way) changed;
    LIST_ENTRY(unix_way) from; /* those of its client */
    LIST_ENTRY(unix_way) into; /* those of its server */
};
TAILQ_HEAD(unix_way_list, unix_way);
LIST_HEAD(unix_ways, unix_way);

/* The open ways of a process. */
struct unix_user {
    struct unix_ways from;
    struct unix_ways into;
};

struct unix_state {
    struct index sockets; /* inode -> struct unix_socket */
    struct unix_socket_list known;
    struct index ways;  /* hash of client, server and name -> struct unix_way */
    struct index users; /* id of a process -> struct unix_user */
    struct unix_way_list open;
    struct unix_way_list changed;
};

static struct unix_state *state_of(struct model *model)
{
    struct unix_state *state = model->unix_sockets;

    if (state)
        return state;
    state = calloc(1, sizeof(*state));
    if (!state) {
        model->unkept++;
        return NULL;
    }
    TAILQ_INIT(&state->known);
    TAILQ_INIT(&state->open);
    TAILQ_INIT(&state->changed);
    model->unix_sockets = state;
    return state;
}

static struct key number_key(uint64_t number)
{
    return (struct key){number, 0};
}

/* ---- sockets ---- */

static void socket_drop(struct unix_state *state, struct unix_socket *socket)
{
    TAILQ_REMOVE(&state->known, socket, known);
    index_remove(&state->sockets, number_key(socket->inode));
    shared_drop(socket->name);
    free(socket);
}

static struct unix_socket *socket_known(const struct model *model, uint64_t inode)
{
    const struct unix_state *state = model->unix_sockets;

    return state && inode ? index_get(&state->sockets, number_key(inode)) : NULL;
}

/* What is known of the socket, made where nothing is; NULL: it has no inode, or no memory. */
static struct unix_socket *socket_of(struct model *model, uint64_t inode)
{
    struct unix_state *state = state_of(model);
    struct unix_socket *socket = socket_known(model, inode);

    if (socket || !inode || !state)
        return socket;
    socket = calloc(1, sizeof(*socket));
    if (!socket || index_put(&state->sockets, number_key(inode), socket) < 0) {
        free(socket);
        model->unkept++;
        return NULL;
    }
    socket->inode = inode;
    socket->client = INTEGER_NULL;
    socket->holder = INTEGER_NULL;
    TAILQ_INSERT_TAIL(&state->known, socket, known);
    if (state->sockets.count > SOCKETS_MAX)
        socket_drop(state, TAILQ_FIRST(&state->known));
    return socket;
}

/* A socket's name as ss shows it: an abstract one, whose first byte is NUL, begins with `@`. */
static struct shared *name_of(const struct event *event)
{
    struct text given = event_text(event, event->unix_socket->path);
    char name[NAME_MAX_LENGTH];

    if (!given.length || given.data[0]) {
        given.length = given.data ? strnlen(given.data, given.length) : 0;
        return shared_new(given);
    }
    if (given.length > sizeof(name))
        given.length = sizeof(name);
    memcpy(name, given.data, given.length);
    name[0] = '@';
    return shared_new((struct text){name, given.length});
}

/* ---- ways ---- */

static struct key way_key(int64_t client, int64_t server, const struct shared *name)
{
    struct text text = shared_text(name);
    uint64_t hash = hash_bytes(HASH_START, &client, sizeof(client));

    if (text.data)
        hash = hash_bytes(hash, text.data, text.length);
    return (struct key){hash, (uint64_t)server};
}

static bool is_same(const struct unix_way *way, int64_t client, int64_t server,
                    const struct shared *name)
{
    struct text one = shared_text(way->name), other = shared_text(name);

    return way->edge.src == client && way->edge.dst == server && one.length == other.length &&
           (!one.length || memcmp(one.data, other.data, one.length) == 0);
}

static void way_touch(struct unix_state *state, struct unix_way *way)
{
    if (way->dirty)
        return;
    way->dirty = true;
    TAILQ_INSERT_TAIL(&state->changed, way, changed);
}

static void way_put(struct model *model, struct unix_way *way)
{
    TAILQ_REMOVE(&model->unix_sockets->changed, way, changed);
    way->dirty = false;
    way->edge.detail = shared_text(way->name);
    model_put(model, ROW_EDGE, &way->edge);
}

static struct unix_user *user_of(struct model *model, int64_t process_id)
{
    struct index *users = &model->unix_sockets->users;
    struct unix_user *user = index_get(users, number_key((uint64_t)process_id));

    if (user)
        return user;
    user = calloc(1, sizeof(*user));
    if (!user || index_put(users, number_key((uint64_t)process_id), user) < 0) {
        free(user);
        model->unkept++;
        return NULL;
    }
    return user;
}

/* Forgets what is known of a process without ways. */
static void user_leave(struct unix_state *state, int64_t process_id)
{
    struct key key = number_key((uint64_t)process_id);
    const struct unix_user *user = index_get(&state->users, key);

    if (user && LIST_EMPTY(&user->from) && LIST_EMPTY(&user->into))
        free(index_remove(&state->users, key));
}

static void way_free(struct unix_state *state, struct unix_way *way)
{
    if (index_get(&state->ways, way->key) == way)
        index_remove(&state->ways, way->key);
    TAILQ_REMOVE(&state->open, way, open);
    LIST_REMOVE(way, from);
    LIST_REMOVE(way, into);
    user_leave(state, way->edge.src);
    user_leave(state, way->edge.dst);
    shared_drop(way->name);
    free(way);
}

/* It led from the client to the server until then (boot clock). */
static void way_close(struct model *model, struct unix_way *way, uint64_t time)
{
    struct process *client = process_by_id(model, way->edge.src);
    struct process *server = process_by_id(model, way->edge.dst);
    int64_t until = model_wall(model, time);

    if (way->edge.last_at < until)
        way->edge.last_at = until;
    way->edge.open = 0;
    trace_edge(model, &way->edge, false);
    way_touch(model->unix_sockets, way);
    way_put(model, way);
    edge_acted(client, server, until);
    if (client)
        client->ways_out--;
    if (server)
        server->ways_in--;
    way_free(model->unix_sockets, way);
}

/* Its edge stays the caller's to make. NULL: out of memory. */
static struct unix_way *way_new(struct model *model, struct process *client, struct process *server,
                                struct key key, struct shared *name)
{
    struct unix_state *state = model->unix_sockets;
    struct unix_way *way = calloc(1, sizeof(*way));
    struct unix_user *from, *into;

    from = user_of(model, client->row.id);
    into = user_of(model, server->row.id);
    if (!from || !into || !way || index_put(&state->ways, key, way) < 0) {
        user_leave(state, client->row.id);
        user_leave(state, server->row.id);
        free(way);
        model->unkept++;
        return NULL;
    }
    way->key = key;
    way->name = shared_hold(name);
    LIST_INSERT_HEAD(&from->from, way, from);
    LIST_INSERT_HEAD(&into->into, way, into);
    TAILQ_INSERT_TAIL(&state->open, way, open);
    client->ways_out++;
    server->ways_in++;
    return way;
}

static void way_open(struct model *model, struct process *client, struct process *server,
                     uint64_t time, struct key key, struct shared *name)
{
    struct unix_state *state = model->unix_sockets;
    struct unix_way *way, *earlier = index_get(&state->ways, key);

    if (earlier) /* of others, whose hash is the same */
        way_close(model, earlier, time);
    way = way_new(model, client, server, key, name);
    if (!way)
        return;
    way->edge = edge_new(model, "unix", client->row.id, server->row.id, model_wall(model, time));
    way->edge.open = 1;
    edge_acted(client, server, way->edge.at);
    way_touch(state, way);
    if (state->ways.count > WAYS_MAX)
        way_close(model, TAILQ_FIRST(&state->open), time);
}

/* The way is taken up again, with the same edge. */
static bool way_adopt(struct model *model, const struct row_edge *row)
{
    struct process *client = process_by_id(model, row->src);
    struct process *server = process_by_id(model, row->dst);
    struct unix_way *way = NULL;
    struct shared *name;
    struct key key;

    if (!client || !server || !state_of(model))
        return false;
    name = shared_new(row->detail);
    key = way_key(client->row.id, server->row.id, name);
    if (!index_get(&model->unix_sockets->ways, key))
        way = way_new(model, client, server, key, name);
    shared_drop(name);
    if (!way)
        return false;
    way->edge = *row;
    way->edge.kind = model_constant("unix");
    edge_acted(client, server, row->last_at);
    return true;
}

void unix_adopt(struct model *model, const struct row_edge *row)
{
    struct row_edge over = *row;

    if (way_adopt(model, row))
        return;
    over.open = 0;
    model_put(model, ROW_EDGE, &over);
}

/* The client reaches the server through a socket of that name. again: it is one more connection,
 * else another look at one that may be known. */
static void reach(struct model *model, int64_t client_id, struct process *server, uint64_t time,
                  struct shared *name, bool again)
{
    struct process *client = process_by_id(model, client_id);
    struct unix_way *way;
    struct key key;

    if (!client || !server || client == server || !state_of(model))
        return;
    key = way_key(client->row.id, server->row.id, name);
    way = index_get(&model->unix_sockets->ways, key);
    if (way && is_same(way, client->row.id, server->row.id, name)) {
        way->edge.count += again;
        if (again)
            way_touch(model->unix_sockets, way);
    } else if (client->ended || server->ended) {
        edge_act(model, "unix", client, server, time, time,
                 &(struct evidence){INTEGER_NULL, INTEGER_NULL, shared_text(name)});
    } else {
        way_open(model, client, server, time, key, name);
    }
}

void unix_process_ended(struct model *model, const struct process *process)
{
    struct unix_state *state = model->unix_sockets;
    struct key key = number_key((uint64_t)process->row.id);
    struct unix_user *user;

    while (state && (user = index_get(&state->users, key)))
        way_close(model,
                  LIST_EMPTY(&user->from) ? LIST_FIRST(&user->into) : LIST_FIRST(&user->from),
                  process->ended);
}

/* ---- events ---- */

/* The process that connected an accepted socket. It may have ended before it was accepted, and been
 * reaped: then only its number is left. */
static struct process *client_of(const struct model *model, const struct event_unix *record)
{
    struct process *process = process_known(model, record->peer_pid, record->peer_start);

    if (process || record->peer_start || !record->peer_pid)
        return process;
    TAILQ_FOREACH_REVERSE(process, &model->dead_processes, process_list, alive)
    if (process->pid == record->peer_pid)
        return process;
    return NULL;
}

/* A process holds the end of a connection that was accepted. */
static void take_accepted(struct model *model, const struct event *event, bool again)
{
    const struct event_unix *record = event->unix_socket;
    struct unix_socket *socket = socket_of(model, record->inode);
    struct process *server = process_of(model, event->header);
    const struct process *client = client_of(model, record);

    if (!socket || !server)
        return;
    socket->client = client ? client->row.id : INTEGER_NULL;
    socket->holder = server->row.id;
    shared_set(&socket->name, name_of(event));
    reach(model, socket->client, server, event->header->time, socket->name, again);
}

/* Whoever holds a datagram socket is whom those act upon that are connected to it. Of several that
 * a scan finds it is the one that started last: sockets are handed down. */
static void take_datagram(struct model *model, const struct event *event)
{
    struct unix_socket *socket = socket_of(model, event->unix_socket->inode);
    const struct process *process = process_of(model, event->header), *earlier;

    if (!socket || !process)
        return;
    earlier = process_by_id(model, socket->holder);
    if (!earlier || earlier->ended || earlier->start < process->start)
        socket->holder = process->row.id;
    shared_set(&socket->name, name_of(event));
}

static void connect_datagram(struct model *model, const struct event *event, bool again)
{
    const struct event_unix *record = event->unix_socket;
    struct unix_socket *socket = socket_of(model, record->inode);
    const struct unix_socket *peer = socket_known(model, record->peer_inode);
    const struct process *client = process_of(model, event->header);
    struct process *server = peer ? process_by_id(model, peer->holder) : NULL;

    if (!socket || !client)
        return;
    socket->client = client->row.id;
    socket->peer_inode = record->peer_inode;
    socket->waits = !server;
    shared_set(&socket->name, name_of(event));
    reach(model, client->row.id, server, event->header->time, socket->name, again);
}

void unix_accept(struct model *model, const struct event *event)
{
    take_accepted(model, event, true);
}

void unix_connect(struct model *model, const struct event *event)
{
    connect_datagram(model, event, true);
}

void unix_bind(struct model *model, const struct event *event)
{
    take_datagram(model, event);
}

void unix_snapshot(struct model *model, const struct event *event)
{
    const struct event_unix *record = event->unix_socket;

    if (record->type != SOCK_DGRAM)
        take_accepted(model, event, false);
    else if (record->flags & EVENT_UNIX_SERVER)
        take_datagram(model, event);
    else
        connect_datagram(model, event, false);
}

void unix_reconcile(struct model *model)
{
    struct unix_state *state = model->unix_sockets;
    struct unix_socket *socket;

    if (!state)
        return;
    TAILQ_FOREACH(socket, &state->known, known)
    {
        const struct unix_socket *peer = socket_known(model, socket->peer_inode);
        struct process *server = peer ? process_by_id(model, peer->holder) : NULL;
        if (!socket->waits || !server)
            continue;
        socket->waits = false;
        reach(model, socket->client, server, model->now, socket->name, false);
    }
}

void unix_hold(struct model *model, struct process *process, uint64_t inode, uint64_t time)
{
    struct unix_socket *socket = socket_known(model, inode);

    if (!socket || socket->peer_inode) /* a client's end says nothing of who serves it */
        return;
    socket->holder = process->row.id;
    reach(model, socket->client, process, time, socket->name, false);
}

void unix_inherit(struct model *model, struct process *process, const struct event *event)
{
    for (int i = 0; i < 3; i++) {
        const struct event_fd *stream = &event->exec->image.stdio[i];
        if (S_ISSOCK(stream->mode))
            unix_hold(model, process, stream->inode, event->header->time);
    }
}

/* ---- rows ---- */

void unix_flush(struct model *model)
{
    struct unix_state *state = model->unix_sockets;

    while (state && !TAILQ_EMPTY(&state->changed))
        way_put(model, TAILQ_FIRST(&state->changed));
}

void unix_free_all(struct model *model)
{
    struct unix_state *state = model->unix_sockets;

    if (!state)
        return;
    unix_flush(model);
    while (!TAILQ_EMPTY(&state->open))
        way_free(state, TAILQ_FIRST(&state->open));
    while (!TAILQ_EMPTY(&state->known))
        socket_drop(state, TAILQ_FIRST(&state->known));
    index_free(&state->sockets);
    index_free(&state->ways);
    index_free(&state->users);
    free(state);
    model->unix_sockets = NULL;
}

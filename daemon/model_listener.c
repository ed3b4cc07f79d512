/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "model_private.h"

static struct key cookie_key(uint64_t cookie)
{
    return (struct key){cookie, 0};
}

static void listener_touch(struct model *model, struct listener *listener)
{
    if (listener->dirty)
        return;
    listener->dirty = true;
    TAILQ_INSERT_TAIL(&model->changed_listeners, listener, changed);
}

/* A socket that waits for others, as an event of TCP or UDP tells. */
struct listening {
    uint64_t cookie;
    uint32_t net_ns;
    uint16_t family;
    uint16_t port;
    const uint8_t *address;
    bool udp;
};

static bool event_is_udp(const struct event *event)
{
    return event->header->kind == EVENT_UDP_BIND || event->header->kind == EVENT_UDP_SOCKET;
}

static struct listening listening_of(const struct event *event)
{
    const struct event_tcp *tcp = event->tcp;
    const struct event_udp *udp = event->udp;

    if (event_is_udp(event))
        return (struct listening){udp->cookie,     udp->net_ns,        udp->family,
                                  udp->local_port, udp->local_address, true};
    return (struct listening){tcp->cookie,     tcp->net_ns,        tcp->family,
                              tcp->local_port, tcp->local_address, false};
}

static struct listener *listener_new(struct model *model, uint64_t cookie, const char *origin)
{
    struct listener *listener = calloc(1, sizeof(*listener));

    if (!listener || index_put(&model->listeners, cookie_key(cookie), listener) < 0) {
        free(listener);
        model->unkept++;
        return NULL;
    }
    row_clear(ROW_LISTENER, &listener->row);
    listener->cookie = cookie;
    listener->origin = origin;
    listener->row.id = model_id(model, ROW_LISTENER);
    listener->row.cookie = (int64_t)cookie;
    listener->row.host_id = model->host_id;
    TAILQ_INSERT_TAIL(&model->open_listeners, listener, open);
    listener_touch(model, listener);
    return listener;
}

static void set_address(struct listener *listener, struct text address)
{
    listener->address = shared_new(address);
    if (!address_parse(address, &listener->family, listener->bound))
        listener->family = 0;
}

/* A socket that listens once more after shutdown() is a new listener under the same cookie. */
static void listener_supersede(struct model *model, struct listener *listener)
{
    TAILQ_REMOVE(&model->closed_listeners, listener, open);
    index_remove(&model->listeners, cookie_key(listener->cookie));
    if (listener->dirty)
        listener_flush(model);
    shared_drop(listener->address);
    free(listener);
}

/* listen() on a socket that was never bound finds its port only after the state has changed. */
static void listener_refresh(struct model *model, struct listener *listener,
                             const struct event *event)
{
    uint16_t port = listening_of(event).port;

    listener->seen = event->header->time;
    if (listener->row.port == port || !port)
        return;
    listener->row.port = port;
    listener_touch(model, listener);
}

void listener_open(struct model *model, const struct event *event, const char *origin)
{
    struct listening socket = listening_of(event);
    struct listener *listener = index_get(&model->listeners, cookie_key(socket.cookie));
    bool scanned = strcmp(origin, "scan") == 0;
    const struct process *owner;
    char address[ADDRESS_SIZE];

    if (listener && scanned && listener->ended)
        return;
    if (listener && listener->ended) {
        listener_supersede(model, listener);
        listener = NULL;
    }
    if (listener) {
        listener_refresh(model, listener, event);
        return;
    }
    listener = listener_new(model, socket.cookie, origin);
    if (!listener)
        return;
    owner = process_of(model, event->header);
    listener->seen = event->header->time;
    listener->udp = socket.udp;
    set_address(listener, address_text(socket.family, socket.address, address));
    listener->row.process_id = owner ? owner->row.id : INTEGER_NULL;
    listener->row.port = socket.port;
    listener->row.net_ns = socket.net_ns;
    listener->row.started_at = scanned ? INTEGER_NULL : model_wall(model, event->header->time);
}

static void listener_end(struct model *model, struct listener *listener, uint64_t time)
{
    listener->ended = time;
    listener->row.ended_at = model_wall(model, time);
    TAILQ_REMOVE(&model->open_listeners, listener, open);
    TAILQ_INSERT_TAIL(&model->closed_listeners, listener, open);
    listener_touch(model, listener);
}

void listener_close(struct model *model, const struct event *event)
{
    struct listener *listener = index_get(&model->listeners, cookie_key(event->tcp->cookie));

    if (!listener) {
        /* Not known yet: remember that it is gone, in case a scan saw it just before. */
        listener_open(model, event, "inferred");
        listener = index_get(&model->listeners, cookie_key(event->tcp->cookie));
        if (listener)
            listener->row.started_at = INTEGER_NULL;
    }
    if (listener && !listener->ended)
        listener_end(model, listener, event->header->time);
}

void listener_gone(struct model *model, uint64_t cookie, uint64_t time)
{
    struct listener *listener = index_get(&model->listeners, cookie_key(cookie));

    if (listener && listener->udp && !listener->ended)
        listener_end(model, listener, time);
}

const struct listener *listener_of(const struct model *model, uint64_t cookie)
{
    const struct listener *listener = index_get(&model->listeners, cookie_key(cookie));

    return listener && !listener->ended ? listener : NULL;
}

void listener_adopt(struct model *model, const struct row_listener *row)
{
    int64_t next = model->next_id[ROW_LISTENER];
    struct listener *listener;

    if (row->cookie == INTEGER_NULL)
        return;
    listener = listener_new(model, (uint64_t)row->cookie, model_origin(row->origin));
    if (!listener)
        return;
    model->next_id[ROW_LISTENER] = next;
    listener->row = *row;
    listener->udp = model_one_of(row->protocol, (const char *const[]){"udp", NULL});
    set_address(listener, row->address);
    listener->dirty = false;
    TAILQ_REMOVE(&model->changed_listeners, listener, changed);
}

void listener_reconcile(struct model *model, uint64_t began)
{
    struct listener *listener, *next;

    for (listener = TAILQ_FIRST(&model->open_listeners); listener; listener = next) {
        next = TAILQ_NEXT(listener, open);
        if (listener->seen < began)
            listener_end(model, listener, began);
    }
}

/* ---- looking up ---- */

/* A listener of IPv6's any address takes IPv4 in too. */
static bool address_fits(const struct listener *listener, const struct tuple *tuple)
{
    if (!listener->family)
        return false;
    if (address_is_any(listener->bound))
        return true;
    return listener->family == tuple->family &&
           memcmp(listener->bound, tuple->local, sizeof(listener->bound)) == 0;
}

const struct listener *listener_for(const struct model *model, const struct tuple *tuple,
                                    int64_t net_ns, int64_t process_id)
{
    const struct listener *listener, *found = NULL;

    TAILQ_FOREACH(listener, &model->open_listeners, open)
    {
        if (listener->udp || listener->row.port != tuple->local_port ||
            listener->row.net_ns != net_ns || !address_fits(listener, tuple))
            continue;
        if (listener->row.process_id == process_id)
            return listener;
        if (!found)
            found = listener;
    }
    return found;
}

/* ---- rows ---- */

void listener_flush(struct model *model)
{
    struct listener *listener;

    while ((listener = TAILQ_FIRST(&model->changed_listeners))) {
        struct row_listener row = listener->row;
        TAILQ_REMOVE(&model->changed_listeners, listener, changed);
        listener->dirty = false;
        row.protocol = model_constant(listener->udp ? "udp" : "tcp");
        row.address = shared_text(listener->address);
        row.origin = model_constant(listener->origin);
        model_put(model, ROW_LISTENER, &row);
    }
}

static void listener_free(struct model *model, struct listener *listener)
{
    index_remove(&model->listeners, cookie_key(listener->cookie));
    shared_drop(listener->address);
    free(listener);
}

void listener_forget(struct model *model, uint64_t before)
{
    struct listener *listener;

    while ((listener = TAILQ_FIRST(&model->closed_listeners)) && listener->ended < before) {
        TAILQ_REMOVE(&model->closed_listeners, listener, open);
        listener_free(model, listener);
    }
}

void listener_free_all(struct model *model)
{
    struct listener *listener;

    listener_forget(model, UINT64_MAX);
    while ((listener = TAILQ_FIRST(&model->open_listeners))) {
        TAILQ_REMOVE(&model->open_listeners, listener, open);
        listener_free(model, listener);
    }
    index_free(&model->listeners);
}

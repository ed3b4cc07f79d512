/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_private.h"

/* A jump of the wall clock of this much is worth a row; less is clock discipline at work. ns. */
#define CLOCK_STEP_NS 1000000000ll
/* Between two looks at what may be forgotten. ns. */
#define FORGET_STEP_NS 1000000000ull

int64_t model_wall(const struct model *model, uint64_t time)
{
    return (int64_t)time + model->clock;
}

int64_t model_id(struct model *model, enum row_kind kind)
{
    return model->next_id[kind]++;
}

const char *model_one_of(struct text text, const char *const *names)
{
    for (; text.length && *names; names++)
        if (**names == *text.data && strlen(*names) == text.length &&
            memcmp(*names, text.data, text.length) == 0)
            return *names;
    return NULL;
}

const char *model_origin(struct text origin)
{
    static const char *const origins[] = {"event", "scan", "inferred", NULL};
    const char *known = model_one_of(origin, origins);

    return known ? known : "scan";
}

void model_put(struct model *model, enum row_kind kind, const void *columns)
{
    if (!model->batch)
        model->batch = batch_new();
    if (!model->batch || batch_add(model->batch, kind, columns) < 0)
        model->unkept++;
}

void model_lose(struct model *model, const struct row_loss *loss)
{
    struct row_loss row = *loss;

    row.id = model_id(model, ROW_LOSS);
    model_put(model, ROW_LOSS, &row);
}

/* ---- events about the host ---- */

/* Sets what an id stands for; an empty name is remembered as NULL, by forgetting. */
static void set_name(struct model *model, struct index *names, uint64_t id, struct text name)
{
    struct key key = {id, 0};
    struct shared *value = shared_new(name);

    shared_drop(index_remove(names, key));
    if (value && index_put(names, key, value) < 0) {
        shared_drop(value);
        model->unkept++;
    }
}

static void on_user(struct model *model, const struct event *event)
{
    set_name(model, &model->users, event->user->uid,
             event_field(event->user->name, sizeof(event->user->name)));
}

static void on_cgroup(struct model *model, const struct event *event)
{
    set_name(model, &model->cgroups, event->cgroup->cgroup_id,
             event_text(event, event->cgroup->path));
    container_cgroup(model, event_text(event, event->cgroup->path));
}

static void on_clock(struct model *model, const struct event *event)
{
    int64_t step = event->clock->wall_minus_boot - model->clock;
    char detail[96];
    struct row_loss loss = {.class = model_constant("clock"), .stage = model_constant("recorder")};

    loss.started_at = model_wall(model, event->header->time);
    model->clock = event->clock->wall_minus_boot;
    if (llabs(step) < CLOCK_STEP_NS)
        return;
    loss.ended_at = model_wall(model, event->header->time);
    loss.count = INTEGER_NULL;
    snprintf(detail, sizeof(detail), "the wall clock was set %s by %.3f s",
             step > 0 ? "forward" : "back", (double)llabs(step) / 1e9);
    loss.detail = model_constant(detail);
    model_lose(model, &loss);
}

/* The path of a cgroup; NULL text: it is not known, or no cgroup (0) is meant. */
static struct text cgroup_path(const struct model *model, uint64_t id)
{
    return id ? shared_text(index_get(&model->cgroups, (struct key){id, 0})) : TEXT_NULL;
}

static void on_loss(struct model *model, const struct event *event)
{
    struct row_loss loss = {
        .started_at = model_wall(model, event->loss->began),
        .ended_at = model_wall(model, event->header->time),
        .class = model_constant(event_class_name(event->loss->loss_class)),
        .stage = event_text(event, event->loss->stage),
        .count = (int64_t)event->loss->count,
        .detail = event_text(event, event->loss->detail),
        .cgroup = cgroup_path(model, event->loss->cgroup_id),
    };

    model_lose(model, &loss);
}

static void on_scan_done(struct model *model, const struct event *event)
{
    uint64_t began = event->header->start;

    process_reconcile(model, began);
    listener_reconcile(model, began);
    connection_reconcile(model, began);
    udp_reconcile(model, began);
    unix_reconcile(model);
    container_reconcile(model, began);
    trace_reconcile(model);
}

static void on_listen(struct model *model, const struct event *event)
{
    listener_open(model, event, "event");
}

static void on_socket(struct model *model, const struct event *event)
{
    if (event->tcp->new_state == TCP_LISTEN)
        listener_open(model, event, "scan");
    else
        connection_snapshot(model, event);
}

static void on_close(struct model *model, const struct event *event)
{
    if (event->tcp->old_state == TCP_LISTEN)
        listener_close(model, event);
    else
        connection_close(model, event);
}

/* ---- dispatch ---- */

typedef void event_handler(struct model *model, const struct event *event);

static event_handler *const handlers[] = {
    [EVENT_CLOCK] = on_clock,
    [EVENT_USER] = on_user,
    [EVENT_CGROUP] = on_cgroup,
    [EVENT_LOSS] = on_loss,
    [EVENT_SCAN_DONE] = on_scan_done,
    [EVENT_PROCESS] = process_snapshot,
    [EVENT_FORK] = process_fork,
    [EVENT_EXEC] = process_exec,
    [EVENT_EXEC_FAILED] = process_exec_failed,
    [EVENT_EXIT] = process_exit,
    [EVENT_CGROUP_ATTACH] = process_attach,
    [EVENT_TCP_CONNECT] = connection_connect,
    [EVENT_TCP_ESTABLISHED] = connection_established,
    [EVENT_TCP_ACCEPT] = connection_accept,
    [EVENT_TCP_CLOSE] = on_close,
    [EVENT_TCP_LISTEN] = on_listen,
    [EVENT_TCP_CONNECT_FAILED] = connection_connect_failed,
    [EVENT_TCP_SOCKET] = on_socket,
    [EVENT_UDP_FLOW] = udp_flow,
    [EVENT_UDP_CLOSE] = udp_close,
    [EVENT_UDP_BIND] = udp_bind,
    [EVENT_UDP_SOCKET] = udp_snapshot,
    [EVENT_DNS] = dns_packet,
    [EVENT_UNIX_CONNECT] = unix_connect,
    [EVENT_UNIX_ACCEPT] = unix_accept,
    [EVENT_UNIX_BIND] = unix_bind,
    [EVENT_UNIX_SOCKET] = unix_snapshot,
    [EVENT_PIPE_WRITE] = pipe_write,
    [EVENT_PIPE_READ] = pipe_read,
    [EVENT_FILE_WRITE] = file_write,
    [EVENT_FILE_READ] = file_read,
    [EVENT_FILE_LOAD] = file_load,
    [EVENT_FILE_RENAME] = file_rename,
    [EVENT_FILE_LINK] = file_link,
    [EVENT_FILE_CHMOD] = file_chmod,
    [EVENT_FILE_UNLINK] = file_unlink,
    [EVENT_FILE_SYMLINK] = file_symlink,
    [EVENT_PRIVILEGE] = privilege_change,
    [EVENT_PTRACE] = influence_ptrace,
    [EVENT_INJECT] = influence_inject,
    [EVENT_SIGNAL] = influence_signal,
    [EVENT_FD_SEND] = descriptor_send,
    [EVENT_FD_RECEIVE] = descriptor_receive,
    [EVENT_CONTAINER] = container_describe,
};

static void put_changed(struct model *model)
{
    process_flush(model);
    listener_flush(model);
    connection_flush(model);
    dns_flush(model);
    container_flush(model);
    unix_flush(model);
    edge_flush(model);
    trace_flush(model);
}

/* At fixed steps of the events' own time, so that a replay forgets when the live run did. */
static void forget(struct model *model)
{
    uint64_t before = model->now > GRACE_NS ? model->now - GRACE_NS : 0;

    if (model->now < model->forgotten + FORGET_STEP_NS)
        return;
    model->forgotten = model->now;
    put_changed(model);
    process_forget(model, before);
    listener_forget(model, before);
    connection_forget(model, before);
    udp_forget(model, before);
    dns_forget(model);
    descriptor_forget(model, before);
    container_forget(model, before);
}

void model_pass(struct model *model, uint64_t time)
{
    if (time > model->now)
        model->now = time;
    forget(model);
}

void model_apply(struct model *model, const struct event *event)
{
    unsigned kind = event->header->kind;

    if (kind >= sizeof(handlers) / sizeof(handlers[0]) || !handlers[kind])
        return;
    model_pass(model, event->header->time);
    handlers[kind](model, event);
}

void model_adopt(struct model *model, const struct row *row)
{
    if (row->kind == ROW_TRACE)
        trace_adopt(model, row->columns);
    else if (row->kind == ROW_PROCESS)
        process_adopt(model, row->columns);
    else if (row->kind == ROW_LISTENER)
        listener_adopt(model, row->columns);
    else if (row->kind == ROW_CONNECTION)
        connection_adopt(model, row->columns);
    else if (row->kind == ROW_EDGE)
        edge_adopt(model, row->columns);
    else if (row->kind == ROW_CONTAINER)
        container_adopt(model, row->columns);
    else if (row->kind == ROW_TRACE_LINK)
        trace_adopt_link(model, row->columns);
}

/* ---- flush ---- */

static void report_unkept(struct model *model)
{
    struct row_loss loss = {
        .started_at = model_wall(model, model->now),
        .ended_at = model_wall(model, model->now),
        .class = model_constant("lifecycle"),
        .stage = model_constant("queue"),
        .count = (int64_t)model->unkept,
        .detail = model_constant("out of memory"),
    };

    if (!model->unkept)
        return;
    model->unkept = 0;
    model_lose(model, &loss);
}

struct batch *model_flush(struct model *model)
{
    struct batch *batch;

    put_changed(model);
    report_unkept(model);
    batch = model->batch;
    model->batch = NULL;
    return batch;
}

int64_t model_newest(const struct model *model)
{
    return model_wall(model, model->now);
}

size_t model_pending(const struct model *model)
{
    return model->batch ? batch_bytes(model->batch) : 0;
}

/* ---- life ---- */

struct model *model_new(const struct model_start *start)
{
    struct model *model = calloc(1, sizeof(*model));

    if (!model)
        return NULL;
    model->host_id = start->host_id;
    model->clock = start->wall_minus_boot;
    model->environment = start->environment;
    model->places = start->places;
    memcpy(model->next_id, start->next_id, sizeof(model->next_id));
    TAILQ_INIT(&model->alive_processes);
    TAILQ_INIT(&model->dead_processes);
    TAILQ_INIT(&model->changed_processes);
    TAILQ_INIT(&model->open_listeners);
    TAILQ_INIT(&model->closed_listeners);
    TAILQ_INIT(&model->changed_listeners);
    TAILQ_INIT(&model->open_connections);
    TAILQ_INIT(&model->closed_connections);
    TAILQ_INIT(&model->changed_connections);
    TAILQ_INIT(&model->recent_edges);
    TAILQ_INIT(&model->changed_edges);
    return model;
}

static void free_names(struct index *names)
{
    struct key key;

    while (index_any(names, &key))
        shared_drop(index_remove(names, key));
    index_free(names);
}

void model_free(struct model *model)
{
    if (!model)
        return;
    dns_free_all(model);
    unix_free_all(model);
    pipe_free_all(model);
    file_free_all(model);
    descriptor_free_all(model);
    container_free_all(model);
    edge_free_all(model);
    connection_free_all(model);
    udp_free_all(model);
    listener_free_all(model);
    process_free_all(model);
    trace_free_all(model);
    free_names(&model->users);
    free_names(&model->cgroups);
    batch_free(model->batch);
    free(model);
}

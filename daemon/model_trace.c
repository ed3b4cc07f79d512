/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Traces: which login, job, service or container a process belongs to.
 *
 * A process has its parent's trace from birth on. Where a new one begins is for model_trace_rules.c
 * to say; often it is seen only later, at an exec or a change of credentials or cgroup. Then the
 * process moves, and with it all its descendants that still are where they were born.
 */
#include <stdlib.h>
#include <string.h>

#include "model_container.h"
#include "model_trace.h"

static const char *const kinds[TRACE_KINDS] = {
    [TRACE_OTHER] = "other", [TRACE_SERVICE] = "service", [TRACE_CONTAINER] = "container",
    [TRACE_CRON] = "cron",   [TRACE_LOGIN] = "login",     [TRACE_INIT] = "init",
};

enum trace_kind trace_kind_of(struct text text)
{
    for (int kind = 0; kind < TRACE_KINDS; kind++)
        if (text_same(text, model_constant(kinds[kind])))
            return (enum trace_kind)kind;
    return TRACE_OTHER;
}

struct trace_state *trace_state(struct model *model)
{
    struct trace_state *state = model->traces;

    if (state)
        return state;
    state = model->traces = calloc(1, sizeof(*state));
    if (!state) {
        model->unkept++;
        return NULL;
    }
    TAILQ_INIT(&state->recent_links);
    TAILQ_INIT(&state->changed_links);
    TAILQ_INIT(&state->all);
    TAILQ_INIT(&state->changed);
    return state;
}

struct process *trace_parent(const struct model *model, const struct process *process)
{
    return process_known(model, process->parent_pid, process->parent_start);
}

static struct key id_key(int64_t id)
{
    return (struct key){(uint64_t)id, 0};
}

struct trace *trace_by_id(const struct model *model, int64_t id)
{
    return model->traces ? index_get(&model->traces->by_id, id_key(id)) : NULL;
}

void trace_touch(struct model *model, struct trace *trace)
{
    if (trace->dirty)
        return;
    trace->dirty = true;
    TAILQ_INSERT_TAIL(&model->traces->changed, trace, changed);
}

bool trace_has_root(const struct trace *trace, const struct process *process)
{
    return trace->row.root_process_id == process->row.id;
}

bool trace_has_session(const struct trace *trace)
{
    return trace->kind == TRACE_LOGIN || trace->kind == TRACE_CRON;
}

void trace_active(struct model *model, struct trace *trace, int64_t at)
{
    if (!trace || at == INTEGER_NULL ||
        (trace->row.last_at != INTEGER_NULL && trace->row.last_at >= at))
        return;
    trace->row.last_at = at;
    trace_touch(model, trace);
}

/* ---- places ---- */

static struct key place_key(enum trace_kind kind, struct text place)
{
    return (struct key){hash_bytes(HASH_START, place.data, place.length), kind};
}

static void leave_place(struct model *model, struct trace *trace)
{
    struct key key = place_key(trace->kind, shared_text(trace->place));

    if (trace->place && index_get(&model->traces->by_place, key) == trace)
        index_remove(&model->traces->by_place, key);
    shared_set(&trace->place, NULL);
}

void trace_set_place(struct model *model, struct trace *trace, struct text place)
{
    if (!place.data)
        return;
    leave_place(model, trace);
    shared_set(&trace->place, shared_new(place));
    if (trace->place &&
        index_put(&model->traces->by_place, place_key(trace->kind, place), trace) < 0)
        model->unkept++;
}

/* The living trace of that kind in that place; NULL: there is none. */
static struct trace *living_at(const struct model *model, enum trace_kind kind, struct text place)
{
    struct trace *trace =
        place.data ? index_get(&model->traces->by_place, place_key(kind, place)) : NULL;

    return trace && trace->living && text_same(shared_text(trace->place), place) ? trace : NULL;
}

/* ---- coming to be, and being forgotten ---- */

struct trace *trace_make(struct model *model, int64_t id)
{
    struct trace_state *state = trace_state(model);
    struct trace *trace = state ? calloc(1, sizeof(*trace)) : NULL;

    if (!trace || index_put(&state->by_id, id_key(id), trace) < 0) {
        free(trace);
        model->unkept++;
        return NULL;
    }
    row_clear(ROW_TRACE, &trace->row);
    trace->row.id = id;
    trace->audit_session = INTEGER_NULL;
    TAILQ_INIT(&trace->members);
    TAILQ_INSERT_TAIL(&state->all, trace, all);
    return trace;
}

static struct trace *trace_new(struct model *model, const struct boundary *boundary,
                               const struct process *root)
{
    struct trace *trace = trace_make(model, model_id(model, ROW_TRACE));

    if (!trace)
        return NULL;
    trace->kind = boundary->kind;
    trace->method = boundary->method;
    trace->row.host_id = model->host_id;
    trace->row.root_process_id = root->row.id;
    trace->row.started_at = root->row.started_at;
    trace->row.process_count = trace->row.connection_count = 0;
    trace_set_place(model, trace, boundary->place);
    trace_touch(model, trace);
    return trace;
}

static void trace_put(struct model *model, struct trace *trace)
{
    struct row_trace row = trace->row;

    TAILQ_REMOVE(&model->traces->changed, trace, changed);
    trace->dirty = false;
    row.kind = model_constant(kinds[trace->kind]);
    row.title = shared_text(trace->title);
    row.user = shared_text(trace->user);
    row.remote_address = shared_text(trace->remote_address);
    model_put(model, ROW_TRACE, &row);
}

void trace_free(struct model *model, struct trace *trace)
{
    trace_drop_links(model, trace);
    if (trace->dirty)
        trace_put(model, trace);
    if (trace->container)
        trace->container->trace = NULL;
    leave_place(model, trace);
    index_remove(&model->traces->by_id, id_key(trace->row.id));
    TAILQ_REMOVE(&model->traces->all, trace, all);
    shared_drop(trace->title);
    shared_drop(trace->user);
    shared_drop(trace->remote_address);
    shared_drop(trace->command);
    free(trace);
}

/* ---- members ---- */

static void living_changed(struct model *model, struct trace *trace, int64_t at)
{
    trace->row.ended_at = trace->living ? INTEGER_NULL : at;
    trace_touch(model, trace);
}

static void part(struct model *model, struct process *process)
{
    struct trace *trace = process->trace;

    if (!trace)
        return;
    TAILQ_REMOVE(&trace->members, process, of_trace);
    process->trace = NULL;
    trace->row.process_count--;
    trace->row.connection_count -= process->connections;
    if (!process->ended && --trace->living == 0)
        living_changed(model, trace, model_wall(model, model->now));
    trace_touch(model, trace);
}

void trace_join(struct model *model, struct process *process, struct trace *trace)
{
    part(model, process);
    TAILQ_INSERT_TAIL(&trace->members, process, of_trace);
    process->trace = trace;
    process->row.trace_id = trace->row.id;
    process_touch(model, process);
    trace->row.process_count++;
    trace->row.connection_count += process->connections;
    trace->living += !process->ended;
    trace_active(model, trace, process->row.started_at);
    trace_active(model, trace, process->row.ended_at);
    if (trace->living ? trace->row.ended_at != INTEGER_NULL : process->ended)
        living_changed(model, trace, process->row.ended_at);
    trace_touch(model, trace);
}

/* The process, and those of its descendants that have its trace because it has. */
static void move(struct model *model, struct process *process, struct trace *to)
{
    uint32_t number = ++model->traces->moves;
    struct process *member = process->trace ? TAILQ_NEXT(process, of_trace) : NULL, *next;
    struct trace *from = process->trace;

    trace_join(model, process, to);
    process->moved = number;
    for (; member; member = next) {
        const struct process *parent = trace_parent(model, member);
        next = TAILQ_NEXT(member, of_trace);
        if (!parent || parent->moved != number || trace_has_root(from, member))
            continue;
        trace_join(model, member, to);
        member->moved = number;
    }
    if (from && TAILQ_EMPTY(&from->members))
        trace_free(model, from);
}

void trace_begin(struct model *model, struct process *process, const struct boundary *boundary)
{
    struct trace *trace = trace_new(model, boundary, process);

    if (!trace)
        return;
    move(model, process, trace);
    trace_link_fork(model, process);
}

/* A trace turns out to be something else than it was taken for. */
static void become(struct model *model, struct trace *trace, const struct boundary *boundary)
{
    if (boundary->kind < trace->kind || boundary->kind == TRACE_OTHER)
        return;
    if (boundary->kind > trace->kind) {
        leave_place(model, trace);
        trace->kind = boundary->kind;
        trace->method = boundary->method;
        trace->named = false;
        shared_set(&trace->user, NULL);
    }
    trace_set_place(model, trace, boundary->place);
    trace_touch(model, trace);
}

bool trace_is_root(const struct process *process)
{
    return process->trace && trace_has_root(process->trace, process);
}

void trace_arrive(struct model *model, struct process *process, const struct boundary *boundary)
{
    struct trace *there =
        boundary->shared ? living_at(model, boundary->kind, boundary->place) : NULL;

    if (there && there == process->trace)
        return;
    if (trace_is_root(process)) {
        become(model, process->trace, boundary);
    } else if (there) {
        move(model, process, there);
        trace_link_fork(model, process);
    } else {
        trace_begin(model, process, boundary);
    }
}

void trace_ended(struct model *model, struct process *process)
{
    struct trace *trace = process->trace;

    if (!trace)
        return;
    trace_active(model, trace, process->row.ended_at);
    if (--trace->living == 0)
        living_changed(model, trace, process->row.ended_at);
}

void trace_forget(struct model *model, struct process *process)
{
    struct trace *trace = process->trace;

    shared_drop(process->looked_cgroup);
    if (!trace)
        return;
    TAILQ_REMOVE(&trace->members, process, of_trace);
    process->trace = NULL;
    if (TAILQ_EMPTY(&trace->members))
        trace_free(model, trace);
}

/* ---- connections ---- */

static void count_connection(struct model *model, struct process *process, int more)
{
    process->connections += more;
    if (!process->trace)
        return;
    process->trace->row.connection_count += more;
    trace_touch(model, process->trace);
}

void trace_connection(struct model *model, struct connection *connection)
{
    struct process *process = process_by_id(model, connection->row.process_id);
    struct process *before;

    if (!process)
        return;
    trace_active(model, process->trace, connection->row.started_at);
    trace_active(model, process->trace, connection->row.ended_at);
    if (connection->counted == process->row.id)
        return;
    before = connection->counted ? process_by_id(model, connection->counted) : NULL;
    if (before)
        count_connection(model, before, -1);
    count_connection(model, process, 1);
    connection->counted = process->row.id;
}

void trace_adopt_connection(struct model *model, struct connection *connection)
{
    struct process *process = process_by_id(model, connection->row.process_id);

    if (!process)
        return;
    connection->counted = process->row.id;
    process->connections++;
}

/* ---- containers ---- */

static void bind_container(struct model *model, struct trace *trace, struct container *container)
{
    trace->container = container;
    container->trace = trace;
    trace_container_changed(model, container);
}

static void begin_container(struct model *model, struct process *process,
                            struct container *container)
{
    static const struct boundary boundary = {.kind = TRACE_CONTAINER};

    if (process->trace->adopted && process->trace->kind == TRACE_CONTAINER &&
        !process->trace->container) {
        bind_container(model, process->trace, container);
        return;
    }
    if (trace_is_root(process))
        become(model, process->trace, &boundary);
    else
        trace_begin(model, process, &boundary);
    if (process->trace->kind == TRACE_CONTAINER && !process->trace->container)
        bind_container(model, process->trace, container);
}

/* What somebody does in a container after logging in elsewhere stays what they do. */
static bool keeps_trace(const struct process *process)
{
    return process->trace->kind == TRACE_LOGIN || process->trace->kind == TRACE_CRON ||
           trace_is_root(process);
}

void trace_contained(struct model *model, struct process *process)
{
    struct container *container = process->container;

    if (!process->trace || !container || container->service)
        return;
    if (!container->trace)
        begin_container(model, process, container);
    else if (container->trace != process->trace && !keeps_trace(process)) {
        move(model, process, container->trace);
        trace_link_fork(model, process);
    }
}

void trace_container_changed(struct model *model, const struct container *container)
{
    struct trace *trace = container->trace;

    if (!trace)
        return;
    if (container->row.id && trace->row.root_process_id != container->row.root_process_id) {
        trace->row.root_process_id = container->row.root_process_id;
        trace_touch(model, trace);
    }
    trace_name(model, trace);
}

void trace_container_gone(const struct container *container)
{
    if (container->trace)
        container->trace->container = NULL;
}

/* ---- rows ---- */

void trace_flush(struct model *model)
{
    struct trace_state *state = model->traces;

    while (state && !TAILQ_EMPTY(&state->changed))
        trace_put(model, TAILQ_FIRST(&state->changed));
    if (state)
        trace_flush_links(model);
}

void trace_free_all(struct model *model)
{
    struct trace_state *state = model->traces;

    if (!state)
        return;
    while (!TAILQ_EMPTY(&state->all))
        trace_free(model, TAILQ_FIRST(&state->all));
    index_free(&state->by_id);
    index_free(&state->by_place);
    index_free(&state->links);
    free(state);
    model->traces = NULL;
}

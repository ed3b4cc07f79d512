/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Traces: which login, job, service or container a process belongs to, and how they led to each
 * other.
 *
 * A process has its parent's trace from birth on. Where a new one begins is for model_trace_rules.c
 * to say; often it is seen only later, at an exec or a change of credentials or cgroup. Then the
 * process moves, and with it all its descendants that still are where they were born.
 */
#include <stdlib.h>
#include <string.h>

#include "model_container.h"
#include "model_trace.h"

/* Links that are kept in mind; beyond that the one that has not happened for longest gets a row of
 * its own when it happens again. */
#define LINKS_MAX 16384

static const char *const kinds[TRACE_KINDS] = {
    [TRACE_OTHER] = "other", [TRACE_SERVICE] = "service", [TRACE_CONTAINER] = "container",
    [TRACE_CRON] = "cron",   [TRACE_LOGIN] = "login",     [TRACE_INIT] = "init",
};

struct trace_link {
    struct row_trace_link row;
    struct shared *kind;
    struct key key;
    bool dirty;
    LIST_ENTRY(trace_link) of_src;
    LIST_ENTRY(trace_link) of_dst;
    TAILQ_ENTRY(trace_link) recent;
    TAILQ_ENTRY(trace_link) changed;
};

static struct trace_state *state_of(struct model *model)
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

static void active(struct model *model, struct trace *trace, int64_t at)
{
    if (!trace || at == INTEGER_NULL ||
        (trace->row.last_at != INTEGER_NULL && trace->row.last_at >= at))
        return;
    trace->row.last_at = at;
    trace_touch(model, trace);
}

/* ---- places ---- */

static struct key id_key(int64_t id)
{
    return (struct key){(uint64_t)id, 0};
}

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

static void set_place(struct model *model, struct trace *trace, struct text place)
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
    struct text own = trace ? shared_text(trace->place) : TEXT_NULL;

    if (!trace || !trace->living || own.length != place.length ||
        memcmp(own.data, place.data, own.length) != 0)
        return NULL;
    return trace;
}

/* ---- coming to be, and being forgotten ---- */

static struct trace *trace_make(struct model *model, int64_t id)
{
    struct trace_state *state = state_of(model);
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
    set_place(model, trace, boundary->place);
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

static void link_drop(struct model *model, struct trace_link *link);

static void trace_free(struct model *model, struct trace *trace)
{
    struct trace_link *link;

    while ((link = LIST_FIRST(&trace->out)) || (link = LIST_FIRST(&trace->in)))
        link_drop(model, link);
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

/* ---- links ---- */

static struct key link_key(int64_t src, int64_t dst, struct text kind)
{
    uint64_t hash = hash_bytes(HASH_START, kind.data, kind.length);

    return (struct key){hash_bytes(hash, &src, sizeof(src)), (uint64_t)dst};
}

static void link_touch(struct model *model, struct trace_link *link)
{
    if (link->dirty)
        return;
    link->dirty = true;
    TAILQ_INSERT_TAIL(&model->traces->changed_links, link, changed);
}

static void link_put(struct model *model, struct trace_link *link)
{
    TAILQ_REMOVE(&model->traces->changed_links, link, changed);
    link->dirty = false;
    link->row.kind = shared_text(link->kind);
    model_put(model, ROW_TRACE_LINK, &link->row);
}

static void link_drop(struct model *model, struct trace_link *link)
{
    if (link->dirty)
        link_put(model, link);
    TAILQ_REMOVE(&model->traces->recent_links, link, recent);
    LIST_REMOVE(link, of_src);
    LIST_REMOVE(link, of_dst);
    if (index_get(&model->traces->links, link->key) == link)
        index_remove(&model->traces->links, link->key);
    shared_drop(link->kind);
    free(link);
}

/* A row of a link between two traces; the caller fills in the rest of it. */
static struct trace_link *link_make(struct model *model, struct trace *src, struct trace *dst,
                                    struct text kind)
{
    struct trace_state *state = model->traces;
    struct trace_link *link = calloc(1, sizeof(*link));
    struct key key = link_key(src->row.id, dst->row.id, kind);
    struct trace_link *other = index_get(&state->links, key);

    if (other) /* another that has the same hash */
        link_drop(model, other);
    if (!link || index_put(&state->links, key, link) < 0) {
        free(link);
        model->unkept++;
        return NULL;
    }
    link->key = key;
    link->kind = shared_new(kind);
    LIST_INSERT_HEAD(&src->out, link, of_src);
    LIST_INSERT_HEAD(&dst->in, link, of_dst);
    TAILQ_INSERT_TAIL(&state->recent_links, link, recent);
    if (state->links.count > LINKS_MAX)
        link_drop(model, TAILQ_FIRST(&state->recent_links));
    return link;
}

static bool is_kind(const struct trace_link *link, struct text kind)
{
    struct text own = shared_text(link->kind);

    return own.data && own.length == kind.length && memcmp(own.data, kind.data, own.length) == 0;
}

static struct trace_link *link_between(const struct model *model, const struct trace *src,
                                       const struct trace *dst, struct text kind)
{
    struct trace_link *link =
        index_get(&model->traces->links, link_key(src->row.id, dst->row.id, kind));

    return link && link->row.src_trace_id == src->row.id && link->row.dst_trace_id == dst->row.id &&
                   is_kind(link, kind)
               ? link
               : NULL;
}

/* The edge leads from one trace into another. fresh: it has just been made, rather than has lasted
 * longer or has come to end elsewhere. */
static void link_by(struct model *model, struct trace *src, struct trace *dst,
                    const struct row_edge *edge, bool fresh)
{
    struct trace_link *link;

    if (!src || !dst || src == dst)
        return;
    link = link_between(model, src, dst, edge->kind);
    if (!link) {
        link = link_make(model, src, dst, edge->kind);
        if (!link)
            return;
        link->row = (struct row_trace_link){
            .id = model_id(model, ROW_TRACE_LINK),
            .host_id = model->host_id,
            .src_trace_id = src->row.id,
            .dst_trace_id = dst->row.id,
            .at = edge->at,
            .last_at = edge->last_at,
            .count = 1,
            .edge_id = edge->id ? edge->id : INTEGER_NULL,
        };
    } else if (fresh || link->row.last_at < edge->last_at) {
        link->row.count += fresh;
        if (link->row.last_at < edge->last_at)
            link->row.last_at = edge->last_at;
        TAILQ_REMOVE(&model->traces->recent_links, link, recent);
        TAILQ_INSERT_TAIL(&model->traces->recent_links, link, recent);
    } else {
        return;
    }
    link_touch(model, link);
}

void trace_edge(struct model *model, const struct row_edge *edge, bool fresh)
{
    const struct process *src, *dst;

    if (!model->traces)
        return;
    src = process_by_id(model, edge->src);
    dst = process_by_id(model, edge->dst);
    if (src)
        active(model, src->trace, edge->last_at);
    if (dst)
        active(model, dst->trace, edge->last_at);
    if (src && dst)
        link_by(model, src->trace, dst->trace, edge, fresh);
}

void trace_entered(struct model *model, const struct row_edge *edge,
                   const struct container *container, bool fresh)
{
    const struct process *src = process_by_id(model, edge->src);

    if (src)
        link_by(model, src->trace, container->trace, edge, fresh);
}

/* Where a trace begins or is joined the fork is what leads there. */
static void link_by_fork(struct model *model, const struct process *process)
{
    const struct process *parent = trace_parent(model, process);
    struct row_edge edge = {
        .id = process->fork_edge,
        .at = process->row.started_at,
        .last_at = process->row.started_at,
        .kind = model_constant("fork"),
    };

    if (parent)
        link_by(model, parent->trace, process->trace, &edge, true);
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

static void join(struct model *model, struct process *process, struct trace *trace)
{
    part(model, process);
    TAILQ_INSERT_TAIL(&trace->members, process, of_trace);
    process->trace = trace;
    process->row.trace_id = trace->row.id;
    process_touch(model, process);
    trace->row.process_count++;
    trace->row.connection_count += process->connections;
    trace->living += !process->ended;
    active(model, trace, process->row.started_at);
    active(model, trace, process->row.ended_at);
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

    join(model, process, to);
    process->moved = number;
    for (; member; member = next) {
        const struct process *parent = trace_parent(model, member);
        next = TAILQ_NEXT(member, of_trace);
        if (!parent || parent->moved != number || trace_has_root(from, member))
            continue;
        join(model, member, to);
        member->moved = number;
    }
    if (from && TAILQ_EMPTY(&from->members))
        trace_free(model, from);
}

static void begin(struct model *model, struct process *process, const struct boundary *boundary)
{
    struct trace *trace = trace_new(model, boundary, process);

    if (!trace)
        return;
    move(model, process, trace);
    link_by_fork(model, process);
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
    set_place(model, trace, boundary->place);
    trace_touch(model, trace);
}

static bool is_root(const struct process *process)
{
    return process->trace && trace_has_root(process->trace, process);
}

static void arrive(struct model *model, struct process *process, const struct boundary *boundary)
{
    struct trace *there =
        boundary->shared ? living_at(model, boundary->kind, boundary->place) : NULL;

    if (there && there == process->trace)
        return;
    if (is_root(process)) {
        become(model, process->trace, boundary);
    } else if (there) {
        move(model, process, there);
        link_by_fork(model, process);
    } else {
        begin(model, process, boundary);
    }
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
    if (is_root(process))
        become(model, process->trace, &boundary);
    else
        begin(model, process, &boundary);
    if (process->trace->kind == TRACE_CONTAINER && !process->trace->container)
        bind_container(model, process->trace, container);
}

/* What somebody does in a container after logging in elsewhere stays what they do. */
static bool keeps_trace(const struct process *process)
{
    return process->trace->kind == TRACE_LOGIN || process->trace->kind == TRACE_CRON ||
           is_root(process);
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
        link_by_fork(model, process);
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

/* ---- looking at a process ---- */

static bool has_session(const struct trace *trace)
{
    return trace->kind == TRACE_LOGIN || trace->kind == TRACE_CRON;
}

/* The first session that a login's or job's processes get is the trace's own. */
static void take_session(struct model *model, struct trace *trace, const struct process *process,
                         unsigned why)
{
    if (!has_session(trace))
        return;
    if (why & LOOK_CGROUP && !trace->place)
        set_place(model, trace, trace_place(trace->kind, shared_text(process->text.cgroup)));
    if (!(why & LOOK_SESSION) || trace->audit_session != INTEGER_NULL)
        return;
    trace->audit_session = process->row.audit_session;
    if (process->row.login_uid != INTEGER_NULL)
        trace_name_login(model, trace, process->row.login_uid);
}

static void remember(struct process *process, const struct process *as)
{
    shared_set(&process->looked_cgroup, shared_hold(as->text.cgroup));
    process->looked_session = as->row.audit_session;
    process->looked_login = as->row.login_uid;
}

static unsigned what_is_new(const struct process *process)
{
    bool session = process->looked_session != process->row.audit_session ||
                   process->looked_login != process->row.login_uid;

    return (process->looked_cgroup != process->text.cgroup ? LOOK_CGROUP : 0) |
           (session ? LOOK_SESSION : 0);
}

static void look(struct model *model, struct process *process, unsigned why)
{
    struct boundary boundary = {.kind = TRACE_OTHER};
    bool found = trace_boundary(model, process, why, &boundary);

    if (found)
        arrive(model, process, &boundary);
    else if (!process->trace)
        begin(model, process, &boundary);
    if (!process->trace)
        return;
    take_session(model, process->trace, process, why);
    trace_name_user(model, process->trace, process, why);
    if (found || !process->trace->title)
        trace_name(model, process->trace);
    remember(process, process);
}

/* What is new about a process that has a parent, or none that anyone knows. */
static unsigned inherit(struct model *model, struct process *process, const struct process *parent)
{
    remember(process, parent ? parent : process);
    if (!parent)
        shared_set(&process->looked_cgroup, NULL);
    if (parent && parent->trace)
        join(model, process, parent->trace);
    return what_is_new(process);
}

static bool is_same_container(const struct process *parent, const struct process *process)
{
    return parent->container == process->container ||
           (parent->text.container_id && parent->text.container_id == process->text.container_id);
}

/* A fork runs its parent's program; only a manager's is not a manager before it executes. */
static unsigned char inherited_role(const struct process *parent)
{
    return parent->role == ROLE_MANAGER ? ROLE_NONE : parent->role;
}

/* Gives a process its first trace. */
static void settle(struct model *model, struct process *process, unsigned why)
{
    const struct process *parent = trace_parent(model, process);

    process->role =
        parent && !(why & LOOK_EXEC) ? inherited_role(parent) : (unsigned char)trace_role(process);
    why |= inherit(model, process, parent);
    if (process->container && !(parent && is_same_container(parent, process))) {
        if (!process->trace)
            begin(model, process, &(struct boundary){.kind = TRACE_OTHER});
        trace_contained(model, process);
    }
    look(model, process, why);
}

static bool is_settled(const struct model *model)
{
    return model->traces && model->traces->settled;
}

/* A parent has been given another session since it was last told of: its child shows it. */
static void show_session(struct model *model, struct process *parent, const struct process *process)
{
    if (parent->row.audit_session == process->row.audit_session &&
        parent->row.login_uid == process->row.login_uid)
        return;
    parent->row.audit_session = process->row.audit_session;
    parent->row.login_uid = process->row.login_uid;
    process_touch(model, parent);
    trace_changed(model, parent);
}

void trace_born(struct model *model, struct process *process)
{
    struct process *parent = trace_parent(model, process);
    const struct connection *served;

    if (process->trace)
        return;
    if (parent)
        trace_found(model, parent);
    if (parent ? !parent->trace : !is_settled(model))
        return; /* the scan that is under way will tell */
    if (parent)
        show_session(model, parent, process);
    settle(model, process, LOOK_BORN);
    served = trace_connection_served(model, process, NULL);
    if (is_root(process) && process->trace->method == METHOD_SSH)
        trace_name_remote(model, process->trace, served);
}

void trace_found(struct model *model, struct process *process)
{
    if (!process->trace && is_settled(model))
        settle(model, process, LOOK_FOUND | LOOK_BORN | LOOK_EXEC);
}

void trace_changed(struct model *model, struct process *process)
{
    unsigned why = what_is_new(process);

    if (process->trace)
        look(model, process, why);
}

void trace_executed(struct model *model, struct process *process, const struct event *event)
{
    const struct connection *served = trace_connection_served(model, process, event);

    process->role = (unsigned char)trace_role(process);
    trace_found(model, process);
    if (!process->trace)
        return;
    look(model, process, LOOK_EXEC | (served ? LOOK_SERVES : 0));
    if (served && is_root(process))
        trace_name_remote(model, process->trace, served);
}

void trace_ended(struct model *model, struct process *process)
{
    struct trace *trace = process->trace;

    if (!trace)
        return;
    active(model, trace, process->row.ended_at);
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
    active(model, process->trace, connection->row.started_at);
    active(model, process->trace, connection->row.ended_at);
    if (connection->counted == process->row.id)
        return;
    before = connection->counted ? process_by_id(model, connection->counted) : NULL;
    if (before)
        count_connection(model, before, -1);
    count_connection(model, process, 1);
    connection->counted = process->row.id;
}

/* ---- restart and scan ---- */

static enum trace_kind kind_of(struct text text)
{
    for (int kind = 0; kind < TRACE_KINDS; kind++)
        if (text.data && text.length == strlen(kinds[kind]) &&
            memcmp(text.data, kinds[kind], text.length) == 0)
            return (enum trace_kind)kind;
    return TRACE_OTHER;
}

void trace_adopt(struct model *model, const struct row_trace *row)
{
    struct trace *trace = trace_make(model, row->id);

    if (!trace)
        return;
    trace->row = *row;
    trace->adopted = true;
    trace->kind = kind_of(row->kind);
    trace->method = trace_method_of(row->title);
    trace->title = shared_new(row->title);
    trace->user = shared_new(row->user);
    trace->remote_address = shared_new(row->remote_address);
    trace->named = row->user.data != NULL;
}

void trace_adopt_member(struct model *model, struct process *process)
{
    struct trace *trace =
        model->traces ? index_get(&model->traces->by_id, id_key(process->row.trace_id)) : NULL;

    process->role = (unsigned char)trace_role(process);
    remember(process, process);
    if (!trace) {
        process->row.trace_id = INTEGER_NULL;
        return;
    }
    TAILQ_INSERT_TAIL(&trace->members, process, of_trace);
    process->trace = trace;
    trace->living++;
    if (!trace->place)
        set_place(model, trace, trace_place(trace->kind, shared_text(process->text.cgroup)));
    if (has_session(trace) && trace->audit_session == INTEGER_NULL)
        trace->audit_session = process->row.audit_session;
}

void trace_adopt_connection(struct model *model, struct connection *connection)
{
    struct process *process = process_by_id(model, connection->row.process_id);

    if (!process)
        return;
    connection->counted = process->row.id;
    process->connections++;
}

void trace_adopt_link(struct model *model, const struct row_trace_link *row)
{
    struct trace *src, *dst;
    struct trace_link *link;

    if (!model->traces)
        return;
    src = index_get(&model->traces->by_id, id_key(row->src_trace_id));
    dst = index_get(&model->traces->by_id, id_key(row->dst_trace_id));
    link =
        src && dst && src != dst && row->kind.data ? link_make(model, src, dst, row->kind) : NULL;
    if (link)
        link->row = *row;
}

static int by_start(const void *one, const void *other)
{
    const struct process *const *a = one, *const *b = other;

    if ((*a)->start != (*b)->start)
        return (*a)->start < (*b)->start ? -1 : 1;
    return (*a)->row.id < (*b)->row.id ? -1 : (*a)->row.id > (*b)->row.id;
}

static size_t collect(struct process_list *list, struct process **found)
{
    struct process *process;
    size_t count = 0;

    TAILQ_FOREACH(process, list, alive)
    {
        if (process->trace)
            continue;
        if (found)
            found[count] = process;
        count++;
    }
    return count;
}

/* Parents before their children: nobody is older than their parent. */
static void settle_all(struct model *model)
{
    size_t living = collect(&model->alive_processes, NULL);
    size_t count = living + collect(&model->dead_processes, NULL);
    struct process **found = calloc(count + 1, sizeof(struct process *));

    if (!found) {
        model->unkept++;
        return;
    }
    collect(&model->alive_processes, found);
    collect(&model->dead_processes, found + living);
    qsort(found, count, sizeof(struct process *), by_start);
    for (size_t i = 0; i < count; i++)
        settle(model, found[i], LOOK_FOUND | LOOK_BORN | LOOK_EXEC);
    free(found);
}

/* Of sessions that were there before, by the connection that their sshd holds. */
static void find_remotes(struct model *model)
{
    struct connection *connection;

    TAILQ_FOREACH(connection, &model->open_connections, open)
    {
        const struct process *process = process_by_id(model, connection->row.process_id);
        if (process && process->trace && !process->trace->remote_address &&
            (process->role == ROLE_SSH || process->role == ROLE_SSH_SESSION) &&
            connection_is_incoming(connection))
            trace_name_remote(model, process->trace, connection);
    }
}

/* Those of an earlier run that have nobody in what is recorded now: left as they are. */
static void drop_empty(struct model *model)
{
    struct trace *trace, *next;

    for (trace = TAILQ_FIRST(&model->traces->all); trace; trace = next) {
        next = TAILQ_NEXT(trace, all);
        if (TAILQ_EMPTY(&trace->members))
            trace_free(model, trace);
    }
}

void trace_reconcile(struct model *model)
{
    if (!state_of(model))
        return;
    settle_all(model);
    find_remotes(model);
    drop_empty(model);
    model->traces->settled = true;
}

/* ---- rows ---- */

void trace_flush(struct model *model)
{
    struct trace_state *state = model->traces;

    while (state && !TAILQ_EMPTY(&state->changed))
        trace_put(model, TAILQ_FIRST(&state->changed));
    while (state && !TAILQ_EMPTY(&state->changed_links))
        link_put(model, TAILQ_FIRST(&state->changed_links));
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Traces that an earlier run has begun, and those of processes that a scan finds. */
#include <stdlib.h>

#include "model_trace.h"

void trace_adopt(struct model *model, const struct row_trace *row)
{
    struct trace *trace = trace_make(model, row->id);

    if (!trace)
        return;
    trace->row = *row;
    trace->adopted = true;
    trace->kind = trace_kind_of(row->kind);
    trace->method = trace_method_of(row->title);
    trace->title = shared_new(row->title);
    trace->user = shared_new(row->user);
    trace->remote_address = shared_new(row->remote_address);
    trace->named = row->user.data != NULL;
}

void trace_adopt_member(struct model *model, struct process *process)
{
    struct trace *trace = trace_by_id(model, process->row.trace_id);

    process->role = (unsigned char)trace_role(process);
    trace_remember(process, process);
    if (!trace) {
        process->row.trace_id = INTEGER_NULL;
        return;
    }
    TAILQ_INSERT_TAIL(&trace->members, process, of_trace);
    process->trace = trace;
    trace->living++;
    if (!trace->place)
        trace_set_place(model, trace, trace_place(trace->kind, shared_text(process->text.cgroup)));
    if (trace_has_session(trace) && trace->audit_session == INTEGER_NULL)
        trace->audit_session = process->row.audit_session;
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
        trace_settle(model, found[i], LOOK_FOUND | LOOK_BORN | LOOK_EXEC);
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
    if (!trace_state(model))
        return;
    settle_all(model);
    find_remotes(model);
    drop_empty(model);
    model->traces->settled = true;
}

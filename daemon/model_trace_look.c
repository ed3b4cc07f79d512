/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What processes do, and what it says of their traces: which they are born into, begin or join. */
#include "model_trace.h"

/* The first session that a login's or job's processes get is the trace's own. */
static void take_session(struct model *model, struct trace *trace, const struct process *process,
                         unsigned why)
{
    if (!trace_has_session(trace))
        return;
    if (why & LOOK_CGROUP && !trace->place)
        trace_set_place(model, trace, trace_place(trace->kind, shared_text(process->text.cgroup)));
    if (!(why & LOOK_SESSION) || trace->audit_session != INTEGER_NULL)
        return;
    trace->audit_session = process->row.audit_session;
    if (process->row.login_uid != INTEGER_NULL)
        trace_name_login(model, trace, process->row.login_uid);
}

void trace_remember(struct process *process, const struct process *as)
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
        trace_arrive(model, process, &boundary);
    else if (!process->trace)
        trace_begin(model, process, &boundary);
    if (!process->trace)
        return;
    take_session(model, process->trace, process, why);
    trace_name_user(model, process->trace, process, why);
    if (found || !process->trace->title)
        trace_name(model, process->trace);
    trace_remember(process, process);
}

/* What is new about a process that has a parent, or none that anyone knows. */
static unsigned inherit(struct model *model, struct process *process, const struct process *parent)
{
    trace_remember(process, parent ? parent : process);
    if (!parent)
        shared_set(&process->looked_cgroup, NULL);
    if (parent && parent->trace)
        trace_join(model, process, parent->trace);
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
void trace_settle(struct model *model, struct process *process, unsigned why)
{
    const struct process *parent = trace_parent(model, process);

    process->role =
        parent && !(why & LOOK_EXEC) ? inherited_role(parent) : (unsigned char)trace_role(process);
    why |= inherit(model, process, parent);
    if (process->container && !(parent && is_same_container(parent, process))) {
        if (!process->trace)
            trace_begin(model, process, &(struct boundary){.kind = TRACE_OTHER});
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
    trace_settle(model, process, LOOK_BORN);
    served = trace_connection_served(model, process, NULL);
    if (trace_is_root(process) && process->trace->method == METHOD_SSH)
        trace_name_remote(model, process->trace, served);
}

void trace_found(struct model *model, struct process *process)
{
    if (!process->trace && is_settled(model))
        trace_settle(model, process, LOOK_FOUND | LOOK_BORN | LOOK_EXEC);
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
    if (served && trace_is_root(process))
        trace_name_remote(model, process->trace, served);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who sent a process into a container: `runtime` edges.
 *
 * A runtime moves a process of its own into the container's cgroup, and that one only prepares: it
 * forks once or twice more and joins the namespaces on the way, until a process is there that runs
 * what was asked for. The edge leads to the latter. It is made at once, to the process that
 * entered, and led on for as long as its descendants may still be preparing.
 */
#include <stdlib.h>

#include "model_container.h"

#define ANCESTORS_MAX 64 /* of a process that entered, up to the one that is outside */

struct entry {
    uint64_t number;
    uint64_t began;
    struct container *container;
    struct row_edge edge; /* id 0: nobody is known to have asked */
    const char *detail;
    int64_t mnt_ns; /* where it came from: who is elsewhere has arrived */
    int64_t pid_ns;
    bool first; /* it leads to the root process */
    TAILQ_ENTRY(entry) recent;
};

static struct process *parent_of(const struct model *model, const struct process *process)
{
    return process_known(model, process->parent_pid, process->parent_start);
}

/* In its cgroup, until its end, or in its namespaces. */
static bool is_inside(const struct process *process, const struct container *container)
{
    return process->container == container || process->visited == container->row.id ||
           (process->text.container_id &&
            process->text.container_id == container->text[CONTAINER_ID]);
}

/* Who is outside and asked for it: the nearest ancestor that is not in the container. */
static struct process *outsider(const struct model *model, const struct process *process,
                                const struct container *container)
{
    struct process *above = parent_of(model, process);

    for (int i = 0; above && i < ANCESTORS_MAX; i++) {
        if (!is_inside(above, container))
            return above;
        above = parent_of(model, above);
    }
    return NULL;
}

static void entry_free(struct container_state *state, struct entry *entry)
{
    TAILQ_REMOVE(&state->recent_entries, entry, recent);
    index_remove(&state->entries, (struct key){entry->number, 0});
    free(entry);
}

static struct entry *entry_of(const struct model *model, const struct process *process)
{
    return process->entry ? index_get(&model->containers->entries, (struct key){process->entry, 0})
                          : NULL;
}

static void put_edge(struct model *model, struct entry *entry, struct process *dst)
{
    struct process *src;

    if (!entry->edge.id || entry->edge.src == dst->row.id)
        return;
    entry->edge.dst = dst->row.id;
    entry->edge.detail = model_constant(entry->detail);
    edge_put(model, &entry->edge);
    src = process_by_id(model, entry->edge.src);
    if (src)
        edge_acted(src, dst, entry->edge.last_at);
    trace_entered(model, &entry->edge, entry->container, false);
}

static void make_edge(struct model *model, struct entry *entry, struct process *src,
                      struct process *dst, int64_t at)
{
    entry->edge = edge_new(model, "runtime", src->row.id, dst->row.id, at);
    trace_entered(model, &entry->edge, entry->container, true);
    put_edge(model, entry, dst);
}

static struct entry *entry_new(struct model *model, struct process *process,
                               struct container *container, const char *detail)
{
    struct container_state *state = model->containers;
    struct entry *entry = calloc(1, sizeof(*entry));
    uint64_t number = state->last_entry + 1;

    if (!entry || index_put(&state->entries, (struct key){number, 0}, entry) < 0) {
        free(entry);
        model->unkept++;
        return NULL;
    }
    state->last_entry = process->entry = entry->number = number;
    entry->began = model->now;
    entry->container = container;
    entry->detail = detail;
    TAILQ_INSERT_TAIL(&state->recent_entries, entry, recent);
    return entry;
}

static void set_origin(struct entry *entry, const struct process *process)
{
    entry->mnt_ns = process->row.mnt_ns;
    entry->pid_ns = process->row.pid_ns;
}

/* ---- by the cgroup ---- */

void entry_begin(struct model *model, struct process *process, struct container *container,
                 const struct container *before, bool first, int64_t at)
{
    struct process *parent = parent_of(model, process), *src;
    struct entry *entry;

    entry = entry_of(model, process);
    if (entry && entry->container == container) { /* its namespaces came first */
        entry->detail = "exec";
        put_edge(model, entry, process);
        return;
    }
    if (parent && is_inside(parent, container) && !before) {
        process->entry = parent->entry; /* born inside */
        return;
    }
    if (container->service || !parent)
        return;
    src = outsider(model, process, container);
    entry = entry_new(model, process, container, first ? "start" : "exec");
    if (!entry)
        return;
    entry->first = first;
    set_origin(entry, src ? src : process);
    if (src)
        make_edge(model, entry, src, process, at);
}

/* ---- by namespaces ---- */

static struct container *owner_of(const struct model *model, int64_t namespace)
{
    return namespace > 0
               ? index_get(&model->containers->namespaces, (struct key){(uint64_t) namespace, 0})
               : NULL;
}

struct container *container_by_namespaces(const struct model *model, int64_t mnt_ns, int64_t pid_ns)
{
    struct container *container;

    if (!model->containers)
        return NULL;
    container = owner_of(model, mnt_ns);
    return container ? container : owner_of(model, pid_ns);
}

static void own(struct model *model, struct container *container, uint64_t *place, int64_t name,
                int64_t outside)
{
    struct key key = {(uint64_t)name, 0};

    if (name <= 0 || name == outside || index_get(&model->containers->namespaces, key))
        return;
    if (index_put(&model->containers->namespaces, key, container) < 0)
        model->unkept++;
    else
        *place = (uint64_t)name;
}

void entry_own_namespaces(struct model *model, struct container *container,
                          const struct process *root, int64_t mnt_ns, int64_t pid_ns)
{
    entry_disown(model, container);
    own(model, container, &container->mnt_ns, root->row.mnt_ns, mnt_ns);
    own(model, container, &container->pid_ns, root->row.pid_ns, pid_ns);
}

static void disown(struct model *model, const struct container *container, uint64_t *name)
{
    struct key key = {*name, 0};

    if (*name && index_get(&model->containers->namespaces, key) == container)
        index_remove(&model->containers->namespaces, key);
    *name = 0;
}

void entry_disown(struct model *model, struct container *container)
{
    disown(model, container, &container->mnt_ns);
    disown(model, container, &container->pid_ns);
}

/* It has joined the namespaces of a container that its cgroup is not in: nsenter and its kin. */
static void visit(struct model *model, struct process *process, struct container *container)
{
    struct process *parent = parent_of(model, process), *src;
    struct entry *entry;

    if (process->visited == container->row.id)
        return;
    process->visited = container->row.id;
    if (!process->container || process->container->service)
        shared_set(&process->text.container_id, shared_hold(container->text[CONTAINER_ID]));
    if (parent && parent->visited == container->row.id) {
        process->entry = parent->entry;
        return;
    }
    src = outsider(model, process, container);
    entry = src ? entry_new(model, process, container, "nsenter") : NULL;
    if (!entry)
        return;
    set_origin(entry, src);
    make_edge(model, entry, src, process, model_wall(model, model->now));
}

static void look_for_visit(struct model *model, struct process *process)
{
    struct container *own_container = process->container;
    struct container *container = owner_of(model, process->row.mnt_ns);
    struct process *parent = parent_of(model, process);

    if (own_container && own_container->service)
        own_container = NULL;
    if (!container && !own_container)
        container = owner_of(model, process->row.pid_ns);
    /* Who starts a container in a container has the outer one's namespaces at first. */
    if (!container || container == own_container ||
        (own_container && parent && parent->row.mnt_ns == process->row.mnt_ns))
        return;
    visit(model, process, container);
}

/* ---- arriving ---- */

/* A process is where it was sent. Until it has executed a program there it may be but one more that
 * prepares, and its child the next. */
static void arrive(struct model *model, struct process *process, struct entry *entry)
{
    struct container *container = entry->container;

    put_edge(model, entry, process);
    if (entry->first) {
        container->row.root_process_id = process->row.id;
        container->root_start = process->start;
        container_touch(model, container);
        entry_own_namespaces(model, container, process, entry->mnt_ns, entry->pid_ns);
    }
    if (process->row.exec_count != INTEGER_NULL && process->row.exec_count > 0)
        entry_free(model->containers, entry); /* it runs what was asked for */
}

void entry_follow(struct model *model, struct process *process)
{
    struct entry *entry;

    if (process->ended)
        return;
    look_for_visit(model, process);
    entry = entry_of(model, process);
    if (entry && entry->mnt_ns > 0 && is_inside(process, entry->container) &&
        process->row.mnt_ns != entry->mnt_ns)
        arrive(model, process, entry);
}

void entry_forget(struct model *model, uint64_t before, const struct container *container)
{
    struct entry *entry, *next;

    for (entry = TAILQ_FIRST(&model->containers->recent_entries); entry; entry = next) {
        next = TAILQ_NEXT(entry, recent);
        if (entry->began < before || entry->container == container)
            entry_free(model->containers, entry);
    }
}

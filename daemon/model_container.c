/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Containers, and services of systemd: who lives in which, from the first process to the last. A
 * container is known by the path of its cgroup; what a runtime's files say of it may come later.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "container_path.h"
#include "model_container.h"

/* A cgroup that nobody has entered for this long is forgotten. ns. */
#define EMPTY_NS (60 * 1000000000ull)

/* Where each text goes in the row, and where it comes from in EVENT_CONTAINER (0: nowhere). */
static const struct {
    size_t column;
    size_t member;
} texts[CONTAINER_TEXTS] = {
    [CONTAINER_ID] = {offsetof(struct row_container, container_id), 0},
    [CONTAINER_RUNTIME] = {offsetof(struct row_container, runtime),
                           offsetof(struct event_container, runtime)},
    [CONTAINER_NAME] = {offsetof(struct row_container, name),
                        offsetof(struct event_container, name)},
    [CONTAINER_IMAGE] = {offsetof(struct row_container, image),
                         offsetof(struct event_container, image)},
    [CONTAINER_POD] = {offsetof(struct row_container, pod), offsetof(struct event_container, pod)},
    [CONTAINER_NAMESPACE] = {offsetof(struct row_container, namespace),
                             offsetof(struct event_container, namespace_name)},
    [CONTAINER_LABELS] = {offsetof(struct row_container, labels),
                          offsetof(struct event_container, labels)},
    [CONTAINER_CGROUP] = {offsetof(struct row_container, cgroup), 0},
};

static struct text *column_of(struct row_container *row, int text)
{
    return (struct text *)(void *)((char *)row + texts[text].column);
}

void container_touch(struct model *model, struct container *container)
{
    trace_container_changed(model, container);
    if (container->dirty || !container->row.id)
        return;
    container->dirty = true;
    TAILQ_INSERT_TAIL(&model->containers->changed, container, changed);
}

static struct container_state *state_of(struct model *model)
{
    struct container_state *state = model->containers;

    if (state)
        return state;
    state = model->containers = calloc(1, sizeof(*state));
    if (!state) {
        model->unkept++;
        return NULL;
    }
    TAILQ_INIT(&state->all);
    TAILQ_INIT(&state->changed);
    TAILQ_INIT(&state->recent_entries);
    return state;
}

/* ---- by the path of the cgroup ---- */

static struct key path_key(struct text path)
{
    return (struct key){hash_bytes(HASH_START, path.data, path.length), path.length};
}

static struct container *container_at(const struct container_state *state, struct text path)
{
    struct container *container = index_get(&state->by_path, path_key(path));

    while (container && !text_same(shared_text(container->text[CONTAINER_CGROUP]), path))
        container = container->next_same_hash;
    return container;
}

static int link_path(struct container_state *state, struct container *container, struct text path)
{
    container->next_same_hash = index_get(&state->by_path, path_key(path));
    return index_put(&state->by_path, path_key(path), container);
}

static void unlink_path(struct container_state *state, struct container *container)
{
    struct key key = path_key(shared_text(container->text[CONTAINER_CGROUP]));
    struct container *at = index_get(&state->by_path, key);

    if (container->replaced)
        return;
    container->replaced = true;
    if (at != container) {
        while (at->next_same_hash != container)
            at = at->next_same_hash;
        at->next_same_hash = container->next_same_hash;
    } else if (container->next_same_hash) {
        index_put(&state->by_path, key, container->next_same_hash); /* replaces: no memory */
    } else {
        index_remove(&state->by_path, key);
    }
}

static void container_free(struct model *model, struct container *container)
{
    struct container_state *state = model->containers;

    trace_container_gone(container);
    entry_forget(model, 0, container);
    entry_disown(model, container);
    unlink_path(state, container);
    TAILQ_REMOVE(&state->all, container, all);
    if (container->dirty)
        TAILQ_REMOVE(&state->changed, container, changed);
    for (int i = 0; i < CONTAINER_TEXTS; i++)
        shared_drop(container->text[i]);
    free(container);
}

static struct container *container_new(struct model *model, struct text path)
{
    struct container_state *state = state_of(model);
    struct container *container = state ? calloc(1, sizeof(*container)) : NULL;
    struct shared *cgroup = shared_new(path);

    if (!container || !cgroup || link_path(state, container, path) < 0) {
        free(container);
        shared_drop(cgroup);
        model->unkept++;
        return NULL;
    }
    row_clear(ROW_CONTAINER, &container->row);
    container->row.id = 0;
    container->row.host_id = model->host_id;
    container->text[CONTAINER_CGROUP] = cgroup;
    container->made = model->now;
    TAILQ_INSERT_TAIL(&state->all, container, all);
    return container;
}

/* Runtimes that go by names: the id is one. */
static bool is_name(const char *runtime)
{
    static const char *const named[] = {RUNTIME_LXC, RUNTIME_LIBVIRT, RUNTIME_NSPAWN,
                                        RUNTIME_SYSTEMD, NULL};

    return runtime && model_one_of(model_constant(runtime), named);
}

static bool is_service(const struct container_path *found)
{
    return found->runtime && strcmp(found->runtime, RUNTIME_SYSTEMD) == 0;
}

static struct container *from_path(struct model *model, const struct container_path *found,
                                   struct text path)
{
    struct container *container = container_new(model, path);

    if (!container)
        return NULL;
    container->text[CONTAINER_ID] = shared_string(found->id);
    if (found->runtime)
        container->text[CONTAINER_RUNTIME] = shared_string(found->runtime);
    if (is_name(found->runtime))
        container->text[CONTAINER_NAME] = shared_hold(container->text[CONTAINER_ID]);
    container->service = is_service(found);
    return container;
}

/* The innermost container known at or above a path that is not a service. */
static struct container *known_around(const struct container_state *state, struct text path)
{
    struct container *container = NULL;

    while (state && path.length > 1) {
        container = container_at(state, path);
        if (container && !container->service)
            return container;
        while (path.length > 0 && path.data[--path.length] != '/')
            ;
    }
    return NULL;
}

/* A cgroup's processes share its path. */
static const struct container_reading *reading_of(struct container_state *state,
                                                  struct shared *cgroup)
{
    struct container_reading *reading = &state->readings[(uintptr_t)cgroup / 64 % READINGS];

    if (reading->cgroup == cgroup)
        return reading;
    shared_set(&reading->cgroup, shared_hold(cgroup));
    reading->named = container_path_read(shared_text(cgroup), &reading->found);
    return reading;
}

/* Where a cgroup belongs: a container that a runtime's files have named, one that the path names,
 * or a service. The innermost counts, and a service last. */
static struct container *container_of(struct model *model, struct shared *cgroup)
{
    struct container_state *state = cgroup ? state_of(model) : NULL;
    struct text own = shared_text(cgroup);
    const struct container_reading *reading;
    struct container *known, *container;

    if (!state)
        return NULL;
    known = known_around(state, own);
    reading = reading_of(state, cgroup);
    if (!reading->named)
        return known;
    own.length = reading->found.cgroup;
    if (known && (is_service(&reading->found) ||
                  shared_text(known->text[CONTAINER_CGROUP]).length >= own.length))
        return known;
    container = container_at(state, own);
    return container ? container : from_path(model, &reading->found, own);
}

static struct container *container_of_path(struct model *model, struct text path)
{
    struct shared *cgroup = shared_new(path);
    struct container *container = container_of(model, cgroup);

    shared_drop(cgroup);
    return container;
}

/* ---- coming and going ---- */

static void begin(struct model *model, struct container *container, const struct process *process,
                  int64_t at)
{
    container->row.id = model_id(model, ROW_CONTAINER);
    container->row.started_at = at;
    container->row.root_process_id = process->row.id;
    container->root_start = process->start;
    container_touch(model, container);
}

/* A scan finds processes in any order: the oldest is the root. */
static void find_older(struct model *model, struct container *container,
                       const struct process *process)
{
    if (process->start >= container->root_start)
        return;
    container->root_start = process->start;
    container->row.root_process_id = process->row.id;
    container->row.started_at = process->row.started_at;
    container_touch(model, container);
}

static void join(struct model *model, struct process *process, struct container *container,
                 int64_t at)
{
    container->living++;
    process->container = container;
    if (container->ended) {
        container->ended = 0;
        container->row.ended_at = INTEGER_NULL;
        container_touch(model, container);
    }
    if (!container->row.id)
        begin(model, container, process, at);
    else if (!process->parent_pid)
        find_older(model, container, process);
}

void container_leave(struct model *model, struct process *process, uint64_t time)
{
    struct container *container = process->container;

    process->container = NULL;
    if (!container || --container->living)
        return;
    container->ended = time ? time : 1;
    container->row.ended_at = model_wall(model, time);
    entry_disown(model, container);
    container_touch(model, container);
}

/* A process is in that container from then on (wall, ns); perhaps it has ended since. */
static void move_in(struct model *model, struct process *process, struct container *container,
                    const struct container *before, int64_t at)
{
    bool first = !container->row.id;

    shared_set(&process->text.container_id, shared_hold(container->text[CONTAINER_ID]));
    join(model, process, container, at);
    entry_begin(model, process, container, before, first, at);
    trace_contained(model, process);
    if (process->ended)
        container_leave(model, process, process->ended);
}

/* Finds the container that a process' cgroup is in. */
static void place(struct model *model, struct process *process, int64_t at)
{
    struct container *before = process->container;
    struct container *now = container_of(model, process->text.cgroup);

    if (now == before)
        return;
    shared_set(&process->text.container_id, NULL);
    process_touch(model, process);
    container_leave(model, process, model->now);
    if (before)
        process->visited = before->row.id; /* its namespaces stay with it */
    if (now)
        move_in(model, process, now, before, at);
}

/* When a process came into its cgroup; whoever a scan has found was there from the start, as far as
 * anyone can tell. */
static int64_t placing_time(const struct model *model, const struct process *process)
{
    return process->parent_pid ? model_wall(model, model->now) : process->row.started_at;
}

void container_enter(struct model *model, struct process *process)
{
    if (process->placed != process->text.cgroup) {
        shared_set(&process->placed, shared_hold(process->text.cgroup));
        place(model, process, placing_time(model, process));
    }
    if (model->containers)
        entry_follow(model, process);
}

/* ---- what the runtimes' files say ---- */

static bool is_below(struct text path, struct text above)
{
    return path.data && path.length >= above.length &&
           memcmp(path.data, above.data, above.length) == 0 &&
           (path.length == above.length || path.data[above.length] == '/');
}

static int by_birth(const void *one, const void *other)
{
    const struct process *const *a = one, *const *b = other;

    return (*a)->row.id < (*b)->row.id ? -1 : (*a)->row.id > (*b)->row.id;
}

static size_t collect(struct process_list *list, struct text path, struct process **found)
{
    struct process *process;
    size_t count = 0;

    TAILQ_FOREACH(process, list, alive)
    {
        if (!is_below(shared_text(process->text.cgroup), path))
            continue;
        if (found)
            found[count] = process;
        count++;
    }
    return count;
}

/* A cgroup is a container's after all: who is or was in it belongs to it. */
static void place_below(struct model *model, struct text path)
{
    size_t living = collect(&model->alive_processes, path, NULL);
    size_t count = living + collect(&model->dead_processes, path, NULL);
    struct process **found = calloc(count + 1, sizeof(struct process *));

    if (!found) {
        model->unkept++;
        return;
    }
    collect(&model->alive_processes, path, found);
    collect(&model->dead_processes, path, found + living);
    qsort(found, count, sizeof(*found), by_birth);
    for (size_t i = 0; i < count; i++) {
        place(model, found[i], found[i]->row.started_at);
        entry_follow(model, found[i]);
    }
    free(found);
}

static void describe(struct container *container, const struct event *event)
{
    for (int i = 0; i < CONTAINER_TEXTS; i++) {
        struct event_text reference;
        if (!texts[i].member)
            continue;
        memcpy(&reference, (const char *)event->header + texts[i].member, sizeof(reference));
        if (reference.length)
            shared_set(&container->text[i], shared_new(event_text(event, reference)));
    }
}

void container_describe(struct model *model, const struct event *event)
{
    struct text id = event_text(event, event->container->container_id);
    struct text path =
        shared_text(index_get(&model->cgroups, (struct key){event->container->cgroup_id, 0}));
    struct container *container;

    if (!path.data || !id.data)
        return;
    container = container_of_path(model, path);
    if (container && text_same(shared_text(container->text[CONTAINER_CGROUP]), path)) {
        describe(container, event);
        container_touch(model, container);
        return;
    }
    container = container_new(model, path);
    if (!container)
        return;
    container->text[CONTAINER_ID] = shared_new(id);
    describe(container, event);
    place_below(model, path);
}

/* ---- restart, scan, rows ---- */

void container_cgroup(struct model *model, struct text path)
{
    struct container *container =
        model->containers && path.data ? container_at(model->containers, path) : NULL;

    if (container && container->ended)
        unlink_path(model->containers, container);
}

void container_adopt(struct model *model, const struct row_container *row)
{
    struct container *container = row->cgroup.data ? container_new(model, row->cgroup) : NULL;
    struct process *root;

    if (!container)
        return;
    container->row = *row;
    for (int i = 0; i < CONTAINER_TEXTS; i++)
        if (i != CONTAINER_CGROUP)
            container->text[i] = shared_new(*column_of(&container->row, i));
    container->service = text_same(row->runtime, model_constant(RUNTIME_SYSTEMD));
    root = process_by_id(model, row->root_process_id);
    container->root_start = root ? root->start : 0;
}

/* Of a container that was there before, by the root's parent, which is outside. */
static void find_namespaces(struct model *model, struct container *container)
{
    struct process *root = process_by_id(model, container->row.root_process_id);
    struct process *parent = root ? process_by_id(model, root->row.parent_id) : NULL;

    if (!container->service && !container->mnt_ns && parent && parent->container != container &&
        parent->row.mnt_ns != INTEGER_NULL)
        entry_own_namespaces(model, container, root, parent->row.mnt_ns, parent->row.pid_ns);
}

void container_reconcile(struct model *model, uint64_t began)
{
    struct container *container;

    if (!model->containers)
        return;
    TAILQ_FOREACH(container, &model->containers->all, all)
    {
        if (container->living)
            find_namespaces(model, container);
        if (container->living || container->ended || !container->row.id)
            continue;
        container->ended = began ? began : 1;
        container->row.ended_at = model_wall(model, began);
        container_touch(model, container);
    }
}

void container_flush(struct model *model)
{
    struct container *container;

    while (model->containers && (container = TAILQ_FIRST(&model->containers->changed))) {
        struct row_container row = container->row;
        TAILQ_REMOVE(&model->containers->changed, container, changed);
        container->dirty = false;
        for (int i = 0; i < CONTAINER_TEXTS; i++)
            *column_of(&row, i) = shared_text(container->text[i]);
        model_put(model, ROW_CONTAINER, &row);
    }
}

void container_forget(struct model *model, uint64_t before)
{
    uint64_t empty = before > EMPTY_NS ? before - EMPTY_NS : 0;
    struct container *container, *next;

    if (!model->containers)
        return;
    entry_forget(model, before, NULL);
    for (container = TAILQ_FIRST(&model->containers->all); container; container = next) {
        next = TAILQ_NEXT(container, all);
        if (!container->living &&
            (container->ended ? container->ended < before
                              : !container->row.id && container->made < empty))
            container_free(model, container);
    }
}

void container_free_all(struct model *model)
{
    struct container_state *state = model->containers;

    if (!state)
        return;
    while (!TAILQ_EMPTY(&state->all))
        container_free(model, TAILQ_FIRST(&state->all));
    for (size_t i = 0; i < READINGS; i++)
        shared_drop(state->readings[i].cgroup);
    index_free(&state->by_path);
    index_free(&state->namespaces);
    index_free(&state->entries);
    free(state);
    model->containers = NULL;
}

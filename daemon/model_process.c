/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "argv.h"
#include "image.h"
#include "model_private.h"

static struct key process_key(uint32_t pid, uint64_t start)
{
    return (struct key){pid, start};
}

struct process *process_known(const struct model *model, uint32_t pid, uint64_t start)
{
    return pid ? index_get(&model->processes, process_key(pid, start)) : NULL;
}

static struct key id_key(int64_t id)
{
    return (struct key){(uint64_t)id, 0};
}

struct process *process_by_id(const struct model *model, int64_t id)
{
    return index_get(&model->process_ids, id_key(id));
}

static struct key pid_key(uint32_t pid_ns, uint32_t pid)
{
    return (struct key){pid_ns, pid};
}

struct process *process_by_pid(const struct model *model, uint32_t pid_ns, uint32_t pid)
{
    struct process *process = index_get(&model->pids, pid_key(pid_ns, pid));

    /* Where it is not known by its own namespace it may be the initial one's. */
    return process ? process : index_get(&model->pids, pid_key(0, pid));
}

static void enter_pids(struct model *model, struct process *process)
{
    if (index_put(&model->pids, pid_key(0, process->pid), process) < 0 ||
        (process->row.pid_ns != INTEGER_NULL &&
         index_put(&model->pids,
                   pid_key((uint32_t)process->row.pid_ns, (uint32_t)process->row.ns_pid),
                   process) < 0))
        model->unkept++;
}

static void leave_pid(struct model *model, struct process *process, struct key key)
{
    if (index_get(&model->pids, key) == process)
        index_remove(&model->pids, key);
}

static void leave_pids(struct model *model, struct process *process)
{
    leave_pid(model, process, pid_key(0, process->pid));
    if (process->row.pid_ns != INTEGER_NULL)
        leave_pid(model, process,
                  pid_key((uint32_t)process->row.pid_ns, (uint32_t)process->row.ns_pid));
}

void process_touch(struct model *model, struct process *process)
{
    if (process->dirty)
        return;
    process->dirty = true;
    TAILQ_INSERT_TAIL(&model->changed_processes, process, changed);
}

/* ---- birth ---- */

static struct process *process_new(struct model *model, uint32_t pid, uint64_t start,
                                   const char *origin)
{
    struct process *process = calloc(1, sizeof(*process));

    if (!process || index_put(&model->processes, process_key(pid, start), process) < 0) {
        free(process);
        model->unkept++;
        return NULL;
    }
    row_clear(ROW_PROCESS, &process->row);
    process->pid = pid;
    process->start = start;
    process->origin = origin;
    process->seen = model->now;
    process->row.id = model_id(model, ROW_PROCESS);
    process->row.host_id = model->host_id;
    process->row.pid = pid;
    process->row.start_boottime = (int64_t)start;
    process->row.started_at = model_wall(model, start);
    process->row.truncated = 0;
    process->acted_on = INTEGER_NULL;
    process->acted = INTEGER_NULL;
    process->holds = INTEGER_NULL;
    if (index_put(&model->process_ids, id_key(process->row.id), process) < 0)
        model->unkept++;
    TAILQ_INSERT_TAIL(&model->alive_processes, process, alive);
    process_touch(model, process);
    return process;
}

struct process *process_of(struct model *model, const struct event_header *header)
{
    struct process *process;

    if (!header->pid)
        return NULL;
    process = process_known(model, header->pid, header->start);
    if (!process)
        process = process_new(model, header->pid, header->start, "inferred");
    if (process)
        process->seen = header->time;
    return process;
}

/* The parent is now known: the row says so and an edge leads from it. Once. */
static void set_parent(struct model *model, struct process *process, struct process *parent,
                       const char *how)
{
    struct row_edge edge;

    if (process->row.parent_id != INTEGER_NULL || !parent || parent == process)
        return;
    process->row.parent_id = parent->row.id;
    if (parent->row.depth != INTEGER_NULL)
        process->row.depth = parent->row.depth + 1;
    edge = edge_new(model, "fork", parent->row.id, process->row.id, process->row.started_at);
    edge.detail = model_constant(how);
    process->fork_edge = edge.id;
    model_put(model, ROW_EDGE, &edge);
    edge_acted(parent, process, edge.last_at);
    process_touch(model, process);
}

static void inherit_image(struct process *process, const struct process *parent)
{
    shared_set(&process->text.exe, shared_hold(parent->text.exe));
    shared_set(&process->text.cmdline, shared_hold(parent->text.cmdline));
    process->row.truncated = parent->row.truncated;
    process->row.exec_count = 0;
    /* Where it is may have changed since the parent's exec: only the same directory counts. */
    if (process->cwd_inode == parent->cwd_inode && process->cwd_device == parent->cwd_device)
        shared_set(&process->text.cwd, shared_hold(parent->text.cwd));
}

/* What is likely to be the same in the child. What the kernel says of it comes after, and counts.
 */
static void expect_as(struct process *process, const struct process *parent)
{
    process->standing = parent->standing;
    process->text.comm = shared_hold(parent->text.comm);
    process->text.capabilities = shared_hold(parent->text.capabilities);
}

/* ---- what the kernel says of it ---- */

static int64_t known_id(uint32_t id)
{
    return id == EVENT_ID_UNSET ? INTEGER_NULL : (int64_t)id;
}

static void set_ids(struct process *process, const struct event_task *task)
{
    struct row_process *row = &process->row;

    row->uid = task->uid;
    row->euid = task->euid;
    row->gid = task->gid;
    row->egid = task->egid;
    row->login_uid = known_id(task->login_uid);
    row->audit_session = known_id(task->audit_session);
    row->sid = task->sid;
    row->pgid = task->pgid;
    row->mnt_ns = task->mnt_ns;
    row->pid_ns = task->pid_ns;
    row->net_ns = task->net_ns;
    row->user_ns = task->user_ns;
    row->ns_pid = task->ns_pid;
}

static void set_cgroup(struct model *model, struct process *process, uint64_t cgroup_id)
{
    shared_set(&process->text.cgroup,
               shared_hold(index_get(&model->cgroups, (struct key){cgroup_id, 0})));
    container_enter(model, process);
}

void process_become(struct model *model, struct process *process, const struct event_task *task)
{
    struct process_texts *text = &process->text;

    set_ids(process, task);
    if (!process->standing.known || process->standing.capabilities != task->capabilities)
        shared_set(&text->capabilities, image_capabilities(task->capabilities));
    process->standing = privilege_standing(task);
    if (!process->ended)
        enter_pids(model, process);
    if (process->row.ppid == INTEGER_NULL)
        process->row.ppid = task->parent_pid;
    if (!task->parent_pid)
        process->row.depth = 0;
    process->cwd_inode = task->cwd_inode;
    process->cwd_device = task->cwd_device;
    shared_keep(&text->comm, event_field(task->comm, sizeof(task->comm)));
    shared_set(&text->tty, image_terminal(task->tty));
    shared_set(&text->user, shared_hold(index_get(&model->users, (struct key){task->uid, 0})));
    set_cgroup(model, process, task->cgroup_id);
    trace_changed(model, process);
    process_touch(model, process);
}

static int64_t image_is_cut(const struct event_image *image)
{
    return (image->flags &
            (EVENT_IMAGE_ARGV_CUT | EVENT_IMAGE_ARGV_FAULT | EVENT_IMAGE_PATH_CUT)) != 0;
}

static void set_image(struct process *process, const struct event *event, struct text argv)
{
    const struct event_image *image = &event->exec->image;

    shared_keep(&process->text.exe, event_text(event, image->exe));
    shared_set(&process->text.cmdline, argv_joined(argv));
    shared_keep(&process->text.cwd, event_text(event, image->cwd));
    process->row.truncated = image_is_cut(image);
}

/* ---- events ---- */

void process_fork(struct model *model, const struct event *event)
{
    const struct event_task *task = &event->fork->task;
    struct process *parent = process_known(model, task->creator_pid, task->creator_start);
    struct process *process = process_known(model, event->header->pid, event->header->start);

    if (!process) {
        process = process_new(model, event->header->pid, event->header->start, "event");
        if (!process)
            return;
        process->parent_pid = task->creator_pid;
        process->parent_start = task->creator_start;
        if (parent)
            expect_as(process, parent);
        process_become(model, process, task);
        if (parent)
            inherit_image(process, parent);
    }
    process->seen = event->header->time;
    process->parent_pid = task->creator_pid;
    process->parent_start = task->creator_start;
    set_parent(model, process, parent, NULL);
    trace_born(model, process);
    if (parent && task->flags & EVENT_TASK_WALLED)
        privilege_fork(model, parent, process, event);
}

/* The fork was not seen: whoever is the parent now is the best guess at who forked it. */
static void infer_parent(struct model *model, struct process *process,
                         const struct event_task *task)
{
    if (process->parent_pid)
        return;
    process->parent_pid = task->parent_pid;
    process->parent_start = task->parent_start;
    set_parent(model, process, process_known(model, task->parent_pid, task->parent_start),
               "inferred");
}

void process_exec(struct model *model, const struct event *event)
{
    struct process *process = process_of(model, event->header);
    int64_t exec_id;

    if (!process)
        return;
    exec_id = model_id(model, ROW_EXEC);
    privilege_exec(model, process, event, exec_id);
    process_become(model, process, &event->exec->task);
    infer_parent(model, process, &event->exec->task);
    set_image(process, event, event_text(event, event->exec->image.argv));
    process->row.exec_count =
        process->row.exec_count == INTEGER_NULL ? 1 : process->row.exec_count + 1;
    container_enter(model, process); /* now that it counts as having executed something */
    trace_executed(model, process, event);
    exec_row(model, process, event, exec_id);
    file_executed(model, process, event);
    connection_inherit(model, process, event);
    unix_inherit(model, process, event);
}

void process_exec_failed(struct model *model, const struct event *event)
{
    struct process *process = process_of(model, event->header);

    if (process)
        exec_failed_row(model, process, event);
}

static void process_end(struct model *model, struct process *process, uint64_t time)
{
    process->ended = time;
    process->row.ended_at = model_wall(model, time);
    leave_pids(model, process);
    container_leave(model, process, time);
    trace_ended(model, process);
    unix_process_ended(model, process);
    TAILQ_REMOVE(&model->alive_processes, process, alive);
    TAILQ_INSERT_TAIL(&model->dead_processes, process, alive);
    process_touch(model, process);
}

void process_exit(struct model *model, const struct event *event)
{
    const struct event_exit *exit = event->exit;
    struct process *process = process_known(model, event->header->pid, event->header->start);
    unsigned signal = exit->status & 0x7f;

    if (!process && !(exit->flags & EVENT_EXIT_OUTSIDE))
        process = process_of(model, event->header);
    if (!process || process->ended)
        return;
    shared_keep(&process->text.comm, event_field(exit->comm, sizeof(exit->comm)));
    if (signal)
        process->row.exit_signal = signal;
    else
        process->row.exit_code = exit->status >> 8 & 0xff;
    process_end(model, process, event->header->time);
}

/* Where a process moves out of the recorded cgroup, its path is not known to be below it: the scan
 * will not see it any more, but its exit will still be told. */
void process_attach(struct model *model, const struct event *event)
{
    struct process *process = process_known(model, event->header->pid, event->header->start);
    uint64_t cgroup_id = event->fork->task.cgroup_id;

    if (!process)
        return;
    process->outside = !index_get(&model->cgroups, (struct key){cgroup_id, 0});
    if (process->outside) {
        container_leave(model, process, event->header->time);
        return;
    }
    set_cgroup(model, process, cgroup_id);
    trace_changed(model, process);
    process_touch(model, process);
}

void process_snapshot(struct model *model, const struct event *event)
{
    const struct event_exec *snapshot = event->exec;
    const struct event_header *header = event->header;
    bool entered = snapshot->task.flags & EVENT_TASK_ENTERED;
    struct process *process = process_known(model, header->pid, header->start);

    if (!process)
        process = process_new(model, header->pid, header->start, entered ? "event" : "scan");
    if (!process || process->ended)
        return;
    process->seen = header->time;
    process->outside = false;
    process_become(model, process, &snapshot->task);
    if (!process->text.cmdline || !(snapshot->image.flags & EVENT_IMAGE_ARGV_FAULT))
        set_image(process, event, argv_trimmed(event_text(event, snapshot->image.argv)));
    if (process->parent_pid)
        return;
    process->parent_pid = snapshot->task.parent_pid;
    process->parent_start = snapshot->task.parent_start;
    if (entered)
        set_parent(model, process, process_known(model, process->parent_pid, process->parent_start),
                   "entered");
    if (entered)
        trace_found(model, process);
}

/* ---- restart and scan ---- */

static void adopt_texts(struct process *process, const struct row_process *row)
{
    struct process_texts *text = &process->text;

    text->comm = shared_new(row->comm);
    text->exe = shared_new(row->exe);
    text->cmdline = shared_new(row->cmdline);
    text->cwd = shared_new(row->cwd);
    text->user = shared_new(row->user);
    text->capabilities = shared_new(row->capabilities);
    text->tty = shared_new(row->tty);
    text->cgroup = shared_new(row->cgroup);
    text->container_id = shared_new(row->container_id);
}

void process_adopt(struct model *model, const struct row_process *row)
{
    struct process *process;
    int64_t next = model->next_id[ROW_PROCESS];

    if (row->start_boottime == INTEGER_NULL)
        return;
    process = process_new(model, (uint32_t)row->pid, (uint64_t)row->start_boottime,
                          model_origin(row->origin));
    if (!process)
        return;
    model->next_id[ROW_PROCESS] = next; /* it has an id already */
    process->seen = 0;
    index_remove(&model->process_ids, id_key(process->row.id));
    process->row = *row;
    if (index_put(&model->process_ids, id_key(row->id), process) < 0)
        model->unkept++;
    adopt_texts(process, row);
    trace_adopt_member(model, process);
    process->dirty = false; /* and a row */
    TAILQ_REMOVE(&model->changed_processes, process, changed);
}

static void settle_parent(struct model *model, struct process *process)
{
    set_parent(model, process, process_known(model, process->parent_pid, process->parent_start),
               "scan");
}

/* How far below a process of known depth it is; parents may have been found after their children.
 * Bounded, for what names a parent may be damaged and form a circle. */
static void settle_depth(struct model *model, struct process *process)
{
    const struct process *above = process;
    int64_t steps = 0, bound = (int64_t)model->processes.count;

    while (above && above->row.depth == INTEGER_NULL && steps <= bound) {
        above = process_known(model, above->parent_pid, above->parent_start);
        steps++;
    }
    if (!steps || !above || above->row.depth == INTEGER_NULL)
        return;
    process->row.depth = above->row.depth + steps;
    process_touch(model, process);
}

static void settle(struct model *model, struct process_list *list)
{
    struct process *process;

    TAILQ_FOREACH(process, list, alive)
    settle_parent(model, process);
}

static void settle_depths(struct model *model, struct process_list *list)
{
    struct process *process;

    TAILQ_FOREACH(process, list, alive)
    settle_depth(model, process);
}

void process_reconcile(struct model *model, uint64_t began)
{
    struct process *process, *next;

    settle(model, &model->dead_processes);
    settle(model, &model->alive_processes);
    settle_depths(model, &model->dead_processes);
    settle_depths(model, &model->alive_processes);
    for (process = TAILQ_FIRST(&model->alive_processes); process; process = next) {
        next = TAILQ_NEXT(process, alive);
        if (process->seen < began && process->start < began && !process->outside)
            process_end(model, process, began);
    }
}

/* ---- rows ---- */

static void process_put(struct model *model, const struct process *process)
{
    struct row_process row = process->row;
    const struct process_texts *text = &process->text;

    row.origin = model_constant(process->origin);
    row.comm = shared_text(text->comm);
    row.exe = shared_text(text->exe);
    row.cmdline = shared_text(text->cmdline);
    row.cwd = shared_text(text->cwd);
    row.user = shared_text(text->user);
    row.capabilities = shared_text(text->capabilities);
    row.tty = shared_text(text->tty);
    row.cgroup = shared_text(text->cgroup);
    row.container_id = shared_text(text->container_id);
    model_put(model, ROW_PROCESS, &row);
}

void process_flush(struct model *model)
{
    struct process *process;

    while ((process = TAILQ_FIRST(&model->changed_processes))) {
        TAILQ_REMOVE(&model->changed_processes, process, changed);
        process->dirty = false;
        process_put(model, process);
    }
}

static void process_free(struct model *model, struct process *process)
{
    struct process_texts *text = &process->text;
    struct shared *texts[] = {text->comm,         text->exe,          text->cmdline, text->cwd,
                              text->user,         text->capabilities, text->tty,     text->cgroup,
                              text->container_id, process->placed};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        shared_drop(texts[i]);
    trace_forget(model, process);
    index_remove(&model->processes, process_key(process->pid, process->start));
    index_remove(&model->process_ids, id_key(process->row.id));
    leave_pids(model, process);
    free(process);
}

void process_forget(struct model *model, uint64_t before)
{
    struct process *process;

    while ((process = TAILQ_FIRST(&model->dead_processes)) && process->ended < before) {
        TAILQ_REMOVE(&model->dead_processes, process, alive);
        process_free(model, process);
    }
}

void process_free_all(struct model *model)
{
    struct process *process;

    process_forget(model, UINT64_MAX);
    while ((process = TAILQ_FIRST(&model->alive_processes))) {
        TAILQ_REMOVE(&model->alive_processes, process, alive);
        process_free(model, process);
    }
    index_free(&model->processes);
    index_free(&model->process_ids);
    index_free(&model->pids);
}

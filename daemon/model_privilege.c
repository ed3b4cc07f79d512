/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <linux/sched.h>
#include <stdio.h>
#include <sys/mount.h>

#include "image.h"
#include "json.h"
#include "model_private.h"

struct standing privilege_standing(const struct event_task *task)
{
    return (struct standing){
        .capabilities = task->capabilities,
        .uid = task->uid,
        .euid = task->euid,
        .gid = task->gid,
        .egid = task->egid,
        .mnt_ns = task->mnt_ns,
        .net_ns = task->net_ns,
        .user_ns = task->user_ns,
        .child_pid_ns = task->child_pid_ns ? task->child_pid_ns : task->pid_ns,
        .known = true,
    };
}

/* ---- rows ---- */

/* A change under way: what it was and what it is, as far as that has been said. */
struct change {
    const struct process *process;
    uint64_t time;
    int64_t exec_id;
    struct json old;
    struct json new;
};

static struct change change_begin(const struct process *process, const struct event *event)
{
    return (struct change){
        .process = process, .time = event->header->time, .exec_id = INTEGER_NULL};
}

/* Makes the row, unless nothing has changed, and begins again. kind: a constant. */
static void change_put(struct model *model, struct change *change, const char *kind)
{
    struct shared *old = json_take(&change->old), *new = json_take(&change->new);
    struct row_privilege row;

    if (old || new) {
        row_clear(ROW_PRIVILEGE, &row);
        row.id = model_id(model, ROW_PRIVILEGE);
        row.host_id = model->host_id;
        row.process_id = change->process->row.id;
        row.at = model_wall(model, change->time);
        row.kind = model_constant(kind);
        row.old = shared_text(old);
        row.new = shared_text(new);
        row.exec_id = change->exec_id;
        model_put(model, ROW_PRIVILEGE, &row);
    }
    shared_drop(old);
    shared_drop(new);
}

/* ---- credentials ---- */

static void change_ids(struct change *change, const char *real, const char *effective,
                       const uint32_t before[2], const uint32_t after[2])
{
    if (before[0] == after[0] && before[1] == after[1])
        return;
    json_add_integer(&change->old, real, before[0]);
    json_add_integer(&change->old, effective, before[1]);
    json_add_integer(&change->new, real, after[0]);
    json_add_integer(&change->new, effective, after[1]);
}

static void add_capabilities(struct json *json, uint64_t capabilities)
{
    struct shared *text = image_capabilities(capabilities);

    json_add_text(json, "capabilities", shared_text(text));
    shared_drop(text);
}

static void change_capabilities(struct change *change, uint64_t after)
{
    uint64_t before = change->process->standing.capabilities;

    if (before == after)
        return;
    add_capabilities(&change->old, before);
    add_capabilities(&change->new, after);
}

static void change_credentials(struct model *model, struct change *change,
                               const struct standing *after)
{
    const struct standing *before = &change->process->standing;

    change_ids(change, "uid", "euid", (uint32_t[]){before->uid, before->euid},
               (uint32_t[]){after->uid, after->euid});
    change_put(model, change, "setuid");
    change_ids(change, "gid", "egid", (uint32_t[]){before->gid, before->egid},
               (uint32_t[]){after->gid, after->egid});
    change_put(model, change, "setgid");
}

static void on_ids(struct model *model, struct change *change, const struct event *event)
{
    struct standing after = privilege_standing(&event->privilege->task);

    change_credentials(model, change, &after);
}

static void on_capset(struct model *model, struct change *change, const struct event *event)
{
    change_capabilities(change, event->privilege->task.capabilities);
    change_put(model, change, "caps");
}

static void change_file_system_id(struct change *change, const char *name,
                                  const struct event_privilege *privilege)
{
    json_add_integer(&change->old, name, (uint32_t)privilege->first);
    json_add_integer(&change->new, name, (uint32_t)privilege->second);
}

static void on_fsuid(struct model *model, struct change *change, const struct event *event)
{
    change_file_system_id(change, "fsuid", event->privilege);
    change_put(model, change, "setuid");
}

static void on_fsgid(struct model *model, struct change *change, const struct event *event)
{
    change_file_system_id(change, "fsgid", event->privilege);
    change_put(model, change, "setgid");
}

/* Who becomes root has all capabilities by that, and who is no longer root has lost them: only what
 * is gained in another way is worth a row of its own. */
void privilege_exec(struct model *model, struct process *process, const struct event *event,
                    int64_t exec_id)
{
    const struct standing *before = &process->standing;
    struct standing after = privilege_standing(&event->exec->task);
    struct change change = change_begin(process, event);
    bool becomes_root = before->euid && !after.euid;

    if (!before->known)
        return;
    change.exec_id = exec_id;
    change_credentials(model, &change, &after);
    if (after.capabilities & ~before->capabilities && !becomes_root)
        change_capabilities(&change, after.capabilities);
    change_put(model, &change, "caps");
}

/* ---- namespaces ---- */

static void change_namespace(struct change *change, const char *name, uint32_t before,
                             uint32_t after)
{
    if (before == after)
        return;
    if (before)
        json_add_integer(&change->old, name, before);
    json_add_integer(&change->new, name, after);
}

/* What a process was in before is not known of these: they are told where the call names them. */
static void change_others(struct change *change, const struct event_privilege *privilege)
{
    const struct {
        const char *name;
        uint32_t flag;
        uint32_t inode;
    } others[] = {
        {"uts_ns", CLONE_NEWUTS, privilege->uts_ns},
        {"ipc_ns", CLONE_NEWIPC, privilege->ipc_ns},
        {"cgroup_ns", CLONE_NEWCGROUP, privilege->cgroup_ns},
        {"child_time_ns", CLONE_NEWTIME, privilege->child_time_ns},
    };
    uint64_t flags = privilege->first, inode = privilege->second;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (flags ? (flags & others[i].flag) != 0 : inode && inode == others[i].inode)
            change_namespace(change, others[i].name, 0, others[i].inode);
}

static void change_namespaces(struct change *change, const struct event *event)
{
    const struct standing *before = &change->process->standing;
    struct standing after = privilege_standing(&event->privilege->task);

    change_namespace(change, "mnt_ns", before->mnt_ns, after.mnt_ns);
    change_namespace(change, "net_ns", before->net_ns, after.net_ns);
    change_namespace(change, "user_ns", before->user_ns, after.user_ns);
    change_namespace(change, "child_pid_ns", before->child_pid_ns, after.child_pid_ns);
    change_others(change, event->privilege);
}

static void on_setns(struct model *model, struct change *change, const struct event *event)
{
    change_namespaces(change, event);
    change_put(model, change, "setns");
}

static void on_unshare(struct model *model, struct change *change, const struct event *event)
{
    change_namespaces(change, event);
    change_put(model, change, "unshare");
}

void privilege_fork(struct model *model, const struct process *creator,
                    const struct process *process, const struct event *event)
{
    const struct standing *before = &creator->standing;
    const struct event_task *task = &event->fork->task;
    struct change change = change_begin(process, event);

    if (!before->known)
        return;
    change_namespace(&change, "mnt_ns", before->mnt_ns, task->mnt_ns);
    change_namespace(&change, "net_ns", before->net_ns, task->net_ns);
    change_namespace(&change, "user_ns", before->user_ns, task->user_ns);
    change_namespace(&change, "pid_ns", before->child_pid_ns, task->pid_ns);
    change_put(model, &change, "unshare");
}

/* ---- files and mounts ---- */

static void on_chroot(struct model *model, struct change *change, const struct event *event)
{
    json_add_text(&change->new, "root", event_text(event, event->privilege->target));
    change_put(model, change, "chroot");
}

static void on_pivot_root(struct model *model, struct change *change, const struct event *event)
{
    json_add_text(&change->new, "root", event_text(event, event->privilege->target));
    json_add_text(&change->new, "put_old", event_text(event, event->privilege->source));
    change_put(model, change, "chroot");
}

/* As mount(8) names them. */
static const struct {
    uint64_t flag;
    const char *name;
} mount_flags[] = {
    {MS_RDONLY, "ro"},
    {MS_NOSUID, "nosuid"},
    {MS_NODEV, "nodev"},
    {MS_NOEXEC, "noexec"},
    {MS_REMOUNT, "remount"},
    {MS_BIND, "bind"},
    {MS_MOVE, "move"},
    {MS_REC, "rec"},
    {MS_UNBINDABLE, "unbindable"},
    {MS_PRIVATE, "private"},
    {MS_SLAVE, "slave"},
    {MS_SHARED, "shared"},
    {MS_NOATIME, "noatime"},
    {MS_NODIRATIME, "nodiratime"},
    {MS_RELATIME, "relatime"},
    {MS_STRICTATIME, "strictatime"},
    {MS_SYNCHRONOUS, "sync"},
    {MS_DIRSYNC, "dirsync"},
};

static void add_mount_flags(struct json *json, uint64_t flags)
{
    char text[256];
    int size = 0;

    for (size_t i = 0; i < sizeof(mount_flags) / sizeof(mount_flags[0]); i++)
        if (flags & mount_flags[i].flag)
            size += snprintf(text + size, sizeof(text) - (size_t)size, "%s%s", size ? "," : "",
                             mount_flags[i].name);
    if (size)
        json_add_text(json, "flags", model_constant(text));
}

static void add_mount(struct change *change, const struct event *event)
{
    json_add_text(&change->new, "source", event_text(event, event->privilege->source));
    json_add_text(&change->new, "target", event_text(event, event->privilege->target));
    json_add_text(&change->new, "type", event_text(event, event->privilege->type));
}

static void on_mount(struct model *model, struct change *change, const struct event *event)
{
    add_mount(change, event);
    add_mount_flags(&change->new, event->privilege->first);
    change_put(model, change, "mount");
}

static void on_umount(struct model *model, struct change *change, const struct event *event)
{
    json_add_text(&change->old, "target", event_text(event, event->privilege->target));
    change_put(model, change, "mount");
}

/* Of a new file system the type is known, of one that was mounted elsewhere where that was. */
static void on_move_mount(struct model *model, struct change *change, const struct event *event)
{
    const struct event_privilege *privilege = event->privilege;

    if (privilege->type.length) {
        add_mount(change, event);
    } else {
        json_add_text(&change->old, "target", event_text(event, privilege->source));
        json_add_text(&change->new, "target", event_text(event, privilege->target));
    }
    change_put(model, change, "mount");
}

/* ---- what runs inside the kernel ---- */

static void on_module(struct model *model, struct change *change, const struct event *event)
{
    const struct event_privilege *privilege = event->privilege;

    json_add_text(&change->new, "name", event_text(event, privilege->target));
    json_add_text(&change->new, "file", event_text(event, privilege->source));
    if (privilege->first)
        json_add_integer(&change->new, "taints", (uint32_t)privilege->first);
    change_put(model, change, "module");
}

static void on_module_gone(struct model *model, struct change *change, const struct event *event)
{
    json_add_text(&change->old, "name", event_text(event, event->privilege->target));
    change_put(model, change, "module");
}

/* BPF_PROG_TYPE_*, as bpftool(8) names them. */
static const char *const program_types[] = {
    "unspec",
    "socket_filter",
    "kprobe",
    "sched_cls",
    "sched_act",
    "tracepoint",
    "xdp",
    "perf_event",
    "cgroup_skb",
    "cgroup_sock",
    "lwt_in",
    "lwt_out",
    "lwt_xmit",
    "sock_ops",
    "sk_skb",
    "cgroup_device",
    "sk_msg",
    "raw_tracepoint",
    "cgroup_sock_addr",
    "lwt_seg6local",
    "lirc_mode2",
    "sk_reuseport",
    "flow_dissector",
    "cgroup_sysctl",
    "raw_tracepoint_writable",
    "cgroup_sockopt",
    "tracing",
    "struct_ops",
    "ext",
    "lsm",
    "sk_lookup",
    "syscall",
    "netfilter",
};

static void on_bpf(struct model *model, struct change *change, const struct event *event)
{
    const struct event_privilege *privilege = event->privilege;
    uint64_t type = privilege->first;

    if (type < sizeof(program_types) / sizeof(program_types[0]))
        json_add_text(&change->new, "type", model_constant(program_types[type]));
    else
        json_add_integer(&change->new, "type", (int64_t)(uint32_t)type);
    json_add_text(&change->new, "name", event_text(event, privilege->target));
    json_add_text(&change->new, "function", event_text(event, privilege->source));
    json_add_integer(&change->new, "id", (uint32_t)privilege->second);
    change_put(model, change, "bpf");
}

/* ---- dispatch ---- */

typedef void change_handler(struct model *model, struct change *change, const struct event *event);

static change_handler *const handlers[EVENT_PRIVILEGE_KINDS] = {
    [EVENT_PRIVILEGE_UID] = on_ids,
    [EVENT_PRIVILEGE_GID] = on_ids,
    [EVENT_PRIVILEGE_CAPS] = on_capset,
    [EVENT_PRIVILEGE_SETNS] = on_setns,
    [EVENT_PRIVILEGE_UNSHARE] = on_unshare,
    [EVENT_PRIVILEGE_CHROOT] = on_chroot,
    [EVENT_PRIVILEGE_MOUNT] = on_mount,
    [EVENT_PRIVILEGE_MODULE] = on_module,
    [EVENT_PRIVILEGE_BPF] = on_bpf,
    [EVENT_PRIVILEGE_FSUID] = on_fsuid,
    [EVENT_PRIVILEGE_FSGID] = on_fsgid,
    [EVENT_PRIVILEGE_PIVOT_ROOT] = on_pivot_root,
    [EVENT_PRIVILEGE_UMOUNT] = on_umount,
    [EVENT_PRIVILEGE_MOVE_MOUNT] = on_move_mount,
    [EVENT_PRIVILEGE_MODULE_GONE] = on_module_gone,
};

/* Credentials and namespaces are a thread's own. What a library has all threads do is one change,
 * told by the first of them; the row follows the leader. */
void privilege_change(struct model *model, const struct event *event)
{
    const struct event_privilege *privilege = event->privilege;
    struct process *process = process_of(model, event->header);
    struct change change;

    if (!process)
        return;
    /* Of one whose birth was missed nobody knows what it was. */
    if (!process->standing.known)
        process->standing = privilege_standing(&privilege->task);
    change = change_begin(process, event);
    handlers[privilege->what](model, &change, event);
    if (event->header->tid == event->header->pid)
        process_become(model, process, &privilege->task);
    else
        process->standing = privilege_standing(&privilege->task);
}

// SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later
/*
 * Changes of credentials and of walls: set*id, capset, setns, unshare, chroot, mounts, modules,
 * BPF programs. Each is told when the call has succeeded, with what the task is then; what it was
 * before user space knows. The tracepoints are classic ones: no two programs at them run on a CPU
 * at once, so that they share a scratch area.
 */
#include "budget.h"
#include "call.h"
#include "image.h"
#include "task.h"

#define CLONE_NEWTIME   0x00000080
#define CLONE_NEWNS     0x00020000
#define CLONE_NEWCGROUP 0x02000000
#define CLONE_NEWUTS    0x04000000
#define CLONE_NEWIPC    0x08000000
#define CLONE_NEWUSER   0x10000000
#define CLONE_NEWPID    0x20000000
#define CLONE_NEWNET    0x40000000
#define CLONE_NEW                                                                                  \
    (CLONE_NEWTIME | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
     CLONE_NEWPID | CLONE_NEWNET)

#define BPF_PROG_LOAD 5 /* a command of bpf() */

static __always_inline bool privilege_wanted(struct task_struct *task)
{
    struct cgroup *cgroup = task_cgroup(task);

    return filter_allows(cgroup) && budget_allows(EVENT_CLASS_PRIVILEGE, cgroup_id(cgroup));
}

static __always_inline void privilege_fill(struct event_privilege *record, struct task_struct *task,
                                           __u32 what)
{
    task_identify(&record->header, task);
    task_fill(&record->task, task, NULL);
    record->what = what;
    __builtin_memset(&record->uts_ns, 0,
                     sizeof(*record) - __builtin_offsetof(struct event_privilege, uts_ns));
}

/* A record without text; NULL: it is not wanted, or there is no room. */
static __always_inline struct event_privilege *privilege_record(__u32 what)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct event_privilege *record;

    if (!privilege_wanted(task))
        return NULL;
    record = EMIT_RESERVE(EVENT_CLASS_PRIVILEGE, event_privilege, EVENT_PRIVILEGE);
    if (record)
        privilege_fill(record, task, what);
    return record;
}

/* ---- credentials ---- */

static __noinline int privilege_ids(__u32 what, long result)
{
    struct event_privilege *record = result ? NULL : privilege_record(what);

    if (record)
        emit_submit(record, EVENT_CLASS_PRIVILEGE);
    return 0;
}

SEC("tracepoint/syscalls/sys_exit_setuid|sys_exit_setreuid|sys_exit_setresuid")
int privilege_uid(struct trace_event_raw_sys_exit *ctx)
{
    return privilege_ids(EVENT_PRIVILEGE_UID, ctx->ret);
}

SEC("tracepoint/syscalls/sys_exit_setgid|sys_exit_setregid|sys_exit_setresgid")
int privilege_gid(struct trace_event_raw_sys_exit *ctx)
{
    return privilege_ids(EVENT_PRIVILEGE_GID, ctx->ret);
}

SEC("tracepoint/syscalls/sys_exit_capset")
int privilege_capset(struct trace_event_raw_sys_exit *ctx)
{
    return privilege_ids(EVENT_PRIVILEGE_CAPS, ctx->ret);
}

/*
 * Full tier: credentials as they are taken on, by whatever call, of whatever ABI, or by none, as by
 * a hole in the kernel. Those of an exec are told by it; those that come with a user namespace by
 * what entered that.
 */

static __always_inline __u64 privilege_capabilities(const struct cred *cred)
{
    __u64 capabilities = 0;

    bpf_probe_read_kernel(&capabilities, sizeof(capabilities),
                          (void *)cred + bpf_core_field_offset(struct cred, cap_effective));
    return capabilities;
}

/* Those that go and come with the user id for files (CAP_FS_MASK of linux/capability.h). */
#define FILE_CAPABILITIES 0x10800021full

static __always_inline bool privilege_capabilities_differ(const struct cred *old,
                                                          const struct cred *new)
{
    __u64 changed = privilege_capabilities(new) ^ privilege_capabilities(old);

    if (new->fsuid.val != old->fsuid.val)
        changed &= ~FILE_CAPABILITIES;
    return changed;
}

/* What a record about the change is to say; 0: it changes nothing that has a row. */
static __always_inline __u32 privilege_of_change(const struct cred *old, const struct cred *new)
{
    if (new->user_ns != old->user_ns)
        return 0;
    if (new->uid.val != old->uid.val || new->euid.val != old->euid.val ||
        new->gid.val != old->gid.val || new->egid.val != old->egid.val)
        return EVENT_PRIVILEGE_UID;
    return privilege_capabilities_differ(old, new) ? EVENT_PRIVILEGE_CAPS : 0;
}

SEC("fentry/commit_creds")
int BPF_PROG(privilege_committed, struct cred *new)
{
    struct task_struct *task = bpf_get_current_task_btf();
    __u32 what = privilege_of_change(task->cred, new);
    struct event_privilege *record;

    if (!what || BPF_CORE_READ_BITFIELD_PROBED(task, in_execve))
        return 0;
    record = privilege_record(what);
    if (!record)
        return 0;
    task_credentials(&record->task, new);
    emit_submit(record, EVENT_CLASS_PRIVILEGE);
    return 0;
}

/* These return the id from before, whether they changed it or not, as the caller's user namespace
 * has it: outside the initial one that can not be held against what it is now. */
static __noinline int privilege_fsid(__u32 what, __u32 before, bool user)
{
    const struct cred *cred = bpf_get_current_task_btf()->cred;
    __u32 after = user ? cred->fsuid.val : cred->fsgid.val;
    struct event_privilege *record;

    if (before == after || cred->user_ns->level)
        return 0;
    record = privilege_record(what);
    if (!record)
        return 0;
    record->first = before;
    record->second = after;
    emit_submit(record, EVENT_CLASS_PRIVILEGE);
    return 0;
}

SEC("tracepoint/syscalls/sys_exit_setfsuid")
int privilege_fsuid(struct trace_event_raw_sys_exit *ctx)
{
    return privilege_fsid(EVENT_PRIVILEGE_FSUID, ctx->ret, true);
}

SEC("tracepoint/syscalls/sys_exit_setfsgid")
int privilege_fsgid(struct trace_event_raw_sys_exit *ctx)
{
    return privilege_fsid(EVENT_PRIVILEGE_FSGID, ctx->ret, false);
}

/* ---- namespaces ---- */

static __always_inline void privilege_namespaces(struct event_privilege *record)
{
    struct nsproxy *set = bpf_get_current_task_btf()->nsproxy;

    record->uts_ns = set->uts_ns->ns.inum;
    record->ipc_ns = set->ipc_ns->ns.inum;
    record->cgroup_ns = set->cgroup_ns->ns.inum;
    if (bpf_core_field_exists(set->time_ns_for_children))
        record->child_time_ns = set->time_ns_for_children->ns.inum;
}

SEC("tracepoint/syscalls/sys_exit_unshare")
int privilege_unshare(struct trace_event_raw_sys_exit *ctx)
{
    __u64 flags = PT_REGS_PARM1_SYSCALL(call_registers());
    struct event_privilege *record;

    if (ctx->ret || !(flags & CLONE_NEW))
        return 0;
    record = privilege_record(EVENT_PRIVILEGE_UNSHARE);
    if (!record)
        return 0;
    privilege_namespaces(record);
    record->first = flags & CLONE_NEW;
    emit_submit(record, EVENT_CLASS_PRIVILEGE);
    return 0;
}

/* With no flags the descriptor says which: its inode has the number of the namespace. */
SEC("tracepoint/syscalls/sys_exit_setns")
int privilege_setns(struct trace_event_raw_sys_exit *ctx)
{
    struct pt_regs *regs = call_registers();
    struct event_privilege *record = ctx->ret ? NULL : privilege_record(EVENT_PRIVILEGE_SETNS);
    struct file *file;

    if (!record)
        return 0;
    privilege_namespaces(record);
    file = image_descriptor(bpf_get_current_task_btf(), PT_REGS_PARM1_SYSCALL(regs));
    record->first = PT_REGS_PARM2_SYSCALL(regs) & CLONE_NEW;
    record->second = PEEK(file, f_inode, i_ino);
    emit_submit(record, EVENT_CLASS_PRIVILEGE);
    return 0;
}

/* ---- with text ---- */

/* An area for a record, until privilege_send(); NULL: it is not wanted, or there is none. */
static __always_inline struct scratch *privilege_scratch(void)
{
    if (!privilege_wanted(bpf_get_current_task_btf()))
        return NULL;
    return scratch_take(SCRATCH_PRIVILEGE, EVENT_CLASS_PRIVILEGE);
}

/* The record in such an area; NULL: there is none. */
static __always_inline struct event_privilege *privilege_begin(struct scratch *scratch, __u32 what)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct event_privilege *record;

    if (!scratch)
        return NULL;
    record = (struct event_privilege *)scratch->record;
    record->header.time = bpf_ktime_get_boot_ns();
    privilege_fill(record, task, what);
    return record;
}

static __always_inline void privilege_send(struct scratch *scratch, __u32 size)
{
    emit_scratch(scratch, size, EVENT_CLASS_PRIVILEGE, EVENT_PRIVILEGE);
    scratch_give(scratch);
}

/* The root itself rather than what the call named: nobody can have changed it since. */
SEC("tracepoint/syscalls/sys_exit_chroot")
int privilege_chroot(struct trace_event_raw_sys_exit *ctx)
{
    struct scratch *scratch = ctx->ret ? NULL : privilege_scratch();
    struct event_privilege *record = privilege_begin(scratch, EVENT_PRIVILEGE_CHROOT);
    struct fs_struct *fs = PEEK(bpf_get_current_task_btf(), fs);
    __u32 size = sizeof(*record), flags = 0;

    if (!record)
        return 0;
    record->target = tail_path(scratch, &size, PEEK(fs, root.dentry), PEEK(fs, root.mnt), &flags);
    privilege_send(scratch, size);
    return 0;
}

/* Two paths of the caller's, or one. */
static __noinline int privilege_paths(__u32 what, const void *target, const void *source,
                                      __u64 flags)
{
    struct scratch *scratch = privilege_scratch();
    struct event_privilege *record = privilege_begin(scratch, what);
    __u32 size = sizeof(*record);

    if (!record)
        return 0;
    record->first = flags;
    record->target = tail_user_string(scratch, &size, target);
    if (source)
        record->source = tail_user_string(scratch, &size, source);
    privilege_send(scratch, size);
    return 0;
}

SEC("tracepoint/syscalls/sys_exit_pivot_root")
int privilege_pivot_root(struct trace_event_raw_sys_exit *ctx)
{
    struct pt_regs *regs = call_registers();

    if (ctx->ret)
        return 0;
    return privilege_paths(EVENT_PRIVILEGE_PIVOT_ROOT, (void *)PT_REGS_PARM1_SYSCALL(regs),
                           (void *)PT_REGS_PARM2_SYSCALL(regs), 0);
}

SEC("tracepoint/syscalls/sys_exit_umount")
int privilege_umount(struct trace_event_raw_sys_exit *ctx)
{
    struct pt_regs *regs = call_registers();

    if (ctx->ret)
        return 0;
    return privilege_paths(EVENT_PRIVILEGE_UMOUNT, (void *)PT_REGS_PARM1_SYSCALL(regs), NULL,
                           PT_REGS_PARM2_SYSCALL(regs));
}

SEC("tracepoint/syscalls/sys_exit_delete_module")
int privilege_module_gone(struct trace_event_raw_sys_exit *ctx)
{
    if (ctx->ret)
        return 0;
    return privilege_paths(EVENT_PRIVILEGE_MODULE_GONE,
                           (void *)PT_REGS_PARM1_SYSCALL(call_registers()), NULL, 0);
}

SEC("tracepoint/syscalls/sys_exit_mount")
int privilege_mount(struct trace_event_raw_sys_exit *ctx)
{
    struct scratch *scratch = ctx->ret ? NULL : privilege_scratch();
    struct event_privilege *record = privilege_begin(scratch, EVENT_PRIVILEGE_MOUNT);
    struct pt_regs *regs = call_registers();
    __u32 size = sizeof(*record);

    if (!record)
        return 0;
    record->first = PT_REGS_PARM4_SYSCALL(regs);
    record->source = tail_user_string(scratch, &size, (void *)PT_REGS_PARM1_SYSCALL(regs));
    record->target = tail_user_string(scratch, &size, (void *)PT_REGS_PARM2_SYSCALL(regs));
    record->type = tail_user_string(scratch, &size, (void *)PT_REGS_PARM3_SYSCALL(regs));
    privilege_send(scratch, size);
    return 0;
}

/* What fsmount() or open_tree() has made is moved by its descriptor, with an empty path. */
static __always_inline void privilege_detached(struct scratch *scratch, __u32 *size,
                                               struct event_privilege *record, __u32 fd)
{
    struct file *file = image_descriptor(bpf_get_current_task_btf(), fd);
    struct vfsmount *mnt = PEEK(file, f_path.mnt);

    if (!mnt)
        return;
    record->source = tail_string(scratch, size, PEEK(path_mount(mnt), mnt_devname));
    record->type = tail_string(scratch, size, PEEK(mnt, mnt_sb, s_type, name));
}

SEC("tracepoint/syscalls/sys_exit_move_mount")
int privilege_move_mount(struct trace_event_raw_sys_exit *ctx)
{
    struct scratch *scratch = ctx->ret ? NULL : privilege_scratch();
    struct event_privilege *record = privilege_begin(scratch, EVENT_PRIVILEGE_MOVE_MOUNT);
    struct pt_regs *regs = call_registers();
    __u32 size = sizeof(*record);

    if (!record)
        return 0;
    record->target = tail_user_string(scratch, &size, (void *)PT_REGS_PARM4_SYSCALL(regs));
    record->source = tail_user_string(scratch, &size, (void *)PT_REGS_PARM2_SYSCALL(regs));
    if (!record->source.length)
        privilege_detached(scratch, &size, record, PT_REGS_PARM1_SYSCALL(regs));
    privilege_send(scratch, size);
    return 0;
}

/* ---- what runs inside the kernel ---- */

/* As events/module/module_load/format has it. Not by CO-RE: a kernel without modules lacks the
 * type, and is to be told by the missing tracepoint. */
struct module_load {
    __u64 common;
    __u32 taints;
    __u32 name; /* where it is from the event's beginning, in the low half */
};

/* finit_module() has the file's descriptor as its first argument; the address that init_module()
 * has there is none. */
SEC("tracepoint/module/module_load")
int privilege_module(struct module_load *ctx)
{
    struct scratch *scratch = privilege_scratch();
    struct event_privilege *record = privilege_begin(scratch, EVENT_PRIVILEGE_MODULE);
    __u64 fd = PT_REGS_PARM1_SYSCALL(call_registers());
    __u32 size = sizeof(*record), flags = 0;
    struct file *file;

    if (!record)
        return 0;
    record->first = ctx->taints;
    record->target = tail_string(scratch, &size, (void *)ctx + (ctx->name & 0xffff));
    file = fd == (__u32)fd ? image_descriptor(bpf_get_current_task_btf(), fd) : NULL;
    if (file)
        record->source = tail_file_path(scratch, &size, file, &flags);
    privilege_send(scratch, size);
    return 0;
}

/* The program itself rather than what the call named. */
SEC("tracepoint/syscalls/sys_exit_bpf")
int privilege_bpf(struct trace_event_raw_sys_exit *ctx)
{
    struct event_privilege *record;
    struct scratch *scratch;
    struct bpf_prog *program;
    struct bpf_prog_aux *aux;
    __u32 size = sizeof(*record);

    if (ctx->ret < 0 || PT_REGS_PARM1_SYSCALL(call_registers()) != BPF_PROG_LOAD)
        return 0;
    program = PEEK(image_descriptor(bpf_get_current_task_btf(), ctx->ret), private_data);
    scratch = program ? privilege_scratch() : NULL;
    record = privilege_begin(scratch, EVENT_PRIVILEGE_BPF);
    if (!record)
        return 0;
    record->first = PEEK(program, type);
    aux = PEEK(program, aux);
    record->second = PEEK(aux, id);
    record->target =
        tail_string(scratch, &size, (void *)aux + bpf_core_field_offset(struct bpf_prog_aux, name));
    record->source = tail_string(scratch, &size, PEEK(aux, attach_func_name));
    privilege_send(scratch, size);
    return 0;
}

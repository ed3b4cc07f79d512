// SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later
/*
 * Files: what is mapped and executed, and what is done to their names. Reading and writing by
 * descriptors is in io.bpf.c. What a system call was given as a name is read when it returns, from
 * the caller's memory, with the directory that the name is relative to.
 */
#include "file.h"
#include "call.h"

struct written_map written SEC(".maps");
struct file_users_map file_users SEC(".maps");

#define PROT_READ           1
#define PROT_WRITE          2
#define PROT_EXEC           4
#define MAP_SHARED          1
#define MAP_SHARED_VALIDATE 3
#define MAP_TYPE            15
#define MAP_ANONYMOUS       32

#define AT_EMPTY_PATH 0x1000

/* ---- what is told ---- */

__noinline int file_tell(const struct file_use *use, const struct file_writer *writer, __u32 kind)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct event_file *record;
    struct scratch *scratch;
    __u32 size, cut = 0;

    if (!use || !budget_allows(EVENT_CLASS_FILE, task->cgroups->dfl_cgrp->kn->id))
        return 0;
    scratch = scratch_take(SCRATCH_FILE, EVENT_CLASS_FILE);
    if (!scratch)
        return 0;
    record = file_record(scratch, &size, task, use->now);
    if (writer) {
        record->header.start = writer->start;
        record->header.pid = record->header.tid = writer->pid;
        record->written = writer->last;
    }
    record->flags = use->flags;
    file_describe(record, use->file, use->inode);
    record->path = tail_file_path(scratch, &size, use->file, &cut);
    if (cut)
        record->flags |= EVENT_FILE_PATH_CUT;
    emit_scratch(scratch, size, EVENT_CLASS_FILE, kind);
    scratch_give(scratch);
    return 0;
}

/* ---- mapped, executed ---- */

static __always_inline void file_mapped(struct file_use *use, __u32 protection, __u32 type)
{
    if (protection & PROT_WRITE && (type == MAP_SHARED || type == MAP_SHARED_VALIDATE)) {
        use->flags |= EVENT_FILE_MMAP;
        file_written(use);
    }
    if (protection & PROT_EXEC)
        file_used(use, EVENT_FILE_LOAD);
    else if (protection & PROT_READ)
        file_used(use, EVENT_FILE_READ);
}

/* A file that could be mapped shared and writable is open for writing as well. */
SEC("tracepoint/syscalls/sys_exit_mmap")
int file_mmap_exit(struct trace_event_raw_sys_exit *ctx)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct pt_regs *regs = call_registers();
    __u32 flags = PT_REGS_PARM4_SYSCALL(regs);
    struct opened opened = {};
    struct file_use use;

    if (flags & MAP_ANONYMOUS || (ctx->ret < 0 && ctx->ret > -4096))
        return 0;
    if (!filter_allows(task_cgroup(task)))
        return 0;
    opened_look(&opened, image_descriptor(task, PT_REGS_PARM5_SYSCALL(regs)));
    if (opened.type != S_IFREG)
        return 0;
    file_use_begin(&use, task, &opened);
    file_mapped(&use, PT_REGS_PARM3_SYSCALL(regs), flags & MAP_TYPE);
    return 0;
}

/* What was written to the program that is executed now, before the record of the exec itself. */
SEC("tracepoint/sched/sched_process_exec")
int file_exec(void *ctx)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct file *file = task->mm->exe_file;
    struct file_writer *writer;
    struct opened opened = {};
    struct file_use use;

    if (!file || !filter_allows(task_cgroup(task)))
        return 0;
    opened_known(&opened, file);
    file_use_begin(&use, task, &opened);
    writer = bpf_map_lookup_elem(&written, &use.key);
    if (writer)
        file_catch_up(&use, writer);
    return 0;
}

/* ---- names ---- */

struct name {
    const char *path; /* in the caller's memory; NULL: none */
    __s32 dirfd;
};

struct name_change {
    struct name name;
    struct name old;
    __u32 mode; /* the new one, for a chmod */
    __u16 kind;
};

/* Appends the directory that a name is relative to: returns its length. */
__noinline int file_name_directory(__u32 size, __s32 dirfd)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct scratch *scratch = scratch_get(SCRATCH_FILE_NAMES);
    struct event_text text;
    __u32 cut = 0;

    if (!scratch)
        return 0;
    if (dirfd == AT_FDCWD)
        text = tail_path(scratch, &size, PEEK(task, fs, pwd.dentry), PEEK(task, fs, pwd.mnt), &cut);
    else
        text = tail_file_path(scratch, &size, image_descriptor(task, dirfd), &cut);
    if (cut)
        ((struct event_file *)scratch->record)->flags |= EVENT_FILE_PATH_CUT;
    return text.length;
}

static __always_inline void tail_name(struct scratch *scratch, __u32 *size, const struct name *name,
                                      struct event_text *path, struct event_text *directory)
{
    *path = tail_user_string(scratch, size, name->path);
    if (!path->length || *(__u8 *)tail_at(scratch, path->offset) == '/')
        return;
    *directory =
        tail_take(size, file_name_directory(*size, name->dirfd) & (2 * EVENT_PATH_MAX - 1));
}

#define FD_PREFIX_LENGTH 14
#define FD_DIGITS_MAX    8

/* The descriptor that a name like /proc/self/fd/3 stands for; -1: it is another name. By hand: 6.1
 * has no bpf_strtoul() for tracepoints. */
static __always_inline __s32 name_descriptor(struct scratch *scratch, struct event_text path)
{
    static const char prefix[] = "/proc/self/fd/";
    __u32 offset = path.offset;
    const char *text;
    __s32 fd = 0;

    /* Loaded a byte at a time, it has no bound that the verifier of 6.1 could see. */
    barrier_var(offset);
    text = tail_at(scratch, offset);
    if (path.length <= FD_PREFIX_LENGTH || bpf_strncmp(text, FD_PREFIX_LENGTH, prefix))
        return -1;
    for (__u32 i = FD_PREFIX_LENGTH; i < FD_PREFIX_LENGTH + FD_DIGITS_MAX; i++) {
        if (i == path.length)
            return fd;
        if (text[i] < '0' || text[i] > '9')
            return -1;
        fd = fd * 10 + (text[i] - '0');
    }
    return -1;
}

/* A link to a file without a name (O_TMPFILE) is made by its descriptor: it tells which file. */
__noinline int file_link_source(__s32 dirfd)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct scratch *scratch = scratch_get(SCRATCH_FILE_NAMES);
    struct event_file *record;
    struct file *file;
    __s32 fd = dirfd;

    if (!scratch)
        return 0;
    record = (struct event_file *)scratch->record;
    if (record->old_path.length)
        fd = name_descriptor(scratch, record->old_path);
    file = fd < 0 ? NULL : image_descriptor(task, fd);
    if (!file)
        return 0;
    file_describe(record, file, PEEK(file, f_inode));
    record->flags &= ~EVENT_FILE_BY_NAME;
    return 0;
}

static __noinline int name_changed(const struct name_change *change)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct scratch *scratch = scratch_get(SCRATCH_FILE_NAMES);
    struct event_file *record;
    __u32 size;

    if (!scratch || !filter_allows(task_cgroup(task)) ||
        !budget_allows(EVENT_CLASS_FILE, task->cgroups->dfl_cgrp->kn->id))
        return 0;
    record = file_record(scratch, &size, task, bpf_ktime_get_boot_ns());
    record->mode = change->mode;
    record->flags = EVENT_FILE_BY_NAME;
    tail_name(scratch, &size, &change->name, &record->path, &record->directory);
    if (change->old.path)
        tail_name(scratch, &size, &change->old, &record->old_path, &record->old_directory);
    if (change->kind == EVENT_FILE_LINK)
        file_link_source(change->old.dirfd);
    emit_scratch(scratch, size, EVENT_CLASS_FILE, change->kind);
    return 0;
}

#define ARGUMENT(n) PT_REGS_PARM##n##_CORE_SYSCALL(regs)

/* Where a call has its names: numbers of arguments, or one of these two. */
#define NAME_HERE 0 /* the working directory */
#define NAME_NONE 6

struct name_call {
    __u16 kind;
    __u8 old_dirfd;
    __u8 old_path;
    __u8 dirfd;
    __u8 path;
    __u8 mode;
    __u8 padding;
};

#define NAME_CALLS_MAX 16 /* a power of two */

/* In the order of the program's section. */
static const struct name_call name_calls[NAME_CALLS_MAX] = {
    {EVENT_FILE_RENAME, NAME_HERE, 1, NAME_HERE, 2, NAME_NONE, 0},         /* rename */
    {EVENT_FILE_RENAME, 1, 2, 3, 4, NAME_NONE, 0},                         /* renameat */
    {EVENT_FILE_RENAME, 1, 2, 3, 4, NAME_NONE, 0},                         /* renameat2 */
    {EVENT_FILE_LINK, NAME_HERE, 1, NAME_HERE, 2, NAME_NONE, 0},           /* link */
    {EVENT_FILE_LINK, 1, 2, 3, 4, NAME_NONE, 0},                           /* linkat */
    {EVENT_FILE_SYMLINK, NAME_HERE, 1, NAME_HERE, 2, NAME_NONE, 0},        /* symlink */
    {EVENT_FILE_SYMLINK, NAME_HERE, 1, 2, 3, NAME_NONE, 0},                /* symlinkat */
    {EVENT_FILE_CHMOD, NAME_HERE, NAME_NONE, NAME_HERE, 1, 2, 0},          /* chmod */
    {EVENT_FILE_CHMOD, NAME_HERE, NAME_NONE, 1, 2, 3, 0},                  /* fchmodat */
    {EVENT_FILE_CHMOD, NAME_HERE, NAME_NONE, 1, 2, 3, 0},                  /* fchmodat2 */
    {EVENT_FILE_UNLINK, NAME_HERE, NAME_NONE, NAME_HERE, 1, NAME_NONE, 0}, /* unlink */
    {EVENT_FILE_UNLINK, NAME_HERE, NAME_NONE, 1, 2, NAME_NONE, 0},         /* unlinkat */
};

/*
 * One program for all of them: the kernel may preempt the programs at the returns of system calls,
 * but runs none while the same one is under way on that CPU, so that this one has its area to
 * itself; and the verifier walks it once.
 */
SEC("tracepoint/syscalls/sys_exit_rename|sys_exit_renameat|sys_exit_renameat2|sys_exit_link|"
    "sys_exit_linkat|sys_exit_symlink|sys_exit_symlinkat|sys_exit_chmod|sys_exit_fchmodat|"
    "sys_exit_fchmodat2|sys_exit_unlink|sys_exit_unlinkat")
int file_names_exit(struct trace_event_raw_sys_exit *ctx)
{
    const struct name_call *call = &name_calls[bpf_get_attach_cookie(ctx) & (NAME_CALLS_MAX - 1)];
    struct pt_regs *regs = call_registers();
    struct name_change change = {.kind = call->kind};
    __u64 arguments[8] = {[NAME_HERE] = (__u32)AT_FDCWD};

    if (ctx->ret)
        return 0;
    arguments[1] = ARGUMENT(1);
    arguments[2] = ARGUMENT(2);
    arguments[3] = ARGUMENT(3);
    arguments[4] = ARGUMENT(4);
    change.old.dirfd = arguments[call->old_dirfd & 7];
    change.old.path = (const char *)arguments[call->old_path & 7];
    change.name.dirfd = arguments[call->dirfd & 7];
    change.name.path = (const char *)arguments[call->path & 7];
    change.mode = arguments[call->mode & 7];
    return name_changed(&change);
}

SEC("tracepoint/syscalls/sys_exit_fchmod")
int file_fchmod_exit(struct trace_event_raw_sys_exit *ctx)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct pt_regs *regs = call_registers();
    struct opened opened = {};
    struct file_use use;

    if (ctx->ret || !filter_allows(task_cgroup(task)))
        return 0;
    opened_look(&opened, image_descriptor(task, ARGUMENT(1)));
    if (opened.type != S_IFREG)
        return 0;
    file_use_begin(&use, task, &opened);
    file_tell(&use, NULL, EVENT_FILE_CHMOD);
    return 0;
}

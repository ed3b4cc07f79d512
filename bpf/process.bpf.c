// SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later
/* The lives of processes: fork, exec, failed exec, exit, and the cgroups they live in. */
#include "budget.h"
#include "call.h"
#include "environment.h"
#include "image.h"
#include "insiders.h"
#include "task.h"

/* sched_process_exit says since 6.16 (and some stable kernels) whether the whole group is dead.
 * Set by user space from BTF. */
const volatile __u32 exit_has_group_dead = 0;

/* Bytes of the lifecycle ring beyond which forks are given up. Set by user space. */
const volatile __u64 fork_share = 1 << 19;

/* Exec and exit tell of a process whose fork is missing: they have the last of the ring. */
static __always_inline bool fork_must_leave_room(void)
{
    __u64 sequence;

    if (bpf_ringbuf_query(&lifecycle, BPF_RB_AVAIL_DATA) < fork_share)
        return false;
    emit_dropped(emit_begin(EVENT_CLASS_LIFECYCLE, &sequence), EVENT_CLASS_LIFECYCLE);
    return true;
}

/* Whether clone() was to make namespaces: without, the set of them is one and the same. */
static __always_inline bool is_walled(struct task_struct *creator, struct task_struct *child)
{
    return child->nsproxy != creator->nsproxy || child->cred->user_ns != creator->cred->user_ns;
}

static __always_inline void emit_fork(struct task_struct *parent, struct task_struct *child)
{
    struct event_fork *record;

    if (child->pid != child->tgid)
        return;
    if (!filter_allows(task_cgroup(child)) || fork_must_leave_room())
        return;
    record = EMIT_RESERVE(EVENT_CLASS_LIFECYCLE, event_fork, EVENT_FORK);
    if (!record)
        return;
    task_identify(&record->header, child);
    insiders_add(&record->header);
    task_fill(&record->task, child, parent);
    if (is_walled(parent, child))
        record->task.flags |= EVENT_TASK_WALLED;
    emit_submit(record, EVENT_CLASS_LIFECYCLE);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
    emit_fork(parent, child);
    return 0;
}

/*
 * Where tracepoints may be preempted the kernel skips a tp_btf program that was preempted on its
 * CPU, and counts that. Classic tracepoints run with preemption off and lose nothing, but are told
 * less: that is looked up. User space attaches them wherever this kernel has what they need
 * (daemon/tiers.c), and then not the program of the same name in tp_btf.
 */
extern struct task_struct *bpf_task_from_pid(__s32 pid) __ksym __weak;
extern void bpf_task_release(struct task_struct *task) __ksym __weak;

/* The child has not run yet: it is there. */
SEC("tracepoint/sched/sched_process_fork")
int process_fork_classic(struct trace_event_raw_sched_process_fork *ctx)
{
    struct task_struct *child = bpf_task_from_pid(ctx->child_pid);

    if (!child)
        return 0;
    emit_fork(bpf_get_current_task_btf(), child);
    bpf_task_release(child);
    return 0;
}

/* A scratch record about a task, ready for its tail: header and fixed fields that all share. */
static __always_inline struct event_exec *exec_begin(struct scratch *scratch,
                                                     struct task_struct *task, __u32 *size)
{
    struct event_exec *record = (struct event_exec *)scratch->record;

    __builtin_memset(&record->image, 0, sizeof(record->image));
    record->header.time = bpf_ktime_get_boot_ns();
    task_identify(&record->header, task);
    task_fill(&record->task, task, NULL);
    *size = sizeof(*record);
    return record;
}

/* The three standard streams in a loop that the verifier walks once: unrolled it walks the paths of
 * each for all that the ones before may have been. */
struct exec_streams {
    struct scratch *scratch;
    __u64 task;
    __u32 size; /* of the record so far */
    __u32 padding;
};

static long exec_stream(__u32 fd, void *context)
{
    struct exec_streams *streams = context;
    struct event_exec *record = (struct event_exec *)streams->scratch->record;
    struct file *file;

    if (fd > 2)
        return 1;
    /* The verifier of 6.1 takes no bound from the comparison. */
    barrier_var(fd);
    fd &= 3;
    file = image_descriptor((struct task_struct *)streams->task, fd);
    image_stream(streams->scratch, &streams->size, &record->image.stdio[fd], file,
                 &record->image.flags);
    return 0;
}

static __always_inline __u32 exec_streams(struct scratch *scratch, __u32 size,
                                          struct task_struct *task)
{
    struct exec_streams streams = {.scratch = scratch, .task = (__u64)task, .size = size};

    bpf_loop(3, exec_stream, &streams, 0);
    return streams.size;
}

/* What an exec was asked for; all in kernel memory. */
struct exec_call {
    const void *filename;
    const void *interpreter; /* NULL: what was called is no script */
    __u32 argc;
    __u32 old_pid;
};

/* Of the returns of execve() that the kernel skips only those of failed ones are missed. How many
 * of the others were skipped is what is seen here and does not return. The kernel itself executes
 * programs without a call. */
static __always_inline void expect_return(void)
{
    long number = call_number();

    if (number == CALL_EXECVE || number == CALL_EXECVEAT)
        EMIT_COUNT(executed);
}

/* Whether a call has failed for good. */
static __always_inline bool exec_has_failed(long result)
{
    if (result >= 0)
        EMIT_COUNT(returned);
    return result < 0 && !will_restart(result);
}

static __always_inline void emit_exec(struct task_struct *task, const struct exec_call *call)
{
    struct scratch *scratch = scratch_get(SCRATCH_EXEC);
    struct event_exec *record;
    struct event_image *image;
    struct mm_struct *mm;
    __u32 size;

    expect_return();
    if (!scratch || !filter_allows(task_cgroup(task)))
        return;
    record = exec_begin(scratch, task, &size);
    /* Another thread than the leader takes over the leader's pid: tid tells who it was. */
    record->header.tid = call->old_pid;
    insiders_add(&record->header);
    image = &record->image;
    mm = task->mm;
    image->argc = call->argc;
    image->filename = tail_string(scratch, &size, call->filename);
    if (call->interpreter) {
        image->flags |= EVENT_IMAGE_SCRIPT;
        image->interpreter = tail_string(scratch, &size, call->interpreter);
    }
    size = tail_forget(scratch, size);
    image_executable(scratch, &size, record, mm);
    size = tail_forget(scratch, size);
    image_working_directory(scratch, &size, &image->cwd, &image->flags, task);
    size = tail_forget(scratch, exec_streams(scratch, size, task));
    image->argv = tail_argv(scratch, &size, mm->arg_start, image->argv_length, &image->flags);
    size = tail_forget(scratch, size);
    image->environment = tail_environment(scratch, &size, mm, &image->flags);
    emit_scratch(scratch, size, EVENT_CLASS_LIFECYCLE, EVENT_EXEC);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
    struct exec_call call = {
        .filename = PEEK(bprm, filename),
        .interpreter = PEEK(bprm, interp),
        .argc = PEEK(bprm, argc),
        .old_pid = old_pid,
    };

    if (call.interpreter == call.filename)
        call.interpreter = NULL;
    emit_exec(task, &call);
    return 0;
}

/* BINPRM_BUF_SIZE of the kernel: as much of a script as it looks at. */
#define INTERPRETER_MAX 256

/* From the moment when the program to run is known until it runs: whoever does not come so far is
 * killed. */
struct exec_interpreter {
    char path[INTERPRETER_MAX];
};

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct exec_interpreter);
} exec_interpreters SEC(".maps");

/* Where a tracepoint keeps a string of variable length, and how long it is, with its NUL. */
static __always_inline const char *event_string(const void *event, __u32 location)
{
    return event + (location & 0xffff);
}

static __always_inline __u32 event_string_length(__u32 location)
{
    return location >> 16;
}

/* Copies so many bytes, and zeroes behind them up to the end of a word. */
static __always_inline void copy_words(void *to, const char *from, __u32 length)
{
    bpf_probe_read_kernel(to, length, from);
    *(__u64 *)(to + length) = 0;
}

/* Whether two strings of an event are the same, as far as an interpreter's name can be long. */
static __always_inline bool same_strings(const void *event, __u32 a, __u32 b)
{
    struct scratch *scratch = scratch_get(SCRATCH_EXEC);
    __u32 length = event_string_length(a);
    __u64 *left, *right;

    if (!scratch || event_string_length(b) != length)
        return false;
    left = (void *)scratch->path;
    right = (void *)scratch->path + EVENT_PATH_MAX;
    if (length > INTERPRETER_MAX)
        length = INTERPRETER_MAX;
    copy_words(left, event_string(event, a), length);
    copy_words(right, event_string(event, b), length);
    for (__u32 i = 0; i < INTERPRETER_MAX / sizeof(*left) && i * sizeof(*left) < length; i++)
        if (left[i] != right[i])
            return false;
    return true;
}

/* What is called and what runs are told apart only here, just before the old program goes. */
SEC("tracepoint/sched/sched_prepare_exec")
int process_exec_prepare(struct trace_event_raw_sched_prepare_exec *ctx)
{
    const char *interpreter = event_string(ctx, ctx->__data_loc_interp);
    struct task_struct *task = bpf_get_current_task_btf();
    struct exec_interpreter *kept;

    if (same_strings(ctx, ctx->__data_loc_interp, ctx->__data_loc_filename))
        return 0;
    kept = bpf_task_storage_get(&exec_interpreters, task, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    if (kept)
        bpf_probe_read_kernel_str(kept->path, sizeof(kept->path), interpreter);
    return 0;
}

/* The loader puts argc at the bottom of the new stack. */
static __always_inline __u32 exec_argc(struct task_struct *task)
{
    __u32 argc = 0;

    bpf_probe_read_user(&argc, sizeof(argc), (const void *)task->mm->start_stack);
    return argc;
}

SEC("tracepoint/sched/sched_process_exec")
int process_exec_classic(struct trace_event_raw_sched_process_exec *ctx)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct exec_interpreter *kept = bpf_task_storage_get(&exec_interpreters, task, NULL, 0);
    struct exec_call call = {
        .filename = event_string(ctx, ctx->__data_loc_filename),
        .interpreter = kept,
        .argc = exec_argc(task),
        .old_pid = ctx->old_pid,
    };

    emit_exec(task, &call);
    if (kept)
        bpf_task_storage_delete(&exec_interpreters, task);
    return 0;
}

/* 4: killed or exited as a group; the leader's own code may be that of an earlier pthread_exit. */
static __always_inline __u32 exit_status(struct task_struct *task)
{
    struct signal_struct *signal = task->signal;

    if (signal->flags & SIGNAL_GROUP_EXIT)
        return signal->group_exit_code;
    return task->group_leader->exit_code;
}

static __always_inline void emit_exit(struct task_struct *task, bool dead)
{
    bool inside = filter_allows(task_cgroup(task));
    struct event_exit *record;

    /* A process that has left the recorded cgroup still has a life to close. */
    if (!dead || (!insiders_remove(task) && !inside))
        return;
    record = EMIT_RESERVE(EVENT_CLASS_LIFECYCLE, event_exit, EVENT_EXIT);
    if (!record)
        return;
    task_identify(&record->header, task);
    record->status = exit_status(task);
    record->flags = inside ? 0 : EVENT_EXIT_OUTSIDE;
    bpf_core_read(record->comm, sizeof(record->comm), &task->comm);
    emit_submit(record, EVENT_CLASS_LIFECYCLE);
}

SEC("tp_btf/sched_process_exit")
int process_exit(__u64 *ctx)
{
    struct task_struct *task = (void *)ctx[0];
    bool dead;

    if (exit_has_group_dead)
        dead = ctx[1] & 1;
    else /* two last threads may both see this: user space takes the first */
        dead = PEEK(task, signal, live.counter) == 0;
    emit_exit(task, dead);
    return 0;
}

SEC("tracepoint/sched/sched_process_exit")
int process_exit_classic(struct trace_event_raw_sched_process_exit *ctx)
{
    struct task_struct *task = bpf_get_current_task_btf();

    if (bpf_core_field_exists(ctx->group_dead))
        emit_exit(task, ctx->group_dead);
    else
        emit_exit(task, PEEK(task, signal, live.counter) == 0);
    return 0;
}

/* ---- failed exec: only the system call's return shows it ---- */

#define FAILED_ARGV_MAX 2048

struct failed_argv {
    struct scratch *scratch;
    const void *pointers;
    __u32 size; /* of the record so far */
    __u32 begin;
    __u32 count;
    __u32 flags;
};

static long failed_argument(__u32 index, void *context)
{
    struct failed_argv *argv = context;
    const void *pointer = NULL;
    __u32 room = EVENT_ARGV_MAX - (argv->size - argv->begin);
    long length;

    if (bpf_probe_read_user(&pointer, sizeof(pointer), argv->pointers + index * sizeof(pointer)))
        argv->flags |= EVENT_IMAGE_ARGV_FAULT;
    if (!pointer)
        return 1;
    if (room - 1 >= EVENT_ARGV_MAX || index == FAILED_ARGV_MAX) {
        argv->flags |= EVENT_IMAGE_ARGV_CUT;
        return 1;
    }
    /* The verifier of 6.1 does not see from the comparison that the room is bounded. */
    barrier_var(room);
    room = ((room - 1) & (EVENT_ARGV_MAX - 1)) + 1;
    length = bpf_probe_read_user_str(tail_at(argv->scratch, argv->size), room, pointer);
    /* The oldest kernels do not count the NUL of an empty string. */
    if (length == 0)
        length = 1;
    if (length < 0) {
        argv->flags |= EVENT_IMAGE_ARGV_FAULT;
        return 1;
    }
    argv->size = (argv->size + length) & (SCRATCH_RECORD - 1); /* a range that does not grow */
    argv->count++;
    /* It fills the room to the last byte: whatever comes behind it was not read. */
    if (length == room)
        argv->flags |= EVENT_IMAGE_ARGV_CUT;
    return 0;
}

static __always_inline int exec_failed(enum scratch_user user, long error, __s32 dirfd,
                                       const void *filename, const void *pointers)
{
    struct scratch *scratch = scratch_get(user);
    struct task_struct *task = bpf_get_current_task_btf();
    struct event_exec_failed *record;
    __u32 size = sizeof(*record);
    struct failed_argv argv = {};

    if (!scratch || !filter_allows(task_cgroup(task)))
        return 0;
    /* Of the lifecycle only this can be had as often as one likes, for nothing. */
    if (!budget_allows(EVENT_CLASS_LIFECYCLE, cgroup_id(task_cgroup(task))))
        return 0;
    record = (struct event_exec_failed *)scratch->record;
    record->header.time = bpf_ktime_get_boot_ns();
    task_identify(&record->header, task);
    task_fill(&record->task, task, NULL);
    record->error = -error;
    record->flags = 0;
    record->dirfd = dirfd;
    record->filename = tail_user_string(scratch, &size, filename);
    image_working_directory(scratch, &size, &record->cwd, &record->flags, task);
    argv.scratch = scratch;
    argv.pointers = pointers;
    argv.size = size;
    argv.begin = size;
    bpf_loop(FAILED_ARGV_MAX + 1, failed_argument, &argv, 0);
    record->argc = argv.count;
    record->flags |= argv.flags;
    record->argv = tail_take(&size, (argv.size - argv.begin) & (SCRATCH_RECORD - 1));
    emit_scratch(scratch, size, EVENT_CLASS_LIFECYCLE, EVENT_EXEC_FAILED);
    return 0;
}

SEC("tracepoint/syscalls/sys_exit_execve")
int process_execve_exit(struct trace_event_raw_sys_exit *ctx)
{
    struct pt_regs *regs;

    if (!exec_has_failed(ctx->ret))
        return 0;
    regs = call_registers();
    return exec_failed(SCRATCH_EXECVE_FAILED, ctx->ret, AT_FDCWD,
                       (void *)PT_REGS_PARM1_SYSCALL(regs), (void *)PT_REGS_PARM2_SYSCALL(regs));
}

SEC("tracepoint/syscalls/sys_exit_execveat")
int process_execveat_exit(struct trace_event_raw_sys_exit *ctx)
{
    struct pt_regs *regs;

    if (!exec_has_failed(ctx->ret))
        return 0;
    regs = call_registers();
    return exec_failed(SCRATCH_EXECVEAT_FAILED, ctx->ret, PT_REGS_PARM1_SYSCALL(regs),
                       (void *)PT_REGS_PARM2_SYSCALL(regs), (void *)PT_REGS_PARM3_SYSCALL(regs));
}

/* ---- cgroups ---- */

/* A snapshot of a process that runs already: stdio and the name it was called by are not known. */
static __always_inline void process_snapshot(struct scratch *scratch, struct event_exec *record,
                                             struct task_struct *task, __u32 *size)
{
    struct event_image *image = &record->image;
    struct mm_struct *mm = task->mm;

    if (mm)
        image_executable(scratch, size, record, mm);
    image_working_directory(scratch, size, &image->cwd, &image->flags, task);
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(process_cgroup_attach, struct cgroup *cgroup, const char *path,
             struct task_struct *task, bool threadgroup)
{
    struct event_fork *record;

    /* Version 1 hierarchies move separately and do not count here. */
    if (PEEK(cgroup, root, hierarchy_id) || !threadgroup || !insiders_has(task))
        return 0;
    record = EMIT_RESERVE(EVENT_CLASS_LIFECYCLE, event_fork, EVENT_CGROUP_ATTACH);
    if (!record)
        return 0;
    task_identify(&record->header, task);
    task_fill(&record->task, task, NULL);
    record->task.cgroup_id = cgroup_id(cgroup);
    emit_submit(record, EVENT_CLASS_LIFECYCLE);
    return 0;
}

/* A process that moves into the recorded cgroup was not seen before: this is its introduction. */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(process_cgroup_enter, struct cgroup *cgroup, const char *path,
             struct task_struct *task, bool threadgroup)
{
    struct scratch *scratch = scratch_get(SCRATCH_ATTACH);
    struct event_exec *record;
    __u32 size;

    if (!scratch || !filter_cgroup || PEEK(cgroup, root, hierarchy_id) || !threadgroup)
        return 0;
    if (!filter_allows(cgroup))
        return 0;
    record = exec_begin(scratch, task, &size);
    record->task.cgroup_id = cgroup_id(cgroup);
    record->task.flags |= EVENT_TASK_ENTERED;
    insiders_add(&record->header);
    process_snapshot(scratch, record, task, &size);
    /* Only one's own memory can be read from here. */
    if (task == bpf_get_current_task_btf())
        record->image.argv = tail_argv(scratch, &size, PEEK(task, mm, arg_start),
                                       record->image.argv_length, &record->image.flags);
    else
        record->image.flags |= EVENT_IMAGE_ARGV_FAULT;
    emit_scratch(scratch, size, EVENT_CLASS_LIFECYCLE, EVENT_PROCESS);
    return 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(process_cgroup_mkdir, struct cgroup *cgroup, const char *path)
{
    struct scratch *scratch = scratch_get(SCRATCH_MKDIR);
    struct event_cgroup *record;
    __u32 size = sizeof(*record);

    if (!scratch || PEEK(cgroup, root, hierarchy_id) || !filter_allows(cgroup))
        return 0;
    record = (struct event_cgroup *)scratch->record;
    record->header.time = bpf_ktime_get_boot_ns();
    record->header.start = 0;
    record->header.pid = 0;
    record->header.tid = 0;
    record->cgroup_id = cgroup_id(cgroup);
    record->path = tail_string(scratch, &size, path);
    emit_scratch(scratch, size, EVENT_CLASS_LIFECYCLE, EVENT_CGROUP);
    return 0;
}

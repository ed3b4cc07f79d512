// SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later
/* What one process does to another: ptrace, writes to its memory, signals. What writes to
 * /proc/PID/mem comes by way of io.bpf.c. */
#include "influence.h"
#include "call.h"

struct influence_map influences SEC(".maps");

/* ---- ptrace ---- */

#define PTRACE_TRACEME    0
#define PTRACE_POKETEXT   4
#define PTRACE_POKEDATA   5
#define PTRACE_POKEUSR    6
#define PTRACE_SETREGS    13
#define PTRACE_SETFPREGS  15
#define PTRACE_ATTACH     16
#define PTRACE_SETFPXREGS 19
#define PTRACE_SETREGSET  0x4205
#define PTRACE_SEIZE      0x4206

static __always_inline bool ptrace_pokes(__u32 request)
{
    return request >= PTRACE_POKETEXT && request <= PTRACE_POKEUSR;
}

static __always_inline bool ptrace_attaches(__u32 request)
{
    return request == PTRACE_ATTACH || request == PTRACE_SEIZE;
}

static __always_inline bool ptrace_sets(__u32 request)
{
    return request == PTRACE_SETREGS || request == PTRACE_SETFPREGS ||
           request == PTRACE_SETFPXREGS || request == PTRACE_SETREGSET;
}

/* The task asks its parent to trace it: it is the parent that may act from here on. */
static __always_inline int ptrace_traceme(struct task_struct *task)
{
    struct task_struct *parent = task->real_parent;
    struct event_influence *record = influence_record(parent, EVENT_PTRACE);

    if (!record)
        return 0;
    influence_target(record, task);
    record->number = PTRACE_TRACEME;
    emit_submit(record, EVENT_CLASS_PRIVILEGE);
    return 0;
}

/* The thread of that number as the caller sees it. */
static __always_inline struct task_struct *influence_find(__u32 number)
{
    struct pid_namespace *namespace = influence_namespace(bpf_get_current_task_btf());
    struct pid *pid = influence_pid(namespace, number);

    return pid ? influence_task(pid) : NULL;
}

SEC("tracepoint/syscalls/sys_exit_ptrace")
int influence_ptrace(struct trace_event_raw_sys_exit *ctx)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct pt_regs *regs = call_registers();
    __u64 request = PT_REGS_PARM1_SYSCALL(regs);

    if (ctx->ret)
        return 0;
    if (request == PTRACE_TRACEME)
        return ptrace_traceme(task);
    if (!ptrace_pokes(request) && !ptrace_attaches(request) && !ptrace_sets(request))
        return 0;
    influence_write(influence_find(PT_REGS_PARM2_SYSCALL(regs)),
                    ptrace_pokes(request) ? EVENT_INJECT : EVENT_PTRACE,
                    ptrace_pokes(request) ? EVENT_INJECT_POKE : 0, request);
    return 0;
}

SEC("tracepoint/syscalls/sys_exit_process_vm_writev")
int influence_writev(struct trace_event_raw_sys_exit *ctx)
{
    struct pt_regs *regs = call_registers();

    if (ctx->ret > 0)
        influence_write(influence_find(PT_REGS_PARM1_SYSCALL(regs)), EVENT_INJECT,
                        EVENT_INJECT_WRITEV, 0);
    return 0;
}

/* ---- signals ---- */

#define SIGNAL(number) (1ull << ((number)-1))

#define SIGHUP   1
#define SIGINT   2
#define SIGQUIT  3
#define SIGABRT  6
#define SIGTERM  15
#define SIGCHLD  17
#define SIGCONT  18
#define SIGTSTP  20
#define SIGURG   23
#define SIGWINCH 28

/* By default these neither stop nor end a process. */
#define SIGNALS_HARMLESS (SIGNAL(SIGCHLD) | SIGNAL(SIGCONT) | SIGNAL(SIGURG) | SIGNAL(SIGWINCH))
/* A process that catches one of these has been asked to end or stop all the same. */
#define SIGNALS_ASKING                                                                             \
    (SIGNAL(SIGHUP) | SIGNAL(SIGINT) | SIGNAL(SIGQUIT) | SIGNAL(SIGABRT) | SIGNAL(SIGTERM) |       \
     SIGNAL(SIGTSTP))

#define SIGNAL_DELIVERED 0
#define SIGNAL_LOSE_INFO 4 /* delivered, without saying from whom */

/* Of siginfo.si_code: 0 and less is what a process sends, but for what the kernel sends on behalf
 * of one that asked for it earlier (timers, message queues, I/O), in whose context does not matter.
 */
#define SI_QUEUE (-1)
#define SI_TKILL (-6)

/* In place of info: the current task sends it, as by kill(); or the kernel itself does. */
#define SEND_SIG_NOINFO 0ul
#define SEND_SIG_PRIV   1ul

static __always_inline bool signal_is_sent(struct kernel_siginfo *info)
{
    int code;

    if ((unsigned long)info <= SEND_SIG_PRIV)
        return (unsigned long)info == SEND_SIG_NOINFO;
    code = PEEK(info, si_code);
    return code == 0 || code == SI_QUEUE || code == SI_TKILL;
}

/* Whether it catches the signal. The table's address is a number to the verifier: that of 6.1 would
 * not have a pointer added to by what comes of a multiplication. */
static __always_inline bool signal_is_caught(struct task_struct *target, int number)
{
    __u64 table =
        (__u64)PEEK(target, sighand) + bpf_core_field_offset(struct sighand_struct, action);
    __u64 at = table + bpf_core_type_size(struct k_sigaction) * ((number - 1) & 63) +
               bpf_core_field_offset(struct k_sigaction, sa.sa_handler);
    void *handler = NULL;

    bpf_probe_read_kernel(&handler, sizeof(handler), (void *)at);
    return (unsigned long)handler > 1;
}

static __always_inline bool signal_matters(int number, struct task_struct *target)
{
    __u64 bit = SIGNAL(number & 63 ? number : 64);

    if (bit & SIGNALS_HARMLESS)
        return false;
    return bit & SIGNALS_ASKING || !signal_is_caught(target, number);
}

SEC("tp_btf/signal_generate")
int BPF_PROG(influence_signal, int number, struct kernel_siginfo *info, struct task_struct *target,
             int group, int result)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct event_influence *record;

    if (target->tgid == task->tgid || !signal_matters(number, target) || !signal_is_sent(info))
        return 0;
    if (result != SIGNAL_DELIVERED && result != SIGNAL_LOSE_INFO)
        return 0;
    record = influence_record(task, EVENT_SIGNAL);
    if (!record)
        return 0;
    influence_target(record, target);
    record->number = number;
    emit_submit(record, EVENT_CLASS_PRIVILEGE);
    return 0;
}

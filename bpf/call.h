/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/* System calls, as the programs at their return see them. */
#ifndef SPYQ_CALL_H
#define SPYQ_CALL_H

#include "kernel.h"

/* The registers that the current system call was entered with. */
static __always_inline struct pt_regs *call_registers(void)
{
    return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

#ifdef __TARGET_ARCH_arm64
#define CALL_EXECVE   221
#define CALL_EXECVEAT 281
#else
#define CALL_EXECVE   59
#define CALL_EXECVEAT 322
#endif

/* The number of the current system call. One that came by way of another ABI has that one's. */
static __always_inline long call_number(void)
{
#ifdef __TARGET_ARCH_arm64
    return PEEK((struct pt_regs___arm64 *)call_registers(), syscallno);
#else
    return PEEK(call_registers(), orig_ax);
#endif
}

/* A system call that was interrupted and will be started again has no outcome yet. */
static __always_inline bool will_restart(long result)
{
    return result <= -ERESTART_FIRST && result >= -ERESTART_LAST;
}

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "model_private.h"

/* Who was acted upon; NULL: nobody that is known. Others than a process outside the recorded cgroup
 * hardly are. */
static struct process *target_of(const struct model *model, const struct event_influence *influence)
{
    if (influence->target_start)
        return process_known(model, influence->target_pid, influence->target_start);
    return process_by_pid(model, influence->target_pid_ns, influence->target_pid);
}

static void act(struct model *model, const char *kind, const struct event *event,
                const char *detail)
{
    struct evidence evidence = {
        .connection_id = INTEGER_NULL, .file_id = INTEGER_NULL, .detail = model_constant(detail)};
    struct process *target = target_of(model, event->influence);
    uint64_t time = event->header->time;

    if (target)
        edge_act(model, kind, process_of(model, event->header), target, time, time, &evidence);
}

/* ---- ptrace ---- */

static const struct {
    uint32_t request;
    const char *name;
} requests[] = {
    {0, "PTRACE_TRACEME"},    {4, "PTRACE_POKETEXT"},    {5, "PTRACE_POKEDATA"},
    {6, "PTRACE_POKEUSR"},    {13, "PTRACE_SETREGS"},    {15, "PTRACE_SETFPREGS"},
    {16, "PTRACE_ATTACH"},    {19, "PTRACE_SETFPXREGS"}, {0x4205, "PTRACE_SETREGSET"},
    {0x4206, "PTRACE_SEIZE"},
};

static const char *request_name(uint32_t request)
{
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        if (requests[i].request == request)
            return requests[i].name;
    return "ptrace";
}

void influence_ptrace(struct model *model, const struct event *event)
{
    act(model, "ptrace", event, request_name(event->influence->number));
}

/* ---- memory ---- */

void influence_inject(struct model *model, const struct event *event)
{
    static const char *const ways[EVENT_INJECT_WAYS] = {
        [EVENT_INJECT_WRITEV] = "process_vm_writev",
        [EVENT_INJECT_FILE] = "/proc/PID/mem",
    };
    uint32_t how = event->influence->how;

    act(model, "inject", event,
        how < EVENT_INJECT_WAYS && ways[how] ? ways[how] : request_name(event->influence->number));
}

/* ---- signals ---- */

#define REALTIME_FIRST 34 /* below, the C library keeps two for itself */

static const char *const signals[] = {
    NULL,        "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
    "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
    "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
    "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS",
};

void influence_signal(struct model *model, const struct event *event)
{
    uint32_t number = event->influence->number;
    char name[32];

    if (number < sizeof(signals) / sizeof(signals[0]) && signals[number])
        snprintf(name, sizeof(name), "%s", signals[number]);
    else if (number >= REALTIME_FIRST)
        snprintf(name, sizeof(name), "SIGRTMIN+%u", number - REALTIME_FIRST);
    else
        snprintf(name, sizeof(name), "%u", number);
    act(model, "signal", event, name);
}

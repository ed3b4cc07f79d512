/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/*
 * Pipes and fifos: who wrote into one, and who read from it. Called by io.bpf.c.
 *
 * A writer is told of once a second, so each such record opens a new turn of the pipe, and in each
 * turn every reader is told of once. A reader may be quicker than the return of the write() whose
 * bytes it has read. Hence the order: a writer opens the turn, and looks only then whether its
 * bytes are still there; a reader has read before it looks at the turn. So either the reader sees
 * the new turn, or the writer sees that the pipe is empty.
 */
#ifndef SPYQ_PIPE_H
#define SPYQ_PIPE_H

#include "budget.h"
#include "image.h"
#include "opened.h"
#include "task.h"

#define PIPES_MAX        16384
#define PIPE_PARTIES_MAX 65536
#define PIPE_QUIET_NS    NS_PER_S

struct pipe_party {
    struct inode_id pipe;
    __u64 start;
    __u32 pid;
    __u32 writes;
};

/* The turn that a pipe is in. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, PIPES_MAX);
    __type(key, struct inode_id);
    __type(value, __u64);
} pipe_turns SEC(".maps");

/* When a writer was last told of; in which turn a reader was. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, PIPE_PARTIES_MAX);
    __type(key, struct pipe_party);
    __type(value, __u64);
} pipe_parties SEC(".maps");

static __always_inline void pipe_identify(struct pipe_party *party, struct task_struct *task,
                                          const struct opened *pipe, bool write)
{
    party->pipe = pipe->id;
    party->start = task->group_leader->start_boottime;
    party->pid = task->tgid;
    party->writes = write;
}

static __always_inline void pipe_turn(const struct inode_id *pipe)
{
    __u64 *turn = bpf_map_lookup_elem(&pipe_turns, pipe), first = 1;

    if (turn)
        __sync_fetch_and_add(turn, 1);
    else
        bpf_map_update_elem(&pipe_turns, pipe, &first, BPF_ANY);
}

static __always_inline __u32 pipe_emptiness(struct file *file)
{
    struct pipe_inode_info *pipe = PEEK(file, private_data);

    return PEEK(pipe, head) == PEEK(pipe, tail) ? EVENT_PIPE_EMPTY : 0;
}

static __always_inline void pipe_fill(struct event_pipe *record, struct task_struct *task,
                                      const struct inode_id *pipe, __u64 time, __u32 flags)
{
    task_identify(&record->header, task);
    record->header.time = time;
    record->inode = pipe->inode;
    record->device = pipe->device;
    record->generation = pipe->generation;
    record->flags = flags;
    record->padding = 0;
}

static __always_inline void pipe_emit_fifo(struct task_struct *task, struct file *file,
                                           const struct inode_id *pipe, __u64 time, __u32 flags,
                                           __u16 kind)
{
    struct scratch *scratch = scratch_take(SCRATCH_PIPE, EVENT_CLASS_IPC);
    struct event_pipe *record;
    __u32 size = sizeof(*record), cut = 0;

    if (!scratch)
        return;
    record = (struct event_pipe *)scratch->record;
    pipe_fill(record, task, pipe, time, flags);
    record->path = tail_file_path(scratch, &size, file, &cut);
    emit_scratch(scratch, size, EVENT_CLASS_IPC, kind);
    scratch_give(scratch);
}

static __always_inline void pipe_emit(struct task_struct *task, const struct inode_id *pipe,
                                      __u64 time, __u32 flags, bool write)
{
    struct event_pipe *record =
        EMIT_RESERVE(EVENT_CLASS_IPC, event_pipe, write ? EVENT_PIPE_WRITE : EVENT_PIPE_READ);

    if (!record)
        return;
    pipe_fill(record, task, pipe, time, flags);
    record->path = (struct event_text){};
    emit_submit(record, EVENT_CLASS_IPC);
}

/* Whether the party was told of for this turn, or lately; `now` is a time before its effects are
 * looked at. Fills *state with what to remember it by. */
static __always_inline bool pipe_is_told(const struct pipe_party *party, __u64 now, __u64 *state)
{
    __u64 *told = bpf_map_lookup_elem(&pipe_parties, party), *turn;

    if (party->writes) {
        *state = now;
        return told && now - *told < PIPE_QUIET_NS;
    }
    turn = bpf_map_lookup_elem(&pipe_turns, &party->pipe);
    *state = turn ? *turn : 0;
    return told && *told == *state;
}

/* Bytes went into (write) or came out of a pipe or fifo, through a descriptor of the task's, which
 * is the current one and inside of what is recorded. */
static __always_inline void pipe_transfer(struct task_struct *task, const struct opened *pipe,
                                          bool write)
{
    struct pipe_party party = {};
    __u64 time = bpf_ktime_get_boot_ns();
    __u64 state;
    __u32 flags;

    pipe_identify(&party, task, pipe, write);
    if (pipe_is_told(&party, time, &state))
        return;
    if (!budget_allows(EVENT_CLASS_IPC, cgroup_id(task_cgroup(task))))
        return;
    bpf_map_update_elem(&pipe_parties, &party, &state, BPF_ANY);
    if (write)
        pipe_turn(&party.pipe);
    else
        time = bpf_ktime_get_boot_ns();
    flags = pipe_emptiness(pipe->file);
    if (pipe->magic != PIPEFS_MAGIC)
        pipe_emit_fifo(task, pipe->file, &party.pipe, time, flags,
                       write ? EVENT_PIPE_WRITE : EVENT_PIPE_READ);
    else
        pipe_emit(task, &party.pipe, time, flags, write);
}

/* A read found no writer left, nor a byte. Of a fifo this is the end of all that was written so
 * far: others may open it anew. */
static __always_inline void pipe_ended(struct task_struct *task, const struct opened *pipe)
{
    struct pipe_party party = {};

    pipe_identify(&party, task, pipe, false);
    if (pipe->magic == PIPEFS_MAGIC || bpf_map_delete_elem(&pipe_parties, &party))
        return;
    if (budget_allows(EVENT_CLASS_IPC, cgroup_id(task_cgroup(task))))
        pipe_emit_fifo(task, pipe->file, &party.pipe, bpf_ktime_get_boot_ns(), EVENT_PIPE_END,
                       EVENT_PIPE_READ);
}

#endif

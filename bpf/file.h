/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/*
 * Files that are written, and later read, loaded or executed by others.
 *
 * Nearly all that is written is of no interest, and nobody knows beforehand what is. So the kernel
 * remembers for each file who wrote it last and when, which costs a look into a table for each
 * write, and tells user space of it only when a process begins to write a file, once a second while
 * it goes on, and when somebody else comes to use what it has written since.
 */
#ifndef SPYQ_FILE_H
#define SPYQ_FILE_H

#include "budget.h"
#include "image.h"
#include "opened.h"
#include "task.h"

#define FILES_WRITTEN 65536
#define FILE_USERS    65536

struct file_writer {
    __u64 start;
    __u64 last; /* when it last wrote */
    __u64 told; /* of which user space has been told; what was written since, it does not know */
    __u32 pid;
    __u32 padding;
};

/* Who wrote a file last. */
struct written_map {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, FILES_WRITTEN);
    __type(key, struct inode_id);
    __type(value, struct file_writer);
};
extern struct written_map written SEC(".maps");

struct file_user_key {
    struct inode_id file;
    __u64 start;
    __u32 pid;
    __u32 kind; /* EVENT_FILE_* */
};

struct file_user {
    __u64 told;   /* when */
    __u64 writer; /* whose file it was then: the start of that process */
};

/* What user space has been told of a process and a file. */
struct file_users_map {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, FILE_USERS);
    __type(key, struct file_user_key);
    __type(value, struct file_user);
};
extern struct file_users_map file_users SEC(".maps");

/* One use of a file: who, which, when. */
struct file_use {
    struct inode_id key;
    struct file *file;
    struct inode *inode;
    __u64 start;
    __u64 now;
    __u32 pid;
    __u32 flags; /* EVENT_FILE_* */
};

static __always_inline void file_use_begin(struct file_use *use, struct task_struct *task,
                                           const struct opened *opened)
{
    use->key = opened->id;
    use->file = opened->file;
    use->inode = opened->inode;
    use->start = task->group_leader->start_boottime;
    use->pid = task->tgid;
    use->now = bpf_ktime_get_boot_ns();
    use->flags = 0;
}

/* A record without texts, in a scratch area: of the current task, at that time. */
static __always_inline struct event_file *file_record(struct scratch *scratch, __u32 *size,
                                                      struct task_struct *task, __u64 now)
{
    struct event_file *record = (struct event_file *)scratch->record;

    __builtin_memset(record, 0, sizeof(*record));
    *size = sizeof(*record);
    record->header.time = now;
    record->written = now;
    record->cgroup_id = task->cgroups->dfl_cgrp->kn->id;
    task_identify(&record->header, task);
    return record;
}

/* Which file it is, and how it is now. */
static __always_inline void file_describe(struct event_file *record, struct file *file,
                                          struct inode *inode)
{
    record->inode = PEEK(inode, i_ino);
    record->device = PEEK(inode, i_sb, s_dev);
    record->generation = PEEK(inode, i_generation);
    record->size = PEEK(inode, i_size);
    record->mode = PEEK(inode, i_mode);
    if (image_is_memfd(inode, PEEK(file, f_path.dentry)))
        record->flags |= EVENT_FILE_MEMFD;
}

/* Sends a record of the writer's (NULL: of the current task) about the file. Once in the object,
 * and verified by itself, as budget_allows() is. */
int file_tell(const struct file_use *use, const struct file_writer *writer, __u32 kind);

/* What the last writer has written since user space was last told of it. */
static __always_inline void file_catch_up(const struct file_use *use, struct file_writer *writer)
{
    if (writer->last <= writer->told)
        return;
    file_tell(use, writer, EVENT_FILE_WRITE);
    writer->told = writer->last;
}

static __always_inline struct file_user_key file_user_key(const struct file_use *use, __u32 kind)
{
    return (struct file_user_key){
        .file = use->key, .start = use->start, .pid = use->pid, .kind = kind};
}

/* A process wrote that was not the last to do so. Whoever comes back within a second, as those do
 * that write to a log in turn, is not news. */
static __always_inline void file_change_hands(struct file_use *use, struct file_writer *last)
{
    struct file_user_key key = file_user_key(use, EVENT_FILE_WRITE);
    struct file_user *user = bpf_map_lookup_elem(&file_users, &key);
    struct file_writer writer = {
        .start = use->start, .pid = use->pid, .last = use->now, .told = use->now};
    struct file_user told = {.told = use->now, .writer = use->start};
    bool again = user && use->now - user->told < NS_PER_S;

    if (again)
        writer.told = user->told;
    if (last && !again)
        file_catch_up(use, last);
    bpf_map_update_elem(&written, &use->key, &writer, BPF_ANY);
    if (again)
        return;
    bpf_map_update_elem(&file_users, &key, &told, BPF_ANY);
    file_tell(use, NULL, EVENT_FILE_WRITE);
}

static __always_inline void file_written(struct file_use *use)
{
    struct file_writer *writer = bpf_map_lookup_elem(&written, &use->key);

    if (!writer || writer->pid != use->pid || writer->start != use->start) {
        file_change_hands(use, writer);
        return;
    }
    writer->last = use->now;
    if (use->now - writer->told < NS_PER_S)
        return;
    writer->told = use->now;
    file_tell(use, NULL, EVENT_FILE_WRITE);
}

/* A file was read or loaded, which counts where somebody else has written it. */
static __always_inline void file_used(struct file_use *use, __u16 kind)
{
    struct file_writer *writer = bpf_map_lookup_elem(&written, &use->key);
    struct file_user_key key;
    struct file_user *user, told = {.told = use->now};

    if (!writer || (writer->pid == use->pid && writer->start == use->start))
        return;
    key = file_user_key(use, kind);
    user = bpf_map_lookup_elem(&file_users, &key);
    if (user && (writer->last <= user->told ||
                 (writer->start == user->writer && use->now - user->told < NS_PER_S)))
        return;
    told.writer = writer->start;
    file_catch_up(use, writer);
    bpf_map_update_elem(&file_users, &key, &told, BPF_ANY);
    file_tell(use, NULL, kind);
}

/* Bytes went into (write) or came out of a regular file, through a descriptor of the task's, which
 * is the current one and inside of what is recorded. */
static __always_inline void file_transfer(struct task_struct *task, const struct opened *opened,
                                          bool write)
{
    struct file_use use;

    file_use_begin(&use, task, opened);
    if (write)
        file_written(&use);
    else
        file_used(&use, EVENT_FILE_READ);
}

#endif

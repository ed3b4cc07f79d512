/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/* Text behind the fixed part of a scratch record. `*size` is the record's size so far. */
#ifndef SPYQ_TAIL_H
#define SPYQ_TAIL_H

#include "path.h"

#define TAIL_PAGE 4096

static __always_inline void *tail_at(struct scratch *scratch, __u32 size)
{
    return &scratch->record[size & (SCRATCH_RECORD - 1)];
}

static __always_inline struct event_text tail_take(__u32 *size, __u32 length)
{
    struct event_text text = {.offset = *size, .length = length};

    *size += length;
    return text;
}

/* The size again, of which the verifier then knows nothing. Otherwise it walks all that comes for
 * each way in which the size may have come about. */
static __always_inline __u32 tail_forget(struct scratch *scratch, __u32 size)
{
    *(volatile __u32 *)&scratch->size = size;
    return *(volatile __u32 *)&scratch->size & (SCRATCH_RECORD - 1);
}

/* A NUL-terminated string of the kernel's. */
static __always_inline struct event_text tail_string(struct scratch *scratch, __u32 *size,
                                                     const void *string)
{
    long length = bpf_probe_read_kernel_str(tail_at(scratch, *size), EVENT_PATH_MAX, string);

    return tail_take(size, length > 1 ? (length - 1) & (2 * EVENT_PATH_MAX - 1) : 0);
}

/* A NUL-terminated string of the caller's. */
static __always_inline struct event_text tail_user_string(struct scratch *scratch, __u32 *size,
                                                          const void *string)
{
    long length = bpf_probe_read_user_str(tail_at(scratch, *size), EVENT_PATH_MAX, string);

    return tail_take(size, length > 1 ? (length - 1) & (2 * EVENT_PATH_MAX - 1) : 0);
}

static __always_inline struct event_text tail_path(struct scratch *scratch, __u32 *size,
                                                   struct dentry *dentry, struct vfsmount *mnt,
                                                   __u32 *flags)
{
    struct path_place place = {.dentry = (__u64)dentry, .mnt = (__u64)mnt};
    __u32 length = path_append(scratch, &place, *size);

    if (length & PATH_CUT)
        *flags |= EVENT_IMAGE_PATH_CUT;
    return tail_take(size, length & (2 * EVENT_PATH_MAX - 1));
}

static __always_inline struct event_text tail_file_path(struct scratch *scratch, __u32 *size,
                                                        struct file *file, __u32 *flags)
{
    return tail_path(scratch, size, PEEK(file, f_path.dentry), PEEK(file, f_path.mnt), flags);
}

/* Where user memory is copied from, a page at a time, until a page is not there. */
struct tail_copy {
    void *to;
    const void *from;
    __u32 done;
};

static long tail_copy_page(__u32 index, void *context)
{
    struct tail_copy *copy = context;
    __u32 offset = index * TAIL_PAGE;

    if (bpf_probe_read_user(copy->to + (offset & (EVENT_ARGV_MAX - 1)), TAIL_PAGE,
                            copy->from + offset))
        return 1;
    copy->done = offset + TAIL_PAGE;
    return 0;
}

/* The first `length` bytes of argv, or what can be read of them. */
static __always_inline struct event_text tail_argv(struct scratch *scratch, __u32 *size,
                                                   unsigned long start, __u64 length, __u32 *flags)
{
    __u32 wanted = length;

    if (length > EVENT_ARGV_MAX) {
        *flags |= EVENT_IMAGE_ARGV_CUT;
        wanted = EVENT_ARGV_MAX;
    }
    if (bpf_probe_read_user(tail_at(scratch, *size), wanted, (const void *)start)) {
        struct tail_copy copy = {.to = tail_at(scratch, *size), .from = (const void *)start};
        bpf_loop(wanted / TAIL_PAGE, tail_copy_page, &copy, 0);
        *flags |= EVENT_IMAGE_ARGV_FAULT;
        wanted = copy.done;
    }
    return tail_take(size, wanted);
}

#endif

// SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later
/*
 * What runs already: every process, every TCP, UDP and UNIX socket that a process holds. Iterators
 * walk the kernel's own tables and send the records through the lifecycle ring, so that a scan is
 * ordered against the events around it. The time is taken before anything is read: an event with a
 * later time than the record's knows better.
 */
#include "image.h"
#include "insiders.h"
#include "socket.h"
#include "task.h"
#include "udp.h"
#include "unix_socket.h"

/* A ring more than half full is drained by user space before the scan goes on. */
const volatile __u64 scan_watermark = 1 << 19;

#define ITER_NEXT  0
#define ITER_AGAIN 1 /* the same object once more, at user space's next read */

static __always_inline bool scan_must_wait(void)
{
    return bpf_ringbuf_query(&lifecycle, BPF_RB_AVAIL_DATA) > scan_watermark;
}

static __always_inline void scan_arguments(struct scratch *scratch, struct event_exec *record,
                                           struct task_struct *task, __u32 *size)
{
    struct event_image *image = &record->image;
    unsigned long start = PEEK(task, mm, arg_start);
    __u64 length = image->argv_length;

    if (length > EVENT_ARGV_MAX) {
        image->flags |= EVENT_IMAGE_ARGV_CUT;
        length = EVENT_ARGV_MAX;
    }
    if (bpf_copy_from_user_task(tail_at(scratch, *size), length, (const void *)start, task, 0)) {
        image->flags |= EVENT_IMAGE_ARGV_FAULT;
        length = 0;
    }
    image->argv = tail_take(size, length);
}

SEC("iter.s/task")
int scan_process(struct bpf_iter__task *ctx)
{
    struct task_struct *task = ctx->task;
    struct scratch *scratch = scratch_get(SCRATCH_SCAN);
    struct event_exec *record;
    struct mm_struct *mm;
    __u32 size = sizeof(*record);

    if (!task || !scratch || task->pid != task->tgid)
        return ITER_NEXT;
    if (!filter_allows(task_cgroup(task)))
        return ITER_NEXT;
    if (scan_must_wait())
        return ITER_AGAIN;
    record = (struct event_exec *)scratch->record;
    __builtin_memset(&record->image, 0, sizeof(record->image));
    record->header.time = bpf_ktime_get_boot_ns();
    /* A zombie, or about to be one: its exit has been or will be seen as an event. */
    if (PEEK(task, signal, live.counter) == 0)
        return ITER_NEXT;
    task_identify(&record->header, task);
    insiders_add(&record->header);
    task_fill(&record->task, task, NULL);
    mm = task->mm;
    if (mm) {
        image_executable(scratch, &size, record, mm);
        scan_arguments(scratch, record, task, &size);
    }
    image_working_directory(scratch, &size, &record->image.cwd, &record->image.flags, task);
    emit_scratch(scratch, size, EVENT_CLASS_LIFECYCLE, EVENT_PROCESS);
    return ITER_NEXT;
}

/* Whether a scan tells of a UNIX socket: of a connection the end that was accepted, for that one
 * knows whose the other is (it has a name, the other has none); of datagram sockets all that have a
 * name or a peer. */
static __always_inline bool scan_wants_unix(struct socket *socket, struct sock *sk)
{
    struct unix_address *name = PEEK((struct unix_sock *)sk, addr);
    struct sock *peer = PEEK((struct unix_sock *)sk, peer);

    if (PEEK(socket, type) == SOCK_DGRAM)
        return name || peer;
    return name && peer && !PEEK((struct unix_sock *)peer, addr);
}

static __always_inline int scan_unix(struct task_struct *task, struct socket *socket,
                                     struct sock *sk)
{
    struct scratch *scratch = scratch_get(SCRATCH_SCAN);
    bool is_client = PEEK(socket, type) == SOCK_DGRAM && PEEK((struct unix_sock *)sk, peer);

    if (!scratch || !filter_allows(task_cgroup(task)) || !scan_wants_unix(socket, sk))
        return ITER_NEXT;
    if (scan_must_wait())
        return ITER_AGAIN;
    unix_emit(scratch, task, socket, !is_client, EVENT_CLASS_LIFECYCLE, EVENT_UNIX_SOCKET);
    return ITER_NEXT;
}

SEC("iter/task_file")
int scan_socket(struct bpf_iter__task_file *ctx)
{
    struct task_struct *task = ctx->task;
    struct file *file = ctx->file;
    struct event_tcp *record;
    struct socket *socket;
    struct sock *sk;
    __u64 cookie;

    if (!task || !file)
        return ITER_NEXT;
    socket = bpf_sock_from_file(file);
    if (!socket)
        return ITER_NEXT;
    sk = socket->sk;
    if (socket_is_unix(sk))
        return scan_unix(task, socket, sk);
    if (!sk || !(socket_is_tcp(sk) || socket_is_udp(sk)))
        return ITER_NEXT;
    if (!filter_allows(PEEK(sk, sk_cgrp_data.cgroup)))
        return ITER_NEXT;
    if (scan_must_wait())
        return ITER_AGAIN;
    if (socket_is_udp(sk)) {
        udp_scan(task, sk);
        return ITER_NEXT;
    }
    if (sk->__sk_common.skc_state == TCP_CLOSE)
        return ITER_NEXT;
    cookie = bpf_get_socket_cookie(sk);
    record = EMIT_RESERVE(EVENT_CLASS_LIFECYCLE, event_tcp, EVENT_TCP_SOCKET);
    if (!record)
        return ITER_NEXT;
    record->cookie = cookie;
    socket_fill(record, sk);
    record->old_state = record->new_state;
    task_identify(&record->header, task);
    emit_submit(record, EVENT_CLASS_LIFECYCLE);
    return ITER_NEXT;
}

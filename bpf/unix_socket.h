/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/* What a record says of a UNIX socket, filled in from its struct sock. */
#ifndef SPYQ_UNIX_SOCKET_H
#define SPYQ_UNIX_SOCKET_H

#include "pid.h"
#include "tail.h"
#include "task.h"

#define UNIX_PATH_MAX 128 /* a mask: sun_path has 108 bytes */

static __always_inline bool socket_is_unix(struct sock *sk)
{
    return sk && PEEK(sk, __sk_common.skc_family) == AF_UNIX;
}

/* The UNIX socket behind an open file; NULL: it is something else. */
static __always_inline struct socket *unix_socket_of(struct file *file)
{
    struct socket *socket;

    if (!file || (PEEK(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
        return NULL;
    socket = PEEK(file, private_data);
    return socket_is_unix(PEEK(socket, sk)) ? socket : NULL;
}

static __always_inline __u64 unix_inode(struct sock *sk)
{
    return PEEK(sk, sk_socket, file, f_inode, i_ino);
}

/* The name that a socket is bound to, as it was given to bind(); where that is relative to a
 * directory, the whole path. */
static __always_inline struct event_text unix_name(struct scratch *scratch, __u32 *size,
                                                   struct sock *sk)
{
    struct unix_sock *socket = (struct unix_sock *)sk;
    struct unix_address *address = PEEK(socket, addr);
    __u32 length = PEEK(address, len) - sizeof(__u16); /* the family */
    const char *name =
        (const char *)address + bpf_core_field_offset(struct unix_address, name) + sizeof(__u16);
    __u32 flags = 0;
    char first = 0;

    if (!address || length - 1 >= UNIX_PATH_MAX - 1)
        return tail_take(size, 0);
    bpf_probe_read_kernel(&first, sizeof(first), name);
    if (first && first != '/')
        return tail_path(scratch, size, PEEK(socket, path.dentry), PEEK(socket, path.mnt), &flags);
    barrier_var(length);
    length &= UNIX_PATH_MAX - 1;
    if (bpf_probe_read_kernel(tail_at(scratch, *size), length, name))
        length = 0;
    return tail_take(size, length);
}

/* Builds the record about a socket of the task's, its name and its peer's, and sends it. `server`:
 * its own name is what it is known by, else its peer's. */
static __always_inline void unix_emit(struct scratch *scratch, struct task_struct *task,
                                      struct socket *socket, bool server, __u32 class, __u16 kind)
{
    struct event_unix *record = (struct event_unix *)scratch->record;
    struct sock *sk = PEEK(socket, sk);
    struct sock *peer = PEEK((struct unix_sock *)sk, peer);
    __u32 size = sizeof(*record);

    record->header.time = bpf_ktime_get_boot_ns();
    task_identify(&record->header, task);
    record->inode = unix_inode(sk);
    record->peer_inode = unix_inode(peer);
    pid_process(PEEK(sk, sk_peer_pid), &record->peer_pid, &record->peer_start);
    record->net_ns = PEEK(sk, __sk_common.skc_net.net, ns.inum);
    record->type = PEEK(socket, type);
    record->flags = server ? EVENT_UNIX_SERVER : 0;
    record->path = unix_name(scratch, &size, server ? sk : peer);
    emit_scratch(scratch, size, class, kind);
}

#endif

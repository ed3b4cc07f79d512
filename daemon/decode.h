/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From bytes to a checked event. The ring is trusted, a replay file is not: after decode every
 * length, offset and fixed string of the record is known to lie inside it.
 */
#ifndef SPYQ_DECODE_H
#define SPYQ_DECODE_H

#include <stddef.h>

#include "../bpf/event.h"
#include "../sql/rows.h"

/* No record has a later time on the boot clock, which comes to it after 73 years; ns. A frontier
 * may be later: it means "everything". */
#define EVENT_TIME_MAX ((__u64)1 << 61)

/* A record that has been checked. It borrows the bytes it was decoded from. */
struct event {
    union {
        const struct event_header *header;
        const struct event_fork *fork; /* EVENT_FORK, EVENT_CGROUP_ATTACH */
        const struct event_exec *exec; /* EVENT_EXEC, EVENT_PROCESS */
        const struct event_exec_failed *exec_failed;
        const struct event_exit *exit;
        const struct event_tcp *tcp; /* EVENT_TCP_* */
        const struct event_udp *udp; /* EVENT_UDP_* */
        const struct event_dns *dns;
        const struct event_unix *unix_socket; /* EVENT_UNIX_* */
        const struct event_pipe *pipe;        /* EVENT_PIPE_* */
        const struct event_fd_pass *fd_pass;  /* EVENT_FD_SEND, EVENT_FD_RECEIVE */
        const struct event_file *file;        /* EVENT_FILE_* */
        const struct event_privilege *privilege;
        const struct event_influence *influence; /* EVENT_PTRACE, EVENT_INJECT, EVENT_SIGNAL */
        const struct event_container *container;
        const struct event_cgroup *cgroup;
        const struct event_user *user;
        const struct event_clock *clock;
        const struct event_mark *mark; /* EVENT_FRONTIER, EVENT_SCAN_DONE */
        const struct event_loss *loss;
        const struct event_host *host;
    };
};

/*
 * Checks the size bytes at `bytes` (aligned to 8) as one record. Returns NULL and fills *event, or
 * returns what is wrong with the record, a static string.
 */
const char *decode(const void *bytes, size_t size, struct event *event);

/* The text a reference stands for; data is NULL where the reference is empty. */
struct text event_text(const struct event *event, struct event_text reference);

/* The size of the fixed part of a kind of record, and *texts: the offsets of the texts' references
 * in it, 0 behind the last. The kind is one that decode() has taken. */
size_t event_texts(unsigned kind, const __u16 **texts);

/* A fixed, NUL-padded field as text; data is NULL where it is empty. */
struct text event_field(const char *field, size_t size);

/* The name of a kind, for messages and tests, such as "exec". NULL: no such kind. */
const char *event_kind_name(unsigned kind);

/* The class whose losses a record of this kind counts towards, EVENT_CLASS_*. */
unsigned event_class(unsigned kind);

/* The name of a class as in losses.class, such as "lifecycle". */
const char *event_class_name(unsigned loss_class);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/*
 * The one way out of the kernel: two rings, a sequence number for each CPU and ring, and a count
 * of what did not fit. Programs reserve a record, fill it in and submit it, or build a longer one
 * in a scratch area of their own and send that.
 */
#ifndef SPYQ_EMIT_H
#define SPYQ_EMIT_H

#include "kernel.h"

#include "event.h"

/* Both are resized by user space before they are loaded. */
struct ring {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 20);
};
extern struct ring lifecycle SEC(".maps");
extern struct ring activity SEC(".maps");

struct counters_map {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct emit_counters);
};
extern struct counters_map counters SEC(".maps");

/* Bytes of the activity ring beyond which a class is given up. Set by user space. */
extern const volatile __u64 activity_share[EVENT_CLASSES];

/* Long records are built here. A program may be preempted by another on its CPU but never by
 * itself, so each program that builds one has an area of its own on each CPU, or takes one that
 * nobody has taken. Every offset is masked to 64 KiB; the slack behind it holds the longest single
 * append. */
#define SCRATCH_RECORD      65536
#define SCRATCH_SLACK       (EVENT_ARGV_MAX + EVENT_PATH_MAX)
#define SCRATCH_ENVIRONMENT 16384
#define SCRATCH_PATH        (2 * EVENT_PATH_MAX)
#define SCRATCH_WINDOW      80 /* see window.h */

struct scratch {
    __u8 record[SCRATCH_RECORD + SCRATCH_SLACK];
    __u8 path[SCRATCH_PATH]; /* a path being built, from its end to its beginning */
    /* Where it begins so far. Here, and not on the stack, for the verifier not to follow it: it
     * would walk the loop again for each range that it may be in. */
    __u64 path_start;
    __u32 size;  /* likewise: see tail_forget() */
    __u32 taken; /* by scratch_take() */
    __u64 window[SCRATCH_WINDOW / sizeof(__u64)];
    /* Likewise, of the walk through the environment. */
    __u32 environment_length; /* of what was copied */
    __u32 environment_begin;  /* of the record, before */
    __u32 environment_end;    /* of the record so far */
    __u32 environment_cut;
    /* The environment as it was given; a stride of words may begin at its last. */
    __u8 environment[SCRATCH_ENVIRONMENT + 64];
};

enum scratch_user {
    SCRATCH_EXEC,
    SCRATCH_EXECVE_FAILED,
    SCRATCH_EXECVEAT_FAILED,
    SCRATCH_ATTACH,
    SCRATCH_MKDIR,
    SCRATCH_SCAN,
    SCRATCH_UNIX,       /* unix.bpf.c */
    SCRATCH_PIPE,       /* pipe.bpf.c */
    SCRATCH_FILE,       /* file.bpf.c: what reads and writes */
    SCRATCH_FILE_NAMES, /* file.bpf.c: what renames, links, removes */
    SCRATCH_PRIVILEGE,  /* privilege.bpf.c */
    SCRATCH_DESCRIPTOR, /* descriptor.bpf.c */
    SCRATCH_SPARE,      /* for scratch_take() */
    SCRATCH_SPARE_TOO,
    SCRATCH_USERS,
};

struct scratch_map {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, SCRATCH_USERS);
    __type(key, __u32);
    __type(value, struct scratch);
};
extern struct scratch_map scratches SEC(".maps");

/* Set by user space when it goes to sleep: the next record of that ring wakes it, once. */
extern __u32 armed[EVENT_RINGS];

/* Set by user space at its end: from then on nothing is sent, nor counted. The programs themselves
 * may stay for some seconds more. */
extern __u32 stopped;

static __always_inline struct scratch *scratch_get(enum scratch_user user)
{
    __u32 slot = bpf_get_smp_processor_id() * SCRATCH_USERS + user;
    return bpf_map_lookup_elem(&scratches, &slot);
}

static __always_inline struct scratch *scratch_try(enum scratch_user user)
{
    struct scratch *scratch = scratch_get(user);

    return scratch && !__sync_lock_test_and_set(&scratch->taken, 1) ? scratch : NULL;
}

static __always_inline void scratch_give(struct scratch *scratch)
{
    *(volatile __u32 *)&scratch->taken = 0;
}

/* Exec and exit are the last to go: they have a ring of their own. */
static __always_inline __u32 emit_ring(__u32 class)
{
    return class == EVENT_CLASS_LIFECYCLE ? EVENT_RING_LIFECYCLE : EVENT_RING_ACTIVITY;
}

/* The map of a class' ring; `class` is a constant. */
#define EMIT_MAP(class) ((class) == EVENT_CLASS_LIFECYCLE ? (void *)&lifecycle : (void *)&activity)

/*
 * Wakes user space where it sleeps. After a record is in the ring, not with it: user space first
 * says that it sleeps and then looks at the ring, so that one of the two sees the other. No helper
 * only wakes; a record that is thrown away does.
 */
static __always_inline void emit_wake(void *map, __u32 ring)
{
    void *nothing = armed[ring] ? bpf_ringbuf_reserve(map, 8, 0) : NULL;

    if (!nothing)
        return;
    armed[ring] = 0;
    bpf_ringbuf_discard(nothing, BPF_RB_FORCE_WAKEUP);
}

/* Counts a record of a ring. */
static __always_inline struct emit_counters *emit_number(__u32 ring, __u64 *sequence)
{
    __u32 cpu = bpf_get_smp_processor_id();
    struct emit_counters *counter = bpf_map_lookup_elem(&counters, &cpu);

    if (counter)
        *sequence = __sync_fetch_and_add(&counter->sequence[ring], 1) + 1;
    return counter;
}

/* Counts a record that is about to be sent. Call before anything can fail. NULL: it is not to be
 * sent, nor to be counted as dropped. */
static __always_inline struct emit_counters *emit_begin(__u32 class, __u64 *sequence)
{
    return stopped ? NULL : emit_number(emit_ring(class), sequence);
}

static __always_inline void emit_dropped(struct emit_counters *counter, __u32 class)
{
    if (counter)
        __sync_fetch_and_add(&counter->dropped[class], 1);
}

/*
 * An area for programs some of which may be preempted, and met by others that use the same one: a
 * spare one where that is taken, until scratch_give(). NULL: all are; the record that can not be
 * built is counted.
 */
static __always_inline struct scratch *scratch_take(enum scratch_user user, __u32 class)
{
    struct scratch *scratch = scratch_try(user);
    __u64 sequence;

    if (!scratch)
        scratch = scratch_try(SCRATCH_SPARE);
    if (!scratch)
        scratch = scratch_try(SCRATCH_SPARE_TOO);
    if (!scratch)
        emit_dropped(emit_begin(class, &sequence), class);
    return scratch;
}

/* Adds to a counter of this CPU; `member` is that of struct emit_counters. */
#define EMIT_COUNT(member)                                                                         \
    do {                                                                                           \
        __u32 emit_cpu = bpf_get_smp_processor_id();                                               \
        struct emit_counters *emit_counter = bpf_map_lookup_elem(&counters, &emit_cpu);            \
        if (emit_counter)                                                                          \
            __sync_fetch_and_add(&emit_counter->member, 1);                                        \
    } while (0)

static __always_inline void emit_header(struct event_header *header, __u32 size, __u16 kind,
                                        __u64 sequence, __u64 time)
{
    header->size = size;
    header->kind = kind;
    header->cpu = bpf_get_smp_processor_id();
    header->time = time;
    header->sequence = sequence;
    header->start = 0;
    header->pid = 0;
    header->tid = 0;
}

/* Whether the ring is too full for a record of this class: the lesser leave room for the rest. */
static __always_inline bool emit_must_leave_room(__u32 class)
{
    return class != EVENT_CLASS_LIFECYCLE &&
           bpf_ringbuf_query(&activity, BPF_RB_AVAIL_DATA) > activity_share[class];
}

/* Reserves a record of a constant size with its header filled in; NULL when the ring is full. */
static __always_inline void *emit_reserve(void *map, __u32 class, __u32 size, __u16 kind)
{
    __u64 sequence = 0;
    __u64 time = bpf_ktime_get_boot_ns();
    struct emit_counters *counter = emit_begin(class, &sequence);
    struct event_header *header = NULL;

    if (!counter)
        return NULL;
    if (!emit_must_leave_room(class))
        header = bpf_ringbuf_reserve(map, size, 0);
    if (header)
        emit_header(header, size, kind, sequence, time);
    else
        emit_dropped(counter, class);
    return header;
}

#define EMIT_RESERVE(class, type, kind)                                                            \
    ((struct type *)emit_reserve(EMIT_MAP(class), class, sizeof(struct type), kind))

static __always_inline void emit_submit(void *record, __u32 class)
{
    bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
    emit_wake(EMIT_MAP(class), emit_ring(class));
}

/* Sends the first `size` bytes of a scratch record, padded to 8. The caller has filled in
 * everything but size, kind, cpu and sequence. */
static __always_inline void emit_scratch(struct scratch *scratch, __u32 size, __u32 class,
                                         __u16 kind)
{
    struct event_header *header = (struct event_header *)scratch->record;
    __u64 sequence = 0;
    struct emit_counters *counter = emit_begin(class, &sequence);

    if (!counter)
        return;
    /* The padding must not carry what an earlier record left there. */
    *(__u64 *)&scratch->record[size & (SCRATCH_RECORD - 1)] = 0;
    size = (size + 7) & ~7u;
    if (size > EVENT_RECORD_MAX)
        size = EVENT_RECORD_MAX;
    header->size = size;
    header->kind = kind;
    header->cpu = bpf_get_smp_processor_id();
    header->sequence = sequence;
    if (emit_must_leave_room(class) ||
        bpf_ringbuf_output(EMIT_MAP(class), scratch->record, size, BPF_RB_NO_WAKEUP))
        emit_dropped(counter, class);
    else
        emit_wake(EMIT_MAP(class), emit_ring(class));
}

#endif

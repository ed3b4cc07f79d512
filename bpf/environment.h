/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/*
 * The environment a program was given, as far as somebody asked for it: most of it is of no use to
 * an investigator, and some of it secret. Names are told apart by their first eight bytes here;
 * user space compares the rest.
 */
#ifndef SPYQ_ENVIRONMENT_H
#define SPYQ_ENVIRONMENT_H

#include "tail.h"

#define ENVIRONMENT_COUNT_MAX 512

struct environment_map {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 256);
    __type(key, __u64);
    __type(value, __u8);
};
extern struct environment_map environment_names SEC(".maps");
extern const volatile __u32 environment_wanted; /* 0: the map is empty */

struct environment_walk {
    struct scratch *scratch;
    unsigned long at;
    unsigned long end;
    __u32 size; /* of the record so far */
    __u32 begin;
    __u32 cut;
};

#define BYTES(byte) (0x0101010101010101ull * (byte))

/* The first eight bytes of a name: what comes from the first '=' on is zeroed. */
static __always_inline __u64 environment_key(__u64 bytes)
{
    __u64 other = bytes ^ BYTES('=');
    __u64 found = (other - BYTES(1)) & ~other & BYTES(0x80);

    return found ? bytes & (((found & -found) >> 7) - 1) : bytes;
}

static long environment_step(__u32 index, void *context)
{
    struct environment_walk *walk = context;
    __u64 *bytes = tail_at(walk->scratch, walk->size);
    long length;
    __u64 key;

    if (walk->at >= walk->end)
        return 1;
    *bytes = 0;
    length = bpf_probe_read_user_str(bytes, EVENT_PATH_MAX, (const void *)walk->at);
    if (length <= 0) {
        walk->cut = 1;
        return 1;
    }
    walk->at += length;
    key = environment_key(*bytes);
    if (!bpf_map_lookup_elem(&environment_names, &key))
        return 0;
    /* Masked, the value's range is the same in every round, and the verifier is done after two. */
    walk->size = (walk->size + length) & (SCRATCH_RECORD - 1);
    walk->cut = walk->size - walk->begin > EVENT_ENVIRONMENT_MAX || length == EVENT_PATH_MAX;
    return walk->cut;
}

static __always_inline struct event_text tail_environment(struct scratch *scratch, __u32 *size,
                                                          struct mm_struct *mm, __u32 *flags)
{
    struct environment_walk walk = {.scratch = scratch, .size = *size, .begin = *size};

    if (!environment_wanted)
        return tail_take(size, 0);
    walk.at = BPF_CORE_READ(mm, env_start);
    walk.end = BPF_CORE_READ(mm, env_end);
    bpf_loop(ENVIRONMENT_COUNT_MAX, environment_step, &walk, 0);
    if (walk.cut)
        *flags |= EVENT_IMAGE_ENVIRONMENT_CUT;
    return tail_take(size, (walk.size - walk.begin) & (SCRATCH_RECORD - 1));
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/*
 * The environment a program was given, as far as somebody asked for it: most of it is of no use to
 * an investigator, and some of it secret. It is copied once and looked through a word at a time;
 * names are told apart by their first eight bytes, and user space compares the rest.
 */
#ifndef SPYQ_ENVIRONMENT_H
#define SPYQ_ENVIRONMENT_H

#include "tail.h"

#define ENVIRONMENT_STRIDE 8 /* words */
#define ENVIRONMENT_STEPS  (SCRATCH_ENVIRONMENT / sizeof(__u64) / ENVIRONMENT_STRIDE)

struct environment_map {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 256);
    __type(key, __u64);
    __type(value, __u8);
};
extern struct environment_map environment_names SEC(".maps");

/* A bit for each first and each second byte that a wanted name has ('=' behind one of a single
 * byte), so that most names cost no look-up. All zero: none is wanted. Set by user space. */
extern const volatile __u64 environment_initials[4];
extern const volatile __u64 environment_seconds[4];

static __always_inline bool environment_may_be_wanted(const __u8 *name)
{
    return environment_initials[name[0] >> 6] >> (name[0] & 63) & 1 &&
           environment_seconds[name[1] >> 6] >> (name[1] & 63) & 1;
}

/* The walk's state is in the scratch area, and not on the stack, for the verifier not to follow it:
 * it would walk the loops again for each value that it may have. */
struct environment_walk {
    struct scratch *scratch;
};

#define BYTES(byte) (0x0101010101010101ull * (byte))

#define LOW_BITS BYTES(0x7f)

/* The highest bit of each byte of the word that is zero, and no other. */
static __always_inline __u64 zero_bytes(__u64 word)
{
    return ~(((word & LOW_BITS) + LOW_BITS) | word | LOW_BITS);
}

/* Which byte has the lowest of such bits. */
static __always_inline __u32 lowest_byte(__u64 bits)
{
    return ((bits & -bits) >> 7) * 0x0001020304050607ull >> 56;
}

/* The first eight bytes of a name: what comes from the first '=' on is zeroed. */
static __always_inline __u64 environment_key(__u64 bytes)
{
    __u64 found = zero_bytes(bytes ^ BYTES('='));

    return found ? bytes & (((found & -found) >> 7) - 1) : bytes;
}

/* Takes the variable that begins at `at` into the record, where it is wanted. */
static __always_inline void environment_variable(struct scratch *scratch, __u32 at)
{
    const __u8 *from = &scratch->environment[at & (SCRATCH_ENVIRONMENT - 1)];
    __u32 end = scratch->environment_end;
    __u64 key;
    long length;

    if (!environment_may_be_wanted(from))
        return;
    bpf_probe_read_kernel(&key, sizeof(key), from);
    key = environment_key(key);
    if (!bpf_map_lookup_elem(&environment_names, &key))
        return;
    length = bpf_probe_read_kernel_str(tail_at(scratch, end), EVENT_PATH_MAX, from);
    if (length <= 0)
        return;
    end = (end + length) & (SCRATCH_RECORD - 1);
    /* What would make the record too long is left out, and the rest stands. */
    if (end < scratch->environment_begin || end > EVENT_RECORD_MAX - 8) {
        end = scratch->environment_begin;
        scratch->environment_cut = 1;
    }
    if (length == EVENT_PATH_MAX || end - scratch->environment_begin > EVENT_ENVIRONMENT_MAX)
        scratch->environment_cut = 1;
    scratch->environment_end = end;
}

/* Every NUL of a word ends one variable and begins the next. */
static __always_inline void environment_word(struct scratch *scratch, __u32 at, __u64 zeros)
{
    for (int i = 0; i < 8 && zeros; i++, zeros &= zeros - 1) {
        __u32 next = at + lowest_byte(zeros) + 1;
        if (next < scratch->environment_length)
            environment_variable(scratch, next);
    }
}

/* Several words at a time: most hold no NUL, and a call costs more than a look at them. */
static long environment_step(__u32 index, void *context)
{
    struct scratch *scratch = ((struct environment_walk *)context)->scratch;
    __u32 at = index * ENVIRONMENT_STRIDE * sizeof(__u64);
    __u64 *words = (void *)&scratch->environment[at & (SCRATCH_ENVIRONMENT - 1)];

    if (at >= scratch->environment_length || scratch->environment_cut)
        return 1;
    for (int i = 0; i < ENVIRONMENT_STRIDE; i++) {
        __u64 zeros = zero_bytes(words[i]);
        if (zeros)
            environment_word(scratch, at + i * sizeof(__u64), zeros);
    }
    return 0;
}

static __always_inline struct event_text tail_environment(struct scratch *scratch, __u32 *size,
                                                          struct mm_struct *mm, __u32 *flags)
{
    struct environment_walk walk = {.scratch = scratch};
    unsigned long start = mm->env_start;
    unsigned long length = mm->env_end - start;
    __u32 begin = *size;

    if (!(environment_initials[0] | environment_initials[1] | environment_initials[2] |
          environment_initials[3]))
        return tail_take(size, 0);
    if (length > SCRATCH_ENVIRONMENT) {
        length = SCRATCH_ENVIRONMENT;
        *flags |= EVENT_IMAGE_ENVIRONMENT_CUT;
    }
    if (bpf_probe_read_user(scratch->environment, length, (const void *)start)) {
        *flags |= EVENT_IMAGE_ENVIRONMENT_CUT;
        return tail_take(size, 0);
    }
    scratch->environment_begin = scratch->environment_end = begin;
    scratch->environment_length = length;
    scratch->environment_cut = 0;
    if (length)
        environment_variable(scratch, 0);
    bpf_loop(ENVIRONMENT_STEPS, environment_step, &walk, 0);
    if (scratch->environment_cut)
        *flags |= EVENT_IMAGE_ENVIRONMENT_CUT;
    return tail_take(size, (scratch->environment_end - begin) & (SCRATCH_RECORD - 1));
}

#endif

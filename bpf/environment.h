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

/* A bit for each first byte that a wanted name has, so that most names cost no look-up. All zero:
 * none is wanted. Set by user space. */
extern const volatile __u64 environment_initials[4];

/* The walk's state is in the scratch area, and not on the stack, for the verifier not to follow it:
 * it would walk the loops again for each value that it may have. */
struct environment_walk {
    struct scratch *scratch;
};

#define BYTES(byte) (0x0101010101010101ull * (byte))

/* A bit in each byte of the word that is zero, and in none below the lowest such byte. */
static __always_inline __u64 zero_bytes(__u64 word)
{
    return (word - BYTES(1)) & ~word & BYTES(0x80);
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

    if (!(environment_initials[*from >> 6] >> (*from & 63) & 1))
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

/* Every NUL in a word ends one variable and begins the next. */
static __always_inline void environment_word(struct scratch *scratch, __u32 at, __u64 word)
{
    for (int i = 0; i < 8; i++, word >>= 8)
        if (!(word & 0xff) && at + i + 1 < scratch->environment_length)
            environment_variable(scratch, at + i + 1);
}

/* Several words at a time: most hold no NUL, and a call costs more than a look at them. */
static long environment_step(__u32 index, void *context)
{
    struct scratch *scratch = ((struct environment_walk *)context)->scratch;
    __u32 at = index * ENVIRONMENT_STRIDE * sizeof(__u64);
    __u64 *words = (void *)&scratch->environment[at & (SCRATCH_ENVIRONMENT - 1)];

    if (at >= scratch->environment_length || scratch->environment_cut)
        return 1;
    for (int i = 0; i < ENVIRONMENT_STRIDE; i++)
        if (zero_bytes(words[i]))
            environment_word(scratch, at + i * sizeof(__u64), words[i]);
    return 0;
}

static __always_inline struct event_text tail_environment(struct scratch *scratch, __u32 *size,
                                                          struct mm_struct *mm, __u32 *flags)
{
    struct environment_walk walk = {.scratch = scratch};
    unsigned long start = BPF_CORE_READ(mm, env_start);
    unsigned long length = BPF_CORE_READ(mm, env_end) - start;
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

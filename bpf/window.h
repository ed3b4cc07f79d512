/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/*
 * The beginning of a structure of the kernel's, read at once: each call of a helper costs more than
 * the bytes do. SEEN(structure, its window, its address, field) takes a field from there, or by
 * itself where this kernel has it farther behind.
 */
#ifndef SPYQ_WINDOW_H
#define SPYQ_WINDOW_H

#include "kernel.h"

struct window {
    __u64 words[10];
};

#define WINDOW_FITS(type, field)                                                                   \
    (bpf_core_field_offset(type, field) + bpf_core_field_size(type, field) <= sizeof(struct window))

#define SEEN(type, window, address, field)                                                         \
    (WINDOW_FITS(type, field)                                                                      \
         ? *(typeof(((type *)0)->field) *)((void *)&(window) + bpf_core_field_offset(type, field)) \
         : BPF_CORE_READ((type *)(address), field))

static __always_inline void window_open(struct window *window, const void *address)
{
    bpf_probe_read_kernel(window, sizeof(*window), address);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/*
 * The beginning of a structure of the kernel's, read at once: each call of a helper costs more than
 * the bytes do. It is put into the scratch area, as the stack has no room for it. SEEN(structure,
 * area, its address, field) takes a field from there, or by itself where this kernel has it farther
 * behind, or where no helper is called for it (typed_reads).
 */
#ifndef SPYQ_WINDOW_H
#define SPYQ_WINDOW_H

#include "emit.h"

#define WINDOW_FITS(type, field)                                                                   \
    (bpf_core_field_offset(type, field) + bpf_core_field_size(type, field) <= SCRATCH_WINDOW)

#define SEEN(type, scratch, address, field)                                                        \
    (!typed_reads && WINDOW_FITS(type, field)                                                      \
         ? *(typeof(((type *)0)->field) *)((void *)(scratch)->window +                             \
                                           bpf_core_field_offset(type, field))                     \
         : PEEK((type *)(address), field))

static __always_inline void window_open(struct scratch *scratch, const void *address)
{
    if (!typed_reads && bpf_probe_read_kernel(scratch->window, SCRATCH_WINDOW, address))
        __builtin_memset(scratch->window, 0, SCRATCH_WINDOW);
}

#endif

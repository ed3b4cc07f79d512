/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records that user space makes itself: who recorded, names, clock, losses, marks. They run
 * through the same pipeline as the kernel's, so that a recording holds all that the model needs.
 */
#ifndef SPYQ_RECORD_H
#define SPYQ_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "../bpf/event.h"

/* Room for one record; long enough for the texts of any record made here. */
struct record {
    _Alignas(8) unsigned char bytes[8192];
    size_t size;
};

/* Begins a record of that kind with a fixed part of `size` bytes, zeroed, header filled in. Returns
 * the fixed part. `time` in ns on the boot clock. */
void *record_begin(struct record *record, uint16_t kind, size_t size, uint64_t time);

/* Appends a text and returns where it is. NULL or what does not fit gives an empty text. */
struct event_text record_text(struct record *record, const char *text);

/* Pads the record, writes its size into the header, and returns it. */
const struct event_header *record_end(struct record *record);

/* The boot clock, ns. */
uint64_t boot_now(void);

/* The wall clock minus the boot clock, ns. */
int64_t wall_minus_boot(void);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reading end of a BPF ring buffer. A ring's memory is the kernel's, and is there whole from
 * the beginning; whoever maps it has it counted as resident, and libbpf's reader has it counted
 * twice. This one maps a part at a time, which moves on with what it reads.
 *
 * The layout is the kernel's (kernel/bpf/ringbuf.c, Documentation/bpf/ringbuf.rst): a page with the
 * position of the reader, a page with that of the writers, the data, and the same data once more,
 * so that no record is torn at the end; each record begins with 8 bytes, of which the first four
 * are its length, a busy and a discard bit.
 */
#ifndef SPYQ_RING_H
#define SPYQ_RING_H

#include <stddef.h>
#include <stdint.h>

struct ring;

/* A record, valid during the call. */
typedef void ring_sink(void *context, const void *record, size_t size);

/* Opens a ring of `size` bytes, a power of two. NULL, errno set: it can not be mapped, or no
 * memory. The descriptor stays the caller's, who keeps it open until ring_close. ring_close(NULL)
 * does nothing. */
struct ring *ring_open(int fd, size_t size);
void ring_close(struct ring *ring);

/* Hands over what is there, `most` records at most; how many they were. Fewer than `most`: the ring
 * was empty at the last look, or its next record was still being written. What is handed over has
 * left the ring when the call for the next one is made. No program sends more than EVENT_RECORD_MAX
 * bytes; a longer record would be passed over. */
size_t ring_drain(struct ring *ring, size_t most, ring_sink *sink, void *context);

/* Bytes that are waiting to be handed over, those that are still being written included. */
size_t ring_filled(const struct ring *ring);

#endif

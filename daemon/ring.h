/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reading end of a BPF ring buffer. libbpf's maps the data twice, so that no record is torn at
 * the end: resident memory counts it twice as well. This one maps it once, and puts a torn record
 * together.
 *
 * The layout is the kernel's (kernel/bpf/ringbuf.c, Documentation/bpf/ringbuf.rst): a page with the
 * position of the reader, a page with that of the writers, the data; each record begins with 8
 * bytes, of which the first four are its length, a busy and a discard bit.
 */
#ifndef SPYQ_RING_H
#define SPYQ_RING_H

#include <stddef.h>
#include <stdint.h>

struct ring;

/* A record, valid during the call. */
typedef void ring_sink(void *context, const void *record, size_t size);

/* Maps a ring of `size` bytes, a power of two. NULL, errno set: it can not be mapped, or no memory.
 * The descriptor stays the caller's. ring_close(NULL) does nothing. */
struct ring *ring_open(int fd, size_t size);
void ring_close(struct ring *ring);

/* Hands over what is there, `most` records at most; how many they were. Fewer than `most`: the ring
 * was empty at the last look, or its next record was still being written. What is handed over has
 * left the ring when the call for the next one is made. No program sends more than EVENT_RECORD_MAX
 * bytes; a longer record would be passed over. */
size_t ring_drain(struct ring *ring, size_t most, ring_sink *sink, void *context);

#endif

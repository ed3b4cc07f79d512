/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ring.h"

#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/event.h"

struct ring {
    size_t size;
    size_t page;
    unsigned char *reader;       /* the page with our position */
    const unsigned char *writer; /* the page with the writers', and the data behind it */
    const unsigned char *data;
    unsigned char torn[EVENT_RECORD_MAX]; /* a record that goes round the end, in one piece */
};

struct ring *ring_open(int fd, size_t size)
{
    struct ring *ring = calloc(1, sizeof(*ring));
    if (!ring)
        return NULL;
    ring->size = size;
    ring->page = (size_t)sysconf(_SC_PAGESIZE);
    ring->reader = mmap(NULL, ring->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    void *rest = mmap(NULL, ring->page + size, PROT_READ, MAP_SHARED, fd, (off_t)ring->page);
    ring->writer = rest;
    if (ring->reader == MAP_FAILED || rest == MAP_FAILED) {
        ring_close(ring);
        return NULL;
    }
    ring->data = ring->writer + ring->page;
    return ring;
}

void ring_close(struct ring *ring)
{
    if (!ring)
        return;
    if (ring->reader != MAP_FAILED)
        munmap(ring->reader, ring->page);
    if (ring->writer != MAP_FAILED)
        munmap((void *)(uintptr_t)ring->writer, ring->page + ring->size);
    free(ring);
}

/* Positions only grow; both are at the beginning of their page. */
static uint64_t load_position(const unsigned char *page)
{
    return __atomic_load_n((const uint64_t *)(const void *)page, __ATOMIC_ACQUIRE);
}

static void store_position(struct ring *ring, uint64_t position)
{
    __atomic_store_n((uint64_t *)(void *)ring->reader, position, __ATOMIC_RELEASE);
}

/* The first word of the record at a position. */
static uint32_t load_head(const struct ring *ring, uint64_t position)
{
    const unsigned char *head = ring->data + (position & (ring->size - 1));
    return __atomic_load_n((const uint32_t *)(const void *)head, __ATOMIC_ACQUIRE);
}

static size_t length_of(uint32_t head)
{
    return head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
}

/* The record's bytes in one piece. */
static const void *whole(struct ring *ring, uint64_t position, size_t length)
{
    size_t at = (position + BPF_RINGBUF_HDR_SZ) & (ring->size - 1);
    size_t behind = ring->size - at;
    if (length <= behind)
        return ring->data + at;
    memcpy(ring->torn, ring->data + at, behind);
    memcpy(ring->torn + behind, ring->data, length - behind);
    return ring->torn;
}

size_t ring_drain(struct ring *ring, size_t most, ring_sink *sink, void *context)
{
    uint64_t position = load_position(ring->reader);
    size_t taken = 0;
    while (taken < most && position < load_position(ring->writer)) {
        uint32_t head = load_head(ring, position);
        size_t length = length_of(head);
        if (head & BPF_RINGBUF_BUSY_BIT)
            break;
        if (!(head & BPF_RINGBUF_DISCARD_BIT) && length <= EVENT_RECORD_MAX) {
            sink(context, whole(ring, position, length), length);
            taken++;
        }
        position += (BPF_RINGBUF_HDR_SZ + length + 7) & ~(size_t)7;
        store_position(ring, position);
    }
    return taken;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ring.h"

#include <linux/bpf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/event.h"

/* Of the data, what is mapped at a time: whole pages on every machine, and room for a longest
 * record that begins within its first page. */
#define WINDOW_BYTES (1u << 20)

struct ring {
    int fd;
    size_t size;
    size_t page;
    unsigned char *reader;       /* the page with our position */
    const unsigned char *writer; /* the page with the writers' */
    const unsigned char *window; /* some of the data, from the offset `start` on; NULL: none */
    size_t window_size;
    size_t start;
};

static void *map_pages(const struct ring *ring, int protection, size_t offset, size_t size)
{
    void *pages = mmap(NULL, size, protection, MAP_SHARED, ring->fd, (off_t)offset);

    if (pages == MAP_FAILED)
        return NULL;
    return pages;
}

static void unmap_pages(const void *pages, size_t size)
{
    if (pages)
        munmap((void *)(uintptr_t)pages, size);
}

struct ring *ring_open(int fd, size_t size)
{
    struct ring *ring = calloc(1, sizeof(*ring));
    if (!ring)
        return NULL;
    ring->fd = fd;
    ring->size = size;
    ring->page = (size_t)sysconf(_SC_PAGESIZE);
    ring->window_size = size < WINDOW_BYTES ? size : WINDOW_BYTES;
    ring->reader = map_pages(ring, PROT_READ | PROT_WRITE, 0, ring->page);
    ring->writer = map_pages(ring, PROT_READ, ring->page, ring->page);
    if (ring->reader && ring->writer)
        return ring;
    ring_close(ring);
    return NULL;
}

void ring_close(struct ring *ring)
{
    if (!ring)
        return;
    unmap_pages(ring->reader, ring->page);
    unmap_pages(ring->writer, ring->page);
    unmap_pages(ring->window, ring->window_size);
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

/* The first word of a record. */
static uint32_t load_head(const unsigned char *head)
{
    return __atomic_load_n((const uint32_t *)(const void *)head, __ATOMIC_ACQUIRE);
}

static size_t length_of(uint32_t head)
{
    return head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
}

/* `length` bytes at a position, in one piece, and valid until the next call; NULL: they can not be
 * mapped now. */
static const unsigned char *reach(struct ring *ring, uint64_t position, size_t length)
{
    size_t at = position & (ring->size - 1);

    if (!ring->window || at < ring->start || at + length > ring->start + ring->window_size) {
        unmap_pages(ring->window, ring->window_size);
        ring->start = at & ~(ring->page - 1);
        ring->window = map_pages(ring, PROT_READ, 2 * ring->page + ring->start, ring->window_size);
    }
    return ring->window ? ring->window + (at - ring->start) : NULL;
}

size_t ring_drain(struct ring *ring, size_t most, ring_sink *sink, void *context)
{
    uint64_t position = load_position(ring->reader);
    size_t taken = 0;
    while (taken < most && position < load_position(ring->writer)) {
        const unsigned char *record = reach(ring, position, BPF_RINGBUF_HDR_SZ);
        uint32_t head = record ? load_head(record) : BPF_RINGBUF_BUSY_BIT;
        size_t length = length_of(head);
        if (head & BPF_RINGBUF_BUSY_BIT)
            break;
        if (!(head & BPF_RINGBUF_DISCARD_BIT) && length <= EVENT_RECORD_MAX) {
            record = reach(ring, position, BPF_RINGBUF_HDR_SZ + length);
            if (!record)
                break;
            sink(context, record + BPF_RINGBUF_HDR_SZ, length);
            taken++;
        }
        position += (BPF_RINGBUF_HDR_SZ + length + 7) & ~(size_t)7;
        store_position(ring, position);
    }
    return taken;
}

size_t ring_filled(const struct ring *ring)
{
    return load_position(ring->writer) - load_position(ring->reader);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "order.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Records are held in chunks rather than each by itself, as they go about as they came. A chunk
 * goes with the last of its records. */
#define CHUNK_SIZE 65536u

struct chunk {
    size_t size; /* of data */
    size_t used;
    size_t held; /* records */
    alignas(8) char data[];
};

struct held {
    struct chunk *chunk;
    struct event_header record; /* the rest of it stands behind */
};

/* The sort key sits beside the pointer, so that sifting never touches the records themselves. */
struct entry {
    uint64_t time;
    uint64_t arrival;
    struct held *held;
};

struct order {
    struct entry *heap; /* binary, the oldest first */
    size_t count;
    size_t capacity;
    size_t bytes; /* held, as counted by cost() */
    size_t limit;
    uint64_t arrivals;
    uint64_t released; /* the latest time that has gone out */
    uint64_t late;
    struct chunk *filling; /* NULL: none yet */
    order_sink *sink;
    void *context;
};

#define FIRST_CAPACITY 1024
#define KEPT_CAPACITY  16384 /* of an empty heap */

struct order *order_new(size_t limit, order_sink *sink, void *context)
{
    struct order *order = calloc(1, sizeof(*order));
    if (!order)
        return NULL;
    order->limit = limit;
    order->sink = sink;
    order->context = context;
    return order;
}

/* ---- where they are held ---- */

/* Returns 0, or -1 when out of memory. */
static int begin_chunk(struct order *order, size_t needed)
{
    size_t size = needed > CHUNK_SIZE ? needed : CHUNK_SIZE;
    struct chunk *chunk = malloc(sizeof(*chunk) + size);
    if (!chunk)
        return -1;
    *chunk = (struct chunk){.size = size};
    if (order->filling && !order->filling->held)
        free(order->filling);
    order->filling = chunk;
    return 0;
}

static size_t size_held(const struct event_header *record)
{
    size_t size = offsetof(struct held, record) + record->size;
    return (size + alignof(struct held) - 1) / alignof(struct held) * alignof(struct held);
}

/* A copy; NULL: out of memory. */
static struct held *hold(struct order *order, const struct event_header *record)
{
    struct chunk *chunk = order->filling;
    size_t size = size_held(record);
    if ((!chunk || chunk->size - chunk->used < size) && begin_chunk(order, size) < 0)
        return NULL;
    chunk = order->filling;
    struct held *held = (struct held *)(void *)(chunk->data + chunk->used);
    held->chunk = chunk;
    memcpy(&held->record, record, record->size);
    chunk->used += size;
    chunk->held++;
    return held;
}

static void let_go(struct order *order, const struct held *held)
{
    struct chunk *chunk = held->chunk;
    if (--chunk->held)
        return;
    if (chunk == order->filling)
        chunk->used = 0;
    else
        free(chunk);
}

void order_free(struct order *order)
{
    if (!order)
        return;
    for (size_t i = 0; i < order->count; i++)
        let_go(order, order->heap[i].held);
    free(order->filling);
    free(order->heap);
    free(order);
}

static size_t cost(const struct event_header *record)
{
    return record->size + sizeof(struct entry);
}

static bool before(const struct entry *a, const struct entry *b)
{
    return a->time != b->time ? a->time < b->time : a->arrival < b->arrival;
}

static int reserve(struct order *order)
{
    if (order->count < order->capacity)
        return 0;
    size_t capacity = order->capacity ? order->capacity * 2 : FIRST_CAPACITY;
    struct entry *heap = reallocarray(order->heap, capacity, sizeof(*heap));
    if (!heap)
        return -1;
    order->heap = heap;
    order->capacity = capacity;
    return 0;
}

/* Moves the hole at `at` towards the root until `entry` may fill it. */
static void sift_up(struct order *order, size_t at, struct entry entry)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!before(&entry, &order->heap[parent]))
            break;
        order->heap[at] = order->heap[parent];
        at = parent;
    }
    order->heap[at] = entry;
}

/* Takes the oldest entry out. The hole it leaves first sinks to a leaf: the last entry, which is
 * to fill it, is young as a rule and belongs there, so comparing with it on the way would be
 * wasted. */
static struct entry pop(struct order *order)
{
    struct entry oldest = order->heap[0];
    struct entry last = order->heap[--order->count];
    size_t hole = 0;
    for (size_t child = 1; child < order->count; child = 2 * hole + 1) {
        if (child + 1 < order->count && before(&order->heap[child + 1], &order->heap[child]))
            child++;
        order->heap[hole] = order->heap[child];
        hole = child;
    }
    if (order->count)
        sift_up(order, hole, last);
    return oldest;
}

static void release_oldest(struct order *order)
{
    struct entry oldest = pop(order);
    order->bytes -= cost(&oldest.held->record);
    order->released = oldest.time;
    order->sink(order->context, &oldest.held->record);
    let_go(order, oldest.held);
}

/* What a flood needed is given back. */
static void shrink(struct order *order)
{
    if (order->count || order->capacity <= KEPT_CAPACITY)
        return;
    free(order->heap);
    order->heap = NULL;
    order->capacity = 0;
}

int order_push(struct order *order, const struct event_header *record)
{
    if (record->time < order->released) {
        order->late++;
        order->sink(order->context, record);
        return 0;
    }
    struct held *held = reserve(order) == 0 ? hold(order, record) : NULL;
    if (!held)
        return -1;
    struct entry entry = {record->time, order->arrivals++, held};
    sift_up(order, order->count++, entry);
    order->bytes += cost(record);
    while (order->bytes > order->limit && order->count)
        release_oldest(order);
    return 0;
}

void order_release(struct order *order, uint64_t frontier)
{
    while (order->count && order->heap[0].time < frontier)
        release_oldest(order);
    shrink(order);
}

uint64_t order_late(const struct order *order)
{
    return order->late;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "order.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The sort key sits beside the pointer, so that sifting never touches the records themselves. */
struct entry {
    uint64_t time;
    uint64_t arrival;
    struct event_header *record;
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

void order_free(struct order *order)
{
    if (!order)
        return;
    for (size_t i = 0; i < order->count; i++)
        free(order->heap[i].record);
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
    /* The analyser does not see that pop() takes it out: it is freed once. */
    order->bytes -= cost(oldest.record); /* NOLINT(clang-analyzer-unix.Malloc) */
    order->released = oldest.time;
    order->sink(order->context, oldest.record);
    free(oldest.record);
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
    struct event_header *copy = reserve(order) == 0 ? malloc(record->size) : NULL;
    if (!copy)
        return -1;
    memcpy(copy, record, record->size);
    struct entry entry = {record->time, order->arrivals++, copy};
    sift_up(order, order->count++, entry);
    order->bytes += cost(copy);
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

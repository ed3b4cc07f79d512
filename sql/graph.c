/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sqlite3ext.h>
#include <stdlib.h>

#include "graph.h"
#include "rows.h"

SQLITE_EXTENSION_INIT3

int graph_steps_add(struct graph_steps *steps, const struct graph_step *step)
{
    if (steps->count == steps->capacity) {
        size_t capacity = steps->capacity ? steps->capacity * 2 : 16;
        void *items = sqlite3_realloc64(steps->items, capacity * sizeof *steps->items);
        if (!items)
            return SQLITE_NOMEM;
        steps->items = items;
        steps->capacity = capacity;
    }
    steps->items[steps->count++] = *step;
    return SQLITE_OK;
}

/* ---- the processes reached so far ---- */

/* Spreads ids, which count up from one, over the table (a multiplication by 2^64 / phi). */
static size_t seen_slot(const struct graph_search *search, int64_t id)
{
    size_t mask = search->seen_capacity - 1;
    size_t slot = (size_t)(((uint64_t)id * 0x9e3779b97f4a7c15u) >> 32) & mask;

    while (search->seen[slot] != INTEGER_NULL && search->seen[slot] != id)
        slot = (slot + 1) & mask;
    return slot;
}

static int seen_grow(struct graph_search *search)
{
    int64_t *old = search->seen;
    size_t old_capacity = search->seen_capacity;
    size_t capacity = old_capacity ? old_capacity * 2 : 64;
    int64_t *seen = sqlite3_malloc64(capacity * sizeof *seen);

    if (!seen)
        return SQLITE_NOMEM;
    for (size_t i = 0; i < capacity; i++)
        seen[i] = INTEGER_NULL;
    search->seen = seen;
    search->seen_capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i] != INTEGER_NULL)
            seen[seen_slot(search, old[i])] = old[i];
    sqlite3_free(old);
    return SQLITE_OK;
}

/* Sets *added: the process had not been reached before. */
static int seen_add(struct graph_search *search, int64_t id, bool *added)
{
    if (search->seen_count * 2 >= search->seen_capacity) {
        int rc = seen_grow(search);
        if (rc != SQLITE_OK)
            return rc;
    }
    size_t slot = seen_slot(search, id);
    *added = search->seen[slot] == INTEGER_NULL;
    search->seen[slot] = id;
    search->seen_count += *added;
    return SQLITE_OK;
}

/* ---- the search ---- */

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* INTEGER_NULL is the least integer: NULL first, as SQLite sorts. */
static int compare_steps(const void *left, const void *right)
{
    const struct graph_step *a = left, *b = right;
    int order = compare(a->at, b->at);

    if (order == 0)
        order = compare(a->process_id, b->process_id);
    return order ? order : compare(a->edge_id, b->edge_id);
}

/* Makes the frontier of what was reached: in order, without what was reached before. */
static int settle(struct graph_search *search, int64_t depth)
{
    struct graph_steps *reached = &search->reached;

    if (reached->count > 1)
        qsort(reached->items, reached->count, sizeof *reached->items, compare_steps);
    search->position = 0;
    search->frontier.count = 0;
    for (size_t i = 0; i < reached->count; i++) {
        struct graph_step *step = &reached->items[i];
        bool added;
        int rc = seen_add(search, step->process_id, &added);
        if (rc != SQLITE_OK)
            return rc;
        step->depth = depth;
        if (added)
            rc = graph_steps_add(&search->frontier, step);
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}

/* Replaces the frontier by what lies one edge beyond it; an empty one stays empty. */
static int advance(struct graph_search *search)
{
    if (search->frontier.count == 0)
        return SQLITE_OK;

    int64_t depth = search->frontier.items[0].depth;
    int rc = SQLITE_OK;

    search->reached.count = 0;
    if (depth < search->depth_max)
        rc = search->source->expand(search->source->context, &search->frontier, &search->reached);
    return rc == SQLITE_OK ? settle(search, depth + 1) : rc;
}

int graph_search_begin(struct graph_search *search, const struct graph_source *source,
                       int64_t start, int64_t depth_max)
{
    const struct graph_step first = {start, 0, INTEGER_NULL, INTEGER_NULL, INTEGER_NULL, NULL};
    bool known;

    graph_search_end(search);
    search->source = source;
    search->depth_max = depth_max;
    int rc = source->contains(source->context, start, &known);
    if (rc == SQLITE_OK && known)
        rc = graph_steps_add(&search->reached, &first);
    return rc == SQLITE_OK ? settle(search, 0) : rc;
}

int graph_search_next(struct graph_search *search, const struct graph_step **step)
{
    if (search->position == search->frontier.count) {
        int rc = advance(search);
        if (rc != SQLITE_OK)
            return rc;
    }
    if (search->frontier.count == 0)
        return SQLITE_DONE;
    *step = &search->frontier.items[search->position++];
    return SQLITE_ROW;
}

void graph_search_end(struct graph_search *search)
{
    sqlite3_free(search->frontier.items);
    sqlite3_free(search->reached.items);
    sqlite3_free(search->seen);
    *search = (struct graph_search){0};
}

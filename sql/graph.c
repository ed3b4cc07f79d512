/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sqlite3ext.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "rows.h"

SQLITE_EXTENSION_INIT3

/* A process that was reached. */
struct graph_slot {
    int64_t id;      /* INTEGER_NULL: a free slot */
    int64_t time;    /* the best so far */
    int64_t depth;   /* the level at which it got that */
    size_t step;     /* where that is the level being made: its step */
    const char *hub; /* its role */
};

/* ---- times ---- */

static bool is_better(enum graph_direction direction, int64_t time, int64_t than)
{
    return direction == GRAPH_BACKWARD ? time > than : time < than;
}

/* No time is better: no bound at all. */
static int64_t best_time(enum graph_direction direction)
{
    return direction == GRAPH_BACKWARD ? INT64_MAX : INT64_MIN;
}

/* The rule. Returns false where the edge does not count for who stands at its end at *time; else
 * *time becomes that at the neighbour. An unknown `at` is the least integer, and `open`. */
static bool cross(const struct graph_question *question, const struct graph_edge *edge,
                  int64_t *time)
{
    if (question->direction == GRAPH_BACKWARD) {
        if (edge->at > *time && !question->timeless)
            return false;
        if (!edge->open && edge->last_at < *time)
            *time = edge->last_at;
    } else {
        if (!edge->open && edge->last_at < *time && !question->timeless)
            return false;
        if (edge->at > *time)
            *time = edge->at;
    }
    return true;
}

/* ---- the processes reached so far ---- */

/* Spreads ids, which count up from one, over the table (a multiplication by 2^64 / phi). */
static struct graph_slot *slot_of(const struct graph_search *search, int64_t id)
{
    size_t mask = search->slot_capacity - 1;
    size_t i = (size_t)(((uint64_t)id * 0x9e3779b97f4a7c15u) >> 32) & mask;

    while (search->slots[i].id != INTEGER_NULL && search->slots[i].id != id)
        i = (i + 1) & mask;
    return &search->slots[i];
}

static int grow_slots(struct graph_search *search)
{
    struct graph_slot *old = search->slots;
    size_t old_capacity = search->slot_capacity;
    size_t capacity = old_capacity ? old_capacity * 2 : 64;
    struct graph_slot *slots = sqlite3_malloc64(capacity * sizeof *slots);

    if (!slots)
        return SQLITE_NOMEM;
    for (size_t i = 0; i < capacity; i++)
        slots[i].id = INTEGER_NULL;
    search->slots = slots;
    search->slot_capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].id != INTEGER_NULL)
            *slot_of(search, old[i].id) = old[i];
    sqlite3_free(old);
    return SQLITE_OK;
}

static int grow_steps(struct graph_search *search)
{
    size_t capacity = search->capacity ? search->capacity * 2 : 16;
    void *steps = sqlite3_realloc64(search->steps, capacity * sizeof *search->steps);

    if (!steps)
        return SQLITE_NOMEM;
    search->steps = steps;
    search->capacity = capacity;
    return SQLITE_OK;
}

/* Room for one more process, and one more step. */
static int make_room(struct graph_search *search)
{
    int rc = SQLITE_OK;

    if (search->slot_count * 2 >= search->slot_capacity)
        rc = grow_slots(search);
    if (rc == SQLITE_OK && search->count == search->capacity)
        rc = grow_steps(search);
    return rc;
}

/* ---- a level ---- */

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* Of two steps to one process at one level the better time counts, then what is told first. */
static bool is_preferred(enum graph_direction direction, const struct graph_step *step,
                         const struct graph_step *to)
{
    int order = compare(step->at, to->at);

    if (step->time != to->time)
        return is_better(direction, step->time, to->time);
    if (order == 0)
        order = compare(step->from_id, to->from_id);
    return order ? order < 0 : step->edge_id < to->edge_id;
}

/* Keeps the step where it is better than what is known of its process. */
static int keep(struct graph_search *search, const struct graph_step *step)
{
    enum graph_direction direction = search->question.direction;
    int rc = make_room(search);

    if (rc != SQLITE_OK)
        return rc;
    struct graph_slot *slot = slot_of(search, step->process_id);
    bool fresh = slot->id == INTEGER_NULL;
    if (!fresh && slot->depth == step->depth) {
        struct graph_step *other = &search->steps[slot->step];
        if (is_preferred(direction, step, other)) {
            bool was_fresh = other->fresh;
            *other = *step;
            other->fresh = was_fresh;
            slot->time = step->time;
        }
        return SQLITE_OK;
    }
    if (!fresh && !is_better(direction, step->time, slot->time))
        return SQLITE_OK;
    *slot = (struct graph_slot){step->process_id, step->time, step->depth, search->count,
                                fresh ? NULL : slot->hub};
    search->slot_count += fresh;
    search->steps[search->count] = *step;
    search->steps[search->count++].fresh = fresh;
    return SQLITE_OK;
}

int graph_offer(struct graph_search *search, const struct graph_edge *edge)
{
    const struct graph_step *from = &search->steps[search->current];
    struct graph_step step = {
        .process_id = edge->neighbour,
        .depth = search->depth + 1,
        .edge_id = edge->id,
        .at = edge->at,
        .from_id = from->process_id,
        .kind = graph_kind_names[edge->kind],
        .time = from->time,
        .previous = search->current,
        .exists = edge->exists,
    };

    if (!cross(&search->question, edge, &step.time))
        return SQLITE_OK;
    return keep(search, &step);
}

/* INTEGER_NULL is the least integer: NULL first, as SQLite sorts. No process is there twice. */
static int compare_steps(const void *left, const void *right)
{
    const struct graph_step *a = left, *b = right;
    int order = compare(a->at, b->at);

    return order ? order : compare(a->process_id, b->process_id);
}

/* What is there to know of a process that was reached for the first time. Sets *known. */
static int look(struct graph_search *search, struct graph_step *step, struct graph_slot *slot,
                bool *known)
{
    const struct graph_source *source = search->source;
    const struct graph_question *question = &search->question;

    *known = true;
    if (step->exists && question->through_hubs)
        return SQLITE_OK;
    int rc = source->look(source->context, question, step->process_id, known, &slot->hub);
    if (step->depth == 0)
        slot->hub = NULL; /* whoever asks about a hub wants to know what is beyond it */
    if (!*known)
        slot->time = best_time(question->direction); /* never to be reached again */
    return rc;
}

/* Makes a level of the steps from `first` on: in order, without processes that do not exist. */
static int settle(struct graph_search *search, size_t first)
{
    size_t end = search->count;

    if (end - first > 1)
        qsort(search->steps + first, end - first, sizeof *search->steps, compare_steps);
    search->count = first;
    for (size_t i = first; i < end; i++) {
        struct graph_step *step = &search->steps[i];
        struct graph_slot *slot = slot_of(search, step->process_id);
        bool known = true;
        int rc = step->fresh ? look(search, step, slot, &known) : SQLITE_OK;
        if (rc != SQLITE_OK)
            return rc;
        step->hub = slot->hub;
        if (known)
            search->steps[search->count++] = *step;
    }
    return SQLITE_OK;
}

/* The kinds of edges along which the search goes on from a step. What a hub was born of is its own
 * history; all else about it is everybody's. */
static uint32_t kinds_beyond(const struct graph_question *question, const struct graph_step *step)
{
    if (step->depth >= question->depth_max)
        return 0;
    if (!step->hub)
        return question->kinds;
    return question->direction == GRAPH_BACKWARD ? question->kinds & GRAPH_KIND_BIT(GRAPH_FORK) : 0;
}

static int expand(struct graph_search *search)
{
    const struct graph_source *source = search->source;
    size_t end = search->count;
    int rc = SQLITE_OK;

    for (size_t i = search->level; rc == SQLITE_OK && i < end; i++) {
        const struct graph_step *step = &search->steps[i];
        uint32_t kinds = kinds_beyond(&search->question, step);
        search->current = i;
        if (kinds)
            rc = source->expand(source->context, &search->question, step->process_id, step->time,
                                kinds, search);
    }
    return rc;
}

/* Goes on to the next level, which is empty when nothing is left. Only a way needs the levels
 * before it: it is found from its end. */
static int advance(struct graph_search *search)
{
    size_t next = search->count;
    int rc = expand(search);

    if (rc == SQLITE_OK)
        rc = settle(search, next);
    if (search->question.target == INTEGER_NULL) {
        search->count -= next;
        memmove(search->steps, search->steps + next, search->count * sizeof *search->steps);
        next = 0;
    }
    search->level = search->position = next;
    search->depth++;
    return rc;
}

/* ---- a way ---- */

static const struct graph_step *find_target(const struct graph_search *search)
{
    for (size_t i = search->level; i < search->count; i++)
        if (search->steps[i].process_id == search->question.target)
            return &search->steps[i];
    return NULL;
}

/* Replaces all steps by those that lead to that one. Each comes from one before it. */
static int trace_back(struct graph_search *search, const struct graph_step *last)
{
    size_t count = (size_t)last->depth + 1;
    struct graph_step *way = sqlite3_malloc64(count * sizeof *way);

    if (!way)
        return SQLITE_NOMEM;
    for (size_t i = count; i-- > 0; last = &search->steps[last->previous])
        way[i] = *last;
    for (size_t i = 0; i < count; i++) {
        way[i].fresh = true; /* it may have been reached earlier, and have got a better time */
        way[i].hub = NULL;
    }
    sqlite3_free(search->steps);
    search->steps = way;
    search->count = search->capacity = count;
    search->level = search->position = 0;
    return SQLITE_OK;
}

static int find_way(struct graph_search *search)
{
    const struct graph_step *last = NULL;
    int rc = SQLITE_OK;

    search->is_way = true;
    while (rc == SQLITE_OK && search->level < search->count && !last) {
        last = find_target(search);
        if (!last)
            rc = advance(search);
    }
    return rc == SQLITE_OK && last ? trace_back(search, last) : rc;
}

/* ---- the search ---- */

int graph_search_begin(struct graph_search *search, const struct graph_source *source,
                       const struct graph_question *question)
{
    struct graph_step first = {
        .process_id = question->start,
        .edge_id = INTEGER_NULL,
        .at = INTEGER_NULL,
        .from_id = INTEGER_NULL,
        .time = question->at == INTEGER_NULL ? best_time(question->direction) : question->at,
    };

    graph_search_end(search);
    search->source = source;
    search->question = *question;
    int rc = keep(search, &first);
    if (rc == SQLITE_OK)
        rc = settle(search, 0);
    return rc == SQLITE_OK && question->target != INTEGER_NULL ? find_way(search) : rc;
}

/* Finds the next step that is a row. */
static int find_row(struct graph_search *search)
{
    while (true) {
        while (search->position < search->count && !search->steps[search->position].fresh)
            search->position++;
        if (search->position < search->count)
            return SQLITE_ROW;
        if (search->is_way || search->level == search->count)
            return SQLITE_DONE;
        int rc = advance(search);
        if (rc != SQLITE_OK)
            return rc;
    }
}

static void finish_step(const struct graph_search *search, struct graph_step *step)
{
    const struct graph_question *question = &search->question;

    step->reached_at = step->time == best_time(question->direction) ? INTEGER_NULL : step->time;
    step->stopped = step->hub;
    if (!step->stopped && step->depth == question->depth_max && !search->is_way)
        step->stopped = "depth";
}

int graph_search_next(struct graph_search *search, const struct graph_step **step)
{
    int rc = search->yielded < search->question.rows_max ? find_row(search) : SQLITE_DONE;

    if (rc != SQLITE_ROW)
        return rc;
    search->row = search->steps[search->position++];
    finish_step(search, &search->row);
    *step = &search->row;
    if (++search->yielded < search->question.rows_max)
        return SQLITE_ROW;
    rc = find_row(search); /* the last row to be given says so if there are more */
    if (rc == SQLITE_ROW)
        search->row.stopped = "rows";
    return rc == SQLITE_DONE ? SQLITE_ROW : rc;
}

void graph_search_end(struct graph_search *search)
{
    sqlite3_free(search->steps);
    sqlite3_free(search->slots);
    *search = (struct graph_search){0};
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "model_private.h"

/* Edges that are kept in mind, so that they may be lengthened; beyond that the one that has not
 * happened for longest gets a row of its own when it happens again. */
#define RECENT_MAX 16384

struct row_edge edge_new(struct model *model, const char *kind, int64_t src, int64_t dst,
                         int64_t at)
{
    struct row_edge edge = {
        .id = model_id(model, ROW_EDGE),
        .host_id = model->host_id,
        .at = at,
        .last_at = at,
        .count = 1,
        .kind = model_constant(kind),
        .src = src,
        .dst = dst,
        .connection_id = INTEGER_NULL,
        .file_id = INTEGER_NULL,
        .open = 0,
    };

    trace_edge(model, &edge, true);
    return edge;
}

void edge_put(struct model *model, const struct row_edge *edge)
{
    trace_edge(model, edge, false);
    model_put(model, ROW_EDGE, edge);
}

static void raise_time(int64_t *time, int64_t until)
{
    if (*time == INTEGER_NULL || *time < until)
        *time = until;
}

void edge_acted(struct process *src, struct process *dst, int64_t until)
{
    if (src)
        raise_time(&src->acted, until);
    if (dst)
        raise_time(&dst->acted_on, until);
}

/* ---- edges that happen again ---- */

static struct key edge_key(const char *kind, int64_t src, int64_t dst,
                           const struct evidence *evidence)
{
    uint64_t hash = hash_bytes(HASH_START, kind, strlen(kind));

    hash = hash_bytes(hash, &evidence->connection_id, sizeof(evidence->connection_id));
    hash = hash_bytes(hash, &evidence->file_id, sizeof(evidence->file_id));
    if (evidence->detail.data)
        hash = hash_bytes(hash, evidence->detail.data, evidence->detail.length);
    return (struct key){hash_bytes(hash, &src, sizeof(src)), (uint64_t)dst};
}

static bool same_text(struct text one, struct text other)
{
    return one.length == other.length && (!one.data) == (!other.data) &&
           (!one.data || memcmp(one.data, other.data, one.length) == 0);
}

/* The key is a hash: this is the proof. */
static bool is_same(const struct repeated_edge *edge, const char *kind, int64_t src, int64_t dst,
                    const struct evidence *evidence)
{
    return edge->row.src == src && edge->row.dst == dst &&
           same_text(edge->row.kind, model_constant(kind)) &&
           edge->row.connection_id == evidence->connection_id &&
           edge->row.file_id == evidence->file_id &&
           same_text(shared_text(edge->detail), evidence->detail);
}

static void touch(struct model *model, struct repeated_edge *edge)
{
    if (edge->dirty)
        return;
    edge->dirty = true;
    TAILQ_INSERT_TAIL(&model->changed_edges, edge, changed);
}

static void put(struct model *model, struct repeated_edge *edge)
{
    TAILQ_REMOVE(&model->changed_edges, edge, changed);
    edge->dirty = false;
    edge->row.detail = shared_text(edge->detail);
    model_put(model, ROW_EDGE, &edge->row);
}

static void drop(struct model *model, struct repeated_edge *edge)
{
    if (edge->dirty)
        put(model, edge);
    TAILQ_REMOVE(&model->recent_edges, edge, recent);
    if (index_get(&model->edges, edge->key) == edge)
        index_remove(&model->edges, edge->key);
    shared_drop(edge->detail);
    free(edge);
}

static bool is_later(int64_t time, int64_t than)
{
    return time != INTEGER_NULL && time > than;
}

/* What lies within the edge is told by it already. Else: whoever reached src before the first act
 * is all that could have reached it before the second, and whom dst has reached since the second
 * all that it could have reached since the first. src NULL: it has been forgotten, that is not
 * known.
 */
static bool may_lengthen(const struct repeated_edge *edge, const struct process *src,
                         const struct process *dst, int64_t from, int64_t until)
{
    int64_t last_at = edge->row.last_at;

    if (from < edge->row.at)
        return false;
    return until <= last_at || (src && !src->ways_in && !is_later(src->acted_on, last_at) &&
                                !dst->ways_out && !is_later(dst->acted, last_at));
}

static struct repeated_edge *remember(struct model *model, struct key key,
                                      const struct evidence *evidence)
{
    struct repeated_edge *edge = calloc(1, sizeof(*edge));

    if (!edge || index_put(&model->edges, key, edge) < 0) {
        free(edge);
        model->unkept++;
        return NULL;
    }
    edge->key = key;
    edge->detail = shared_new(evidence->detail);
    TAILQ_INSERT_TAIL(&model->recent_edges, edge, recent);
    if (model->edges.count > RECENT_MAX)
        drop(model, TAILQ_FIRST(&model->recent_edges));
    return edge;
}

static void lengthen(struct model *model, struct repeated_edge *edge, int64_t until)
{
    edge->row.count++;
    if (edge->row.last_at < until)
        edge->row.last_at = until;
    TAILQ_REMOVE(&model->recent_edges, edge, recent);
    TAILQ_INSERT_TAIL(&model->recent_edges, edge, recent);
    trace_edge(model, &edge->row, false);
    touch(model, edge);
}

int64_t edge_act(struct model *model, const char *kind, struct process *src, struct process *dst,
                 uint64_t from, uint64_t until, const struct evidence *evidence)
{
    return src ? edge_act_by(model, kind, src->row.id, dst, from, until, evidence) : 0;
}

int64_t edge_act_by(struct model *model, const char *kind, int64_t src_id, struct process *dst,
                    uint64_t from, uint64_t until, const struct evidence *evidence)
{
    int64_t at = model_wall(model, from), last_at = model_wall(model, until);
    struct process *src = process_by_id(model, src_id);
    struct repeated_edge *edge;
    struct key key;

    if (!dst || src_id == dst->row.id)
        return 0;
    key = edge_key(kind, src_id, dst->row.id, evidence);
    edge = index_get(&model->edges, key);
    if (edge && is_same(edge, kind, src_id, dst->row.id, evidence) &&
        may_lengthen(edge, src, dst, at, last_at)) {
        lengthen(model, edge, last_at);
        edge_acted(src, dst, last_at);
        return edge->row.id;
    }
    if (edge)
        drop(model, edge);
    edge = remember(model, key, evidence);
    if (!edge)
        return 0;
    edge->row = edge_new(model, kind, src_id, dst->row.id, at);
    edge->row.last_at = last_at;
    trace_edge(model, &edge->row, false);
    edge->row.connection_id = evidence->connection_id;
    edge->row.file_id = evidence->file_id;
    edge_acted(src, dst, last_at);
    touch(model, edge);
    return edge->row.id;
}

/* ---- rows ---- */

void edge_adopt(struct model *model, const struct row_edge *row)
{
    if (same_text(row->kind, model_constant("unix")))
        unix_adopt(model, row);
    else
        connection_adopt_edge(model, row);
}

void edge_flush(struct model *model)
{
    struct repeated_edge *edge;

    while ((edge = TAILQ_FIRST(&model->changed_edges)))
        put(model, edge);
}

void edge_free_all(struct model *model)
{
    struct repeated_edge *edge;

    while ((edge = TAILQ_FIRST(&model->recent_edges)))
        drop(model, edge);
    index_free(&model->edges);
}

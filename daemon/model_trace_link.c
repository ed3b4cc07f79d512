/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How traces led to each other: edges between processes of two traces, counted by their kind. */
#include <stdlib.h>
#include <string.h>

#include "model_container.h"
#include "model_trace.h"

/* Links that are kept in mind; beyond that the one that has not happened for longest gets a row of
 * its own when it happens again. */
#define LINKS_MAX 16384

struct trace_link {
    struct row_trace_link row;
    struct shared *kind;
    struct key key;
    bool dirty;
    LIST_ENTRY(trace_link) of_src;
    LIST_ENTRY(trace_link) of_dst;
    TAILQ_ENTRY(trace_link) recent;
    TAILQ_ENTRY(trace_link) changed;
};

static struct key link_key(int64_t src, int64_t dst, struct text kind)
{
    uint64_t hash = hash_bytes(HASH_START, kind.data, kind.length);

    return (struct key){hash_bytes(hash, &src, sizeof(src)), (uint64_t)dst};
}

static void link_touch(struct model *model, struct trace_link *link)
{
    if (link->dirty)
        return;
    link->dirty = true;
    TAILQ_INSERT_TAIL(&model->traces->changed_links, link, changed);
}

static void link_put(struct model *model, struct trace_link *link)
{
    TAILQ_REMOVE(&model->traces->changed_links, link, changed);
    link->dirty = false;
    link->row.kind = shared_text(link->kind);
    model_put(model, ROW_TRACE_LINK, &link->row);
}

static void link_drop(struct model *model, struct trace_link *link)
{
    if (link->dirty)
        link_put(model, link);
    TAILQ_REMOVE(&model->traces->recent_links, link, recent);
    LIST_REMOVE(link, of_src);
    LIST_REMOVE(link, of_dst);
    if (index_get(&model->traces->links, link->key) == link)
        index_remove(&model->traces->links, link->key);
    shared_drop(link->kind);
    free(link);
}

void trace_drop_links(struct model *model, struct trace *trace)
{
    struct trace_link *link;

    while ((link = LIST_FIRST(&trace->out)) || (link = LIST_FIRST(&trace->in)))
        link_drop(model, link);
}

/* A row of a link between two traces; the caller fills in the rest of it. */
static struct trace_link *link_make(struct model *model, struct trace *src, struct trace *dst,
                                    struct text kind)
{
    struct trace_state *state = model->traces;
    struct trace_link *link = calloc(1, sizeof(*link));
    struct key key = link_key(src->row.id, dst->row.id, kind);
    struct trace_link *other = index_get(&state->links, key);

    if (other) /* another that has the same hash */
        link_drop(model, other);
    if (!link || index_put(&state->links, key, link) < 0) {
        free(link);
        model->unkept++;
        return NULL;
    }
    link->key = key;
    link->kind = shared_new(kind);
    LIST_INSERT_HEAD(&src->out, link, of_src);
    LIST_INSERT_HEAD(&dst->in, link, of_dst);
    TAILQ_INSERT_TAIL(&state->recent_links, link, recent);
    if (state->links.count > LINKS_MAX)
        link_drop(model, TAILQ_FIRST(&state->recent_links));
    return link;
}

static struct trace_link *link_between(const struct model *model, const struct trace *src,
                                       const struct trace *dst, struct text kind)
{
    struct trace_link *link =
        index_get(&model->traces->links, link_key(src->row.id, dst->row.id, kind));

    return link && link->row.src_trace_id == src->row.id && link->row.dst_trace_id == dst->row.id &&
                   text_same(shared_text(link->kind), kind)
               ? link
               : NULL;
}

/* The edge leads from one trace into another. fresh: it has just been made, rather than has lasted
 * longer or has come to end elsewhere. */
static void link_by(struct model *model, struct trace *src, struct trace *dst,
                    const struct row_edge *edge, bool fresh)
{
    struct trace_link *link;

    if (!src || !dst || src == dst)
        return;
    link = link_between(model, src, dst, edge->kind);
    if (!link) {
        link = link_make(model, src, dst, edge->kind);
        if (!link)
            return;
        link->row = (struct row_trace_link){
            .id = model_id(model, ROW_TRACE_LINK),
            .host_id = model->host_id,
            .src_trace_id = src->row.id,
            .dst_trace_id = dst->row.id,
            .at = edge->at,
            .last_at = edge->last_at,
            .count = 1,
            .edge_id = edge->id ? edge->id : INTEGER_NULL,
        };
    } else if (fresh || link->row.last_at < edge->last_at) {
        link->row.count += fresh;
        if (link->row.last_at < edge->last_at)
            link->row.last_at = edge->last_at;
        TAILQ_REMOVE(&model->traces->recent_links, link, recent);
        TAILQ_INSERT_TAIL(&model->traces->recent_links, link, recent);
    } else {
        return;
    }
    link_touch(model, link);
}

void trace_edge(struct model *model, const struct row_edge *edge, bool fresh)
{
    const struct process *src, *dst;

    if (!model->traces)
        return;
    src = process_by_id(model, edge->src);
    dst = process_by_id(model, edge->dst);
    if (src)
        trace_active(model, src->trace, edge->last_at);
    if (dst)
        trace_active(model, dst->trace, edge->last_at);
    if (src && dst)
        link_by(model, src->trace, dst->trace, edge, fresh);
}

void trace_entered(struct model *model, const struct row_edge *edge,
                   const struct container *container, bool fresh)
{
    const struct process *src = process_by_id(model, edge->src);

    if (src)
        link_by(model, src->trace, container->trace, edge, fresh);
}

void trace_link_fork(struct model *model, const struct process *process)
{
    const struct process *parent = trace_parent(model, process);
    struct row_edge edge = {
        .id = process->fork_edge,
        .at = process->row.started_at,
        .last_at = process->row.started_at,
        .kind = model_constant("fork"),
    };

    if (parent)
        link_by(model, parent->trace, process->trace, &edge, true);
}

void trace_adopt_link(struct model *model, const struct row_trace_link *row)
{
    struct trace *src = trace_by_id(model, row->src_trace_id);
    struct trace *dst = trace_by_id(model, row->dst_trace_id);
    struct trace_link *link =
        src && dst && src != dst && row->kind.data ? link_make(model, src, dst, row->kind) : NULL;

    if (link)
        link->row = *row;
}

void trace_flush_links(struct model *model)
{
    while (!TAILQ_EMPTY(&model->traces->changed_links))
        link_put(model, TAILQ_FIRST(&model->traces->changed_links));
}

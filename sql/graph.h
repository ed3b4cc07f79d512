/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Breadth-first search over the graph of processes.
 *
 * The search asks a source for what lies one edge beyond its whole frontier, so that a source may
 * answer from a store, from memory or from elsewhere. It yields steps in order of (depth, at,
 * process_id, edge_id), NULL first, reaches each process once, and so ends on any graph. Memory is
 * SQLite's, and bounded by its limits; every result is one of SQLite's codes.
 */
#ifndef SPYQ_GRAPH_H
#define SPYQ_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A process that the search reached, and the edge that led there. INTEGER_NULL is SQL NULL. */
struct graph_step {
    int64_t process_id;
    int64_t depth;    /* edges from where the search began */
    int64_t edge_id;  /* NULL where no recorded edge shows the step */
    int64_t at;       /* when the edge acted: ns since the epoch */
    int64_t from_id;  /* the neighbour it was reached from; NULL where the search began */
    const char *kind; /* of the edge; static; NULL where the search began */
};

struct graph_steps {
    struct graph_step *items;
    size_t count;
    size_t capacity;
};

/* Adds a copy of the step. Returns SQLITE_OK or SQLITE_NOMEM. */
int graph_steps_add(struct graph_steps *steps, const struct graph_step *step);

/* Where a search gets its graph from. It outlives the searches that use it. */
struct graph_source {
    /* Sets *known: is there such a process? */
    int (*contains)(void *context, int64_t process_id, bool *known);

    /*
     * Adds a step for each edge that leads on from a process of the frontier, in any order; the
     * same process may be reached more than once. The search sets `depth`.
     */
    int (*expand)(void *context, const struct graph_steps *frontier, struct graph_steps *reached);

    void *context;
};

/* Zeroed, it is a search that has not begun. */
struct graph_search {
    const struct graph_source *source;
    int64_t depth_max;
    struct graph_steps frontier; /* one depth, in order */
    size_t position;             /* in the frontier, of the step to yield next */
    struct graph_steps reached;  /* the next frontier while it is made */
    int64_t *seen;               /* the ids reached so far: open addressing, INTEGER_NULL is free */
    size_t seen_count;
    size_t seen_capacity; /* a power of two, or 0 */
};

/* The depth_max of a search without a limit. */
#define GRAPH_DEPTH_ANY INT64_MAX

/*
 * Begins, or begins anew, at a process, which is itself the first step, at depth 0. A process that
 * the source does not know gives no steps at all.
 */
int graph_search_begin(struct graph_search *search, const struct graph_source *source,
                       int64_t start, int64_t depth_max);

/*
 * Returns SQLITE_ROW with the next step, which is valid until the next call; SQLITE_DONE at the
 * end; or an error, after which the search only ends. The graph is read one depth at a time, as
 * the steps are asked for.
 */
int graph_search_next(struct graph_search *search, const struct graph_step **step);

/* Frees what the search holds and zeroes it. */
void graph_search_end(struct graph_search *search);

#endif

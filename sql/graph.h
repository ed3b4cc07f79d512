/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Time-respecting search over the graph of processes.
 *
 * Backward, from a process at time t, an edge that leads to it counts if it began to act by then
 * (at <= t), and the search stands at its source at min(last_at, t): whatever had reached the
 * source by that time may have come along. Forward, an edge that leads away counts if it still
 * acted then (last_at >= t), and the search stands at its destination at max(at, t). An open edge
 * acts without end.
 *
 * The search goes level by level. At each, every process for which a better time was found at the
 * level before (backward a later one, forward an earlier one) is expanded again, as more of its
 * edges may count now; it gives one row, at the level that reached it first. So with a limit of d
 * the rows are those processes that a way of d edges at most connects, no more and no fewer. A time
 * only gets better, so it ends on any graph.
 *
 * The graph comes from a source: a store, or memory. Memory is SQLite's, and bounded by its limits;
 * every result is one of SQLite's codes.
 */
#ifndef SPYQ_GRAPH_H
#define SPYQ_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "graph_kind.h"

enum graph_direction { GRAPH_BACKWARD, GRAPH_FORWARD };

/* INTEGER_NULL is SQL NULL throughout; times are ns since the epoch. */
struct graph_question {
    enum graph_direction direction;
    bool timeless;     /* edges count whatever their times: ancestry */
    bool through_hubs; /* do not stop at hubs */
    uint32_t kinds;    /* a set of GRAPH_KIND_BITs */
    int64_t start;
    int64_t target; /* only a shortest way to it is wanted; NULL: all that is reached */
    int64_t at;     /* the time at the start; NULL: its whole life */
    int64_t depth_max;
    int64_t rows_max;
};

/* No limit. */
#define GRAPH_ANY INT64_MAX

/* A process that the search reached, and the edge that led there. */
struct graph_step {
    int64_t process_id;
    int64_t depth;       /* edges from where the search began */
    int64_t edge_id;     /* NULL where no recorded edge shows the step */
    int64_t at;          /* when the edge acted first */
    int64_t from_id;     /* the neighbour it was reached from; NULL where the search began */
    int64_t reached_at;  /* the search's time here; NULL: unbounded */
    const char *kind;    /* of the edge; static; NULL where the search began */
    const char *stopped; /* why it went on no further from here; static; NULL: it did */

    /* The search's own. */
    int64_t time;    /* as reached_at, the best of all times for unbounded */
    size_t previous; /* the index of the step that this one came from */
    const char *hub; /* the process' role; NULL: it is no hub */
    bool fresh;      /* reached for the first time */
    bool exists;     /* known to be a process of the graph */
};

/* An edge between a process that is expanded and a neighbour, in the search's direction. */
struct graph_edge {
    int64_t id; /* NULL: none is recorded */
    int64_t neighbour;
    int64_t at; /* NULL: not known; it counts always, and `open` is set */
    int64_t last_at;
    enum graph_kind kind;
    bool open;
    bool exists; /* the neighbour is known to be a process of the graph */
};

struct graph_search;

/* Where a search gets its graph from. It outlives the searches that use it. */
struct graph_source {
    /*
     * Sets *known: is there such a process? And where there is, *hub: its role, or NULL where it
     * is none or the question goes through hubs. Hubs by the number of peers are counted as of the
     * question's `at`: one process is a hub, or is none, for a whole search.
     */
    int (*look)(void *context, const struct graph_question *question, int64_t process_id,
                bool *known, const char **hub);

    /*
     * Calls graph_offer for each edge of `kinds` that leads on from the process at that time, in
     * any order; edges that do not count may be among them. Returns what graph_offer failed with.
     */
    int (*expand)(void *context, const struct graph_question *question, int64_t process_id,
                  int64_t time, uint32_t kinds, struct graph_search *search);

    void *context;
};

struct graph_slot;

/* Zeroed, it is a search that has not begun. */
struct graph_search {
    const struct graph_source *source;
    struct graph_question question;
    struct graph_step *steps; /* of this level, and of the next while it is made; a way needs all */
    size_t count;
    size_t capacity;
    size_t level;    /* where this level begins */
    size_t position; /* of the step to yield next */
    size_t current;  /* the step that is being expanded */
    int64_t depth;   /* of this level */
    int64_t yielded;
    struct graph_step row;    /* the one yielded last */
    bool is_way;              /* `steps` is the answer, as it is */
    struct graph_slot *slots; /* the processes reached so far: open addressing */
    size_t slot_count;
    size_t slot_capacity; /* a power of two, or 0 */
};

/*
 * Begins, or begins anew, at a process, which is itself the first step, at depth 0. A process that
 * the source does not know gives no steps at all, nor does a target that is not reached.
 */
int graph_search_begin(struct graph_search *search, const struct graph_source *source,
                       const struct graph_question *question);

/*
 * Returns SQLITE_ROW with the next step, in order of (depth, at, process_id), NULL first; it is
 * valid until the next call; SQLITE_DONE at the end; or an error, after which the search only ends.
 * The graph is read one level at a time, as the steps are asked for.
 */
int graph_search_next(struct graph_search *search, const struct graph_step **step);

/* For sources, from within expand(). Returns SQLITE_OK or SQLITE_NOMEM. */
int graph_offer(struct graph_search *search, const struct graph_edge *edge);

/* Frees what the search holds and zeroes it. */
void graph_search_end(struct graph_search *search);

#endif

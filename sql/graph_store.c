/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sqlite3ext.h>

#include "graph_hub.h"
#include "graph_store.h"
#include "rows.h"

SQLITE_EXTENSION_INIT3

/*
 * The tables behind the views `processes` and `edges`: to put these in their place takes longer
 * each time than a search. Where there are none (a store of schema 1, or tables of somebody's own)
 * the public names are read. In the first an edge's kind is a number (layout.c, in the order of
 * GRAPH_KINDS) or a text, and its last time is counted from `at`.
 */
#define ROWS_PROCESSES                "main.process_rows"
#define ROWS_EDGES                    "main.edge_rows"
#define ROWS_LAST(edge)               edge ".at + " edge ".last_after"
#define ROWS_IS(edge, number, name)   "(" edge ".kind = " number " OR " edge ".kind = '" name "')"
#define PUBLIC_PROCESSES              "processes"
#define PUBLIC_EDGES                  "edges"
#define PUBLIC_LAST(edge)             edge ".last_at"
#define PUBLIC_IS(edge, number, name) edge ".kind = '" name "'"

/*
 * processes.parent_id alone says who forked whom; the fork edge, where there is one, adds its id
 * and time: of several the first. CROSS JOIN fixes the order of the loops, whatever ANALYZE may
 * have left behind.
 */
#define FORK(T, child, parent)                                                                     \
    T##_EDGES " AS f WHERE f.dst = " child " AND f.src = " parent                                  \
              " AND " T##_IS("f", "0", "fork") " ORDER BY f.at, f.id LIMIT 1"
#define PARENT(T)                                                                                  \
    "SELECT parent.id, e.id, coalesce(e.at, child.started_at), NULL, NULL, 'fork'"                 \
    " FROM " T##_PROCESSES " AS child"                                                             \
                           " CROSS JOIN " T##_PROCESSES                                            \
        " AS parent ON parent.id = child.parent_id LEFT JOIN " T##_EDGES                           \
        " AS e ON e.id = (SELECT f.id FROM " FORK(T, "child.id",                                   \
                                                  "child.parent_id") ")"                           \
                                                                     " WHERE child.id = ?1"

/*
 * Of children the index on parents alone says all but when, and of most their fork edge says that:
 * so their rows are not looked at, and of their edges only the first.
 */
#define CHILDREN(T) "SELECT id FROM " T##_PROCESSES " WHERE parent_id = ?1"
#define FIRST(T)    "SELECT f.id, f.at FROM " FORK(T, "?1", "?2")
#define STARTED(T)  "SELECT started_at FROM " T##_PROCESSES " WHERE id = ?1"

/* What is no fork: `far` is the other end. ?2: the time at which the search stands. */
#define EDGES(T, far)                                                                              \
    "SELECT e." far ", e.id, e.at, " T##_LAST("e") ", e.open, e.kind FROM " T##_EDGES              \
        " AS e WHERE NOT " T##_IS("e", "0", "fork") " AND "

#define IS_PEER(T, edge) "(" T##_IS(edge, "1", "connect") " OR " T##_IS(edge, "2", "unix") ")"

#define LOOK(T) "SELECT pid, exe FROM " T##_PROCESSES " WHERE id = ?1"

/* ?2: the time of the question; ?3: as many as need to be told apart */
#define PEERS_IN(T)                                                                                \
    "SELECT count(*) FROM (SELECT DISTINCT e.src FROM " T##_EDGES                                  \
        " AS e WHERE e.dst = ?1"                                                                   \
        " AND e.at <= ?2 AND " IS_PEER(T, "e") " LIMIT ?3)"
#define PEERS_OUT(T)                                                                               \
    "SELECT count(*) FROM (SELECT DISTINCT e.dst FROM " T##_EDGES                                  \
        " AS e WHERE e.src = ?1"                                                                   \
        " AND (" T##_LAST("e") " >= ?2 OR e.open = 1) AND " IS_PEER(T, "e") " LIMIT ?3)"

/*
 * A statement takes as long to start as to read a few rows, so that there is one for all edges that
 * lead to a process; ?3 says whether its fork is wanted. Few edges are open, and those are in an
 * index of their own, which the unary plus leaves as the best choice.
 */
#define CAUSES(T) PARENT(T) " AND ?3 UNION ALL " EDGES(T, "src") "e.dst = ?1 AND e.at <= ?2"
#define EFFECTS(T)                                                                                 \
    EDGES(T, "dst")                                                                                \
    "e.src = ?1 AND " T##_LAST("e") " >= ?2 UNION ALL " EDGES(                                     \
        T, "dst") "e.src = ?1 AND e.open = 1 AND +(" T##_LAST("e") ") < ?2"

#define BOTH(statement)                                                                            \
    {                                                                                              \
        statement(ROWS), statement(PUBLIC)                                                         \
    }

static const char *const sql[GRAPH_STATEMENT_COUNT][2] = {
    [GRAPH_LOOK] = BOTH(LOOK),           [GRAPH_PEERS_IN] = BOTH(PEERS_IN),
    [GRAPH_PEERS_OUT] = BOTH(PEERS_OUT), [GRAPH_PARENT] = BOTH(PARENT),
    [GRAPH_CHILDREN] = BOTH(CHILDREN),   [GRAPH_FORK_EDGE] = BOTH(FIRST),
    [GRAPH_STARTED] = BOTH(STARTED),     [GRAPH_CAUSES] = BOTH(CAUSES),
    [GRAPH_EFFECTS] = BOTH(EFFECTS),
};

/*
 * NO_VTAB: a view by the name of one of our tables that reads our table functions would otherwise
 * recurse without end.
 */
int graph_store_prepare(sqlite3 *db, const char *of_rows, const char *of_public, unsigned flags,
                        sqlite3_stmt **statement)
{
    int rc = sqlite3_prepare_v3(db, of_rows, -1, flags | SQLITE_PREPARE_NO_VTAB, statement, NULL);

    if (rc == SQLITE_ERROR)
        rc = sqlite3_prepare_v3(db, of_public, -1, flags | SQLITE_PREPARE_NO_VTAB, statement, NULL);
    return rc;
}

static int ready(struct graph_store *store, enum graph_statement which, int64_t process_id,
                 sqlite3_stmt **statement)
{
    int rc = SQLITE_OK;

    if (!store->statements[which])
        rc = graph_store_prepare(store->db, sql[which][0], sql[which][1], SQLITE_PREPARE_PERSISTENT,
                                 &store->statements[which]);
    *statement = store->statements[which];
    return rc == SQLITE_OK ? sqlite3_bind_int64(*statement, 1, process_id) : rc;
}

static int64_t integer_at(sqlite3_stmt *statement, int index)
{
    if (sqlite3_column_type(statement, index) == SQLITE_NULL)
        return INTEGER_NULL;
    return sqlite3_column_int64(statement, index);
}

/* ---- looking at a process ---- */

/* Sets *hub where more processes than a hub has peers are connected with it. */
static int count_peers(struct graph_store *store, const struct graph_question *question,
                       int64_t process_id, const char **hub)
{
    bool backward = question->direction == GRAPH_BACKWARD;
    int64_t at = backward && question->at == INTEGER_NULL ? INT64_MAX : question->at;
    sqlite3_stmt *statement;
    int rc = ready(store, backward ? GRAPH_PEERS_IN : GRAPH_PEERS_OUT, process_id, &statement);

    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(statement, 2, at);
    sqlite3_bind_int64(statement, 3, GRAPH_HUB_PEERS + 1);
    if (sqlite3_step(statement) == SQLITE_ROW &&
        sqlite3_column_int64(statement, 0) > GRAPH_HUB_PEERS)
        *hub = graph_hub_shared;
    return sqlite3_reset(statement); /* a failed step's code comes back here */
}

static int look(void *context, const struct graph_question *question, int64_t process_id,
                bool *known, const char **hub)
{
    struct graph_store *store = context;
    sqlite3_stmt *statement;
    int rc = ready(store, GRAPH_LOOK, process_id, &statement);

    *hub = NULL;
    if (rc != SQLITE_OK)
        return rc;
    *known = sqlite3_step(statement) == SQLITE_ROW;
    if (*known && !question->through_hubs) {
        const char *exe = (const char *)sqlite3_column_text(statement, 1);
        *hub = graph_hub_role(sqlite3_column_int64(statement, 0), exe,
                              (size_t)sqlite3_column_bytes(statement, 1));
    }
    rc = sqlite3_reset(statement);
    if (rc != SQLITE_OK || !*known || *hub || question->through_hubs)
        return rc;
    return count_peers(store, question, process_id, hub);
}

/* ---- expanding one ---- */

enum graph_kind graph_store_kind(sqlite3_stmt *row, int index)
{
    if (sqlite3_column_type(row, index) == SQLITE_INTEGER) {
        int64_t number = sqlite3_column_int64(row, index);
        return number >= 0 && number < GRAPH_KIND_COUNT ? (enum graph_kind)number
                                                        : GRAPH_KIND_COUNT;
    }
    const char *kind = (const char *)sqlite3_column_text(row, index);
    return kind ? graph_kind_of(kind, (size_t)sqlite3_column_bytes(row, index)) : GRAPH_KIND_COUNT;
}

/* A fork is told by the processes: it acts at one moment, or, if that is not known, at any. */
static struct graph_edge fork_at(int64_t neighbour, int64_t id, int64_t at)
{
    return (struct graph_edge){
        .neighbour = neighbour,
        .id = id,
        .at = at,
        .last_at = at,
        .open = at == INTEGER_NULL,
        .kind = GRAPH_FORK,
        .exists = true,
    };
}

/* Whether there is a process at the other end is left to the search to look at. */
static struct graph_edge edge_at(sqlite3_stmt *row)
{
    enum graph_kind kind = graph_store_kind(row, 5);

    if (kind == GRAPH_FORK)
        return fork_at(sqlite3_column_int64(row, 0), integer_at(row, 1), integer_at(row, 2));
    return (struct graph_edge){
        .neighbour = sqlite3_column_int64(row, 0),
        .id = integer_at(row, 1),
        .at = integer_at(row, 2),
        .last_at = integer_at(row, 3),
        .open = sqlite3_column_int64(row, 4) == 1,
        .kind = kind,
    };
}

static int take_edges(sqlite3_stmt *statement, uint32_t kinds, struct graph_search *search)
{
    int rc = SQLITE_OK;

    while (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        const struct graph_edge edge = edge_at(statement);
        if (kinds & GRAPH_KIND_BIT(edge.kind))
            rc = graph_offer(search, &edge);
    }
    int reset = sqlite3_reset(statement);
    return rc == SQLITE_OK ? reset : rc;
}

static int take_start(struct graph_store *store, struct graph_edge *fork)
{
    sqlite3_stmt *statement;
    int rc = ready(store, GRAPH_STARTED, fork->neighbour, &statement);

    if (rc != SQLITE_OK)
        return rc;
    if (sqlite3_step(statement) == SQLITE_ROW)
        *fork = fork_at(fork->neighbour, INTEGER_NULL, integer_at(statement, 0));
    return sqlite3_reset(statement);
}

/* The fork of a child: by its edge, or else by the child's own start. */
static int take_fork(struct graph_store *store, int64_t parent, struct graph_edge *fork)
{
    sqlite3_stmt *statement;
    int rc = ready(store, GRAPH_FORK_EDGE, fork->neighbour, &statement);

    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(statement, 2, parent);
    bool found = sqlite3_step(statement) == SQLITE_ROW;
    if (found)
        *fork = fork_at(fork->neighbour, integer_at(statement, 0), integer_at(statement, 1));
    rc = sqlite3_reset(statement);
    return rc == SQLITE_OK && !found ? take_start(store, fork) : rc;
}

static int expand_children(struct graph_store *store, int64_t process_id,
                           struct graph_search *search)
{
    sqlite3_stmt *children;
    int rc = ready(store, GRAPH_CHILDREN, process_id, &children);

    if (rc != SQLITE_OK)
        return rc;
    while (rc == SQLITE_OK && sqlite3_step(children) == SQLITE_ROW) {
        struct graph_edge fork = {.neighbour = sqlite3_column_int64(children, 0)};
        rc = take_fork(store, process_id, &fork);
        if (rc == SQLITE_OK)
            rc = graph_offer(search, &fork);
    }
    int reset = sqlite3_reset(children);
    return rc == SQLITE_OK ? reset : rc;
}

static int expand_edges(struct graph_store *store, enum graph_statement which, int64_t process_id,
                        int64_t time, uint32_t kinds, struct graph_search *search)
{
    sqlite3_stmt *statement;
    int rc = ready(store, which, process_id, &statement);

    if (rc != SQLITE_OK)
        return rc;
    if (which != GRAPH_PARENT)
        sqlite3_bind_int64(statement, 2, time);
    if (which == GRAPH_CAUSES)
        sqlite3_bind_int(statement, 3, (kinds & GRAPH_KIND_BIT(GRAPH_FORK)) != 0);
    return take_edges(statement, kinds, search);
}

static int expand(void *context, const struct graph_question *question, int64_t process_id,
                  int64_t time, uint32_t kinds, struct graph_search *search)
{
    struct graph_store *store = context;
    bool only_forks = kinds == GRAPH_KIND_BIT(GRAPH_FORK);
    int rc = SQLITE_OK;

    if (question->direction == GRAPH_BACKWARD)
        return expand_edges(store, only_forks ? GRAPH_PARENT : GRAPH_CAUSES, process_id, time,
                            kinds, search);
    if (kinds & GRAPH_KIND_BIT(GRAPH_FORK))
        rc = expand_children(store, process_id, search);
    if (rc == SQLITE_OK && !only_forks)
        rc = expand_edges(store, GRAPH_EFFECTS, process_id, time, kinds, search);
    return rc;
}

void graph_store_open(struct graph_store *store, sqlite3 *db)
{
    *store = (struct graph_store){
        .source = {.look = look, .expand = expand, .context = store},
        .db = db,
    };
}

void graph_store_close(struct graph_store *store)
{
    for (int i = 0; i < GRAPH_STATEMENT_COUNT; i++) {
        sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
}

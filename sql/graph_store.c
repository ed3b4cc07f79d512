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
#define FORK_EDGE(T)                                                                               \
    " LEFT JOIN " T##_EDGES " AS e ON e.id = (SELECT f.id FROM " T##_EDGES                         \
        " AS f WHERE f.dst = child.id AND f.src = child.parent_id AND " T##_IS(                    \
            "f", "0", "fork") " ORDER BY f.at, f.id LIMIT 1)"
#define PARENT(T)                                                                                  \
    "SELECT parent.id, e.id, coalesce(e.at, child.started_at), NULL, NULL, 'fork'"                 \
    " FROM " T##_PROCESSES " AS child"                                                             \
                           " CROSS JOIN " T##_PROCESSES                                            \
        " AS parent ON parent.id = child.parent_id" FORK_EDGE(T) " WHERE child.id = ?1"
#define CHILDREN(T)                                                                                \
    "SELECT child.id, e.id, coalesce(e.at, child.started_at), NULL, NULL, 'fork'"                  \
    " FROM " T##_PROCESSES " AS child" FORK_EDGE(T) " WHERE child.parent_id = ?1"

/* Edges whose other end, `far`, is a process. ?2: the time at which the search stands. */
#define EDGES(T, far)                                                                              \
    " UNION ALL SELECT e." far ", e.id, e.at, " T##_LAST("e") ", e.open, e.kind"                   \
                                                              " FROM " T##_EDGES                   \
        " AS e CROSS JOIN " T##_PROCESSES " AS p ON p.id = e." far                                 \
                                          " WHERE NOT " T##_IS("e", "0", "fork") " AND "

#define IS_PEER(T, edge) "(" T##_IS(edge, "1", "connect") " OR " T##_IS(edge, "2", "unix") ")"

/*
 * A statement takes as long to start as to read a few rows, so that there is one for all edges of a
 * process; ?3 says whether forks are wanted. Few edges are open, and those are in an index of their
 * own, which the unary plus leaves as the best choice.
 */
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

#define CAUSES(T) PARENT(T) " AND ?3" EDGES(T, "src") "e.dst = ?1 AND e.at <= ?2"
#define EFFECTS(T)                                                                                 \
    CHILDREN(T)                                                                                    \
    " AND ?3" EDGES(T, "dst") "e.src = ?1 AND " T##_LAST("e") " >= ?2" EDGES(                      \
        T, "dst") "e.src = ?1 AND e.open = 1 AND +(" T##_LAST("e") ") < ?2"

#define BOTH(statement)                                                                            \
    {                                                                                              \
        statement(ROWS), statement(PUBLIC)                                                         \
    }

static const char *const sql[GRAPH_STATEMENT_COUNT][2] = {
    [GRAPH_LOOK] = BOTH(LOOK),           [GRAPH_PEERS_IN] = BOTH(PEERS_IN),
    [GRAPH_PEERS_OUT] = BOTH(PEERS_OUT), [GRAPH_PARENT] = BOTH(PARENT),
    [GRAPH_CHILDREN] = BOTH(CHILDREN),   [GRAPH_CAUSES] = BOTH(CAUSES),
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
static struct graph_edge edge_at(sqlite3_stmt *row)
{
    struct graph_edge edge = {
        .neighbour = sqlite3_column_int64(row, 0),
        .id = integer_at(row, 1),
        .at = integer_at(row, 2),
        .last_at = integer_at(row, 3),
        .open = sqlite3_column_int64(row, 4) == 1,
        .kind = graph_store_kind(row, 5),
        .exists = true,
    };

    if (edge.kind == GRAPH_FORK) {
        edge.last_at = edge.at;
        edge.open = edge.at == INTEGER_NULL;
    }
    return edge;
}

static int take_edges(sqlite3_stmt *statement, uint32_t kinds, struct graph_search *search)
{
    int rc = SQLITE_OK;

    while (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        const struct graph_edge edge = edge_at(statement);
        if (kinds & GRAPH_KIND_BIT(edge.kind))
            rc = graph_offer(search, &edge);
    }
    return rc;
}

static int expand(void *context, const struct graph_question *question, int64_t process_id,
                  int64_t time, uint32_t kinds, struct graph_search *search)
{
    static const enum graph_statement forks[] = {GRAPH_PARENT, GRAPH_CHILDREN};
    static const enum graph_statement all[] = {GRAPH_CAUSES, GRAPH_EFFECTS};
    bool only_forks = kinds == GRAPH_KIND_BIT(GRAPH_FORK);
    sqlite3_stmt *statement;
    int rc = ready(context, only_forks ? forks[question->direction] : all[question->direction],
                   process_id, &statement);

    if (rc == SQLITE_OK && !only_forks) {
        sqlite3_bind_int64(statement, 2, time);
        sqlite3_bind_int(statement, 3, (kinds & GRAPH_KIND_BIT(GRAPH_FORK)) != 0);
    }
    if (rc == SQLITE_OK)
        rc = take_edges(statement, kinds, search);
    int reset = sqlite3_reset(statement);
    return rc == SQLITE_OK ? reset : rc;
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

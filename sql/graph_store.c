/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sqlite3ext.h>

#include "graph_hub.h"
#include "graph_store.h"
#include "rows.h"

SQLITE_EXTENSION_INIT3

/*
 * processes.parent_id alone says who forked whom; the fork edge, where there is one, adds its id
 * and time: of several the first. CROSS JOIN fixes the order of the loops, whatever ANALYZE may
 * have left behind.
 */
#define FORK_EDGE                                                                                  \
    " LEFT JOIN edges AS e ON e.id = (SELECT f.id FROM edges AS f WHERE f.dst = child.id"          \
    " AND f.src = child.parent_id AND f.kind = 'fork' ORDER BY f.at, f.id LIMIT 1)"

/* Edges, as take_edges reads them. */
#define EDGES(neighbour)                                                                           \
    "SELECT " neighbour ", e.id, e.at, e.last_at, e.open, e.kind FROM edges AS e"

static const char *const sql[GRAPH_STATEMENT_COUNT] = {
    [GRAPH_LOOK] = "SELECT pid, exe FROM processes WHERE id = ?1",

    /* ?2: the time of the question; ?3: as many as need to be told apart */
    [GRAPH_PEERS_IN] = "SELECT count(*) FROM (SELECT DISTINCT src FROM edges WHERE dst = ?1"
                       " AND at <= ?2 AND kind IN ('connect', 'unix') LIMIT ?3)",
    [GRAPH_PEERS_OUT] = "SELECT count(*) FROM (SELECT DISTINCT dst FROM edges WHERE src = ?1"
                        " AND (last_at >= ?2 OR open = 1) AND kind IN ('connect', 'unix')"
                        " LIMIT ?3)",

    /* Forks, as take_forks reads them. */
    [GRAPH_PARENT] = "SELECT parent.id, e.id, coalesce(e.at, child.started_at)"
                     " FROM processes AS child"
                     " CROSS JOIN processes AS parent ON parent.id = child.parent_id" FORK_EDGE
                     " WHERE child.id = ?1",
    [GRAPH_CHILDREN] = "SELECT child.id, e.id, coalesce(e.at, child.started_at)"
                       " FROM processes AS child" FORK_EDGE " WHERE child.parent_id = ?1",

    /* ?2: the search's time. The unary plus keeps what it stands at out of the choice of index:
     * few edges are open, and those are in an index of their own. */
    [GRAPH_EDGES_IN] = EDGES("e.src") " WHERE e.dst = ?1 AND e.at <= ?2 AND e.kind <> 'fork'",
    [GRAPH_EDGES_OUT] = EDGES("e.dst") " WHERE e.src = ?1 AND e.last_at >= ?2 AND e.kind <> 'fork'",
    [GRAPH_OPEN_OUT] = EDGES("e.dst") " WHERE e.src = ?1 AND e.open = 1 AND +e.last_at < ?2",
};

/*
 * NO_VTAB: a view by the name of one of our tables that reads our table functions would otherwise
 * recurse without end.
 */
static int ready(struct graph_store *store, enum graph_statement which, int64_t process_id,
                 sqlite3_stmt **statement)
{
    int rc = SQLITE_OK;

    if (!store->statements[which])
        rc = sqlite3_prepare_v3(store->db, sql[which], -1,
                                SQLITE_PREPARE_PERSISTENT | SQLITE_PREPARE_NO_VTAB,
                                &store->statements[which], NULL);
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

static int finish(sqlite3_stmt *statement, int rc)
{
    int reset = sqlite3_reset(statement);

    return rc == SQLITE_OK ? reset : rc;
}

static int take_forks(struct graph_store *store, enum graph_statement which, int64_t process_id,
                      struct graph_search *search)
{
    sqlite3_stmt *statement;
    int rc = ready(store, which, process_id, &statement);

    while (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        int64_t at = integer_at(statement, 2);
        const struct graph_edge edge = {
            .neighbour = sqlite3_column_int64(statement, 0),
            .id = integer_at(statement, 1),
            .at = at,
            .last_at = at,
            .kind = GRAPH_FORK,
            .open = at == INTEGER_NULL,
            .exists = true,
        };
        rc = graph_offer(search, &edge);
    }
    return finish(statement, rc);
}

static int take_edges(struct graph_store *store, enum graph_statement which, int64_t process_id,
                      int64_t time, uint32_t kinds, struct graph_search *search)
{
    sqlite3_stmt *statement;
    int rc = ready(store, which, process_id, &statement);

    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 2, time);
    while (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        const char *kind = (const char *)sqlite3_column_text(statement, 5);
        const struct graph_edge edge = {
            .neighbour = sqlite3_column_int64(statement, 0),
            .id = sqlite3_column_int64(statement, 1),
            .at = sqlite3_column_int64(statement, 2),
            .last_at = sqlite3_column_int64(statement, 3),
            .open = sqlite3_column_int64(statement, 4) == 1,
            .kind = kind ? graph_kind_of(kind, (size_t)sqlite3_column_bytes(statement, 5))
                         : GRAPH_KIND_COUNT,
        };
        if (kinds & GRAPH_KIND_BIT(edge.kind))
            rc = graph_offer(search, &edge);
    }
    return finish(statement, rc);
}

/* Of the kinds, those that are rows of edges; forks are told by the processes. */
static uint32_t edge_kinds(uint32_t kinds)
{
    return kinds & ~GRAPH_KIND_BIT(GRAPH_FORK);
}

static int expand_backward(struct graph_store *store, int64_t process_id, int64_t time,
                           uint32_t kinds, struct graph_search *search)
{
    int rc = SQLITE_OK;

    if (kinds & GRAPH_KIND_BIT(GRAPH_FORK))
        rc = take_forks(store, GRAPH_PARENT, process_id, search);
    if (rc == SQLITE_OK && edge_kinds(kinds))
        rc = take_edges(store, GRAPH_EDGES_IN, process_id, time, edge_kinds(kinds), search);
    return rc;
}

static int expand_forward(struct graph_store *store, int64_t process_id, int64_t time,
                          uint32_t kinds, struct graph_search *search)
{
    uint32_t edges = edge_kinds(kinds);
    int rc = SQLITE_OK;

    if (kinds & GRAPH_KIND_BIT(GRAPH_FORK))
        rc = take_forks(store, GRAPH_CHILDREN, process_id, search);
    if (rc == SQLITE_OK && edges)
        rc = take_edges(store, GRAPH_EDGES_OUT, process_id, time, edges, search);
    if (rc == SQLITE_OK && edges && time != INT64_MIN)
        rc = take_edges(store, GRAPH_OPEN_OUT, process_id, time, edges, search);
    return rc;
}

static int expand(void *context, const struct graph_question *question, int64_t process_id,
                  int64_t time, uint32_t kinds, struct graph_search *search)
{
    return question->direction == GRAPH_BACKWARD
               ? expand_backward(context, process_id, time, kinds, search)
               : expand_forward(context, process_id, time, kinds, search);
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sqlite3ext.h>

#include "graph_store.h"
#include "rows.h"

SQLITE_EXTENSION_INIT3

static const char contains_sql[] = "SELECT 1 FROM processes WHERE id = ?1";

/*
 * processes.parent_id alone says who forked whom; the fork edge, where there is one, adds its id
 * and time. Of several, the search keeps the earliest, as it does for any process reached twice.
 * CROSS JOIN fixes the order of the loops, whatever ANALYZE may have left behind.
 */
#define FORK_EDGE                                                                                  \
    " LEFT JOIN edges AS e"                                                                        \
    " ON e.dst = child.id AND e.src = child.parent_id AND e.kind = 'fork'"

static const char *const expand_sql[] = {
    [GRAPH_PARENTS] = "SELECT parent.id, e.id, coalesce(e.at, child.started_at)"
                      " FROM processes AS child"
                      " CROSS JOIN processes AS parent ON parent.id = child.parent_id" FORK_EDGE
                      " WHERE child.id = ?1",
    [GRAPH_CHILDREN] = "SELECT child.id, e.id, coalesce(e.at, child.started_at)"
                       " FROM processes AS child" FORK_EDGE " WHERE child.parent_id = ?1",
};

/*
 * NO_VTAB: a view by the name of one of our tables that reads our table functions would otherwise
 * recurse without end.
 */
static int prepare(struct graph_store *store, const char *sql, sqlite3_stmt **statement)
{
    if (*statement)
        return SQLITE_OK;
    return sqlite3_prepare_v3(store->db, sql, -1,
                              SQLITE_PREPARE_PERSISTENT | SQLITE_PREPARE_NO_VTAB, statement, NULL);
}

/* A failed step's code comes back from the reset. */
static int contains(void *context, int64_t process_id, bool *known)
{
    struct graph_store *store = context;
    int rc = prepare(store, contains_sql, &store->contains);

    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(store->contains, 1, process_id);
    *known = sqlite3_step(store->contains) == SQLITE_ROW;
    return sqlite3_reset(store->contains);
}

static int64_t column(sqlite3_stmt *statement, int index)
{
    if (sqlite3_column_type(statement, index) == SQLITE_NULL)
        return INTEGER_NULL;
    return sqlite3_column_int64(statement, index);
}

static int expand_one(sqlite3_stmt *statement, int64_t from_id, struct graph_steps *reached)
{
    int rc = SQLITE_OK;

    sqlite3_bind_int64(statement, 1, from_id);
    while (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        const struct graph_step step = {
            .process_id = column(statement, 0),
            .edge_id = column(statement, 1),
            .at = column(statement, 2),
            .from_id = from_id,
            .kind = "fork",
        };
        rc = graph_steps_add(reached, &step);
    }
    int reset = sqlite3_reset(statement);
    return rc == SQLITE_OK ? reset : rc;
}

static int expand(void *context, const struct graph_steps *frontier, struct graph_steps *reached)
{
    struct graph_store *store = context;
    int rc = prepare(store, store->expand_sql, &store->expand);

    for (size_t i = 0; rc == SQLITE_OK && i < frontier->count; i++)
        rc = expand_one(store->expand, frontier->items[i].process_id, reached);
    return rc;
}

void graph_store_open(struct graph_store *store, sqlite3 *db, enum graph_direction direction)
{
    *store = (struct graph_store){
        .source = {.contains = contains, .expand = expand, .context = store},
        .db = db,
        .expand_sql = expand_sql[direction],
    };
}

void graph_store_close(struct graph_store *store)
{
    sqlite3_finalize(store->contains);
    sqlite3_finalize(store->expand);
    store->contains = store->expand = NULL;
}

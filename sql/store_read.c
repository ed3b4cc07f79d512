/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What earlier runs left in the store: this boot's row, the ids used, what was alive. */
#include <string.h>

#include "end_earlier_boots.sql.h"
#include "row_fetch.h"
#include "store_private.h"

/* Looks for the row of this boot. A boot id that is not known is nobody's. */
static enum store_status find_host(struct store *store, struct row_host *host, bool *known)
{
    static const char sql[] = "SELECT id, first_seen_at, last_seen_at FROM hosts "
                              "WHERE boot_id = ?1 AND machine_id IS ?2 ORDER BY id LIMIT 1";
    sqlite3_stmt *statement;
    *known = false;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return store_failed(store, "cannot look for this boot");
    row_bind_text(statement, 1, host->boot_id);
    row_bind_text(statement, 2, host->machine_id);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        *known = true;
        host->id = row_integer(statement, 0);
        host->first_seen_at = row_integer(statement, 1);
        host->last_seen_at = row_integer(statement, 2);
    }
    if (sqlite3_finalize(statement) != SQLITE_OK)
        return store_failed(store, "cannot look for this boot");
    return STORE_OK;
}

/* Inside a transaction: what other boots left alive ends, and this boot gets its row. */
static enum store_status settle_host(struct store *store, struct row_host *host, bool *known)
{
    enum store_status status = find_host(store, host, known);
    if (status == STORE_OK && !*known)
        host->id = store->last_id[ROW_HOST] + 1;
    if (status == STORE_OK)
        status = store_run(store, end_earlier_boots_sql, host->id, "cannot end earlier boots");
    if (status == STORE_OK && !*known)
        status = store_put(store, &(struct row){ROW_HOST, host});
    return status;
}

enum store_status store_host(struct store *store, struct row_host *host, bool *known)
{
    enum store_status status = store_begin(store);
    if (status == STORE_OK)
        status = settle_host(store, host, known);
    if (status == STORE_OK)
        status = store_commit(store);
    if (status != STORE_OK)
        store_roll_back(store);
    return status;
}

enum store_status store_last_seen(struct store *store, int64_t *last_seen_at)
{
    /* Not the greatest: a clock that was once set wrong must not count for ever. */
    static const char sql[] = "SELECT last_seen_at FROM recorders WHERE last_seen_at IS NOT NULL "
                              "ORDER BY id DESC LIMIT 1";
    sqlite3_stmt *statement;
    *last_seen_at = INTEGER_NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return store_failed(store, "cannot read the last run");
    if (sqlite3_step(statement) == SQLITE_ROW)
        *last_seen_at = row_integer(statement, 0);
    if (sqlite3_finalize(statement) != SQLITE_OK)
        return store_failed(store, "cannot read the last run");
    return store_succeeded(store);
}

enum store_status store_next_ids(struct store *store, int64_t next[ROW_KIND_COUNT])
{
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        next[kind] = store->last_id[kind] + 1;
    return store_succeeded(store);
}

static char *living_sql(const struct table *shape, const char *alive)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "SELECT ");
    for (size_t i = 0; i < shape->column_count; i++)
        sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "", shape->columns[i].name);
    sqlite3_str_appendf(sql, " FROM \"%w\" WHERE %s ORDER BY id", shape->name, alive);
    return sqlite3_str_finish(sql);
}

static enum store_status visit_living(struct store *store, enum row_kind kind, const char *alive,
                                      int64_t host_id, store_visitor *visit, void *context)
{
    char *sql = living_sql(&row_tables[kind], alive);
    sqlite3_stmt *statement = NULL;
    int code = sql ? sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(statement, 1, host_id);
    while (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        union any_row columns;
        row_fetch(statement, kind, &columns);
        visit(context, &(struct row){kind, &columns});
    }
    if (sqlite3_finalize(statement) != SQLITE_OK || code != SQLITE_OK)
        return store_failed(store, "cannot read what was alive");
    return STORE_OK;
}

enum store_status store_living(struct store *store, int64_t host_id, store_visitor *visit,
                               void *context)
{
    static const struct {
        enum row_kind kind;
        const char *alive;
    } kinds[] = {
        {ROW_TRACE, "ended_at IS NULL AND host_id = ?1"},
        {ROW_PROCESS, "ended_at IS NULL AND host_id = ?1"},
        {ROW_CONTAINER, "ended_at IS NULL AND host_id = ?1"},
        {ROW_LISTENER, "ended_at IS NULL AND host_id = ?1"},
        {ROW_CONNECTION, "ended_at IS NULL AND host_id = ?1"},
        {ROW_EDGE, "open = 1 AND host_id = ?1"},
        {ROW_TRACE_LINK, "src_trace_id IN (SELECT t.id FROM traces AS t"
                         " WHERE t.ended_at IS NULL AND t.host_id = ?1)"},
    };
    enum store_status status = STORE_OK;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && status == STORE_OK; i++)
        status = visit_living(store, kinds[i].kind, kinds[i].alive, host_id, visit, context);
    return status == STORE_OK ? store_succeeded(store) : status;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows on their way into the store, as a virtual table: one statement takes many of them. To start
 * one costs as much as to write the row, as each opens the table and all its indexes.
 */
#include "store_private.h"

struct feed_table {
    sqlite3_vtab base;
    struct store_feed *feed;
};

struct feed_cursor {
    sqlite3_vtab_cursor base;
    size_t at;
};

static int connect_feed(sqlite3 *db, void *context, int argc, const char *const *argv,
                        sqlite3_vtab **made, char **error)
{
    const struct store_table *table = context;
    (void)argc, (void)argv, (void)error;
    sqlite3_str *sql = sqlite3_str_new(db);
    for (size_t i = 0; i < table->field_count; i++)
        sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "CREATE TABLE feed (",
                            table->fields[i].name);
    sqlite3_str_appendf(sql, "%s%s)", table->number ? ", " : "",
                        table->number ? table->number : "");
    char *declaration = sqlite3_str_finish(sql);
    struct feed_table *feed = sqlite3_malloc(sizeof(*feed));
    int code = declaration && feed ? sqlite3_declare_vtab(db, declaration) : SQLITE_NOMEM;
    sqlite3_free(declaration);
    if (code != SQLITE_OK) {
        sqlite3_free(feed);
        return code;
    }
    *feed = (struct feed_table){.feed = &table->store->feed};
    *made = &feed->base;
    return SQLITE_OK;
}

static int disconnect_feed(sqlite3_vtab *base)
{
    sqlite3_free(base);
    return SQLITE_OK;
}

static int plan(sqlite3_vtab *base, sqlite3_index_info *info)
{
    (void)base;
    info->estimatedRows = STORE_FEED_ROWS;
    info->estimatedCost = STORE_FEED_ROWS;
    return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **made)
{
    (void)base;
    struct feed_cursor *cursor = sqlite3_malloc(sizeof(*cursor));
    if (!cursor)
        return SQLITE_NOMEM;
    *cursor = (struct feed_cursor){.at = 0};
    *made = &cursor->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *cursor)
{
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static struct store_feed *feed_of(const sqlite3_vtab_cursor *cursor)
{
    return ((const struct feed_table *)cursor->pVtab)->feed;
}

static size_t *place_of(sqlite3_vtab_cursor *cursor)
{
    return &((struct feed_cursor *)cursor)->at;
}

static int first(sqlite3_vtab_cursor *cursor, int number, const char *text, int argc,
                 sqlite3_value **argv)
{
    (void)number, (void)text, (void)argc, (void)argv;
    feed_of(cursor)->at = *place_of(cursor) = 0;
    return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *cursor)
{
    feed_of(cursor)->at = ++*place_of(cursor);
    return SQLITE_OK;
}

static int is_over(sqlite3_vtab_cursor *cursor)
{
    return *place_of(cursor) >= feed_of(cursor)->count;
}

static int column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int i)
{
    const struct store_value *value = &feed_of(cursor)->values[*place_of(cursor)][i];
    if (value->text.data)
        sqlite3_result_text64(context, value->text.data, value->text.length, SQLITE_STATIC,
                              SQLITE_UTF8);
    else if (value->integer != INTEGER_NULL) /* otherwise it is NULL */
        sqlite3_result_int64(context, value->integer);
    return SQLITE_OK;
}

static int row_id(sqlite3_vtab_cursor *cursor, sqlite3_int64 *id)
{
    *id = (sqlite3_int64)*place_of(cursor);
    return SQLITE_OK;
}

/* There is no xCreate: the table is there as soon as the module is, and in no schema. */
static const sqlite3_module feed_module = {
    .xConnect = connect_feed,
    .xBestIndex = plan,
    .xDisconnect = disconnect_feed,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = first,
    .xNext = next,
    .xEof = is_over,
    .xColumn = column,
    .xRowid = row_id,
};

int store_feed_create(struct store *store, struct store_table *table, const char *of)
{
    char name[64];
    table->store = store;
    sqlite3_snprintf(sizeof(name), name, STORE_FEED "%s", of);
    return sqlite3_create_module(store->db, name, &feed_module, table);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "user_tables.h"

#include "user_store.h"

/* The rowid is the first column. */
static const struct user_table {
    const char *name;
    const char *declaration;
    const char *query;
} user_tables[] = {
    {"pins",
     "CREATE TABLE x (id INTEGER, trace_id INTEGER, trace_started_at INTEGER, pinned_at INTEGER,"
     " user TEXT, target TEXT, reason TEXT)",
     "SELECT id, trace_id, trace_started_at, pinned_at, user, target, reason FROM pins ORDER BY "
     "id"},
    {"suppressions",
     "CREATE TABLE x (id INTEGER, rule TEXT, program TEXT, ancestor TEXT, user TEXT,"
     " container TEXT, arguments TEXT, expires_at INTEGER, reason TEXT, added_by TEXT,"
     " added_at INTEGER)",
     "SELECT id, rule, program, ancestor, user, container, arguments, expires_at, reason, added_by,"
     " added_at FROM suppressions ORDER BY id"},
};

/* What a module is given: freed with it. */
struct offer {
    const struct user_table *table;
    struct session *session;
};

struct offered {
    sqlite3_vtab base;
    const struct offer *offer;
};

struct cursor {
    sqlite3_vtab_cursor base;
    struct session user; /* its db is NULL: there is no file */
    sqlite3_stmt *rows;  /* NULL: there are none */
    bool at_end;
};

static const struct offer *offer_of(const sqlite3_vtab_cursor *base)
{
    return ((const struct offered *)base->pVtab)->offer;
}

/* ---- the table ---- */

static int connect(sqlite3 *db, void *context, int count, const char *const *arguments,
                   sqlite3_vtab **base, char **error)
{
    const struct offer *offer = context;
    struct offered *made = sqlite3_malloc(sizeof *made);
    (void)count, (void)arguments, (void)error;
    if (!made)
        return SQLITE_NOMEM;
    *made = (struct offered){.offer = offer};
    *base = &made->base;
    int code = sqlite3_declare_vtab(db, offer->table->declaration);
    if (code != SQLITE_OK)
        sqlite3_free(made);
    return code;
}

static int disconnect(sqlite3_vtab *base)
{
    sqlite3_free(base);
    return SQLITE_OK;
}

/* There are few: all are read. */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *plan)
{
    (void)base;
    plan->estimatedCost = 1000;
    plan->estimatedRows = 100;
    return SQLITE_OK;
}

/* ---- reading ---- */

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **opened)
{
    struct cursor *cursor = sqlite3_malloc(sizeof *cursor);
    (void)base;
    if (!cursor)
        return SQLITE_NOMEM;
    *cursor = (struct cursor){.at_end = true};
    *opened = &cursor->base;
    return SQLITE_OK;
}

static void end_reading(struct cursor *cursor)
{
    sqlite3_finalize(cursor->rows);
    user_store_close(&cursor->user);
    cursor->rows = NULL;
    cursor->at_end = true;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    end_reading((struct cursor *)base);
    sqlite3_free(base);
    return SQLITE_OK;
}

static int failed(sqlite3_vtab_cursor *base, const char *why)
{
    sqlite3_free(base->pVtab->zErrMsg);
    base->pVtab->zErrMsg =
        sqlite3_mprintf("%s: the user's store cannot be read%s%s", offer_of(base)->table->name,
                        why ? ": " : "", why ? why : "");
    return SQLITE_ERROR;
}

static int next(sqlite3_vtab_cursor *base)
{
    struct cursor *cursor = (struct cursor *)base;
    int code = sqlite3_step(cursor->rows);
    cursor->at_end = code != SQLITE_ROW;
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return SQLITE_OK;
    return failed(base, sqlite3_errmsg(cursor->user.db));
}

/* A file that was made before there was such a table has none. */
static bool has_table(const struct cursor *cursor, const char *name)
{
    return cursor->user.db &&
           sqlite3_table_column_metadata(cursor->user.db, "main", name, "id", NULL, NULL, NULL,
                                         NULL, NULL) == SQLITE_OK;
}

/* What is wrong with the file has been said by who opens it. */
static int filter(sqlite3_vtab_cursor *base, int number, const char *string, int count,
                  sqlite3_value **values)
{
    struct cursor *cursor = (struct cursor *)base;
    const struct offer *offer = offer_of(base);
    (void)number, (void)string, (void)count, (void)values;
    end_reading(cursor);
    if (user_store_read(offer->session, &cursor->user) != STATUS_OK)
        return failed(base, NULL);
    if (!has_table(cursor, offer->table->name))
        return SQLITE_OK;
    if (sqlite3_prepare_v2(cursor->user.db, offer->table->query, -1, &cursor->rows, NULL))
        return failed(base, sqlite3_errmsg(cursor->user.db));
    return next(base);
}

static int at_end(sqlite3_vtab_cursor *base)
{
    return ((const struct cursor *)base)->at_end;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int index)
{
    const struct cursor *cursor = (const struct cursor *)base;
    sqlite3_result_value(context, sqlite3_column_value(cursor->rows, index));
    return SQLITE_OK;
}

static int rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *row)
{
    const struct cursor *cursor = (const struct cursor *)base;
    *row = sqlite3_column_int64(cursor->rows, 0);
    return SQLITE_OK;
}

/* No xCreate: the tables exist by themselves, and only so. No xUpdate: they can only be read. */
static const sqlite3_module module = {
    .xConnect = connect,
    .xBestIndex = best_index,
    .xDisconnect = disconnect,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next,
    .xEof = at_end,
    .xColumn = column,
    .xRowid = rowid,
};

void user_tables_offer(struct session *session)
{
    for (size_t i = 0; i < sizeof user_tables / sizeof *user_tables; i++) {
        struct offer *offer = sqlite3_malloc(sizeof *offer);
        if (!offer)
            return;
        *offer = (struct offer){&user_tables[i], session};
        sqlite3_create_module_v2(session->db, user_tables[i].name, &module, offer, sqlite3_free);
    }
}

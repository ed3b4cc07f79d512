/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far the ids of all tables had come, at moments of the past. */
#include <string.h>

#include "retention_private.h"

#define MARK "SELECT id, host_id, at, boottime, last_ids FROM marks "

/* {"processes": 12, ...}: tables that are not known here are passed over. */
static void read_ids(sqlite3_stmt *ids, struct mark *mark)
{
    const char *name = (const char *)sqlite3_column_text(ids, 0);
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        if (name && strcmp(name, row_tables[kind].name) == 0)
            mark->last_id[kind] = sqlite3_column_int64(ids, 1);
}

static int parse_ids(struct store *store, const char *json, struct mark *mark)
{
    sqlite3_stmt *ids;
    int code =
        sqlite3_prepare_v2(store->db, "SELECT key, value FROM json_each(?1)", -1, &ids, NULL);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_text(ids, 1, json, -1, SQLITE_STATIC);
    while (sqlite3_step(ids) == SQLITE_ROW)
        read_ids(ids, mark);
    return sqlite3_finalize(ids);
}

static int read_mark(struct store *store, sqlite3_stmt *statement, struct mark *mark)
{
    const char *json = (const char *)sqlite3_column_text(statement, 4);
    mark->id = sqlite3_column_int64(statement, 0);
    mark->host_id = sqlite3_column_int64(statement, 1);
    mark->at = sqlite3_column_int64(statement, 2);
    mark->boottime = sqlite3_column_int64(statement, 3);
    return json ? parse_ids(store, json, mark) : SQLITE_NOMEM;
}

static enum store_status find(struct store *store, const char *sql, int64_t id, struct mark *mark)
{
    sqlite3_stmt *statement;
    *mark = (struct mark){0};
    int code = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK && sqlite3_bind_parameter_count(statement) > 0)
        sqlite3_bind_int64(statement, 1, id);
    if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        code = read_mark(store, statement, mark);
    int end = sqlite3_finalize(statement);
    return code == SQLITE_OK && end == SQLITE_OK ? STORE_OK
                                                 : store_failed(store, "cannot read its marks");
}

enum store_status mark_horizon(struct store *store, struct mark *mark)
{
    return find(store, MARK "WHERE rolled = 1 ORDER BY id DESC LIMIT 1", 0, mark);
}

enum store_status mark_after(struct store *store, int64_t id, struct mark *mark)
{
    return find(store, MARK "WHERE id > ?1 ORDER BY id LIMIT 1", id, mark);
}

enum store_status mark_newest(struct store *store, struct mark *mark)
{
    return find(store, MARK "ORDER BY id DESC LIMIT 1", 0, mark);
}

static char *ids_json(const struct mark *mark)
{
    sqlite3_str *json = sqlite3_str_new(NULL);
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        if (kind != ROW_TRACE_SCORE) /* of rows that a ROW_TRACE has made */
            sqlite3_str_appendf(json, "%s\"%s\":%lld", kind ? "," : "{", row_tables[kind].name,
                                (long long)mark->last_id[kind]);
    sqlite3_str_appendchar(json, 1, '}');
    return sqlite3_str_finish(json);
}

/* Its number is above that of any other, as the newest is never removed. */
static int insert(struct store *store, struct mark *mark, const char *json)
{
    static const char sql[] = "INSERT INTO marks (host_id, at, boottime, last_ids, rolled) "
                              "VALUES (?1, ?2, ?3, ?4, 0)";
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int64(statement, 1, mark->host_id);
    sqlite3_bind_int64(statement, 2, mark->at);
    sqlite3_bind_int64(statement, 3, mark->boottime);
    sqlite3_bind_text(statement, 4, json, -1, SQLITE_STATIC);
    sqlite3_step(statement);
    code = sqlite3_finalize(statement);
    mark->id = sqlite3_last_insert_rowid(store->db);
    return code;
}

enum store_status mark_add(struct store *store, struct mark *mark)
{
    memcpy(mark->last_id, store->last_id, sizeof(mark->last_id));
    char *json = ids_json(mark);
    int code = json ? insert(store, mark, json) : SQLITE_NOMEM;
    sqlite3_free(json);
    return code == SQLITE_OK ? STORE_OK : store_failed(store, "cannot write a mark");
}

enum store_status mark_begin(struct store *store, const struct mark *mark)
{
    return store_run(store,
                     "UPDATE marks SET rolled = 1 WHERE id = ?1;"
                     "DELETE FROM marks WHERE id < ?1;",
                     mark->id, "cannot move its horizon");
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a transaction wrote of the graph: a row of `changes` for those who hold it in memory. */
#include <string.h>

#include "store_private.h"

/* Transactions that are remembered, and the bytes of them all: a minute of a storm's. */
#define CHANGES_MAX   4096
#define CHANGES_BYTES (1 << 20)

enum { COUNT, NOTE, FORGET, MEASURE, FORGET_FIRST };

#define LENGTH "coalesce(length(processes), 0) + coalesce(length(edges), 0)"

static const char *const sql[STORE_CHANGES_STATEMENTS] = {
    [COUNT] = "INSERT INTO sequences (name, last_id) VALUES ('changes', 1)"
              " ON CONFLICT (name) DO UPDATE SET last_id = last_id + 1",
    [NOTE] = "INSERT INTO changes (id, processes, edges)"
             " SELECT last_id, ?1, ?2 FROM sequences WHERE name = 'changes'",
    [FORGET] = "DELETE FROM changes WHERE id <= ?1",
    [MEASURE] = "SELECT coalesce(sum(" LENGTH "), 0) FROM changes",
    [FORGET_FIRST] = "DELETE FROM changes WHERE id = (SELECT min(id) FROM changes) AND id < ?1"
                     " RETURNING " LENGTH,
};

void store_changes_note(struct store *store, const struct row *row)
{
    sqlite3_str **ids = row->kind == ROW_PROCESS ? &store->changed_processes
                        : row->kind == ROW_EDGE  ? &store->changed_edges
                                                 : NULL;

    if (!ids)
        return;
    if (!*ids)
        *ids = sqlite3_str_new(store->db);
    sqlite3_str_appendf(*ids, "%s%lld", sqlite3_str_length(*ids) ? "," : "[",
                        (long long)*(const int64_t *)row->columns);
}

/* The array, which the caller frees; NULL: nothing was noted, or *code says that it failed. */
static char *take(sqlite3_str **ids, int *code)
{
    if (!*ids)
        return NULL;
    sqlite3_str_appendchar(*ids, 1, ']');
    *code = *code ? *code : sqlite3_str_errcode(*ids);
    char *array = sqlite3_str_finish(*ids);
    *ids = NULL;
    return array;
}

static int run(sqlite3_stmt *statement)
{
    sqlite3_step(statement);
    return sqlite3_reset(statement);
}

/* The one integer that a statement gives; without a row *value is 0. */
static int ask(sqlite3_stmt *statement, int64_t *value)
{
    *value = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    return sqlite3_reset(statement);
}

/* The newest stays. Others may have emptied the table: then it is too much that is thought to be
 * there. */
static int forget_by_size(struct store *store, int64_t newest)
{
    int code = sqlite3_bind_int64(store->changes[FORGET_FIRST], 1, newest);
    int64_t gone = 1;
    while (code == SQLITE_OK && gone && store->changes_bytes > CHANGES_BYTES) {
        code = ask(store->changes[FORGET_FIRST], &gone);
        store->changes_bytes = gone ? store->changes_bytes - gone : -1;
    }
    return code;
}

static int forget(struct store *store, int64_t newest, int64_t bytes)
{
    int code = SQLITE_OK;
    if (store->changes_bytes < 0)
        code = ask(store->changes[MEASURE], &store->changes_bytes);
    else
        store->changes_bytes += bytes;
    sqlite3_bind_int64(store->changes[FORGET], 1, newest - CHANGES_MAX);
    if (code == SQLITE_OK)
        code = run(store->changes[FORGET]);
    return code == SQLITE_OK ? forget_by_size(store, newest) : code;
}

/* Returns the bytes of the array; NULL: there is none. */
static int64_t bind_ids(struct store *store, int index, const char *ids)
{
    sqlite3_bind_text(store->changes[NOTE], index, ids, -1, SQLITE_STATIC);
    return ids ? (int64_t)strlen(ids) : 0;
}

/* A number never comes back, even if others have emptied the table: a reader who knows the changes
 * up to one would take another's for it. */
static int insert(struct store *store, const char *processes, const char *edges)
{
    int64_t bytes = bind_ids(store, 1, processes);
    bytes += bind_ids(store, 2, edges);
    int code = run(store->changes[COUNT]);
    if (code == SQLITE_OK)
        code = run(store->changes[NOTE]);
    return code == SQLITE_OK ? forget(store, sqlite3_last_insert_rowid(store->db), bytes) : code;
}

enum store_status store_changes_write(struct store *store)
{
    int code = SQLITE_OK;
    char *processes = take(&store->changed_processes, &code);
    char *edges = take(&store->changed_edges, &code);
    if (code == SQLITE_OK && (processes || edges))
        code = insert(store, processes, edges);
    sqlite3_free(processes);
    sqlite3_free(edges);
    return code == SQLITE_OK ? STORE_OK : store_failed(store, "cannot note what has changed");
}

void store_changes_drop(struct store *store)
{
    int code = SQLITE_OK;
    store->changes_bytes = -1;
    sqlite3_free(take(&store->changed_processes, &code));
    sqlite3_free(take(&store->changed_edges, &code));
}

int store_changes_prepare(struct store *store)
{
    int code = SQLITE_OK;
    store->changes_bytes = -1;
    for (int i = 0; i < STORE_CHANGES_STATEMENTS && code == SQLITE_OK; i++)
        code = sqlite3_prepare_v3(store->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                  &store->changes[i], NULL);
    return code;
}

void store_changes_finalize(struct store *store)
{
    store_changes_drop(store);
    for (int i = 0; i < STORE_CHANGES_STATEMENTS; i++)
        sqlite3_finalize(store->changes[i]);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "row_fetch.h"
#include "store_private.h"

/*
 * Columns that name rows of another table. An id counts as used from the moment a row names it:
 * the row itself may come in a later batch, or never, when the recorder is killed in between.
 */
static const struct {
    const char *column;
    enum row_kind kind;
} references[] = {
    {"host_id", ROW_HOST},
    {"recorder_id", ROW_RECORDER},
    {"process_id", ROW_PROCESS},
    {"parent_id", ROW_PROCESS},
    {"src", ROW_PROCESS},
    {"dst", ROW_PROCESS},
    {"listener_id", ROW_LISTENER},
    {"peer_id", ROW_CONNECTION},
    {"connection_id", ROW_CONNECTION},
    {"peer_process_id", ROW_PROCESS},
    {"root_process_id", ROW_PROCESS},
    {"exec_id", ROW_EXEC},
    {"file_id", ROW_FILE},
    {"edge_id", ROW_EDGE},
    {"trace_id", ROW_TRACE},
    {"src_trace_id", ROW_TRACE},
    {"dst_trace_id", ROW_TRACE},
    {"flag_id", ROW_FLAG},
};

/* Returns whether the column holds ids, and of which kind of row. */
static bool find_reference(enum row_kind table, const char *column, enum row_kind *kind)
{
    *kind = table == ROW_TRACE_SCORE ? ROW_TRACE : table;
    if (strcmp(column, "id") == 0)
        return true;
    for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
        if (strcmp(column, references[i].column) == 0) {
            *kind = references[i].kind;
            return true;
        }
    }
    return false;
}

static void find_id_columns(enum row_kind kind, struct store_table *table)
{
    const struct table *shape = &row_tables[kind];
    for (size_t i = 0; i < shape->column_count; i++) {
        enum row_kind named;
        if (!find_reference(kind, shape->columns[i].name, &named))
            continue;
        table->id_columns[table->id_column_count].offset = shape->columns[i].offset;
        table->id_columns[table->id_column_count].kind = named;
        table->id_column_count++;
    }
}

static int prepare(struct store *store, const char *sql, sqlite3_stmt **statement)
{
    return sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
}

static int read_last_id(struct store *store, enum row_kind kind)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(store->db, "SELECT last_id FROM sequences WHERE name = ?1", -1,
                                  &statement, NULL);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_text(statement, 1, row_tables[kind].name, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_ROW)
        store->last_id[kind] = sqlite3_column_int64(statement, 0);
    return sqlite3_finalize(statement);
}

enum store_status store_prepare(struct store *store)
{
    int code = prepare(store,
                       "INSERT INTO sequences (name, last_id) VALUES (?1, ?2) "
                       "ON CONFLICT (name) DO UPDATE SET last_id = ?2",
                       &store->mark);
    if (code == SQLITE_OK)
        code = prepare(store, "DELETE FROM score_reasons WHERE trace_id = ?1", &store->unscore);
    if (code == SQLITE_OK)
        code = store_changes_prepare(store);
    if (code == SQLITE_OK)
        code = store_text_prepare(store);
    for (int kind = 0; kind < ROW_KIND_COUNT && code == SQLITE_OK; kind++) {
        find_id_columns((enum row_kind)kind, &store->tables[kind]);
        code = store_bind_prepare(store, (enum row_kind)kind);
        if (code == SQLITE_OK)
            code = read_last_id(store, (enum row_kind)kind);
    }
    return code == SQLITE_OK ? STORE_OK : store_failed(store, "cannot use its tables");
}

void store_finalize(struct store *store)
{
    store_bind_finalize(store);
    store_text_finalize(store);
    sqlite3_finalize(store->mark);
    sqlite3_finalize(store->unscore);
    store_changes_finalize(store);
}

enum store_status store_begin(struct store *store)
{
    memcpy(store->last_id_seen, store->last_id, sizeof(store->last_id));
    if (sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        return store_failed(store, "cannot begin to write");
    return STORE_OK;
}

static void note_ids(struct store *store, const struct row *row)
{
    const struct store_table *table = &store->tables[row->kind];
    for (size_t i = 0; i < table->id_column_count; i++) {
        int64_t id = *(const int64_t *)(const void *)((const char *)row->columns +
                                                      table->id_columns[i].offset);
        int64_t *last = &store->last_id_seen[table->id_columns[i].kind];
        if (id > *last) /* INTEGER_NULL is below every id */
            *last = id;
    }
}

static enum store_status put_failed(struct store *store, enum row_kind kind, int64_t id)
{
    char doing[96];
    snprintf(doing, sizeof(doing), "cannot write row %lld of %s", (long long)id,
             row_tables[kind].name);
    return store_failed(store, doing);
}

static int run(sqlite3_stmt *statement)
{
    sqlite3_step(statement);
    return sqlite3_reset(statement);
}

/* ---- rows that go in one by one ---- */

/* The reasons for a trace's score, before those for its new one come. */
static int drop_reasons(struct store *store, const struct row_trace_score *score)
{
    sqlite3_bind_int64(store->unscore, 1, score->id);
    return run(store->unscore);
}

static enum store_status put_score(struct store *store, const struct row *row)
{
    const struct row_trace_score *score = row->columns;
    int code = drop_reasons(store, score);
    if (code == SQLITE_OK)
        code = store_bind_update(store, row);
    if (code == SQLITE_OK)
        code = run(store->tables[row->kind].put);
    if (code != SQLITE_OK)
        return put_failed(store, row->kind, score->id);
    note_ids(store, row);
    return STORE_OK;
}

/* ---- rows that go in together ---- */

/* Writes what the feed holds, of one kind. */
static enum store_status put_fed(struct store *store, enum row_kind kind)
{
    struct store_feed *feed = &store->feed;
    if (feed->count == 0)
        return STORE_OK;
    int code = run(store->tables[kind].put);
    size_t failed = feed->at < feed->count ? feed->at : 0;
    feed->count = 0;
    return code == SQLITE_OK ? STORE_OK : put_failed(store, kind, feed->values[failed][0].integer);
}

static enum store_status feed(struct store *store, const struct row *row)
{
    if (store_row_values(store, row, store->feed.values[store->feed.count]) != SQLITE_OK)
        return put_failed(store, row->kind, *(const int64_t *)row->columns);
    note_ids(store, row);
    store_changes_note(store, row);
    if (++store->feed.count == STORE_FEED_ROWS)
        return put_fed(store, row->kind);
    return STORE_OK;
}

enum store_status store_put(struct store *store, const struct row *row)
{
    if (row->kind == ROW_TRACE_SCORE)
        return put_score(store, row);
    enum store_status status = feed(store, row);
    return status == STORE_OK ? put_fed(store, row->kind) : status;
}

static int write_mark(struct store *store, int kind)
{
    sqlite3_bind_text(store->mark, 1, row_tables[kind].name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(store->mark, 2, store->last_id_seen[kind]);
    return run(store->mark);
}

enum store_status store_commit(struct store *store)
{
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++) {
        if (store->last_id_seen[kind] > store->last_id[kind] &&
            write_mark(store, kind) != SQLITE_OK)
            return store_failed(store, "cannot write the ids used");
    }
    if (store_changes_write(store) != STORE_OK)
        return store->failure.status;
    errno = 0; /* see cause_of() */
    if (sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        return store_failed(store, "cannot commit");
    memcpy(store->last_id, store->last_id_seen, sizeof(store->last_id));
    return store_succeeded(store);
}

void store_roll_back(struct store *store)
{
    store->feed.count = 0;
    store_changes_drop(store);
    store_text_forget(store);
    store_tidy_stop(store);
    /* A full disk and some I/O errors have rolled back already. */
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

/* Whose order among each other matters: a score does away with the reasons for the one before. */
static bool goes_alone(enum row_kind kind)
{
    return kind == ROW_TRACE_SCORE || kind == ROW_SCORE_REASON;
}

/* NULL: what it is about was rolled away. */
static const struct row *admitted(const struct store *store, const struct row *row)
{
    return store->retention ? retention_admit(store->retention, row) : row;
}

static enum store_status put_kind(struct store *store, enum row_kind kind, const struct row *rows,
                                  size_t count)
{
    enum store_status status = STORE_OK;
    for (size_t i = 0; i < count && status == STORE_OK; i++) {
        if (rows[i].kind != kind)
            continue;
        const struct row *row = admitted(store, &rows[i]);
        status = row ? feed(store, row) : STORE_OK;
    }
    return status == STORE_OK ? put_fed(store, kind) : status;
}

static enum store_status put_alone(struct store *store, const struct row *rows, size_t count)
{
    enum store_status status = STORE_OK;
    for (size_t i = 0; i < count && status == STORE_OK; i++) {
        if (!goes_alone(rows[i].kind))
            continue;
        const struct row *row = admitted(store, &rows[i]);
        status = row ? store_put(store, row) : STORE_OK;
    }
    return status;
}

/* Table by table, as far as it does not matter what comes first: so pages stay at hand. */
static enum store_status put_all(struct store *store, const struct row *rows, size_t count)
{
    bool there[ROW_KIND_COUNT] = {false};
    enum store_status status = STORE_OK;
    for (size_t i = 0; i < count && status == STORE_OK; i++) {
        there[rows[i].kind] = true;
        if (store_text_foresee(store, &rows[i]) != SQLITE_OK)
            status = store_failed(store, "cannot write arguments");
    }
    for (int kind = 0; kind < ROW_KIND_COUNT && status == STORE_OK; kind++)
        if (there[kind] && !goes_alone((enum row_kind)kind))
            status = put_kind(store, (enum row_kind)kind, rows, count);
    return status == STORE_OK ? put_alone(store, rows, count) : status;
}

enum store_status store_write(struct store *store, const struct row *rows, size_t count)
{
    enum store_status status = store_begin(store);
    if (status == STORE_OK)
        status = put_all(store, rows, count);
    if (status == STORE_OK)
        status = store_commit(store);
    if (status != STORE_OK)
        store_roll_back(store);
    return status;
}
